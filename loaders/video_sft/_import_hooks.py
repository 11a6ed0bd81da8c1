"""Import hooks: columns of clips are kept as soon as `datasets` is there, and modules are found at former places."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["FORMER_PLACES", "install", "keep_columns"]

#: Where public names were once imported from, and the modules that have them now.
FORMER_PLACES = {
    "annotations": "_annotations",
    "building": "source_kit",
    "cli": "_cli",
    "grouping": "_rows.grouping",
    "loading": "_loading",
    "locations": "_places",
    "media": "_media",
    "media.pools": "_sources.pool",
    "messages": "_rows.messages",
    "mixing.eval_ids": "mixing._eval_lists.lists",
    "mixing.mixture": "mixing",
    "mixing.recipe": "mixing",
    "mixing.report": "mixing",
    "mixing.sharding": "mixing",
    "prompt_styles": "_rows.prompt_styles",
    "publishing.publisher": "publishing",
    "publishing.reading": "publishing",
    "records": "source_kit",
    "reports": "_rows.skipped_rows",
    "rows": "_rows.schema",
    "texts": "_text",
    "video.batch": "video",
    "video.clip": "video",
    "video.feature": "video._columns.feature",
    "video.fragment": "video",
    "video.frames": "video",
    "video.sampling": "video._sampling",
}
_ROOT = __name__.partition(".")[0]


class _FormerPlace(Loader):
    """Gives the module that stands where an import from a former place leads."""

    def __init__(self, place: str) -> None:
        self._place = place

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = importlib.import_module(self._place)


class _ThenKeepingColumns(Loader):
    """Loads `datasets`, and then makes it keep columns of clips."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        created: ModuleType | None = self._loader.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        if spec is not None:  # tools that look at how a module was loaded see what they would without us
            spec.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        keep_columns()


class _Finder(MetaPathFinder):
    """Stands in front of the usual finders, for the few names that are ours to see."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "datasets":
            sys.meta_path.remove(self)  # before the search, which comes by here too
            try:
                spec = importlib.util.find_spec("datasets")
            finally:
                sys.meta_path.insert(0, self)
            if spec is not None and spec.loader is not None:
                spec.loader = _ThenKeepingColumns(spec.loader)
            return spec
        place = FORMER_PLACES.get(fullname.removeprefix(f"{_ROOT}.")) if fullname.startswith(f"{_ROOT}.") else None
        if place is None:
            return None
        new = f"{_ROOT}.{place}"
        public = new if "._" not in new else "video_sft, or the public module that has the name"
        warnings.warn(f"{fullname} has moved; import from {public}", DeprecationWarning, stacklevel=2)
        return ModuleSpec(fullname, _FormerPlace(new))


def keep_columns() -> None:
    """Have `datasets` keep columns of clips, at once or, where `_datasets` is on its way, when that is ready."""
    ours = sys.modules.get(f"{_ROOT}._datasets")
    if ours is None or hasattr(ours, "wrap_methods"):
        importlib.import_module(f"{_ROOT}.video._columns.kept_columns")


def install() -> None:
    """Put the hooks in place; where `datasets` was imported first, its columns are kept from now on."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    if "datasets" in sys.modules:
        keep_columns()
