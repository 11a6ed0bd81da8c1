"""Generated videos that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from tests.video.http_server import RangeServer
from tests.video.zoo import decode_fully, make_zoo


@pytest.fixture(scope="session")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One small video of every kind, by the kind's name."""
    return make_zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(scope="session")
def plain(zoo: dict[str, Path]) -> Path:
    """50 frames of H.264 with B-frames at 25 frames a second, a key frame every 12."""
    return zoo["plain"]


@cache
def _reference(path: Path) -> tuple[np.ndarray, np.ndarray]:
    return decode_fully(path)


@pytest.fixture(scope="session")
def reference(plain: Path) -> tuple[np.ndarray, np.ndarray]:
    """Frames and times of `plain`, fully decoded."""
    return _reference(plain)


@pytest.fixture
def server(folder: Path) -> Iterator[RangeServer]:
    """Serves the folder that a module's own fixture of that name makes."""
    with RangeServer(folder) as running:
        yield running
