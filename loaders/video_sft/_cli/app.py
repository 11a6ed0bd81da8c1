"""The program `video-sft`: its commands, and errors as a few clear lines with exit code 2.

A module of a command imports what is slow to import where it is used, so that help comes at once.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from video_sft import __version__
from video_sft._cli.build import build
from video_sft._cli.check import check
from video_sft._cli.console import Console, PlainFormatter, error_lines
from video_sft._cli.demo import demo
from video_sft._cli.eval_ids import eval_ids
from video_sft._cli.export import export_rows
from video_sft._cli.help import show_help
from video_sft._cli.list_sources import list_sources
from video_sft._cli.mix import mix_recipe
from video_sft._cli.prepare import prepare_videos
from video_sft._cli.publish import publish_configs
from video_sft._cli.recipes import list_recipes
from video_sft._cli.repo import repo_commands
from video_sft._cli.show import show
from video_sft._cli.view import view_rows

__all__ = ["app", "main"]

_NAME = "video-sft"
app = typer.Typer(
    name=_NAME,
    help="Eight video instruction and video-QA sources as one datasets package. --debug shows tracebacks.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("list")(list_sources)
app.command()(show)
app.command("view")(view_rows)
app.command()(build)
app.command()(check)
app.command("mix")(mix_recipe)
app.add_typer(eval_ids, name="eval-ids")
app.command("recipes")(list_recipes)
app.command("prepare")(prepare_videos)
app.command("export")(export_rows)
app.command("publish")(publish_configs)
app.add_typer(repo_commands, name="repo")
app.command()(demo)
app.command("help")(show_help)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"video-sft {__version__}")
        raise typer.Exit


@app.callback()
def _before_commands(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; `--debug` anywhere in it turns errors of a few lines into tracebacks.

    Args:
        arguments: the words after the program's name; those of this process by default.

    Raises:
        SystemExit: always; 0 when all went well, 2 for an error the user can mend, 1 for a check that found something.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    errors = Console(stderr=True)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PlainFormatter("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("video_sft").setLevel(logging.DEBUG if debug else logging.INFO)
    if debug:
        app(words, prog_name=_NAME)
        return
    try:
        app(words, prog_name=_NAME)
    except KeyboardInterrupt:
        errors.print("stopped", style="bold red")
        raise SystemExit(130) from None
    except Exception as error:  # noqa: BLE001  (a person at a terminal wants the sentence, not the stack)
        told = f"{type(error).__name__}: {error}"
        first, *more = error_lines(told, errors.width if errors.is_terminal else None)
        errors.print(first, style="bold red", soft_wrap=True)
        for line in more:
            errors.print(line, soft_wrap=True)
        raise SystemExit(2) from None
