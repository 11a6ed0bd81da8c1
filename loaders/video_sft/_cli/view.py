"""`video-sft view`: a page in the browser on which rows, their clips and their evidence are looked at."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

import video_sft
from video_sft._cli import options as opt
from video_sft._cli.console import Console
from video_sft.errors import ConfigError

__all__ = ["view_rows"]

_SAMPLES = "These are the few invented rows and drawn clips that come with the package."


def view_rows(
    rows: Annotated[
        str,
        typer.Argument(
            help="A config (`video-sft list`); a recipe (`video-sft mix ?`, or YAML); or a folder: saved by `build` or "
            "`mix --out`, of Parquet files, or of videos.",
            show_default=False,
        ),
    ],
    data_dir: opt.DataDirOption = None,
    file: opt.FileOption = None,
    media: opt.MediaOption = None,
    repo: opt.RepoOption = None,
    split: Annotated[str | None, typer.Option(help="One split only; all there are when left out.")] = None,
    sample: Annotated[
        bool | None,
        typer.Option(
            "--sample/--download",
            help="The invented rows that come with the package, or upstream's files, downloaded; by default the former "
            "where no place is given.",
        ),
    ] = None,
    prompt_style: opt.PromptStyleOption = None,
    port: Annotated[
        int | None, typer.Option(help="Of 127.0.0.1; 0 is any that is free. Left out, 8321 or any.", min=0, max=65535)
    ] = None,
    browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Look at rows in the browser: clips at their limits, conversations, options, evidence, and what a mixture does.

    The page is served to this machine alone, until Ctrl-C, and nothing is written.
    """
    from video_sft._viewing.serving import check_installed, serve

    check_installed()
    console = Console()
    given: dict[str, Any] = {"data_dir": data_dir, "file": file, "media": media, "prompt_style": prompt_style}
    sampled = sample if sample is not None else not (data_dir or file or media or repo)
    opened, notice = _opened(rows, given, sampled, asked=sample is not None, repo=repo, split=split)

    def tell(address: str) -> None:
        told = f" {notice} --data-dir, --media, --repo and --download show others." if notice else ""
        console.print(f"{opened.title}: {address}  (Ctrl-C stops).{told}", soft_wrap=True)
        if browser:
            typer.launch(address)

    serve(opened, port=port, notice=notice, tell=tell)


def _opened(
    rows: str, given: dict[str, Any], sampled: bool, *, asked: bool, repo: str | None, split: str | None
) -> tuple[Any, str]:
    from video_sft._viewing.opened import open_config, open_folder, open_recipe
    from video_sft.mixing import bundled_recipes

    if rows in video_sft.configs():
        options = opt.loading(**given, sample=sampled)
        return open_config(rows, split=split, repo=repo, **options), _SAMPLES if sampled else ""
    is_recipe = rows in bundled_recipes() or (rows.endswith((".yaml", ".yml")) and os.path.isfile(rows))
    if is_recipe:
        bundled = rows in bundled_recipes()
        options = opt.loading(**given, sample=sampled and (asked or bundled), by_source=True)
        chosen = {"repo": repo, "split": split}
        chosen = {name: value for name, value in chosen.items() if value is not None}
        opened = open_recipe(rows, load_options=options, **chosen)
        return opened, _SAMPLES if options.get("sample") else ""
    if os.path.exists(rows):
        if any(given.values()) or repo or asked:
            raise ConfigError(
                f"{rows} is a folder of rows: it takes no --data-dir, --file, --media, --repo or --sample"
            )
        return open_folder(rows), ""
    from video_sft.builders import builder_class

    try:
        builder_class(rows)
    except ConfigError as error:
        recipes = ", ".join(bundled_recipes())
        raise ConfigError(f"{error}. Recipes: {recipes}. And there is no file or folder of this name") from None
    raise ConfigError(f"there is nothing called {rows!r}")
