"""The builder classes there are: one is known from its definition on, whether in this package or outside."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from pathlib import Path
from typing import Any, TypeAlias

from video_sft._sources.own_code import module_file
from video_sft._sources.pool import Pool
from video_sft.errors import ConfigError

__all__ = [
    "BuilderClass",
    "NameClashError",
    "find_pool",
    "forget",
    "import_own",
    "is_own",
    "own_names",
    "register",
    "registered",
]

#: A class with a `source`, which is a `video_sft.source_kit.SourceBuilder`; that knows this module, not the reverse.
BuilderClass: TypeAlias = type[Any]
_OWN = "video_sft.builders"
#: By name in small letters: folders bear the names, and some file systems do not tell the two apart.
_known: dict[str, BuilderClass] = {}


class NameClashError(ConfigError):
    """Two sources, or two pools, have one name.

    Attributes:
        name: the name.
        own: whether the package itself has it, so that there is no doubt what it means.
    """

    def __init__(self, message: str, name: str = "", own: bool = False) -> None:
        super().__init__(message)
        self.name = name
        self.own = own


def is_own(cls: BuilderClass) -> bool:
    """Return whether a class is one of the package's own builders."""
    return cls.__module__.startswith(f"{_OWN}.")


@functools.cache
def own_names() -> tuple[str, ...]:
    """Return the names of the package's own sources, which are those of their modules; nothing is imported."""
    folder = Path(__file__).resolve().parents[1] / "builders"
    names = (module.name for module in pkgutil.iter_modules([str(folder)]))
    return tuple(sorted(name for name in names if not name.startswith("_")))


@functools.cache
def import_own() -> None:
    """Import the package's own sources, which are found by looking for their modules."""
    for name in own_names():
        importlib.import_module(f"{_OWN}.{name}")


def registered() -> dict[str, BuilderClass]:
    """Return the classes known so far, by their sources' names."""
    return {cls.source.name: cls for cls in _known.values()}


def register(cls: BuilderClass) -> None:
    """Make a class known. One that is defined anew, as in a notebook or by a reload, takes the place of the old one.

    Raises:
        NameClashError: another class has a source of this name, or declares one of its pools otherwise.
    """
    if not is_own(cls):
        import_own()
    name = cls.source.name
    before = _known.get(name.casefold())
    own = not is_own(cls) and name.casefold() in own_names()
    if own or (before is not None and not _same(before, cls)):
        first = f"{_OWN}.{name.casefold()}, of this package" if own or before is None else _described(before)
        told = f"two sources are called {name!r}: {first}; and {_described(cls)}. Rename the latter (Source.name)"
        raise NameClashError(f"{told}, or do not import or install both", name, own)
    for pool in cls.source.own_pools:
        _check_pool(cls, pool)
    _known[name.casefold()] = cls


def forget(name: str) -> None:
    """Make a source unknown again."""
    _known.pop(name.casefold(), None)


def find_pool(name: str) -> Pool:
    """Return what is known about a pool; of one that no source known so far declares, paths have to agree."""
    import_own()
    declared = (pool for cls in list(_known.values()) for pool in cls.source.own_pools if pool.name == name)
    return next(declared, Pool(name=name))


def _check_pool(cls: BuilderClass, pool: Pool) -> None:
    for other in sorted(_known.values(), key=is_own, reverse=True):
        known = next((each for each in other.source.own_pools if each.name == pool.name), None)
        if known is None or _same(other, cls) or pool.agrees_with(known):
            continue
        owner = "this package" if is_own(other) else _described(other)
        told = f"{_described(cls)} declares the pool {pool.name!r} otherwise than {owner} ({pool} and {known}). Name it"
        remedy = "in Source.pools if it is the same pool; give it another name if it is not"
        raise NameClashError(f"{told} {remedy}", cls.source.name, is_own(other))


def _same(one: BuilderClass, other: BuilderClass) -> bool:
    """Return whether two classes are one definition, met twice: reloaded, or run as a script and imported as well."""
    if one.__qualname__ != other.__qualname__:
        return False
    if one.__module__ == other.__module__:
        return True
    files = module_file(one), module_file(other)
    return files[0] is not None and files[0] == files[1]


def _described(cls: BuilderClass) -> str:
    file = module_file(cls)
    return f"{cls.__module__}.{cls.__qualname__}" + (f", in {file}" if file else "")
