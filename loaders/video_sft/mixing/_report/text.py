"""A mixture's report as text: a table for the terminal, and Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from video_sft._text import markdown_text, visible

if TYPE_CHECKING:
    from video_sft.mixing._report.report import MixReport, SourceReport

__all__ = [
    "COLUMNS",
    "LIST_COLUMNS",
    "TEXT_COLUMNS",
    "cells",
    "left_out_rows",
    "list_rows",
    "markdown",
    "most",
    "notes",
    "rich_tables",
]

COLUMNS = (
    "part",
    "asked",
    "share",
    "rows",
    "passes",
    "videos",
    "hours",
    "tasks",
    "formats",
    "turns",
    "characters",
    "licence",
    "left out",
)
LIST_COLUMNS = ("kept clear of", "rows left out", "digest", "made from")
TEXT_COLUMNS = ("part", "tasks", "formats", "licence")
_CONTENT = ("tasks", "formats", "turns", "characters", "licence")


def cells(source: SourceReport) -> list[str]:
    """Return the cells of one part, in the order of `COLUMNS`; what is not known is an empty cell."""
    return [
        source.name,
        "" if source.requested is None else f"{source.requested:.1%}",
        f"{source.share:.1%}",
        f"{source.rows:,}",
        "" if source.passes is None else f"{source.passes:.2f}" if source.passes < 100 else f"{source.passes:,.0f}",
        f"{source.videos:,}",
        "" if source.hours is None else f"{source.hours:,.1f}",
        most(source.tasks),
        most(source.answer_formats),
        "" if source.turns is None else f"{source.turns:.2f}",
        "" if source.characters is None else f"{source.characters:,.0f}",
        most(source.licenses),
        f"{sum(source.left_out.values()):,}" if source.left_out else "",
    ]


def most(counts: Mapping[str, int]) -> str:
    """Return values with the share of each: `vqa 80%, reasoning 20%`; a single value stands alone."""
    if len(counts) < 2:
        return "".join(counts)
    total = sum(counts.values())
    return ", ".join(f"{name} {_percent(count / total)}" for name, count in counts.items())


def left_out_rows(report: MixReport) -> list[tuple[str, str, int]]:
    """Return (part, reason, rows) for all that was left out."""
    return [(source.name, why, rows) for source in report.sources for why, rows in source.left_out.items()]


def list_rows(report: MixReport) -> list[tuple[str, str, str, str]]:
    """Return (list, rows left out, digest, made from) for the evaluation lists, in the order of `LIST_COLUMNS`."""
    counts = report.total.on_lists
    return [
        (name, f"{counts.get(name, 0):,}", digest, report.eval_origins.get(name, ""))
        for name, digest in report.eval_lists.items()
    ]


def notes(report: MixReport) -> list[str]:
    """Return sentences on the whole mixture."""
    told = []
    if report.license is not None:
        told.append(f"Strictest licence: {report.license}.")
    if report.total.hours is not None:
        told.append(f"Hours are known for {report.total.timed_rows:,} of {report.total.rows:,} rows.")
    if report.eval_missing:
        missing = ", ".join(report.eval_missing)
        told.append(f"Not checked, for lack of a list (`video-sft eval-ids` says why): {missing}.")
    return told


def rich_tables(report: MixReport) -> Group:
    """Return the report as tables that fit a terminal, and lines on what was left out."""
    shares, content = (Table(box=SIMPLE_HEAD, pad_edge=False) for _ in range(2))
    skipped = () if report.total.hours is not None else ("hours",)
    for name in COLUMNS:
        for table in [shares, content] if name == "part" else [content if name in _CONTENT else shares]:
            if name not in skipped:
                justify: Literal["left", "right"] = "left" if name in TEXT_COLUMNS else "right"
                table.add_column(name, justify=justify, overflow="fold", no_wrap=name == "part")
    for source in [*report.sources, report.total]:
        style = "bold" if source is report.total else None
        row = {name: cell for name, cell in zip(COLUMNS, cells(source), strict=True) if name not in skipped}
        shares.add_row(*(Text(visible(cell)) for name, cell in row.items() if name not in _CONTENT), style=style)
        described = [row["part"], *(row[name].replace(", ", "\n") for name in _CONTENT)]
        content.add_row(*(Text(visible(cell)) for cell in described), style=style)
    out = [f"{part}: left out {rows:,} {_rows(rows)}, {why}" for part, why, rows in left_out_rows(report)]
    tables = [shares, content]
    if report.eval_lists:
        lists = Table(box=SIMPLE_HEAD, pad_edge=False)
        for name in LIST_COLUMNS:
            lists.add_column(name, justify="right" if name == "rows left out" else "left", overflow="fold")
        for cell in list_rows(report):
            lists.add_row(*(Text(visible(text)) for text in cell))
        tables.append(lists)
    return Group(*tables, *(Text(visible(line)) for line in [*out, *notes(report)]))


def markdown(report: MixReport) -> str:
    """Return the report as Markdown."""
    lines = [_line(COLUMNS), _line("---" for _ in COLUMNS)]
    lines += [_line(cells(source)) for source in [*report.sources, report.total]]
    out = left_out_rows(report)
    if out:
        lines += ["", _line(("part", "left out because", "rows")), _line(("---", "---", "---"))]
        lines += [_line((part, why, f"{rows:,}")) for part, why, rows in out]
    if report.eval_lists:
        lines += ["", _line(LIST_COLUMNS), _line("---" for _ in LIST_COLUMNS), *map(_line, list_rows(report))]
    lines += [line for note in notes(report) for line in ("", markdown_text(note))]
    return "\n".join(lines) + "\n"


def _line(values: Iterable[str]) -> str:
    return "| " + " | ".join(value if value == "---" else markdown_text(value) for value in values) + " |"


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else "<1%"
