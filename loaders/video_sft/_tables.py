"""Tables for a terminal that never cut a name apart: words and parts of paths stay whole, however narrow it is."""

from __future__ import annotations

import re
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

__all__ = ["WholeTable"]

_PIECE = re.compile(r"[^\s/]*/|[^\s/]+/?|\s+")


class _WholeText:
    """Text that goes to the next line at blanks and behind slashes, and nowhere else."""

    def __init__(self, text: Text) -> None:
        self._text = text

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        lines = self._text.plain.splitlines() or [""]
        return Measurement(max(map(len, _pieces(self._text.plain)), default=0), max(map(len, lines)))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self._text.split("\n", allow_blank=True):
            told = line.blank_copy()
            end = 0
            for found in _PIECE.finditer(line.plain):
                if (
                    told.plain
                    and options.justify != "right"
                    and len((told.plain + found[0]).rstrip()) > options.max_width
                ):
                    yield _ended(told, options)
                    told = line.blank_copy()
                if told.plain or found[0].strip():
                    told.append_text(line[found.start() : found.end()])
                end = found.end()
            told.append_text(line[end:])
            yield _ended(told, options)


def _pieces(text: str) -> list[str]:
    return [piece.strip() for line in text.splitlines() for piece in _PIECE.findall(line) if piece.strip()]


def _ended(text: Text, options: ConsoleOptions) -> Text:
    text.rstrip()
    if options.justify == "right":
        text.pad_left(max(0, options.max_width - text.cell_len))
    text.no_wrap, text.overflow = True, "ignore"
    return text


class WholeTable(Table):
    """A table of such cells; where a terminal is too narrow for it, it is wider than the terminal."""

    def add_row(self, *renderables: RenderableType | None, **options: Any) -> None:
        """Add a row of cells."""
        texts = [Text(each) if isinstance(each, str) else each for each in renderables]
        super().add_row(*(_WholeText(each) if isinstance(each, Text) else each for each in texts), **options)
        for column, text in zip(self.columns, texts, strict=False):
            heads = _pieces(str(column.header))
            pieces = _pieces(text.plain) if isinstance(text, Text) else []
            if column.justify == "right":  # numbers, with their unit
                pieces = [piece.plain for piece in [text] if isinstance(piece, Text)]
            column.min_width = max(column.min_width or 0, *map(len, [*heads, *pieces]), 0)
            # `rich` takes room from columns that wrap, and does not know what is left of them.
            one_piece = len(pieces) < 2 and len(heads) < 2
            column.no_wrap = one_piece and (column.no_wrap or len(column._cells) == 1)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table's lines."""
        least = Measurement.get(console, options.update(max_width=1 << 16), self).minimum
        yield from super().__rich_console__(console, options.update(width=max(options.max_width, least)))
