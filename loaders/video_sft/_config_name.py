"""The grammar of config names: `<source>`, `<source>-<view>`, and `<source>-source` for upstream's own fields."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["config_names", "is_upstream", "source_of", "upstream_config", "view_of"]

_UPSTREAM = "source"


def config_names(source: str, views: Iterable[str]) -> tuple[str, ...]:
    """Return every config of a source: the whole, its views, its upstream fields."""
    return (source, *(f"{source}-{view}" for view in views), upstream_config(source))


def upstream_config(source: str) -> str:
    """Return the config of a source's upstream fields."""
    return f"{source}-{_UPSTREAM}"


def source_of(config: str) -> str:
    """Return the source a config belongs to; names of sources have no `-` in them."""
    return config.partition("-")[0]


def view_of(config: str) -> str | None:
    """Return the view a config is, None for all rows of its source, whether in the shared columns or in upstream's."""
    return None if is_upstream(config) else config.partition("-")[2] or None


def is_upstream(config: str) -> bool:
    """Return whether a config has upstream's own fields rather than the shared columns."""
    return config.partition("-")[2] == _UPSTREAM
