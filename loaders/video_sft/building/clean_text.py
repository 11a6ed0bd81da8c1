"""Reading a text that goes into messages."""

from __future__ import annotations

from video_sft.annotations import Row
from video_sft.texts import cleaned

__all__ = ["clean_text"]


def clean_text(row: Row, field: str) -> str:
    """Return a field as the shared rows have it, trimmed and mended.

    Raises:
        RowError: it is not text, or nothing is left of it.
    """
    text = cleaned(row.text(field))
    if not text:
        row.fail(field, "the text is empty")
    return text
