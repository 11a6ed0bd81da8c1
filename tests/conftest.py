"""Fixtures every test may use."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import datasets
import pytest

from tests.priority import ordinary_priority
from video_sft._cli import main

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that read the real upstream files, so that `-m shared` and `-m 'not shared'` choose by it."""
    for item in items:
        if "shared" in getattr(item, "fixturenames", ()):
            item.add_marker("shared")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real upstream files beside the project; the test is skipped where it is missing."""
    if not SHARED.is_dir():
        pytest.skip("the real upstream files are not beside this checkout")
    return SHARED


@pytest.fixture(scope="session")
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A cache for built datasets that all tests share and nothing else does."""
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def own_cache(session_cache: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same cache, also where none is named: by commands and by `mix`."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", session_cache)
    return session_cache


@dataclass
class CommandResult:
    """What a user sees of one command."""

    code: int
    out: str
    err: str


@pytest.fixture
def video_sft_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., CommandResult]:
    """Run `video-sft` with these words, as a user at a terminal of 200 columns."""

    def run(*words: object) -> CommandResult:
        capsys.readouterr()
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as ended:
            main([*map(str, words)])
        said = capsys.readouterr()
        return CommandResult(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture(autouse=True, scope="session")
def _quiet() -> Iterator[None]:
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


@pytest.fixture(autouse=True)
def _own_log_level() -> Iterator[None]:
    """Commands set the level that all later messages of the package are logged from."""
    logger = logging.getLogger("video_sft")
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.fixture(autouse=True)
def _ordinary_priority() -> Iterator[None]:
    yield
    ordinary_priority()


@pytest.fixture
def opened_files() -> Callable[[], AbstractContextManager[list[str]]]:
    """A context whose list holds the name of every file opened inside it, libav's own included."""
    from video_sft.testing import opened_files  # here, so that nothing of the package runs before it is measured

    return opened_files
