"""The builder classes there are: one is known from its definition on, whether in this package or outside."""

from __future__ import annotations

import functools
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING

from video_sft._sources.own_code import module_file
from video_sft._sources.pool import Pool, own_pools
from video_sft.errors import ConfigError

if TYPE_CHECKING:
    from video_sft._base_builder.builder import SourceBuilder

__all__ = ["NameClashError", "declared_pools", "forget", "is_own", "own_names", "register", "registered"]

_OWN = "video_sft.builders"
#: By name in small letters: folders bear the names, and some file systems do not tell the two apart.
_known: dict[str, type[SourceBuilder]] = {}


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


def is_own(cls: type[SourceBuilder]) -> bool:
    """Return whether a class is one of the package's own builders."""
    return cls.__module__.startswith(f"{_OWN}.")


@functools.cache
def own_names() -> tuple[str, ...]:
    """Return the names of the package's own sources, which are those of their modules; nothing is imported."""
    folder = Path(__file__).resolve().parents[1] / "builders"
    names = (module.name for module in pkgutil.iter_modules([str(folder)]))
    return tuple(sorted(name for name in names if not name.startswith("_")))


def registered() -> dict[str, type[SourceBuilder]]:
    """Return the classes known so far, by their sources' names."""
    return {cls.source.name: cls for cls in _known.values()}


def register(cls: type[SourceBuilder]) -> None:
    """Make a class known. One that is defined anew, as in a notebook or by a reload, takes the place of the old one.

    Raises:
        NameClashError: another class has a source of this name, or declares one of its pools otherwise.
    """
    name = cls.source.name
    before = _known.get(name.casefold())
    own = not is_own(cls) and name.casefold() in own_names()
    if own or (before is not None and not _same(before, cls)):
        first = f"{_OWN}.{name.casefold()}, of this package" if own or before is None else _described(before)
        raise NameClashError(
            f"two sources are called {name!r}: {first}; and {_described(cls)}. Rename the latter (Source.name), or do "
            "not import or install both",
            name=name,
            own=own,
        )
    for pool in cls.source.own_pools:
        _check_pool(cls, pool)
    _known[name.casefold()] = cls


def forget(name: str) -> None:
    """Make a source unknown again."""
    _known.pop(name.casefold(), None)


def declared_pools() -> dict[str, Pool]:
    """Return the pools that sources declare, by name."""
    return {pool.name: pool for cls in list(_known.values()) for pool in cls.source.own_pools}


def _check_pool(cls: type[SourceBuilder], pool: Pool) -> None:
    known = own_pools().get(pool.name)
    owner = "this package"
    for other in _known.values():
        if known is None and not _same(other, cls):
            known = {each.name: each for each in other.source.own_pools}.get(pool.name)
            owner = _described(other)
    if known is not None and not pool.agrees_with(known):
        raise NameClashError(
            f"{_described(cls)} declares the pool {pool.name!r} otherwise than {owner} ({pool} and {known}). Name it "
            "in Source.pools if it is the same pool; give it another name if it is not",
            name=cls.source.name,
            own=owner == "this package",
        )


def _same(one: type[SourceBuilder], other: type[SourceBuilder]) -> bool:
    """Return whether two classes are one definition, met twice: reloaded, or run as a script and imported as well."""
    if one.__qualname__ != other.__qualname__:
        return False
    if one.__module__ == other.__module__:
        return True
    files = module_file(one), module_file(other)
    return files[0] is not None and files[0] == files[1]


def _described(cls: type[SourceBuilder]) -> str:
    file = module_file(cls)
    return f"{cls.__module__}.{cls.__qualname__}" + (f", in {file}" if file else "")
