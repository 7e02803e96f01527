"""Writes small EDF+ files for the tests of the reader, field by field as the format's description says."""

from collections.abc import Sequence

import numpy as np

PLACES = (("transducer", 80), ("unit", 8), ("low", 8), ("high", 8), ("first", 8), ("last", 8), ("filter", 80))


def edf(
    x: np.ndarray,
    labels: Sequence[str],
    events: Sequence[tuple[float, float, str]] = (),
    fs: int = 160,
    unit: str = "uV",
    limits: tuple[int, int] = (-8092, 8092),
    kind: str = "EDF+C",
) -> bytes:
    """Channels x (channels, samples) int16, one second per record; physical values lie within ``limits``."""
    channels, samples = x.shape
    records, words = samples // fs, 80
    count = channels + 1
    fields = ["0", "X X X X", "Startdate X X X X", "12.08.09", "16.15.00", str(256 * (count + 1)), kind, str(records)]
    widths = [8, 80, 80, 8, 8, 8, 44, 8]
    header = "".join(field.ljust(width) for field, width in zip(fields, widths, strict=True)) + "1       "
    header += str(count).ljust(4) + "".join(label.ljust(16) for label in (*labels, "EDF Annotations"))
    values = {"unit": unit, "low": str(limits[0]), "high": str(limits[1]), "first": "-8092", "last": "8092"}
    for name, width in PLACES:
        header += values.get(name, "").ljust(width) * channels
        header += {"low": "-1", "high": "1", "first": "-32768", "last": "32767"}.get(name, "").ljust(width)
    header += str(fs).ljust(8) * channels + str(words).ljust(8) + " " * 32 * count
    body = b""
    for record in range(records):
        marks = f"+{record}\x14\x14\x00".encode()
        for onset, duration, text in events:
            if record <= onset < record + 1:
                marks += f"+{onset:g}\x15{duration:g}\x14{text}\x14\x00".encode()
        body += x[:, record * fs : (record + 1) * fs].astype("<i2").tobytes() + marks.ljust(2 * words, b"\0")
    return header.encode("latin-1") + body
