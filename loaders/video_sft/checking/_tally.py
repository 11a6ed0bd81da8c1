"""Bad rows by kind, in bounded memory however many there are."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from video_sft._annotations import Problems
from video_sft.errors import RowError

__all__ = ["BadRows", "ProblemKind", "ProblemTally"]

_EXAMPLES = 3
_MOST_KINDS = 200
_MOST_LISTED = 100_000
#: What differs between two cases of one problem: quoted text and numbers.
_PARTICULARS = re.compile(r"'[^']*'|\"[^\"]*\"|-?\d[\d.,]*")
_RUN = re.compile(r"…(?:, …)+")


@dataclass(frozen=True)
class ProblemKind:
    """One kind of problem: the file, the field, and the problem without its particulars."""

    file: str
    field: str | None
    problem: str


@dataclass
class BadRows:
    """The rows with one kind of problem: how many, and the first ones in words."""

    count: int = 0
    examples: list[str] = field(default_factory=list)
    remedy: str = ""

    def add(self, error: RowError) -> None:
        """Take in one row."""
        self.count += 1
        self.remedy = error.remedy
        if len(self.examples) < _EXAMPLES:
            self.examples.append(f"{error.file}, {error.position}: {error.problem}")


@dataclass
class ProblemTally(Problems):
    """Counts what could not be read instead of stopping or remembering every row.

    Attributes:
        kinds: bad rows by kind; from the 200th kind on, problems of a file go under one.
        left_out: the same for rows that upstream itself left unusable.
        listed: the first 100,000 bad rows, for a list file.
        by_file: how many bad rows each file has.
    """

    kinds: dict[ProblemKind, BadRows] = field(default_factory=dict)
    left_out: dict[ProblemKind, BadRows] = field(default_factory=dict)
    listed: list[tuple[str, str, str | None, str]] = field(default_factory=list)
    by_file: Counter[str] = field(default_factory=Counter)

    def meet(self, error: RowError) -> None:
        """Count one bad row."""
        _count(self.kinds, error)
        self.by_file[error.file] += 1
        if len(self.listed) < _MOST_LISTED:
            self.listed.append((error.file, error.position, error.field, error.problem))

    def leave_out(self, error: RowError) -> None:
        """Count a row that upstream itself left unusable."""
        _count(self.left_out, error)

    def left_out_rows(self, file: str | None = None) -> int:
        """Return how many rows upstream itself left unusable: in all, or of one file."""
        return sum(rows.count for kind, rows in self.left_out.items() if file in (None, kind.file))


def _count(kinds: dict[ProblemKind, BadRows], error: RowError) -> None:
    kind = ProblemKind(error.file, error.field, _RUN.sub("…", _PARTICULARS.sub("…", error.problem)))
    if kind not in kinds and len(kinds) >= _MOST_KINDS:
        kind = ProblemKind(error.file, None, "other problems")
    kinds.setdefault(kind, BadRows()).add(error)
