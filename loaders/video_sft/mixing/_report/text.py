"""A mixture's report as text: a table for the terminal, and Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.text import Text

from video_sft._tables import WholeTable
from video_sft._text import markdown_text, visible
from video_sft.mixing._report.facts import MixFacts, SourceReport

__all__ = [
    "CONTENT_COLUMNS", "NUMBERS", "REPORT_COLUMNS", "TEXT_COLUMNS", "cells", "markdown", "notes", "rich_tables",
    "smaller_tables",
]  # fmt: skip

REPORT_COLUMNS = (
    *("part", "asked", "share", "rows", "passes", "videos", "hours", "tasks", "formats", "turns", "characters"),
    *("licence", "left out"),
)
#: The columns of numbers in the smaller tables.
NUMBERS = ("rows", "rows left out")
TEXT_COLUMNS = ("part", "tasks", "formats", "licence")
_CONTENT = ("tasks", "formats")
_TEXTS = ("turns", "characters", "licence")
#: The columns on what a part's rows are; the others are on how many there are.
CONTENT_COLUMNS = (*_CONTENT, *_TEXTS)


def cells(source: SourceReport) -> list[str]:
    """Return the cells of one part, in the order of `REPORT_COLUMNS`; what is not known is an empty cell."""
    return [
        source.name,
        "" if source.requested is None else f"{source.requested:.1%}",
        f"{source.share:.1%}",
        f"{source.rows:,}",
        "" if source.passes is None else f"{source.passes:.2f}" if source.passes < 100 else f"{source.passes:,.0f}",
        f"{source.videos:,}",
        "" if source.hours is None else f"{source.hours:,.1f}" if source.hours >= 1 else f"{source.hours:.2g}",
        _most(source.tasks),
        _most(source.answer_formats),
        "" if source.turns is None else f"{source.turns:.2f}",
        "" if source.characters is None else f"{source.characters:,.0f}",
        _most(source.licenses),
        f"{sum(source.left_out.values()):,}" if source.left_out else "",
    ]


def _most(counts: Mapping[str, int]) -> str:
    """Return values with the share of each: `vqa 80%, reasoning 20%`; a single value stands alone."""
    if len(counts) < 2:
        return "".join(counts)
    total = sum(counts.values())
    return ", ".join(f"{name} {_percent(count / total)}" for name, count in counts.items())


def smaller_tables(report: MixFacts) -> list[tuple[tuple[str, ...], list[tuple[str, ...]]]]:
    """Return head and rows of two tables, as far as they have rows: what was left out, and the evaluation lists."""
    out = [(source.name, why, f"{rows:,}") for source in report.sources for why, rows in source.left_out.items()]
    counts, origins = report.total.on_lists, report.eval_origins
    lists = [
        (name, f"{counts.get(name, 0):,}", digest, origins.get(name, "")) for name, digest in report.eval_lists.items()
    ]
    tables = [(("part", "left out because", "rows"), out)]
    tables += [(("kept clear of", "rows left out", "digest", "made from"), lists)]  # type: ignore[list-item]
    return [(head, list(rows)) for head, rows in tables if rows]


def notes(report: MixFacts) -> list[str]:
    """Return sentences on the whole mixture."""
    told = []
    if report.license is not None:
        told.append(f"Strictest licence: {report.license}.")
    if report.total.hours is not None:
        told.append(f"Hours are known for {report.total.timed_rows:,} of {report.total.rows:,} rows.")
    if report.eval_footage:
        shown = [f"{name} ({count:,} videos)" for name, count in report.eval_footage.items() if count]
        told.append(f"Compared by content with {', '.join(shown)}; with the other lists by ids alone.")
    if report.total.not_compared:
        rows = ", ".join(f"{count:,} since {why}" for why, count in report.total.not_compared.items())
        told.append(f"Rows that could not be compared by content, and stay: {rows}.")
    if report.eval_missing:
        missing = ", ".join(report.eval_missing)
        told.append(f"Not checked, for lack of a list (`video-sft eval-ids` says why): {missing}.")
    return told


def rich_tables(report: MixFacts) -> Group:
    """Return the report as tables that fit a terminal, and lines on what was left out."""
    shares, content, texts = (WholeTable(box=SIMPLE_HEAD, pad_edge=False) for _ in range(3))
    skipped = () if report.total.hours is not None else ("hours",)
    for name in REPORT_COLUMNS:
        of_texts = texts if name in _TEXTS else shares
        for table in [shares, content, texts] if name == "part" else [content if name in _CONTENT else of_texts]:
            if name not in skipped:
                justify: Literal["left", "right"] = "left" if name in TEXT_COLUMNS else "right"
                table.add_column(name, justify=justify)
    for source in [*report.sources, report.total]:
        style = "bold" if source is report.total else None
        row = {name: cell for name, cell in zip(REPORT_COLUMNS, cells(source), strict=True) if name not in skipped}
        shown = {name: Text(visible(cell.replace(", ", "\n"))) for name, cell in row.items()}
        shares.add_row(*(cell for name, cell in shown.items() if name not in {*_CONTENT, *_TEXTS}), style=style)
        for table, names in ((content, _CONTENT), (texts, _TEXTS)):
            table.add_row(shown["part"], *(shown[name] for name in names), style=style)
    tables = [shares, content, texts]
    for head, rows in smaller_tables(report):
        table = WholeTable(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for name in head:
            table.add_column(name, justify="right" if name in NUMBERS else "left")
        for cell in rows:
            table.add_row(*(Text(visible(text)) for text in cell))
        tables.append(table)
    return Group(*tables, *(Text(visible(line)) for line in notes(report)))


def markdown(report: MixFacts) -> str:
    """Return the report as Markdown."""
    lines = [_line(REPORT_COLUMNS), _line("---" for _ in REPORT_COLUMNS)]
    lines += [_line(cells(source)) for source in [*report.sources, report.total]]
    for head, rows in smaller_tables(report):
        lines += ["", _line(head), _line("---" for _ in head), *map(_line, rows)]
    lines += [line for note in notes(report) for line in ("", markdown_text(note))]
    return "\n".join(lines) + "\n"


def _line(values: Iterable[str]) -> str:
    return "| " + " | ".join(value if value == "---" else markdown_text(value) for value in values) + " |"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else "<1%"
