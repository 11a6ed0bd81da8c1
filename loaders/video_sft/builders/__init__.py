"""One module per source: its facts, its `parse`, its builder class. Sources are found by looking, not listed."""

from __future__ import annotations

import difflib
import functools
import importlib
import pkgutil

from video_sft.building.builder import SourceBuilder
from video_sft.building.source import Source
from video_sft.errors import ConfigError

__all__ = ["builder_class", "configs", "find_source", "sources"]


@functools.cache
def _builder_classes() -> dict[str, type[SourceBuilder]]:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    classes = {cls.source.name: cls for cls in SourceBuilder.__subclasses__() if cls.__module__.startswith(__name__)}
    return dict(sorted(classes.items()))


def sources() -> list[str]:
    """Return the names of all sources."""
    return list(_builder_classes())


def configs(source: str | None = None) -> list[str]:
    """Return the config names of one source, or of all.

    Args:
        source: a source's name; None means all of them.

    Raises:
        ConfigError: there is no such source.
    """
    chosen = sources() if source is None else [source]
    return [config for name in chosen for config in find_source(name).configs]


def find_source(config: str) -> Source:
    """Return the facts of the source a config belongs to."""
    return builder_class(config).source


def builder_class(config: str) -> type[SourceBuilder]:
    """Return the builder class of the source a config belongs to; a source's name is a config too.

    Raises:
        ConfigError: there is no such config; the message names the nearest.
    """
    classes = _builder_classes()
    found = classes.get(str(config).partition("-")[0])
    if found is not None and config in found.source.configs:
        return found
    names = [name for cls in classes.values() for name in cls.source.configs]
    near = difflib.get_close_matches(str(config), names, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(names)}"
    raise ConfigError(f"no config is called {config!r}. {hint}")
