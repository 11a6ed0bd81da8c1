"""`push_to_hub` of rows with clips: what arrives is small, plain, and the same rows again."""

from __future__ import annotations

import logging
from pathlib import Path

import datasets
import pytest
from tests.local_hub import LocalHub

import video_sft


def test_pushed_rows_carry_neither_bytes_nor_places_of_this_machine(
    hub: LocalHub, session_cache: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = video_sft.load("star", sample=True, split="train", cache_dir=session_cache)
    assert isinstance(rows, datasets.Dataset)
    with caplog.at_level(logging.WARNING):
        rows.push_to_hub("org/mine")
    assert "their cells are left empty" in caplog.text
    back = datasets.load_dataset("org/mine", split="train", cache_dir=str(tmp_path / "cache"))
    assert [row["id"] for row in back] == rows["id"][:]
    assert back["video_path"][:] == rows["video_path"][:]
    assert set(back["video"][:]) == {None}
    assert type(back.features["video"]) is video_sft.Video
