"""What happens to a row that cannot be read: stop there, or leave it out and count it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from video_sft.annotations.row import Row
from video_sft.errors import ConfigError, RowError

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
        mended: places where a file is not as it should be that cost no row, in file order.
        notes: facts worth telling that cost no row, such as a video without questions.
    """

    policy: BadRowPolicy = "error"
    skipped: list[RowError] = field(default_factory=list)
    mended: list[RowError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.policy not in BAD_ROW_POLICIES:
            raise ConfigError(f"on_bad_row is {self.policy!r}; it is one of {', '.join(BAD_ROW_POLICIES)}")

    def meet(self, error: RowError) -> None:
        """Take in one bad row.

        Raises:
            RowError: the one given, when the policy is `error`.
        """
        if self.policy == "error":
            raise error
        self.leave_out(error)

    def mend(self, error: RowError) -> None:
        """Take in a place where a file is not as it should be, though its rows can be read all the same.

        Raises:
            RowError: the one given, when the policy is `error`.
        """
        if self.policy == "error":
            raise error
        self.mended.append(copy.copy(error))

    def leave_out(self, error: RowError) -> None:
        """Count a row that upstream itself left unusable: no reason to stop, whatever the policy."""
        self.skipped.append(copy.copy(error))  # without the traceback, which would hold every bad row in memory

    def read(self, rows: Iterable[Row], parse: Callable[[Row], T]) -> Iterator[T]:
        """Yield what `parse` makes of each row, with the policy applied to the rows it cannot read."""
        for row in rows:
            try:
                parsed = parse(row)
            except RowError as error:
                self.meet(error)
            else:
                yield parsed
