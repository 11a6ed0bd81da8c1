"""Fixtures every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real upstream files beside the project; the test is skipped where it is missing."""
    if not SHARED.is_dir():
        pytest.skip("the real upstream files are not beside this checkout")
    return SHARED
