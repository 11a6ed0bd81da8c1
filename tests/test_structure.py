"""The package's own order: modules import each other in one direction, and say in their first line what they are."""

from __future__ import annotations

import ast
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import video_sft

PACKAGE = Path(video_sft.__file__).parent
_QUESTION = re.compile(r"(whether|what|which|how|who|where|why|when|is|are|does)\b", re.IGNORECASE)


def module_name(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(file): ast.parse(file.read_text(encoding="utf-8")) for file in PACKAGE.rglob("*.py")}


def from_imports(name: str) -> Iterator[tuple[str, str]]:
    """Yield what a module imports from others of the package: inside functions and for type checkers too."""
    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.ImportFrom) and node.module in MODULES and not node.level:
            yield from ((node.module, alias.name) for alias in node.names)


def imported(name: str) -> set[str]:
    found = {f"{module}.{each}" if f"{module}.{each}" in MODULES else module for module, each in from_imports(name)}
    return found - {name}


def circles() -> list[list[str]]:
    """Return the sets of modules that reach each other, by Tarjan's algorithm."""
    graph = {name: imported(name) for name in MODULES}
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []
    numbers = itertools.count()

    def visit(name: str) -> None:
        order[name] = lowest[name] = next(numbers)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in order:
                visit(other)
                lowest[name] = min(lowest[name], lowest[other])
            elif other in stack:
                lowest[name] = min(lowest[name], order[other])
        if lowest[name] == order[name]:
            place = stack.index(name)
            if len(stack) - place > 1:
                found.append(stack[place:])
            del stack[place:]

    for name in sorted(graph):
        if name not in order:
            visit(name)
    return found


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles() == []


def test_no_module_takes_a_private_name_from_another() -> None:
    imports = ((name, module, each) for name in MODULES for module, each in from_imports(name))
    taken = {(name, f"{module}.{each}") for name, module, each in imports if each[0] == "_" != each[1]}
    assert sorted(pair for pair in taken if pair[1] not in MODULES) == []


def test_modules_say_in_their_first_line_what_they_are() -> None:
    first = {name: (ast.get_docstring(tree) or "").split("\n")[0] for name, tree in MODULES.items()}
    assert {name: line for name, line in first.items() if not line.endswith((".", ":"))} == {}
    assert {name: line for name, line in first.items() if _QUESTION.match(line)} == {}


def test_a_class_name_means_one_thing() -> None:
    classes = [node.name for tree in MODULES.values() for node in tree.body if isinstance(node, ast.ClassDef)]
    assert [name for name, count in Counter(classes).items() if count > 1] == []
