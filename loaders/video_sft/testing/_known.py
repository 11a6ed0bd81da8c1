"""Sources that exist for the length of a test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from video_sft._base_builder.builder import SourceBuilder
from video_sft._sources import registry

__all__ = ["known_while"]


@contextlib.contextmanager
def known_while(*builders: type[SourceBuilder]) -> Iterator[None]:
    """Make builder classes known to `load` and everything else inside a `with`; for classes defined in a test.

    Raises:
        ConfigError: a source of the name is known already.
    """
    before = registry.registered()
    names: list[str] = []
    try:
        for builder in builders:
            registry.register(builder)
            names.append(builder.source.name)
        yield
    finally:
        for name in names:
            registry.forget(name)
            if name in before:
                registry.register(before[name])
