"""The completions of the command line's words, for a shell; nothing slow is imported before one is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from video_sft._rows.prompt_styles import PROMPT_STYLES

__all__ = [
    "config_names",
    "eval_list_names",
    "prompt_styles",
    "publishable_names",
    "recipe_names",
    "source_names",
    "split_names",
    "values",
]


#: Looked at here, since what reads recipes takes seconds to import.
_RECIPES = Path(__file__).parents[1] / "mixing" / "recipes"


def values(*offered: str) -> Callable[[str], list[str]]:
    """Return what offers a few fixed values."""

    def offer(incomplete: str) -> list[str]:
        return _begun(offered, incomplete)

    return offer


def _begun(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def config_names(incomplete: str) -> list[str]:
    """Return configs."""
    from video_sft.builders import configs

    return _begun(configs(), incomplete)


def publishable_names(incomplete: str) -> list[str]:
    """Return configs, and the word for all of them."""
    return [*_begun(["all"], incomplete), *config_names(incomplete)]


def source_names(incomplete: str) -> list[str]:
    """Return sources."""
    from video_sft.builders import sources

    return _begun(sources(), incomplete)


def split_names(incomplete: str) -> list[str]:
    """Return splits."""
    return _begun(("train", "validation", "test"), incomplete)


def prompt_styles(incomplete: str) -> list[str]:
    """Return prompt styles."""
    return _begun(PROMPT_STYLES, incomplete)


def recipe_names(incomplete: str) -> list[str]:
    """Return the bundled recipes, and YAML files and folders that are begun."""
    begun = Path(incomplete)
    folder, start = (begun, "") if incomplete.endswith("/") else (begun.parent, begun.name)
    files = sorted(folder.glob(f"{start}*")) if folder.is_dir() else []
    paths = [
        f"{path}/" if path.is_dir() else str(path)
        for path in files
        if path.is_dir() or path.suffix in (".yaml", ".yml")
    ]
    return [*_begun((path.stem for path in sorted(_RECIPES.glob("*.yaml"))), incomplete), *paths]


def eval_list_names(incomplete: str) -> list[str]:
    """Return evaluation lists."""
    from video_sft.mixing import eval_lists

    return _begun([each.name.replace(" ", ":") for each in eval_lists()], incomplete)
