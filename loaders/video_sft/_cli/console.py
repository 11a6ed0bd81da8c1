"""The console of all commands: text that comes from files is shown, whatever is in it, and never acted on."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from typing import Any

import rich.console
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table

from video_sft._text import visible

__all__ = ["Console", "PlainFormatter", "table_of"]


class Console(rich.console.Console):
    r"""A `rich` console that writes control characters of its text as `\x1b`, and knows no markup in it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"markup": False, "emoji": False, "highlight": False, **options})

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
    """Return an empty table whose cells are never cut off.

    Args:
        headings: of its columns.
        numbers: those of columns that are set to the right.
        **options: as for `rich.table.Table`.
    """
    table = Table(title_justify="left", **options)
    for heading in headings:
        table.add_column(heading, overflow="fold", justify="right" if heading in numbers else "left")
    return table
