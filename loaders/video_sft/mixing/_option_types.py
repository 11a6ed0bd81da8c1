"""The types of a mixture's options: a recipe's `sample: "false"` is a text, which would count as true."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from video_sft.errors import ConfigError

__all__ = ["check_types"]

_Test = Callable[[Any], bool]


def _is_flag(value: Any) -> bool:
    return isinstance(value, (bool, np.bool_))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_path(value: Any) -> bool:
    return isinstance(value, (str, os.PathLike))


def _several(test: _Test) -> _Test:
    return lambda value: isinstance(value, (list, tuple, set, frozenset)) and all(map(test, value))


def _by_name(test: _Test) -> _Test:
    return lambda value: isinstance(value, Mapping) and all(map(_is_text, value)) and all(map(test, value.values()))


def _or(*tests: _Test) -> _Test:
    return lambda value: any(test(value) for test in tests)


def _is_given_files(value: Any) -> bool:
    """Return whether a value may be what `load` takes as `files`."""
    places = _or(_is_path, _several(_is_path))
    return _by_name(_or(places, _by_name(places)))(value)


_FLAG = (_is_flag, "true or false")
_TEXT = (_is_text, "a text")
_PATH = (_is_path, "a path")
_KINDS: Mapping[str, tuple[_Test, str]] = {
    **dict.fromkeys(("shuffle", "dedupe", "streaming", "sample"), _FLAG),
    **dict.fromkeys(("split", "stopping_strategy", "group", "decontaminate", "repo", "revision"), _TEXT),
    **dict.fromkeys(("missing", "on_bad_row", "prompt_style", "choice_style", "question_style", "instruction"), _TEXT),
    **dict.fromkeys(("eval_ids", "cache_dir"), _PATH),
    "eval_sets": (_several(_is_text), "a list of names, such as ['next_qa test', 'mvbench']"),
    "licenses": (_several(_is_text), "a list of licence ids, such as ['MIT', 'Apache-2.0']"),
    "data_dir": (_or(_is_path, _by_name(lambda value: value is None or _is_path(value))), "a path, or one by source"),
    "files": (_by_name(lambda value: value is None or _is_given_files(value)), "files by source and split"),
    "media": (
        _or(_is_path, _several(_is_path), _by_name(_or(_is_path, _several(_is_path)))),
        "a path or several of them, or these by pool",
    ),
}
#: Options that are never left to a default by None.
_NEVER_NONE = ("split", "stopping_strategy", "shuffle", "dedupe", "streaming", "sample", "missing", "on_bad_row")


def check_types(options: Mapping[str, Any]) -> None:
    """Refuse options of a wrong type; numbers are looked at where their limits are.

    Raises:
        ConfigError: names the option, what it is and what it should be.
    """
    for name, value in options.items():
        test, wanted = _KINDS.get(name, (None, ""))
        if test is None or (value is None and name not in _NEVER_NONE) or test(value):
            continue
        # The short form: aliases make a value of a few lines of YAML as long as one likes.
        raise ConfigError(f"{name} is {reprlib.repr(value)}; give {wanted}")
