"""`video-sft help`: what the first page of the project leaves out, by topic."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated

import typer

from video_sft._cli.console import Console, table_of
from video_sft.errors import ConfigError

__all__ = ["show_help"]

_FOLDER = Path(__file__).parents[1] / "help"
_INDEX = "README"


def show_help(
    context: typer.Context,
    topic: Annotated[
        str | None, typer.Argument(help="A topic or a command; left out, the topics are listed.", show_default=False)
    ] = None,
) -> None:
    """Print the help on a topic, or list the topics."""
    from rich.markdown import Markdown

    console = Console()
    pages = {page.stem: page for page in sorted(_FOLDER.glob("*.md")) if page.stem != _INDEX}
    if topic is None:
        table = table_of(("topic", ""), box=None, show_header=False, pad_edge=False)
        for name, page in pages.items():
            table.add_row(name, page.read_text(encoding="utf-8").partition("\n")[0].lstrip("# "))
        console.print(table)
        console.print("\nvideo-sft help TOPIC prints one; video-sft COMMAND -h is about a command.")
        return
    plain = topic.strip().casefold().replace("_", "-").removesuffix(".md")
    if plain in pages:
        console.print(Markdown(pages[plain].read_text(encoding="utf-8")))
        return
    commands = context.parent.command.commands if context.parent is not None else {}  # type: ignore[attr-defined]
    if plain in commands and context.parent is not None:
        command = commands[plain]
        console.print(command.get_help(command.make_context(plain, [], context.parent, resilient_parsing=True)))
        return
    near = difflib.get_close_matches(plain, [*pages, *commands], n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(pages)}"
    raise ConfigError(f"there is no help on {topic!r}. {hint}")
