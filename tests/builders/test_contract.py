"""What every source and every config has to keep; a new source is picked up by being there."""

from __future__ import annotations

import json
from pathlib import Path

import datasets
import pytest
from tests.expectations import as_text, built_rows, expected_path, read_expected

import video_sft
from video_sft.builders import builder_class, find_source, own_sources
from video_sft.testing import SourceContract

ROOT = Path(__file__).resolve().parents[2]
SOURCES = own_sources()
CONFIGS = [config for source in SOURCES for config in video_sft.configs(source)]


class TestSources(SourceContract):
    """The contract other packages test their sources by."""

    sources = SOURCES


def test_modules_cards_and_samples_have_the_same_names() -> None:
    package = ROOT / "loaders" / "video_sft"
    modules = {path.stem for path in (package / "builders").glob("[!_]*.py")}
    samples = {path.name for path in (package / "samples").iterdir() if path.is_dir() and path.name != "__pycache__"}
    cards = {path.stem for path in (ROOT / "dataset_cards").glob("*.md")} - {"video-sft"}
    assert set(SOURCES) == modules == samples == cards
    assert [builder_class(source).source.name for source in SOURCES] == SOURCES


@pytest.mark.parametrize("config", CONFIGS)
def test_sample_gives_the_expected_rows(config: str, session_cache: str) -> None:
    rows = [json.loads(line) for line in as_text(built_rows(config, session_cache)).split("\n")[:-1]]
    assert rows == read_expected(config)


def test_no_expectation_is_left_over() -> None:
    assert {path.stem for path in expected_path("x").parent.glob("*.jsonl")} == set(CONFIGS)


def test_every_shared_config_concatenates(session_cache: str) -> None:
    shared = [config for config in CONFIGS if not config.endswith("-source")]
    parts = [
        rows
        for config in shared
        for rows in video_sft.load(config, sample=True, cache_dir=session_cache).values()  # type: ignore[union-attr]
    ]
    together = datasets.concatenate_datasets(parts)
    assert len(together) == sum(len(part) for part in parts)
    assert together.features.to_dict() == video_sft.features().to_dict()
    assert {type(row["video"]) for row in together.shuffle(seed=0)} == {video_sft.Clip, type(None)}


@pytest.mark.parametrize("source", SOURCES)
def test_files_can_be_had(source: str) -> None:
    for part in find_source(source).parts:
        for file in part.files.values():
            assert file.url or file.steps


@pytest.mark.parametrize("source", SOURCES)
def test_every_sample_has_a_clip_of_each_config(source: str, session_cache: str) -> None:
    for config in video_sft.configs(source)[:-1]:
        splits = video_sft.load(config, sample=True, cache_dir=session_cache)
        assert any(row["video"] is not None for rows in splits.values() for row in rows)  # type: ignore[union-attr]
