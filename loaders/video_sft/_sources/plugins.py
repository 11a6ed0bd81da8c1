"""Sources of other packages, found by their entry points when sources are first asked for."""

from __future__ import annotations

import inspect
import logging
import threading
from importlib.metadata import EntryPoint, entry_points

from video_sft._base_builder.builder import SourceBuilder
from video_sft._sources import registry
from video_sft.errors import ConfigError, one_line

__all__ = ["GROUP", "clash_over", "load_plugins"]

#: What a package writes into its `pyproject.toml`: `[project.entry-points."video_sft.sources"]`.
GROUP = "video_sft.sources"

logger = logging.getLogger("video_sft")
_lock = threading.RLock()
_begun = False
_clashes: dict[str, str] = {}


def load_plugins() -> None:
    """Import what the entry points name, once in a process; one that does not work is left out, with a warning."""
    global _begun
    with _lock:
        if _begun:  # by this thread, in a module that asks for sources while it is imported; or done
            return
        _begun = True
        for point in sorted(entry_points(group=GROUP), key=lambda point: (_package(point), point.name, point.value)):
            _load(point)


def clash_over(name: str) -> str | None:
    """Return what is wrong with a name that two packages claim, or None."""
    return _clashes.get(name)


def _load(point: EntryPoint) -> None:
    before = registry.registered()
    try:
        _take(point)
    except (Exception, SystemExit) as error:  # noqa: BLE001  (a broken package must not break this one)
        for name in registry.registered().keys() - before.keys():
            registry.forget(name)
        remedy = "Mend, update or uninstall it; all other sources work"
        if isinstance(error, registry.NameClashError) and not error.own and error.name in before:
            _clashes[error.name] = str(error)
            registry.forget(error.name)
            remedy = f"Neither is {error.name} until one of them is renamed or uninstalled; all other sources work"
        problem = one_line(error) if isinstance(error, ConfigError) else f"{type(error).__name__}: {one_line(error)}"
        told = "the source %r of the package %s (entry point %s in %s) is left out: %s. %s"
        logger.warning(told, point.name, _package(point), point.value, GROUP, problem, remedy)


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "an unknown package"


def _take(point: EntryPoint) -> None:
    loaded = point.load()
    if isinstance(loaded, type) and issubclass(loaded, SourceBuilder) and hasattr(loaded, "source"):
        registry.register(loaded)
        return
    classes = {each for each in vars(loaded).values() if inspect.isclass(each)} if inspect.ismodule(loaded) else set()
    if not classes & {*registry.registered().values()}:
        raise ConfigError(
            f"{point.value} is {'a module without' if inspect.ismodule(loaded) else 'not'} a subclass of "
            "video_sft.source_kit.SourceBuilder that states its source"
        )
