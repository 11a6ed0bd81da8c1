"""Pytest fixtures for the local Hub; a conftest takes them with `from tests.local_hub.fixtures import *`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .hub import UPLOAD_WARNING, LocalHub

__all__ = ["hub", "pytest_collection_modifyitems"]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LocalHub]:
    """A fresh local Hub that `huggingface_hub` and `datasets` of this process talk to with the owner's token."""
    with LocalHub(tmp_path / "local_hub") as running, running.attached():
        yield running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the clients' own warning pass in tests that use `hub`: what a fixture filters ends with its setup."""
    for item in items:
        if "hub" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.filterwarnings(f"ignore:{UPLOAD_WARNING}:DeprecationWarning"))
