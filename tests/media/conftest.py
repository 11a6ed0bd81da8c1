"""Fixtures of tests on media."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import video_sft


@pytest.fixture(scope="module")
def drawn(session_cache: str) -> Path:
    """The folder of clips the sample of next_qa is drawn into."""
    rows: Any = video_sft.load("next_qa", sample=True, split="train", cache_dir=session_cache)
    return Path(rows[0]["video"].path).parents[1]
