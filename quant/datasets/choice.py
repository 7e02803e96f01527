"""What of a data set a network is shown, and which trials train and test it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from quant.datasets.excerpt import Excerpt
from quant.errors import Problem, UserError

FOLDS = 5


@dataclass(frozen=True)
class Choice:
    """Excerpt, protocol, subject, fold and standardisation; what is None is the data set's default.

    Attributes:
        excerpt: a name of :data:`excerpt.EXCERPTS`, or an excerpt of one's own.
        protocol: one of :data:`protocols.PROTOCOLS`.
        subject: as the data set numbers them. Where the default protocol is cross-subject, a subject asks for
            within-subject.
        fold: of the protocol's splits, from 1 on; None is the first one.
        folds: how many, of the protocol cross-subject.
        standardize: one of :data:`standardize.METHODS`.

    Raises:
        UserError: a fold below 1.
    """

    excerpt: str | Excerpt | None = None
    protocol: str | None = None
    subject: int | None = None
    fold: int | None = None
    folds: int = FOLDS
    standardize: str = "channel"

    def __post_init__(self) -> None:
        if self.fold is not None and self.fold < 1:
            raise UserError(Problem(f"fold is {self.fold}", "choice of the data set", "1 and above"))

    def over(self, default: Choice) -> Choice:
        """This choice with ``default``'s excerpt and protocol where it has none."""
        protocol = self.protocol or default.protocol
        if self.protocol is None and protocol == "cross-subject" and self.subject is not None:
            protocol = "within-subject"
        return replace(self, excerpt=self.excerpt or default.excerpt, protocol=protocol)
