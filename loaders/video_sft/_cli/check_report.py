"""A check's report the way a person reads it: what is there, what is wrong, what to do."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from video_sft._cli.console import Console
from video_sft.checking import CheckReport, FileFacts, Finding

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
    table = Table(title="Files", title_justify="left")
    for heading in ("file", "for", "bytes", "sha256", "compared"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "bytes" else "left")
    missing = [facts for facts in report.files if facts.location is None]
    shown = [facts for facts in report.files if facts.location is not None or len(missing) <= _MOST_MISSING]
    for facts in shown:
        size = "" if facts.size is None else f"{facts.size:,}"
        table.add_row(Text(facts.name), Text(_readers(facts)), size, (facts.sha256 or "")[:12], _STATUS[facts.status])
    if len(shown) < len(report.files):
        table.add_row(f"and {len(missing)} more", "", "", "", _STATUS["missing"])
    return table


def _readers(facts: FileFacts) -> str:
    return ", ".join(facts.parts) if len(facts.parts) < 3 else f"{len(facts.parts)} parts"


def _rows(report: CheckReport) -> Table:
    table = Table(title="Rows", title_justify="left")
    for heading in ("part", "read", "published", "unreadable", "without answer", "repeats", "videos"):
        table.add_column(heading, overflow="fold", justify="left" if heading == "part" else "right")
    for facts in report.parts:
        published = "not known" if facts.published_rows is None else f"{facts.published_rows:,}"
        numbers = (facts.bad_rows, facts.without_answer, facts.repeats, facts.videos)
        table.add_row(Text(facts.part), f"{facts.rows:,}", published, *(f"{number:,}" for number in numbers))
    return table


def _media(report: CheckReport) -> Table:
    table = Table(title="Media", title_justify="left")
    for heading in ("pool", "files named", "found", "rows", "rows with media"):
        table.add_column(heading, overflow="fold", justify="left" if heading == "pool" else "right")
    for facts in report.media:
        found = "no place given" if facts.found is None else f"{facts.found:,}"
        there = "" if facts.rows_found is None else f"{facts.rows_found:,}"
        table.add_row(Text(facts.pool), f"{facts.wanted:,}", found, f"{facts.rows:,}", there)
    return table


def _overlaps(report: CheckReport) -> Table:
    table = Table(title="Shared with other splits", title_justify="left")
    for heading in ("split", "shares with", "videos", "rows here", "rows there", "same questions"):
        of_text = heading in ("split", "shares with")
        table.add_column(heading, overflow="fold", justify="left" if of_text else "right")
    for facts in report.overlaps:
        there = "not known" if facts.other_rows is None else f"{facts.other_rows:,}"
        asked = "not known" if facts.questions is None else f"{facts.questions:,}"
        other = f"{facts.other} {facts.other_split}"
        table.add_row(facts.split, other, f"{facts.videos:,}", f"{facts.rows:,}", there, asked)
    return table


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
