"""A mixture as notebooks show it: its parts, what was left out of them, and its first rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from datasets import Dataset

from video_sft.mixing._provenance import MixtureRecord

__all__ = ["mixture_html"]

_ROWS, _PARTS, _LETTERS = 5, 40, 160
_STYLE = "text-align:left;vertical-align:top"


def mixture_html(rows: Dataset, record: MixtureRecord) -> str:
    """Return the tables; nothing but a few rows is read, however many there are."""
    parts = [
        (
            part.name,
            f"{part.requested:.1%}",
            f"{part.used:,}",
            "; ".join(f"{count:,} {reason}" for reason, count in part.left_out.items()),
        )
        for part in record.parts[:_PARTS]
    ]
    more = len(record.parts) - len(parts)
    told = f"<p><b>A mixture of {len(rows):,} rows</b>; <code>video_sft.describe</code> reports on them.</p>"
    tables = _table(("part", "share asked for", "rows it has", "left out"), parts)
    tables += f"<p>and {more:,} parts more</p>" if more > 0 else ""
    names = [name for name in ("id", "messages", "answer", "mix_epoch") if name in rows.column_names]
    if "messages" in names and len(rows):
        some = rows.with_format(None).select_columns(names)[:_ROWS]
        first = [
            [_words(name, value) for name, value in zip(some, row, strict=True)]
            for row in zip(*some.values(), strict=True)
        ]
        tables += f"<p>The first rows:</p>{_table(names, first)}"
    return f"<div>{told}{tables}</div>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f'<th scope="col" style="{_STYLE}">{escape(name)}</th>' for name in head)
    lines = ("".join(f'<td style="{_STYLE}">{escape(cell)}</td>' for cell in row) for row in rows)
    return f"<table><tr>{top}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _words(name: str, value: object) -> str:
    if name == "messages" and isinstance(value, list):
        said = (part["text"] or f"<{part['type']}>" for turn in value for part in turn["content"])
        value = " ".join(" ".join(said).split())
    text = "" if value is None else str(value)
    return text if len(text) <= _LETTERS else f"{text[:_LETTERS]}…"
