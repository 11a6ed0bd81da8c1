"""A check's report the way a person reads it: facts, findings, and what to do about each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from video_sft._cli.console import Console, table_of

if TYPE_CHECKING:
    from video_sft.checking import CheckReport, Finding

__all__ = ["print_problem", "print_report"]

_SEVERITIES = {"error": ("Errors", "bold red"), "warning": ("Warnings", "bold yellow"), "note": ("Notes", "bold cyan")}
_STATUS = {
    "as_published": Text("the published file", style="green"),
    "size_as_published": Text("size as published, no hash known", style="green"),
    "unverified": Text("no hash known", style="cyan"),
    "differs": Text("NOT the published file", style="bold red"),
    "missing": Text("missing", style="yellow"),
    "optional_missing": Text("missing, optional", style="dim"),
}
#: Of more missing files than this only the findings speak.
_MOST_MISSING = 12


def print_report(report: CheckReport, console: Console) -> None:
    """Print a report: tables of facts, then findings by severity, then the verdict."""
    console.print(f"\n{report.source} in {report.data_dir}", style="bold", soft_wrap=True)
    console.print(_files(report))
    if report.parts:
        console.print(_rows(report))
    if report.media:
        console.print(_media(report))
    if report.clips is not None and report.clips.videos:
        clips = report.clips
        line = f"Clips: {clips.limits:,} clips and moments compared with the length of {clips.videos:,} videos "
        line += f"({clips.tolerance_seconds:g} s are taken for rounding); {clips.beyond:,} reach beyond"
        console.print(line, soft_wrap=True)
    if report.overlaps:
        console.print(_overlaps(report))
    for severity, (title, style) in _SEVERITIES.items():
        chosen = [finding for finding in report.findings if finding.severity == severity]
        if chosen:
            console.print(f"\n{title}", style=style)
        for number, finding in enumerate(chosen, 1):
            for text in _lines(number, finding):
                console.print(text, soft_wrap=True)
    for what, place in report.lists.items():
        console.print(f"\nList of {what.replace('_', ' ')}: {place}", soft_wrap=True)
    console.print(_verdict(report), soft_wrap=True)


def print_problem(what: str, error: Exception, console: Console) -> None:
    """Print why one of several checks could not be made."""
    console.print(f"\n{what}", style="bold", soft_wrap=True)
    console.print(str(error), style="bold red", soft_wrap=True)


def _files(report: CheckReport) -> Table:
    table = table_of(("file", "for", "bytes", "sha256", "compared"), numbers=("bytes",), title="Files")
    missing = [facts for facts in report.files if facts.location is None]
    shown = [facts for facts in report.files if facts.location is not None or len(missing) <= _MOST_MISSING]
    for facts in shown:
        readers = ", ".join(facts.parts) if len(facts.parts) < 3 else f"{len(facts.parts)} parts"
        size = "" if facts.size is None else f"{facts.size:,}"
        table.add_row(Text(facts.name), Text(readers), size, (facts.sha256 or "")[:12], _STATUS[facts.status])
    if len(shown) < len(report.files):
        table.add_row(f"and {len(missing)} more", "", "", "", _STATUS["missing"])
    return table


def _rows(report: CheckReport) -> Table:
    numbers = ("read", "published", "unreadable", "without answer", "repeats", "videos")
    table = table_of(("part", *numbers), numbers=numbers, title="Rows")
    for facts in report.parts:
        counts = (facts.bad_rows, facts.without_answer, facts.repeats, facts.videos)
        published = _counted(facts.published_rows, "not known")
        table.add_row(Text(facts.part), f"{facts.rows:,}", published, *(f"{count:,}" for count in counts))
    return table


def _media(report: CheckReport) -> Table:
    numbers = ("files named", "found", "rows", "rows with media")
    table = table_of(("pool", *numbers), numbers=numbers, title="Media")
    for facts in report.media:
        found, there = _counted(facts.found, "no place given"), _counted(facts.rows_found, "")
        table.add_row(Text(facts.pool), f"{facts.wanted:,}", found, f"{facts.rows:,}", there)
    return table


def _overlaps(report: CheckReport) -> Table:
    numbers = ("videos", "rows here", "rows there", "same questions")
    table = table_of(("split", "shares with", *numbers), numbers=numbers, title="Shared with other splits")
    for facts in report.overlaps:
        there, asked = _counted(facts.other_rows, "not known"), _counted(facts.questions, "not known")
        other = f"{facts.other} {facts.other_split}"
        table.add_row(facts.split, other, f"{facts.videos:,}", f"{facts.rows:,}", there, asked)
    return table


def _counted(count: int | None, unknown: str) -> str:
    return unknown if count is None else f"{count:,}"


def _lines(number: int, finding: Finding) -> Iterator[Text]:
    yield Text(f" {number}. {finding.what}")
    for example in finding.examples:
        yield Text(f"      at  {example}", style="dim")
    if finding.further:
        yield Text(f"          and {finding.further:,} more", style="dim")
    if finding.remedy:
        yield Text(f"      do  {finding.remedy}")


def _verdict(report: CheckReport) -> Text:
    counts = report.counts()
    if report.clean:
        return Text("\nClean: no errors, no warnings", style="bold green")
    told = [f"{count} {name if count == 1 else name + 's'}" for name, count in counts.items() if count]
    return Text(f"\nNot clean: {', '.join(told)}", style="bold red" if counts["error"] else "bold yellow")
