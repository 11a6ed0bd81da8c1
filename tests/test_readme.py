"""The examples of the README and of the help, each run once as it stands."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path
from typing import Any

import datasets
import pytest

from tests.local_hub.fixtures import hub  # noqa: F401
from tests.pages import FOR_USERS, Page
from video_sft._cli import main

RUN = [(page, block) for page in FOR_USERS for block in page.blocks if not block.skip]
WITH_PYTHON = [page for page in FOR_USERS if any(page is of and block.language == "python" for of, block in RUN)]
COMMANDS = [
    line
    for _, block in RUN
    if block.language == "sh"
    for line in block.command_lines()
    if line.startswith("video-sft ")
]


@pytest.fixture
def elsewhere(tmp_path: Path, session_cache: str, hub: Any, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", session_cache)
    return tmp_path


def test_no_example_is_run_twice() -> None:
    python = [block.code for _, block in RUN if block.language == "python"]
    assert len(python) > 10
    assert not [code for code, times in Counter([*python, *COMMANDS]).items() if times > 1]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.name)
def test_python_blocks_run_in_order(page: Page, elsewhere: Path) -> None:
    names: dict[str, Any] = {}
    for block in page.blocks:
        if block.language == "python" and not block.skip:
            exec(compile(block.code, page.name, "exec"), names)


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_run(line: str, elsewhere: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(line)[1:])
    assert not ended.value.code
