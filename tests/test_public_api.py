"""The names users call: exactly these, each with a docstring."""

from __future__ import annotations

import inspect
from importlib import metadata

import video_sft
import video_sft._loading


def test_all_is_exact() -> None:
    public = {
        name for name, value in vars(video_sft).items() if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert public == set(video_sft.__all__)
    assert list(video_sft.__all__) == sorted(video_sft.__all__)


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
