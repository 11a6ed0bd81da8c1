"""`video-sft list`: every source with its configs, tasks, pools and terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.padding import Padding
from rich.table import Table

from video_sft._cli.console import Console

if TYPE_CHECKING:
    from video_sft._sources.source import Source

__all__ = ["list_sources"]


def list_sources(
    configs: Annotated[bool, typer.Option("--configs", help="Print the config names alone, one a line.")] = False,
) -> None:
    """Show the sources: configs, published rows per split, media pools, and the terms upstream states."""
    from video_sft._sources.registry import is_own
    from video_sft.builders import builder_class, find_source, sources

    console = Console()
    if configs:
        for name in sources():
            for config in find_source(name).configs:
                console.print(config)
        return
    table = Table(show_lines=True)
    for heading in ("config", "rows published", "licence of the rows"):
        table.add_column(heading, no_wrap=True)
    for name in sources():
        source = find_source(name)
        table.add_row(*("\n".join(lines) for lines in (source.configs, _published(source), (source.license,))))
    console.print(table)
    for name in sources():
        source = find_source(name)
        console.print(f"\n{source.title} ({name})", style="bold")
        cls = builder_class(name)
        facts = {
            **({} if is_own(cls) else {"from": f"{cls.__module__}.{cls.__qualname__}, another package"}),
            "tasks": ", ".join(source.tasks),
            "media pools": ", ".join(source.pools) or "none",
            "annotations": source.annotation_terms,
            "videos": source.video_terms,
        }
        for label, text in facts.items():
            console.print(Padding(f"{label}: {text}", (0, 0, 0, 2)))


def _published(source: Source) -> list[str]:
    """Return a line per split with the rows upstream publishes, as far as that is known."""
    lines = []
    for split, count in source.published_rows.items():
        told = "not known" if count is None else f"{count:,}"
        also = " (second hand)" if count is not None and split in source.second_hand else ""
        lines.append(f"{split} {told}{also}")
    return lines
