"""Modules of `video_sft.video` import in one direction, and reading a clip loads little."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import video_sft.video

ROOT = Path(video_sft.video.__file__).parent
PACKAGE = "video_sft.video"
#: From the front to the back; the last are words that all may use.
LAYERS = (
    "_columns",
    "_batch",
    "_clip",
    "_notebook",
    "_encoding",
    "_reading",
    "_streams",
    "_decoding",
    "_headers",
    "_bytes",
)
WORDS = frozenset({"_contact_sheet", "_fragment", "_frames", "_sampling", "_timeline"})


def imported(path: Path, *, only_top_level: bool = False) -> set[str]:
    """Modules that a file imports, wherever in it, those for type checkers included."""
    tree = ast.parse(path.read_text())
    nodes = list(tree.body) if only_top_level else list(ast.walk(tree))
    found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return found | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


def modules() -> dict[str, Path]:
    """Files by their dotted names; the face of the package itself, which names all, left out."""
    files = [path for path in ROOT.rglob("*.py") if path.name != "__init__.py"]
    return {".".join((PACKAGE, *path.relative_to(ROOT).with_suffix("").parts)): path for path in files}


def layer(module: str) -> str:
    return module.removeprefix(f"{PACKAGE}.").partition(".")[0]


@pytest.mark.parametrize("module", sorted(modules()))
def test_modules_import_only_what_is_behind_them(module: str) -> None:
    own = layer(module)
    within = {layer(name) for name in imported(modules()[module]) if name.startswith(f"{PACKAGE}.")}
    if own in WORDS:
        assert within <= WORDS
    else:
        assert within - WORDS <= set(LAYERS[LAYERS.index(own) :])


def test_no_module_imports_itself_by_way_of_others() -> None:
    every = modules()
    graph = {name: imported(path) & every.keys() for name, path in every.items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(every)


def test_datasets_is_imported_by_columns_alone() -> None:
    for module, path in modules().items():
        named = imported(path, only_top_level=True)
        if layer(module) != "_columns":
            assert not named & {"datasets", "video_sft._datasets"}, module


def test_a_clip_of_a_local_file_loads_no_client_and_no_table(plain: Path) -> None:
    heavy = ("datasets", "pandas", "pyarrow", "PIL", "fsspec", "asyncio", "huggingface_hub", "torch")
    program = (
        f"import sys; from video_sft import Clip; Clip(sys.argv[1]).frames(count=2); "
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program, plain], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
