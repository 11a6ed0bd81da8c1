"""Generated videos that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.video.made_videos import fully, make_every_kind
from tests.video.video_server import VideoServer


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One small video of every kind, by the kind's name."""
    return make_every_kind(tmp_path_factory.mktemp("videos"))


@pytest.fixture(scope="session")
def plain(videos: dict[str, Path]) -> Path:
    """50 frames of H.264 with B-frames at 25 frames a second, a key frame every 12."""
    return videos["plain"]


@pytest.fixture(scope="session")
def reference(plain: Path) -> tuple[np.ndarray, np.ndarray]:
    """Frames and times of `plain`, fully decoded."""
    return fully(plain)


@pytest.fixture
def server(folder: Path) -> Iterator[VideoServer]:
    """Serves the folder that a module's own fixture of that name makes."""
    with VideoServer(folder) as running:
        yield running
