"""`video-sft list`: the catalogue of configs, and what is known of their sources."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.padding import Padding

from video_sft._cli.console import Console, table_of

if TYPE_CHECKING:
    from video_sft._sources.source import Source

__all__ = ["list_sources"]

#: What the narrowest table takes; one with room for pools and tasks.
_WIDE = 120
_POOLS = 3


def list_sources(
    configs: Annotated[bool, typer.Option("--configs", help="Print the config names alone, one a line.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all that is known as JSON and nothing else.")] = False,
) -> None:
    """Show the configs: rows published by split and licence; then their sources, with the terms upstream states."""
    from video_sft.builders import find_source, sources

    found = [find_source(name) for name in sources()]
    if as_json:
        typer.echo(json.dumps([_facts(source) for source in found], indent=2))
        return
    console = Console()
    if configs:
        for name in (name for source in found for name in source.configs):
            console.print(name, soft_wrap=True)
        return
    _catalogue(console, found)
    for source in found:
        console.print(f"\n{source.title} ({source.name})", style="bold")
        for label, text in _told(source):
            console.print(Padding(f"{label}: {text}", (0, 0, 0, 2)))


def _catalogue(console: Console, found: list[Source]) -> None:
    splits = ("train", "validation", "test")
    wide = console.width >= _WIDE
    table = table_of(
        ("config", *splits, "licence", *(("tasks", "media pools") if wide else ())),
        numbers=splits,
        box=SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1),
    )
    for source in found:
        for name, counts in _rows(source).items():
            cells = [
                "" if split not in counts else _number(counts[split], split in source.second_hand) for split in splits
            ]
            more = (", ".join(source.tasks), _pools(source)) if wide and name == source.name else ()
            table.add_row(name, *cells, source.license, *more, end_section=name == source.configs[-1])
    console.print(table)
    console.print("Rows as published: ? is not known, * is stated by others than upstream.")


def _number(count: int | None, second_hand: bool) -> str:
    return "?" if count is None else f"{count:,}{'*' if second_hand else ''}"


def _pools(source: Source) -> str:
    shown = ", ".join(source.pools[:_POOLS])
    return f"{shown} and {len(source.pools) - _POOLS} more" if len(source.pools) > _POOLS else shown


def _rows(source: Source) -> dict[str, dict[str, int | None]]:
    """Return the rows of each config by split, as far as they are known."""
    from video_sft.publishing._card.facts import stated_rows

    return {name: stated_rows(source, name) for name in source.configs}


def _told(source: Source) -> Iterator[tuple[str, str]]:
    from video_sft._sources.registry import is_own
    from video_sft.builders import builder_class

    cls = builder_class(source.name)
    if not is_own(cls):
        yield "from", f"{cls.__module__}.{cls.__qualname__}, another package"
    yield "tasks", ", ".join(source.tasks)
    yield "media pools", ", ".join(source.pools) or "none"
    yield "annotations", source.annotation_terms
    yield "videos", source.video_terms


def _facts(source: Source) -> dict[str, Any]:
    return {
        "name": source.name,
        "title": source.title,
        "configs": [{"name": name, "rows": counts} for name, counts in _rows(source).items()],
        "second_hand": sorted(source.second_hand),
        "tasks": list(source.tasks),
        "media_pools": list(source.pools),
        "languages": list(source.languages),
        "license": source.license,
        "annotation_terms": source.annotation_terms,
        "video_terms": source.video_terms,
        "redistributable_videos": source.redistributable_videos,
        "homepage": source.homepage,
        "paper": source.paper,
    }
