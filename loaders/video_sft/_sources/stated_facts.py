"""Whether what a source states can be true: checked where it is stated, so that nothing odd gets as far as a row."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from datasets import Features

from video_sft._places import safe_relative
from video_sft._rows.schema import TASKS, VIEWS
from video_sft._sources.pool import Pool
from video_sft.errors import ConfigError, UnsafePathError

if TYPE_CHECKING:
    from video_sft._sources.source import Part, Source

__all__ = ["SPLITS", "check_source"]

SPLITS = ("train", "validation", "test")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
#: What commands and functions take where they take a source's name.
_RESERVED = ("all",)
_TEXTS = ("title", "homepage", "citation", "paper", "annotation_terms", "video_terms", "license")
_LISTS = ("tasks", "pools", "own_pools", "languages", "views", "parts", "overlaps", "warnings")


def check_source(source: Source) -> None:
    """Check a source's facts, one by one and against each other.

    Raises:
        ConfigError: the first that will not do.
    """

    def refuse(problem: str) -> NoReturn:
        raise ConfigError(f"source {source.name!r}: {problem}")

    if not isinstance(source.name, str) or not _NAME.fullmatch(source.name):
        refuse("its name is to be an identifier of at most 64 letters, digits and '_', e.g. my_source")
    if source.name in _RESERVED:
        refuse("this name stands for every source; choose another")
    for fact in _TEXTS:
        if not isinstance(getattr(source, fact), str):
            refuse(f"{fact} is {getattr(source, fact)!r}, where text is expected")
    if not source.license.strip():
        refuse("license is empty; give an SPDX id, or 'other'")
    for fact in _LISTS:
        value = getattr(source, fact)
        if not isinstance(value, tuple):
            refuse(f"{fact} is {_shown(value)}, where a tuple is expected: {fact}=({_shown(value)},)")
    if not source.tasks:
        refuse(f"tasks is empty; there are {', '.join(TASKS)}")
    if unknown := _outside(source.tasks, TASKS):
        refuse(f"{unknown} is no task; there are {', '.join(TASKS)}")
    if unknown := _outside(source.views, VIEWS):
        refuse(f"{unknown} is no view; configs are <source>-<view>, and the views are {', '.join(VIEWS)}")
    if len(set(source.views)) != len(source.views):
        refuse(f"a view is named twice: {', '.join(source.views)}")
    for name in source.pools:
        if isinstance(name, Pool):
            refuse(f"the pool {name.name!r} is declared in own_pools; pools has names")
        Pool(name=name)
    for pool in source.own_pools:
        if not isinstance(pool, Pool):
            refuse(f"own_pools holds {_shown(pool)}, which is no Pool; the names of pools stand in pools")
    for function in ("parse", "upstream_row", *(("in_view",) if source.in_view is not None else ())):
        if not callable(getattr(source, function)):
            refuse(f"{function} is {_shown(getattr(source, function))}, where a function is expected")
    if not isinstance(source.upstream_features, Features):
        refuse(f"upstream_features is {_shown(source.upstream_features)}, where datasets.Features is expected")
    if taken := sorted({"row_id", "other_fields"} & set(source.upstream_features)):
        refuse(f"upstream_features has {', '.join(taken)}, which <source>-source has anyway; rename it in upstream_row")
    for part in source.parts:
        if not hasattr(part, "split"):
            refuse(f"parts holds {_shown(part)}, which is no Part")
        if problem := next(_of_part(part), None):
            refuse(f"a part of the split {part.split!r}: {problem}")
    names = [part.name for part in source.parts]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        refuse(f"two parts are called {', '.join(twice)}; tell them apart by kind")


def _of_part(part: Part) -> Iterator[str]:
    """Yield what is wrong with a part and its files."""
    if part.split not in SPLITS:
        yield f"a split is one of {', '.join(SPLITS)}"
    if not isinstance(part.files, Mapping) or "rows" not in part.files:
        yield "its files are a mapping by role, with the file the rows come from as 'rows'"
    if unknown := _outside(part.optional, part.files):
        yield f"optional names {unknown}, which is none of its files ({', '.join(part.files)})"
    if "rows" in part.optional:
        yield "the file its rows come from cannot be optional"
    if unknown := _outside(part.views or (), VIEWS):
        yield f"{unknown} is no view; there are {', '.join(VIEWS)}"
    for file in part.files.values():
        for name in (file.name, *file.also):
            try:
                safe_relative(name)
            except (UnsafePathError, TypeError) as error:
                yield f"a file is called {name!r}, which is no place inside data_dir: {error}"
        if file.sha256 is not None and not _SHA256.fullmatch(file.sha256):
            yield f"the sha256 of {file.name} is {file.sha256!r}; it has 64 hexadecimal digits, in lower case"


def _outside(given: Collection[Any], known: Collection[str]) -> str:
    return ", ".join(repr(each) for each in given if each not in known)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
