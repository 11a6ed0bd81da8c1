"""The facts that a report on a mixture is made of: those of each part, and of the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["MixFacts", "SourceReport"]


@dataclass(frozen=True)
class SourceReport:
    """One part of a mixture, or all of it.

    Attributes:
        name: of the part.
        requested: the share asked for, None where that is not known.
        share: of the rows there are.
        rows: how many there are, repeats included.
        available: different rows the part can give; 0 where that is not known.
        passes: rows over available rows, None where those are not known.
        videos: different videos.
        hours: length of the different clips, as rows state it or their files show; None where it is known of none.
        timed_rows: rows of which it is known.
        tasks: rows by task.
        answer_formats: rows by answer format.
        licenses: rows by licence.
        turns: user turns in a row, on average; None without messages.
        characters: characters of text in a row, all turns, on average; None without messages.
        left_out: rows that were not mixed, by reason; one with several reasons counts for the first.
        on_lists: rows of the part on each evaluation list that has any; one that is on two counts for both.
        not_compared: rows whose video could not be compared by content, by the reason.
    """

    name: str
    requested: float | None
    share: float
    rows: int
    available: int
    passes: float | None
    videos: int
    hours: float | None
    timed_rows: int
    tasks: Mapping[str, int]
    answer_formats: Mapping[str, int]
    licenses: Mapping[str, int]
    turns: float | None
    characters: float | None
    left_out: Mapping[str, int] = field(default_factory=dict)
    on_lists: Mapping[str, int] = field(default_factory=dict)
    not_compared: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class MixFacts:
    """What a mixture consists of; `MixReport` says what each attribute is."""

    sources: tuple[SourceReport, ...]
    total: SourceReport
    license: str | None
    eval_lists: Mapping[str, str]
    eval_missing: tuple[str, ...]
    recipe: Mapping[str, object]
    eval_origins: Mapping[str, str] = field(default_factory=dict)
    eval_footage: Mapping[str, int] = field(default_factory=dict)
