"""The policy for rows that cannot be read: stop at the first, or leave them out and count them."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from video_sft._annotations.source_row import SourceRow
from video_sft._near_names import check_one_of
from video_sft.errors import RowError, VideoSftError, one_line

__all__ = ["BAD_ROW_POLICIES", "BadRowPolicy", "Problems"]

T = TypeVar("T")
BadRowPolicy = Literal["error", "skip"]
BAD_ROW_POLICIES: tuple[BadRowPolicy, ...] = ("error", "skip")


@dataclass
class Problems:
    """Collects rows that could not be read, or stops at the first.

    Attributes:
        policy: `error` raises at once, `skip` remembers and goes on.
        skipped: what was left out so far, in file order.
        damage: places where a file is not as it should be that cost no row, in file order.
        notes: facts worth telling that cost no row, such as a video without questions.
        mended: how often a published value had to be read another way than it is written, by what was done.
    """

    policy: BadRowPolicy = "error"
    skipped: list[RowError] = field(default_factory=list)
    damage: list[RowError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    mended: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        check_one_of("on_bad_row", self.policy, BAD_ROW_POLICIES)

    def meet(self, error: RowError) -> None:
        """Take in one bad row.

        Raises:
            RowError: the one given, when the policy is `error`.
        """
        if self.policy == "error":
            raise error
        self.leave_out(error)

    def read_past(self, error: RowError) -> None:
        """Take in a place where a file is not as it should be, though its rows can be read all the same.

        Raises:
            RowError: the one given, when the policy is `error`.
        """
        if self.policy == "error":
            raise error
        self.damage.append(copy.copy(error))

    def leave_out(self, error: RowError) -> None:
        """Count a row that upstream itself left unusable: no reason to stop, whatever the policy."""
        self.skipped.append(copy.copy(error))  # without the traceback, which would hold every bad row in memory

    def mend(self, what: str, count: int = 1) -> None:
        """Count a value that is published and has one sensible reading, which is not what it says.

        `what` says what was found and how it is read, in a form that a number may follow.
        """
        self.mended[what] += count

    def lines(self) -> list[str]:
        """Return what there is to tell beside the rows left out: the notes, and a line for each kind of mend."""
        return [*self.notes, *(f"{what}: {count:,}" for what, count in self.mended.items())]

    def read(self, rows: Iterable[SourceRow], parse: Callable[[SourceRow], T]) -> Iterator[T]:
        """Yield what `parse` makes of each row, with the policy applied to the rows it cannot read.

        A parser that stumbles over a row without saying why, as one of another package may, is told where it was.
        """
        for row in rows:
            try:
                parsed = parse(row)
            except RowError as error:
                self.meet(error)
            except VideoSftError:
                raise
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                problem = f"the source's parser failed with {type(error).__name__}: {one_line(error)}"
                told = row.error(None, problem)
                told.__cause__ = error
                self.meet(told)
            else:
                yield parsed
