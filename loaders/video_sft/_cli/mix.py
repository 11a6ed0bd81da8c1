"""`video-sft mix`: a recipe's mixture and the report on it, before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import video_sft
from video_sft._cli import options as opt
from video_sft._cli.build import save_whole
from video_sft._cli.completion import eval_list_names, recipe_names
from video_sft._cli.console import Console
from video_sft._files import writing_whole
from video_sft.errors import ConfigError

if TYPE_CHECKING:
    from video_sft.mixing import MixReport

__all__ = ["mix_recipe"]

_FORMATS = (".html", ".md", ".png")


def mix_recipe(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A recipe (YAML), or the name of a bundled one; `video-sft recipes` lists those.",
            show_default=False,
            autocompletion=recipe_names,
        ),
    ],
    report: Annotated[
        list[Path] | None, typer.Option(help="Write the report here: .html, .md or .png; may be given several times.")
    ] = None,
    data_dir: opt.DataDirOption = None,
    file: opt.SourceFileOption = None,
    media: opt.MediaOption = None,
    out: Annotated[Path | None, typer.Option(help="Save the mixture's rows here, as a `datasets` folder.")] = None,
    repo: opt.RepoOption = None,
    eval_set: Annotated[
        list[str] | None,
        typer.Option(
            help="Keep clear of this evaluation list only; several times; `video-sft eval-ids` shows them.",
            autocompletion=eval_list_names,
        ),
    ] = None,
    decontaminate: Annotated[
        str | None,
        typer.Option(
            metavar="eval-videos|eval-questions|eval-content",
            help="How rows are compared with evaluation lists; as the recipe says, or by video, when left out.",
        ),
    ] = None,
    sample: opt.SampleOption = False,
    prompt_style: opt.PromptStyleOption = None,
) -> None:
    """Mix as a recipe says and report what the mixture consists of and what was left out."""
    from video_sft.mixing import bundled_recipes

    console = Console()
    if recipe == "?":
        console.print("\n".join(bundled_recipes()))
        return
    for path in report or []:
        if path.suffix not in _FORMATS:
            raise ConfigError(f"--report {path} should end in {', '.join(_FORMATS)}")
        if not path.absolute().parent.is_dir():
            raise ConfigError(f"--report {path}: there is no folder {path.absolute().parent}")
    given = {"data_dir": data_dir, "file": file, "media": media, "sample": sample, "prompt_style": prompt_style}
    options = opt.loading(**given, by_source=True)  # type: ignore[arg-type]
    options |= {} if decontaminate is None else {"decontaminate": decontaminate}
    mixed: Any = video_sft.mix(recipe, repo=repo, eval_sets=eval_set or None, **options)
    described = video_sft.describe(mixed)
    console.print(described)
    for path in report or []:
        _write(described, path)
        console.print(f"wrote {path}")
    if out is not None:
        save_whole(mixed, out)
        console.print(f"saved {len(mixed):,} rows to {out}")


def _write(report: MixReport, path: Path) -> None:
    if path.suffix == ".png":
        report.to_png(path)
        return
    text = report.to_html() if path.suffix == ".html" else report.to_markdown()
    with writing_whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
