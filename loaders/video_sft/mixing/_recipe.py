"""Mixtures written down: YAML files with the arguments of `mix`."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml

from video_sft._near_names import did_you_mean
from video_sft._rows.messages import MessageStyle
from video_sft.errors import ConfigError, MissingFileError, one_line
from video_sft.mixing._option_types import check_types

__all__ = ["bundled_recipes", "read_recipe", "recipe_text", "recipes_told"]

_BUNDLED = Path(__file__).with_name("recipes")
#: Arguments of `load` a recipe may name beside those of `mix`.
_LOADING = (
    *("data_dir", "files", "media", "missing", "on_bad_row", "sample", "cache_dir", "revision"),
    *(item.name for item in fields(MessageStyle)),
)
_PATHS = ("data_dir", "files", "media", "cache_dir", "eval_ids")


def bundled_recipes() -> list[str]:
    """Return the names of the recipes that come with the package; `mix` takes them in place of a path."""
    return sorted(path.stem for path in _BUNDLED.glob("*.yaml"))


def recipes_told() -> Iterator[tuple[str, list[str], str]]:
    """Yield the name of each bundled recipe, its parts with their weights, and what it says of itself."""
    for name in bundled_recipes():
        text = recipe_text(name)
        parts = yaml.safe_load(text)["parts"]
        told = [f"{part} {weight:g}" for part, weight in parts.items()] if isinstance(parts, dict) else list(parts)
        lines = itertools.takewhile(lambda line: line.startswith("#"), text.splitlines())
        yield name, told, " ".join(line.lstrip("# ") for line in lines)


def recipe_text(name: str) -> str:
    """Return a bundled recipe as it is written.

    Raises:
        MissingFileError: there is none of that name.
    """
    if name not in bundled_recipes():
        raise _no_recipe(name)
    return (_BUNDLED / f"{name}.yaml").read_text(encoding="utf-8")


def _no_recipe(name: str) -> MissingFileError:
    names = bundled_recipes()
    hint = did_you_mean(name, names)
    single = "" if hint else f" To mix a single config, pass [{name!r}]"
    return MissingFileError(f"there is no recipe {name!r}.{hint} Bundled ones: {', '.join(names)}.{single}")


def read_recipe(recipe: str | os.PathLike[str]) -> tuple[Any, dict[str, Any], str]:
    """Read a recipe, a YAML file or a bundled one by its name; paths in it are relative to its own folder.

    Returns:
        `parts`, the other options by name (those for `load` under `load_options`), and what to call it in messages.

    Raises:
        MissingFileError: there is no such file.
        ConfigError: it is not a recipe; the message has the line where YAML knows it.
    """
    path = Path(recipe)
    if not path.suffix and not path.exists() and str(recipe) in bundled_recipes():
        path = _BUNDLED / f"{recipe}.yaml"
    if not path.is_file():
        raise _no_recipe(str(recipe))
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MissingFileError(f"the recipe {path} cannot be read: {one_line(error)}") from None
    except RecursionError:
        raise ConfigError(f"{path} is not a recipe: its lists are nested too deeply") from None
    except (yaml.YAMLError, ValueError) as error:  # also dates and numbers that are none
        raise ConfigError(f"{path} is not YAML: {one_line(error)}") from None
    if not isinstance(content, Mapping) or "parts" not in content:
        raise ConfigError(f"{path} is not a recipe: it should have `parts:` with config names and weights")
    options = {str(name): value for name, value in content.items() if name != "parts"}
    try:
        check_types(options)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    for name in _PATHS:
        if options.get(name) is not None:
            options[name] = _located(options[name], path.parent)
    loading = {name: options.pop(name) for name in _LOADING if name in options}
    return content["parts"], {**options, "load_options": loading}, str(path)


def _located(value: Any, folder: Path) -> Any:
    if isinstance(value, Mapping):
        return {name: _located(place, folder) for name, place in value.items()}
    if isinstance(value, list):
        return [_located(place, folder) for place in value]
    if not isinstance(value, str) or "://" in value:
        return value
    return str(folder / Path(value).expanduser())
