"""`video-sft mix`: what a recipe gives, before anything is trained on it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from video_sft._cli.build import save_whole
from video_sft._cli.console import Console
from video_sft._cli.options import Media, PromptStyle, Sample, files_by_source, media_by_pool, wording
from video_sft._files import writing_whole
from video_sft.errors import ConfigError
from video_sft.mixing import MixReport, bundled_recipes, describe, mix

__all__ = ["mix_recipe"]

_FORMATS = (".html", ".md", ".png")


def mix_recipe(
    recipe: Annotated[
        str, typer.Argument(help="A recipe (YAML), or the name of a bundled one; `?` lists those.", show_default=False)
    ],
    report: Annotated[
        list[Path] | None, typer.Option(help="Write the report here: .html, .md or .png; may be given several times.")
    ] = None,
    data_dir: Annotated[
        list[str] | None,
        typer.Option(help="Upstream's files: SOURCE=FOLDER, several times; or one folder with a folder per source."),
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option(help="A file of any name: SOURCE/SPLIT=PATH, SOURCE/SPLIT/PART=PATH, or with its role behind."),
    ] = None,
    media: Media = None,
    out: Annotated[Path | None, typer.Option(help="Save the mixture's rows here, as a `datasets` folder.")] = None,
    repo: Annotated[str | None, typer.Option(help="Load the configs from this Hub repo.")] = None,
    eval_set: Annotated[
        list[str] | None,
        typer.Option(help="Keep clear of this evaluation list only; several times; `video-sft eval-ids` shows them."),
    ] = None,
    sample: Sample = False,
    prompt_style: PromptStyle = None,
) -> None:
    """Mix as a recipe says and report what the mixture consists of and what was left out."""
    if recipe == "?":
        Console().print("\n".join(bundled_recipes()))
        return
    for path in report or []:
        if path.suffix not in _FORMATS:
            raise ConfigError(f"--report {path} should end in {', '.join(_FORMATS)}")
        if not path.absolute().parent.is_dir():
            raise ConfigError(f"--report {path}: there is no folder {path.absolute().parent}")
    options: dict[str, Any] = {"data_dir": folders_by_source(data_dir), "media": media_by_pool(media)}
    options |= {"files": files_by_source(file), "sample": sample or None, "repo": repo}
    options |= {"eval_sets": eval_set or None, **wording(prompt_style)}
    mixed: Any = mix(recipe, **{name: value for name, value in options.items() if value is not None})
    described = describe(mixed)
    console = Console()
    console.print(described)
    for path in report or []:
        _write(described, path)
        console.print(f"wrote {path}")
    if out is not None:
        save_whole(mixed, out)
        console.print(f"saved {len(mixed):,} rows to {out}")


def folders_by_source(words: list[str] | None) -> str | Mapping[str, str] | None:
    """Return `--data-dir` words as `mix` takes them: one folder of folders, or a folder for each source.

    Raises:
        ConfigError: several words, and one of them is not SOURCE=FOLDER.
    """
    if not words:
        return None
    if len(words) == 1 and "=" not in words[0]:
        return words[0]
    folders = {}
    for word in words:
        source, equals, folder = word.partition("=")
        if not (source and equals and folder):
            raise ConfigError(f"--data-dir {word!r} is not of the form SOURCE=FOLDER, e.g. star=/data/star")
        folders[source] = folder
    return folders


def _write(report: MixReport, path: Path) -> None:
    if path.suffix == ".png":
        report.to_png(path)
        return
    text = report.to_html() if path.suffix == ".html" else report.to_markdown()
    with writing_whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
