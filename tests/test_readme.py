"""The README's lines, run as they stand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import datasets
import pytest

import video_sft
from tests.generate import README, generated_readme
from tests.local_hub.fixtures import hub  # noqa: F401
from video_sft._cli import main

TEXT = README.read_text(encoding="utf-8")
#: Fenced blocks, with the comment above those that need a user's own files.
BLOCKS = re.findall(r"(?:<!-- (not run[^\n]*) -->\n)?```(\w+)\n(.*?)```", TEXT, re.DOTALL)
PYTHON = [code for skip, language, code in BLOCKS if language == "python" and not skip]
COMMANDS = [
    line.partition(" #")[0].strip()
    for skip, language, code in BLOCKS
    for line in code.splitlines()
    if language == "sh" and not skip and line.startswith("video-sft ")
]


@pytest.fixture
def elsewhere(tmp_path: Path, session_cache: str, hub: Any, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", session_cache)
    return tmp_path


def test_python_blocks_run_in_order(elsewhere: Path) -> None:
    assert len(PYTHON) >= 3
    names: dict[str, Any] = {}
    for code in PYTHON:
        exec(compile(code, "README.md", "exec"), names)


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_run(line: str, elsewhere: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(line)[1:])
    assert not ended.value.code


def test_every_public_name_and_command_is_mentioned() -> None:
    from video_sft._cli.app import app

    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    for name in commands:
        assert re.search(rf"video-sft {name}\b", TEXT), name
    for name in {"load", "mix", "publish", "describe", "shard", "read_frames", "Clip", "Video"} & set(
        video_sft.__all__
    ):
        assert re.search(rf"\b{name}\b", TEXT), name


def test_its_table_is_current_and_its_links_lead_somewhere() -> None:
    assert generated_readme(TEXT) == TEXT
    for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", TEXT):
        assert (README.parent / target).exists(), target
