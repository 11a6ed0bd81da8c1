"""The console of all commands: text that comes from files is shown, whatever is in it, and never acted on."""

from __future__ import annotations

import logging
import re
import textwrap
from collections.abc import Collection, Iterable
from typing import Any

import rich.console
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table

from video_sft._tables import WholeTable
from video_sft._text import visible

__all__ = ["Console", "PlainFormatter", "error_lines", "table_of"]

#: Where a sentence ends and another begins; a question about a name stays beside what it is about.
_NEXT_SENTENCE = re.compile(r"(?<=[a-z0-9)'\"`\]][.?]) +(?=[A-Z])(?!Did you mean)")


class Console(rich.console.Console):
    r"""A `rich` console that writes control characters of its text as `\x1b`, and knows no markup in it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"markup": False, "emoji": False, "highlight": False, **options})

    def print(self, *objects: Any, **options: Any) -> None:
        """Print; what is wider than the terminal goes to its next line, instead of being cut off."""
        super().print(*objects, **{"crop": False, **options})

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield what is to be printed."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(visible(segment.text), segment.style)


class PlainFormatter(logging.Formatter):
    """The same for what is logged."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line to print."""
        return visible(super().format(record))


def table_of(headings: Iterable[str], *, numbers: Collection[str] = (), **options: Any) -> Table:
    """Return an empty table whose cells are never cut off, and whose names are never cut apart.

    Args:
        headings: of its columns.
        numbers: those of columns that are set to the right.
        **options: as for `rich.table.Table`.
    """
    table = WholeTable(**{"title_justify": "left", "box": None, "padding": (0, 1, 0, 0), **options})
    for heading in headings:
        table.add_column(heading, justify="right" if heading in numbers else "left")
    return table


def error_lines(message: str, width: int | None) -> list[str]:
    """Return an error as lines: what is wrong in the first, and each further sentence in one of its own, set in.

    Args:
        message: its text.
        width: where words go to the next line; None leaves that to whoever reads it. Places are never cut apart.
    """
    lines = [part for line in message.splitlines() for part in _NEXT_SENTENCE.split(line.strip()) if part]
    told = [f"  {line}" if number else line for number, line in enumerate(lines)] or [""]
    if width is None:
        return told
    options: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False, "subsequent_indent": "    "}
    return [piece for line in told for piece in textwrap.wrap(line, max(width, 20), **options) or [""]]
