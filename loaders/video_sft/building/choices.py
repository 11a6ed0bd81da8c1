"""Checking the options of a multiple-choice question, and finding the right one by its text."""

from __future__ import annotations

from collections.abc import Sequence

from video_sft.annotations import Row
from video_sft.texts import cleaned

__all__ = ["index_of_text"]


def index_of_text(row: Row, answer: str, choices: Sequence[str], field: str = "answer") -> int:
    """Return the index of the option an answer names by its text: the first one, where options repeat.

    Outer blanks do not count; everything else does.

    Raises:
        RowError: no option has that text.
    """
    if answer in choices:
        return choices.index(answer)
    trimmed = [cleaned(choice) for choice in choices]
    if cleaned(answer) not in trimmed:
        shown = ", ".join(repr(choice) for choice in choices)
        row.fail(field, f"the answer {answer!r} is none of the options {shown}")
    return trimmed.index(cleaned(answer))
