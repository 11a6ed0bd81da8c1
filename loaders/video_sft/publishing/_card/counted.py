"""The blocks of a card about what is in the repo: configs, rows to look at, videos, question types, changes."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence

from video_sft._rows.prompt_styles import PROMPT_STYLES
from video_sft._text import visible
from video_sft.publishing._card.facts import CardFacts
from video_sft.publishing._card.text import table
from video_sft.publishing._layout import MANIFEST
from video_sft.publishing._report import ConfigReport, ExampleRow, SplitReport, VideoTotals

__all__ = ["changes", "configs", "examples", "number", "question_types", "videos"]

_NONE_KNOWN = "The card of a published repo has this."


def number(count: int) -> str:
    """Return a number of rows, which upstream may not have stated."""
    return f"{count:,}" if count else "not stated"


def configs(facts: CardFacts) -> str:
    """Return the configs and splits, with what was counted where rows were at hand."""
    rows = []
    for config in facts.configs:
        for split, counted in config.splits.items():
            cells = (f"`{config.name}`", split, number(counted.rows))
            rows.append((*cells, *_counted_cells(counted)) if facts.counted else cells)
    head = ("config", "split", "rows")
    more = ("with a video or image here", "distinct videos", "Parquet")
    return "\n".join([table((*head, *more) if facts.counted else head, rows), *_wording(facts.configs)])


def _counted_cells(split: SplitReport) -> tuple[str, str, str]:
    shared = bool(split.tasks)
    share = f"{math.floor(100 * split.rows_with_media / split.rows)}%" if shared and split.rows else ""
    if split.rows_with_media and share == "0%":
        share = "under 1%"
    return share, f"{split.videos:,}" if split.videos else "", _size(split.file_bytes)


def _wording(found: Sequence[ConfigReport]) -> Iterator[str]:
    """Yield a line for each way questions are worded in other than the usual one, with the configs that have it."""
    ways: dict[str, list[str]] = {}
    for config in found:
        chosen = ", ".join(f"{name}={value!r}" for name, value in sorted(config.wording.items()))
        if chosen:
            ways.setdefault(chosen, []).append(f"`{config.name}`")
    for chosen, names in ways.items():
        used = next((style.used for name, style in PROMPT_STYLES.items() if f"prompt_style={name!r}" in chosen), "")
        where = f" ({used})" if used else ""
        yield f"\nQuestions and answers in `messages` of {', '.join(names)} are worded with `{chosen}`{where}."


def _size(nbytes: int) -> str:
    for unit, limit in (("GB", 1e9), ("MB", 5e4)):
        if nbytes >= limit:
            return f"{nbytes / (1e9 if unit == 'GB' else 1e6):,.1f} {unit}"
    return f"{nbytes / 1e3:,.1f} kB" if nbytes else ""


def examples(facts: CardFacts) -> str:
    """Return a row of each source, as a person reads it."""
    shown = []
    for source in facts.sources:
        own = [config for config in facts.configs if config.name.partition("-")[0] == source.name]
        found = next((config for config in own if config.example is not None), None)
        if found is not None and found.example is not None:
            shown.append(_example(found.name, found.example))
    if not shown:
        return "This repo has upstream's own fields only; the Hub's viewer shows its rows."
    lead = "" if facts.counted else "Invented, in the form of the real ones:\n\n"
    return lead + "\n\n".join(shown)


def _example(config: str, row: ExampleRow) -> str:
    """Return a row as a block of text, which nothing in it ends or makes into anything else."""
    said = "\n".join(f"{role}:\n{textwrap.indent(text, '  ')}" for role, text in row.turns)
    text = "\n".join(map(visible, said.splitlines()))
    fence = "```"
    while fence in text:
        fence += "`"
    about = f", about {code(row.video_path)}" if row.video_path else ""
    if about and (row.start_seconds is not None or row.stop_seconds is not None):
        stop = "its end" if row.stop_seconds is None else f"{row.stop_seconds:g} s"
        about += f" from {row.start_seconds or 0:g} s to {stop}"
    return f"`{config}`, {row.split}, {code(row.id)}{about}:\n\n{fence}text\n{text}\n{fence}"


def videos(facts: CardFacts) -> str:
    """Return how many videos there are here and how long they are, and how to come by those of one config."""
    if not facts.counted:
        return _NONE_KNOWN
    rows = [
        (f"`{config.name}`", f"{config.published.files:,}", _size(config.published.nbytes), _hours(config.published))
        for config in facts.configs
        if config.published.files
    ]
    if not rows:
        return (
            "No videos are in this repo, and the `video` cells are null: whoever published it shares rows alone. "
            "`video_path` says which file of your own copy a row is about."
        )
    total = facts.videos
    told = f"{total.files:,} videos are in this repo: {_size(total.nbytes)}, {_hours(total)}."
    packed = [config for config in facts.configs if config.packed]
    where = "They lie in zips, one pool in each, and" if packed else "Several rows may refer to one of them;"
    listed = f"{told} {where} `{MANIFEST}` lists path, size, SHA-256 and duration of each."
    fetched = (
        f"The videos of one config, with its rows:\n\n```sh\nvideo-sft repo fetch {rows[0][0].strip('`')} --repo "
        f"{facts.repo} --out FOLDER\n```"
    )
    return "\n\n".join([listed, table(("config", "videos", "size", "length"), rows), fetched])


def _hours(total: VideoTotals) -> str:
    hours = total.seconds / 3600
    told = f"{hours:,.1f} hours" if hours >= 1 else f"{total.seconds / 60:,.1f} minutes"
    if not total.timed:
        return "length not known"
    return told if total.timed >= total.files else f"{told}, as far as {total.timed:,} of them tell"


def question_types(facts: CardFacts) -> str:
    """Return the rows by task and by the sources' own codes."""
    if not facts.counted:
        return _NONE_KNOWN
    whole = [config for config in facts.configs if "-" not in config.name]
    rows = [line for config in whole for line in _by_split(config)]
    return table(("config", "what", "rows"), rows) if rows else "This repo has views or upstream's own fields only."


def _by_split(config: ConfigReport) -> Iterator[tuple[str, str, str]]:
    """Yield a line for each task and question type, with its rows by split."""
    for what, field in (("task", "tasks"), ("question type", "question_types")):
        by_split = {name: getattr(split, field) for name, split in config.splits.items()}
        for value in sorted({value for counts in by_split.values() for value in counts}):
            counts = ", ".join(f"{name} {found[value]:,}" for name, found in by_split.items() if value in found)
            yield f"`{config.name}`", f"{what} {code(value)}", counts


def code(value: str) -> str:
    """Return a value of the rows as code: what is in it is shown, in one line, and ends nothing."""
    text = visible(" ".join(value.split()))
    return f"`{text}`" if "`" not in text else f"`` {text.replace('``', '` `')} ``"


def changes(facts: CardFacts) -> str:
    """Return what was published when, the newest first."""
    return "\n".join(f"- {line}" for line in reversed(facts.changes)) or _NONE_KNOWN
