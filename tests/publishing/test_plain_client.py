"""A published repo loads in a process that has `datasets` and nothing of ours."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from datasets import Image, List, Value

import video_sft

from .conftest import PublishedSamples

CLIENT = Path(__file__).with_name("plain_client.py")
MEDIA = ("video", "image")


@pytest.fixture(scope="module")
def seen(samples: PublishedSamples, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """What a plain client saw, by config; the requests it made are the only ones counted."""
    folder = tmp_path_factory.mktemp("seen")
    names = folder / "configs.txt"
    names.write_text(json.dumps(video_sft.configs()))
    samples.hub.forget_served()
    subprocess.run(
        [sys.executable, str(CLIENT), samples.name, str(names), str(folder)],
        env=samples.hub.environment(token=None, cache="stranger"),
        check=True,
        capture_output=True,
        text=True,
    )
    return {config: json.loads((folder / f"{config}.json").read_text()) for config in video_sft.configs()}


def test_only_parquet_was_downloaded(seen: Mapping[str, Any], samples: PublishedSamples) -> None:
    assert samples.hub.bytes_sent("*.parquet") > 0
    assert samples.hub.requests(pattern="videos/*") == []


@pytest.mark.parametrize("config", video_sft.configs())
def test_rows_are_those_built_locally(config: str, seen: Mapping[str, Any], samples: PublishedSamples) -> None:
    built = video_sft.load(config, sample=True, cache_dir=samples.cache_dir)
    assert {key.split(",")[0] for key in seen[config]} == set(built)
    for key, found in seen[config].items():
        local = built[key.split(",")[0]]
        media = [name for name in MEDIA if name in local.column_names and not config.endswith("-source")]
        listed = {"videos"} if media else set()
        rows = [{name: row[name] for name in row if name not in {*media, *listed}} for row in found["rows"]]
        assert to_nine_places(rows) == to_nine_places(local.remove_columns(media).to_list())
        for name in media:
            stored = local.with_format("arrow")[:][name].to_pylist()
            assert [row[name] is None for row in found["rows"]] == [cell is None for cell in stored]


def to_nine_places(value: Any) -> Any:
    """Values with their numbers rounded: `datasets` reads those of a `Json` column to ten decimals."""
    if isinstance(value, float):
        return round(value, 9)
    if isinstance(value, list):
        return [to_nine_places(each) for each in value]
    return {name: to_nine_places(each) for name, each in value.items()} if isinstance(value, dict) else value


def test_features_are_the_standard_ones(seen: Mapping[str, Any]) -> None:
    text = repr(Value("string"))
    for key, found in seen["videochat2"].items():
        features = found["features"]
        assert features["video"] == repr({"bytes": Value("binary"), "path": Value("string")}), key
        assert features["videos"].startswith("List(Video(decode=False"), key
        assert features["image"] == repr(Image()), key
        assert features["choices"] == repr(List(Value("string"))), key
        assert (features["id"], features["video_id"]) == (text, text), key


def test_streamed_rows_are_the_downloaded_ones(seen: Mapping[str, Any]) -> None:
    for source in video_sft.sources():
        found = seen[source]
        assert any(key.endswith("stream") for key in found)
        for split in {key.split(",")[0] for key in found}:
            assert found[f"{split}, map"] == found[f"{split}, stream"], source
