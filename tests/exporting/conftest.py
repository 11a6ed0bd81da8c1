"""Rows to export, and a cache of their own for facts about files."""

from __future__ import annotations

from pathlib import Path

import datasets
import pytest
from tests.trainers.clock_rows import clock_rows


@pytest.fixture(autouse=True)
def _own_cache(own_cache: str) -> None:
    """Facts about files are kept where no other run finds them."""


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> datasets.Dataset:
    """Rows of every kind, about videos whose pictures tell the second they show."""
    return clock_rows(tmp_path_factory.mktemp("clock"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "export"
