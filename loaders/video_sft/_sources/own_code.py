"""The code that reads a source from outside the package: part of its cache key, so that an edit builds its rows anew.

The code of a class is the file it is defined in and what that file imports from beside itself: every `.py` file of the
package it is in (the outermost one that has an `__init__.py`), and other modules and packages of the same folder, one
after the other. What pip installed counts for its own package alone. Files are read when the class is defined: what
they held then is what runs. Code without a file, as in a notebook, is hashed as it is at the moment of the build.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import logging
import os
import re
import sys
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from video_sft._datasets import Hasher
from video_sft._places import fingerprint
from video_sft.errors import one_line

__all__ = ["OwnCode", "code_digest", "module_file"]

logger = logging.getLogger("video_sft")
_PACKAGE = "video_sft"
_IMPORT = re.compile(rb"^[ \t]*(?:from[ \t]+(\w+)|import[ \t]+(\w[^#\n;]*))", re.MULTILINE)
#: What a builder class has because it is one.
_MADE_BY_US = ("BUILDER_CONFIGS", "DEFAULT_CONFIG_NAME", "_outside", "_abc_impl")
_FUNCTIONS = ("parse", "in_view", "upstream_row")


@dataclass(frozen=True)
class OwnCode:
    """The code of one builder class.

    Attributes:
        files: a hash of the files it is in.
        live: what is in no file: objects to hash as they are.
    """

    files: str
    live: tuple[Any, ...]

    @classmethod
    def of(cls, builder: type[Any]) -> OwnCode:
        """Return the code of a class, its bases and its source's functions, as far as they are outside the package."""
        places: set[Path] = set()
        live: list[Any] = []
        for part, module in _code_of(builder):
            file = _file_of(part)
            if file is None:
                live.append(part)
            else:
                places |= _with_imports(file, module)
        return cls(code_digest(places), tuple(live))

    def digest(self) -> str:
        """Return a string that changes when the code does; always another one where that cannot be told."""
        try:
            return f"{self.files} {Hasher.hash([_contents(part) for part in self.live])}"
        except Exception as error:  # noqa: BLE001  (whatever hinders pickling: rows built anew are right, if slow)
            logger.info("rows are built anew, since the code that reads them cannot be compared: %s", one_line(error))
            return f"{self.files} {uuid.uuid4()}"


def code_digest(files: Iterable[Path]) -> str:
    """Return a string that changes when the content or the name of one of some files does."""
    told = "".join(f"{file.name} {fingerprint(str(file))}\n" for file in sorted(files))
    return hashlib.sha256(told.encode()).hexdigest()


def module_file(cls: type[Any]) -> Path | None:
    """Return the file a class is defined in; None for one that is in none, as in a notebook."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return Path(file).resolve() if file and os.path.isfile(file) else None


def _code_of(builder: type[Any]) -> Iterator[tuple[Any, str]]:
    """Yield the classes and functions that are outside the package, each with the name of its module."""
    functions = [getattr(builder.source, name) for name in _FUNCTIONS]
    for part in [*builder.__mro__, builder.BUILDER_CONFIG_CLASS, *map(_plain_function, functions)]:
        module = getattr(part, "__module__", None) or ""
        if part is not None and module.partition(".")[0] not in (_PACKAGE, "datasets", "builtins", "abc", "typing"):
            yield part, module


def _plain_function(function: Any) -> Any:
    """Return the function behind decorators, partial application and bound methods; the class of a callable object."""
    while True:
        inner = function.func if isinstance(function, functools.partial) else inspect.unwrap(function)
        inner = getattr(inner, "__func__", inner)
        if inner is function:
            break
        function = inner
    return function if function is None or hasattr(function, "__code__") else type(function)


def _file_of(part: Any) -> Path | None:
    code = getattr(part, "__code__", None)
    if code is None:
        return module_file(part)
    return Path(code.co_filename).resolve() if os.path.isfile(code.co_filename) else None


def _with_imports(file: Path, module: str) -> set[Path]:
    """Return the files of a module's package, and those beside it that they import."""
    depth = _package_depth(file, module)
    root = file.parents[depth]
    first = file if depth == 0 else root / file.relative_to(root).parts[0]
    if any(root.glob("*.dist-info")):  # a folder of installed packages, which change by versions
        return set(_files_in(first))
    found: set[Path] = set()
    waiting = [first]
    while waiting:
        new = [file for file in _files_in(waiting.pop()) if file not in found]
        found.update(new)
        for name in {name for file in new for name in _imported(file.read_bytes())} - {_PACKAGE}:
            waiting += [place for place in (root / name, root / f"{name}.py") if place != first and place.exists()]
    return found


def _package_depth(file: Path, module: str) -> int:
    """Return how many folders above a module's file are packages it is in."""
    levels = module.count(".") + (file.name == "__init__.py")
    depth = 0
    while depth < levels and (file.parents[depth] / "__init__.py").is_file():
        depth += 1
    return depth


def _files_in(place: Path) -> list[Path]:
    if place.suffix == ".py" or place.is_file():
        return [place]
    if not (place / "__init__.py").is_file():
        return []
    return [Path(folder, name) for folder, _, names in os.walk(place) for name in names if name.endswith(".py")]


def _imported(text: bytes) -> Iterator[str]:
    """Yield the first names of what a file imports, inside functions too."""
    for match in _IMPORT.finditer(text):
        for name in [match[1]] if match[1] else match[2].split(b","):
            yield name.strip().partition(b".")[0].partition(b" ")[0].decode("ascii", "replace")


def _contents(part: Any) -> Any:
    """Return what of a class or function in no file decides about rows, in a form that hashes the same tomorrow."""
    if getattr(part, "__module__", None) not in ("__main__", None):
        raise TypeError(f"{part!r} is in a module without a file, of which nothing can be told")
    if not isinstance(part, type):
        return part
    members = {name: value for name, value in vars(part).items() if name[:2] != "__" and name not in _MADE_BY_US}
    inner = {name: getattr(value, "fget", None) or getattr(value, "__func__", value) for name, value in members.items()}
    return part.__qualname__, sorted(inner.items()), getattr(part, "__annotations__", None)
