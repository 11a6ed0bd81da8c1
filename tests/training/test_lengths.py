"""`lengths`: as many tokens as the collator makes of each row, without opening a file again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import datasets
import pytest

import video_sft
from video_sft.errors import ConfigError
from video_sft.training import Collator

from .families import FAMILIES, FIXED, OMNI, processor_of

pytestmark = [
    pytest.mark.usefixtures("own_cache"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # transformers' own
]
Opened = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture
def rows() -> datasets.Dataset:
    """The samples of all sources, withheld answers, images and text included."""
    splits = [split for source in video_sft.sources() for split in _splits(source)]
    return datasets.concatenate_datasets(splits)


def _splits(source: str) -> list[Any]:
    loaded: Any = video_sft.load(source, sample=True)
    return list(loaded.values())


@pytest.mark.parametrize("family", FAMILIES)
def test_lengths_are_those_of_the_batches(family: str, rows: datasets.Dataset) -> None:
    processor = processor_of(family)
    options: dict[str, Any] = {"count": 4} if family in FIXED else {"fps": 2, "max_frames": 6, "max_tokens": 400}
    options["sound"] = family in OMNI
    found = video_sft.lengths(rows, processor, **options)
    collator = Collator(processor, on_error="skip", **options)
    assert found.column_names == [*rows.column_names, "length"]
    compared = 0
    for row in found:
        made = collator([row])["input_ids"].shape[-1]
        if row["length"] is None:
            assert row["answer"] is None
        else:
            assert row["length"] == made, row["id"]
            compared += 1
    assert compared > 60


def test_files_are_opened_once(rows: datasets.Dataset, tmp_path: Path, opened_files: Opened) -> None:
    processor = processor_of("Qwen2VL")
    with opened_files() as opened:
        first = video_sft.lengths(rows, processor, fps=1, cache_dir=tmp_path)
    assert any(name.endswith(".mp4") for name in opened)
    with opened_files() as opened:
        again = video_sft.lengths(rows, processor, fps=2, cache_dir=tmp_path)
    assert not [name for name in opened if name.endswith((".mp4", ".webm", ".mkv", ".gif", ".jpg", ".png"))]
    assert first["length"] != again["length"]


def test_a_mixture_stays_the_index_that_it_is(tmp_path: Path) -> None:
    mixed = video_sft.mix({"star": 0.5, "next_qa": 0.5}, sample=True, num_rows=500)
    measured = video_sft.lengths(mixed, processor_of("Qwen2VL"), fps=1)
    assert measured["id"] == mixed["id"]
    assert len(measured.data) == len(mixed.data)  # no row is repeated
    by_id = dict(zip(measured["id"], measured["length"], strict=True))
    assert [by_id[name] for name in mixed["id"]] == measured["length"]
    assert measured.skip(100)[0]["length"] == measured[100]["length"]
    assert video_sft.describe(measured).total.rows == 500
    assert [part.name for part in video_sft.describe(measured).sources] == ["next_qa", "star"]
    again = video_sft.lengths(measured, processor_of("Qwen2VL"), fps=2)
    assert again.column_names == measured.column_names
    assert sum(again["length"]) > sum(measured["length"])


def test_what_has_no_messages_is_refused() -> None:
    with pytest.raises(ConfigError, match="shared schema"):
        video_sft.lengths(datasets.Dataset.from_dict({"text": ["a"]}), processor_of("Qwen2VL"), fps=1)
    with pytest.raises(ConfigError, match="fps"):
        video_sft.lengths(video_sft.mix("balanced", sample=True), processor_of("Qwen2VL"))
