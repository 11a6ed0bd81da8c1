"""Public names of a package that are imported when they are first used."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["attach"]


def attach(
    package: str, places: Mapping[str, Sequence[str]], modules: Sequence[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return a package's `__getattr__` and `__dir__`.

    Args:
        package: its `__name__`.
        places: by module, the names that are taken from it.
        modules: public modules of the package that `import package` alone gives.
    """
    place_of = {name: module for module, names in places.items() for name in names}
    home = importlib.import_module(package)

    def get(name: str) -> Any:
        if name in place_of:
            value = getattr(importlib.import_module(place_of[name]), name)
            setattr(home, name, value)
            return value
        if name in modules:
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def names() -> list[str]:
        return sorted({*vars(home), *place_of, *modules})

    return get, names
