"""One module per source: its facts, its `parse`, its builder class. Sources are found by looking, not listed.

Sources of other packages count as well: those whose classes were imported, and those that entry points of the group
`video_sft.sources` name.
"""

from __future__ import annotations

from video_sft._base_builder.builder import SourceBuilder
from video_sft._config_name import source_of
from video_sft._near_names import near_names
from video_sft._sources.plugins import clash_over, load_plugins
from video_sft._sources.registry import import_own, own_names, registered
from video_sft._sources.source import Source
from video_sft.errors import ConfigError

__all__ = ["builder_class", "configs", "find_source", "own_sources", "sources"]


def _builder_classes() -> dict[str, type[SourceBuilder]]:
    import_own()
    load_plugins()
    return dict(sorted(registered().items()))


def own_sources() -> list[str]:
    """Return the names of the sources that come with this package, whatever else is installed."""
    return list(own_names())


def sources() -> list[str]:
    """Return the names of all sources: those of this package, and those other packages add."""
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

    Other packages are looked at only for a name that is none of this package's own.

    Raises:
        ConfigError: there is no such config; the message names the nearest. Or two packages have a source of the name.
    """
    name = source_of(str(config))
    if name in own_names():
        import_own()
    else:
        load_plugins()
    found = registered().get(name)
    if found is not None and config in found.source.configs:
        return found
    if (problem := clash_over(name)) is not None:
        raise ConfigError(problem)
    names = [name for cls in _builder_classes().values() for name in cls.source.configs]
    near = near_names(config, names, most=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(names)}"
    raise ConfigError(f"no config is called {config!r}. {hint}")
