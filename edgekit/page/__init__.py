"""``report.html``: one page that stands alone, made from nothing but the dictionary in ``report.json``.

schema.py       what the dictionary must hold
decision.py     the sentence at the top
figures.py      numbers as text
charts.py       bars, meters and traces as inline SVG; memory_map.py the arena over time
subjects.py     accuracy by subject; response.py temporal filters; scalp.py spatial filters, on a head (head.py) with
                contours (contours.py)
templates/      the page, one file per section, and its style sheet
"""
