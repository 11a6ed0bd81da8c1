"""`video-sft recipes`: the mixtures that come with the package."""

from __future__ import annotations

from typing import Annotated

import typer

from video_sft._cli.completion import recipe_names
from video_sft._cli.console import Console, table_of

__all__ = ["list_recipes"]


def list_recipes(
    recipe: Annotated[
        str | None,
        typer.Argument(help="Print this one, to begin your own with.", show_default=False, autocompletion=recipe_names),
    ] = None,
) -> None:
    """List the recipes that `video-sft mix` knows by name, or print one."""
    from video_sft.mixing._recipe import recipe_text, recipes_told

    console = Console()
    if recipe is not None:
        console.print(recipe_text(recipe).rstrip(), soft_wrap=True)
        return
    table = table_of(("recipe", "parts", "what it does"), box=None, pad_edge=False)
    for name, parts, what in recipes_told():
        table.add_row(name, "\n".join(parts), what)
    console.print(table)
    console.print("\nvideo-sft mix NAME --sample reports on one; video-sft recipes NAME prints it.")
