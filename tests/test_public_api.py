"""The names users call: exactly these, each with a docstring, none of them slow to import."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
import warnings
from importlib import metadata
from pathlib import Path

import pytest

import video_sft
import video_sft.video
from video_sft import _import_hooks

PACKAGES = [video_sft, video_sft.video]


def run(code: str) -> str:
    """What a fresh interpreter prints, warnings being errors."""
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_all_is_exact(package: object) -> None:
    names = list(package.__all__)  # type: ignore[attr-defined]
    assert names == sorted(names)
    for name in names:
        assert getattr(package, name) is not None
    assert set(names) <= set(dir(package))
    public = {name for name, value in vars(package).items() if not name.startswith("_") and not inspect.ismodule(value)}
    assert public - {"TYPE_CHECKING", "annotations"} == set(names)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_type_checkers_and_python_see_the_same_names(package: object) -> None:
    tree = ast.parse(Path(package.__file__).read_text(encoding="utf-8"))  # type: ignore[attr-defined]
    block = next(node for node in tree.body if isinstance(node, ast.If))
    for statement in block.body:
        assert isinstance(statement, ast.ImportFrom)
        for alias in statement.names:
            assert getattr(package, alias.name) is getattr(importlib.import_module(str(statement.module)), alias.name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        video_sft.laod  # noqa: B018


def test_every_public_name_has_a_docstring_of_its_own() -> None:
    for name in video_sft.__all__:
        text = inspect.getdoc(getattr(video_sft, name)) or ""
        assert len(text.split()) > 3, name


def test_load_has_the_documented_keywords() -> None:
    parameters = inspect.signature(video_sft.load).parameters
    documented = inspect.getdoc(video_sft.load) or ""
    for name, parameter in parameters.items():
        assert f"{name}:" in documented, name
        assert name == "config" or parameter.kind is not parameter.POSITIONAL_OR_KEYWORD, name


def test_the_command_is_installed() -> None:
    scripts = metadata.entry_points(group="console_scripts", name="video-sft")
    assert [script.value for script in scripts] == ["video_sft._cli:main"]


def test_the_version_is_that_of_the_package() -> None:
    assert metadata.version("video-sft") == video_sft.__version__


def test_clips_are_used_without_datasets() -> None:
    loaded = run(
        "import sys, video_sft; print(*sys.modules); from video_sft import Clip, read_frames;"
        "Clip('/nowhere.mp4'); print(*sys.modules)"
    )
    at_first, with_clips = (set(line.split()) for line in loaded.splitlines())
    assert not at_first & {"datasets", "numpy", "av", "pyarrow", "fsspec", "huggingface_hub"}
    assert not with_clips & {"datasets", "pandas", "torch"}


def test_every_name_can_be_had_without_the_extras() -> None:
    hidden = "import sys; sys.modules.update(dict.fromkeys(['torch', 'transformers', 'matplotlib']))"
    assert run(f"{hidden}; from video_sft import *; print(lengths.__name__)") == "lengths\n"


def test_columns_are_kept_whichever_is_imported_first() -> None:
    features = "datasets.Features.from_dict({'video': {'_type': 'Video', 'id': 'video_sft'}})"
    for first in ("video_sft", "datasets", "video_sft._datasets", "video_sft.video._columns.kept_columns"):
        kept = run(f"import {first}; import video_sft, datasets; print(type({features}['video']).__module__)")
        assert kept.startswith("video_sft."), first
    assert run("import video_sft, datasets; print(datasets.__spec__.loader is datasets.__loader__)").strip() == "True"


@pytest.mark.parametrize("former", _import_hooks.FORMER_PLACES)
def test_former_places_lead_to_the_names_and_say_so(former: str) -> None:
    sys.modules.pop(f"video_sft.{former}", None)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        module = importlib.import_module(f"video_sft.{former}")
    assert str(told[-1].message).startswith(f"video_sft.{former} has moved; import from ")
    assert told[-1].category is DeprecationWarning
    assert module is importlib.import_module(f"video_sft.{_import_hooks.FORMER_PLACES[former]}")
    sys.modules.pop(f"video_sft.{former}", None)
