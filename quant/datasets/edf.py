"""Reader of EDF and EDF+ recordings: every channel in microvolts, and the annotations.

MNE reads these files too (the tests hold both side by side), but a truncated file only makes it warn, and channels of
several rates or of unknown units it takes as they come. Here a recording that is not whole is refused.

Kemp, Varri, Rosa, Nielsen, Gade, "A simple format for exchange of digitized polygraphic recordings",
Electroencephalogr. Clin. Neurophysiol. 82, 1992; Kemp, Olivan, "European data format 'plus' (EDF+)", Clin.
Neurophysiol. 114, 2003.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quant.errors import Problem, UserError

HEADER = 256  # bytes before, and again for each signal
FIELDS = {
    "label": 16,
    "transducer": 80,
    "unit": 8,
    "low": 8,
    "high": 8,
    "digital_low": 8,
    "digital_high": 8,
    "filter": 80,
    "samples": 8,
    "reserved": 32,
}
MICROVOLTS = {"uV": 1.0, "\u00b5V": 1.0, "mV": 1e3, "V": 1e6}
ANNOTATIONS = "EDF Annotations"
MARK = re.compile(rb"([+-]\d+(?:\.\d*)?)(?:\x15(\d+(?:\.\d*)?))?\x14((?:[^\x00\x14]*\x14)+)\x00")
SUPPORTED = "an EDF or EDF+ file of one recording without gaps"


@dataclass(frozen=True)
class Event:
    """An annotation: seconds after the first sample, seconds it lasts (0 where not said), text."""

    onset: float
    duration: float
    text: str


@dataclass(frozen=True, eq=False)
class Edf:
    """A recording.

    Attributes:
        channels: labels as the file spells them.
        fs: samples per second, of all channels.
        x: float32 (channels, samples) in microvolts.
        events: annotations in file order, without the empty ones that only keep time.
    """

    channels: tuple[str, ...]
    fs: float
    x: NDArray[np.float32]
    events: tuple[Event, ...]


def read(path: Path) -> Edf:
    """The recording in ``path``.

    Raises:
        UserError: no such file; it is no EDF; it is truncated or longer than its header says; it has gaps, channels of
            several rates, or a unit that is no voltage.
    """
    where = str(path)
    if not path.is_file():
        raise UserError(Problem("this file does not exist", where, SUPPORTED))
    data = path.read_bytes()
    try:
        return _parse(data, where)
    except (ValueError, ZeroDivisionError) as error:
        raise UserError(Problem(f"not readable as EDF: {error}", where, SUPPORTED)) from error


def _parse(data: bytes, where: str) -> Edf:
    if len(data) < HEADER or data[:8] != b"0       ":
        raise ValueError("it does not start with an EDF header")
    records, seconds, count = int(data[236:244]), float(data[244:252]), int(data[252:256])
    if b"EDF+D" in data[192:236]:
        raise ValueError("it is a recording with gaps (EDF+D)")
    signals = _signals(data[HEADER : HEADER * (1 + count)], count)
    lengths = [int(signal["samples"]) for signal in signals]
    size = HEADER * (1 + count) + 2 * records * sum(lengths)
    if records < 1 or len(data) != size:
        what = f"it has {len(data)} bytes, its header announces {size} ({records} records)"
        fix = "it was cut off or damaged on the way: get it again"
        raise UserError(Problem(what, where, SUPPORTED, fix))
    body = np.frombuffer(data, "<i2", offset=HEADER * (1 + count)).reshape(records, sum(lengths))
    parts = np.split(body, np.cumsum(lengths)[:-1], axis=1)
    voltages = [number for number, signal in enumerate(signals) if signal["label"] != ANNOTATIONS]
    rates = sorted({lengths[number] / seconds for number in voltages})
    if len(rates) != 1:
        raise ValueError(f"its channels have {len(rates)} different rates")
    x = np.stack([_microvolts(parts[number], signals[number]) for number in voltages])
    events = [event for number in set(range(count)) - set(voltages) for event in _events(parts[number])]
    return Edf(tuple(signals[number]["label"] for number in voltages), rates[0], x, tuple(events))


def _signals(header: bytes, count: int) -> list[dict[str, str]]:
    """The header's columns, one dictionary per signal."""
    if count < 1 or len(header) != HEADER * count:
        raise ValueError("its header is cut off")
    columns, at = {}, 0
    for name, width in FIELDS.items():
        block = header[at : at + width * count].decode("latin-1")
        columns[name] = [block[width * number : width * (number + 1)].strip() for number in range(count)]
        at += width * count
    return [{name: column[number] for name, column in columns.items()} for number in range(count)]


def _microvolts(part: NDArray[np.int16], signal: dict[str, str]) -> NDArray[np.float32]:
    """One channel's records (records, samples) as float32 (records * samples,)."""
    if signal["unit"] not in MICROVOLTS:
        raise ValueError(f"channel '{signal['label']}' is in '{signal['unit']}', not in {', '.join(MICROVOLTS)}")
    low, high, first, last = (float(signal[name]) for name in ("low", "high", "digital_low", "digital_high"))
    step = (high - low) / (last - first)
    return ((part.reshape(-1) - first) * step + low).astype(np.float32) * np.float32(MICROVOLTS[signal["unit"]])


def _events(part: NDArray[np.int16]) -> list[Event]:
    """Annotations of an annotation channel (records, samples): two characters in each sample."""
    found = []
    for record in part:
        for onset, duration, texts in MARK.findall(record.tobytes()):
            words = [text.decode("utf-8", "replace") for text in texts.split(b"\x14") if text]
            found += [Event(float(onset), float(duration or 0), word) for word in words]
    return found
