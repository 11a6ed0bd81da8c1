"""Reading a text that goes into messages."""

from __future__ import annotations

from video_sft._annotations import SourceRow
from video_sft._text import cleaned
from video_sft.errors import RowError

__all__ = ["blank_field", "clean_or_blank", "clean_text", "unusable"]


def clean_text(row: SourceRow, field: str) -> str:
    """Return a field as the shared rows have it, trimmed and mended.

    Raises:
        RowError: it is not text, or nothing is left of it.
    """
    text = cleaned(row.text(field))
    if not text:
        row.fail(field, "the text is empty")
    return text


def clean_or_blank(row: SourceRow, field: str) -> str:
    """Return a field trimmed and mended; an empty string where upstream has only blanks or null there.

    Raises:
        RowError: there is no such field, or it is not text.
    """
    return cleaned(row.text_or_blank(field))


def blank_field(row: SourceRow, **texts: str) -> RowError | None:
    """Return why a row is unusable, if one of these fields has no text in it: upstream's own gap, nothing to learn."""
    return next((unusable(row, field, "upstream has no text there") for field, text in texts.items() if not text), None)


def unusable(row: SourceRow, field: str, problem: str) -> RowError:
    """Return why nothing can be learned from a row as upstream published it."""
    return row.error(field, problem, "There is nothing to mend: the row is left out, and the -source config has it")
