"""Reading published rows with this package: clips that read remote ranges."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset, IterableDataset, Video
from tests.local_hub import LocalHub

import video_sft
from video_sft.errors import ConfigError
from video_sft.publishing import load_published

from .conftest import PublishedSamples
from .made_rows import made_run, make_rows, make_videos


@pytest.mark.parametrize("streaming", [False, True])
def test_clips_have_their_limits_and_read_the_same_frames(samples: PublishedSamples, streaming: bool) -> None:
    local = video_sft.load("star", sample=True, split="train", cache_dir=samples.cache_dir)
    with samples.hub.attached(cache=f"reading_{streaming}"):
        samples.hub.forget_served()
        rows = load_published("star", samples.name, split="train", streaming=streaming)
        assert isinstance(rows, IterableDataset if streaming else Dataset)
        clips = [row["video"] for row in rows]
        assert samples.hub.requests(pattern="videos/*") == []
        assert [(clip.start_seconds, clip.stop_seconds) for clip in clips] == [
            (row["start_seconds"], row["stop_seconds"]) for row in local
        ]
        assert any(clip.start_seconds for clip in clips)
        there = clips[0].frames(count=3)
        assert samples.hub.bytes_sent("videos/*") > 0
    here = local[0]["video"].frames(count=3)
    assert np.array_equal(there.data, here.data)
    assert there.pts_seconds.tolist() == here.pts_seconds.tolist()


def test_load_takes_a_repo(samples: PublishedSamples) -> None:
    built = video_sft.load("next_gqa", sample=True, cache_dir=samples.cache_dir)
    with samples.hub.attached(cache="reading_load"):
        found = video_sft.load("next_gqa", repo=samples.name)
        assert set(found) == set(built)
        for split, rows in found.items():
            assert rows.features == built[split].features
            assert rows.remove_columns("video").to_list() == built[split].remove_columns("video").to_list()


def test_a_damaged_cache_of_a_repo_is_made_anew(
    samples: PublishedSamples, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with samples.hub.attached(cache="reading_damaged"):
        expected = list(video_sft.load("star", repo=samples.name, split="train", cache_dir=tmp_path)["id"])
        files = [
            file for name in ("*-train.arrow", "cache-*.arrow", "dataset_info.json") for file in tmp_path.rglob(name)
        ]
        assert len(files) == 3
        for path in files:
            for damage in (
                lambda path: os.truncate(path, path.stat().st_size // 2),
                lambda path: path.write_bytes(b""),
            ):
                caplog.clear()
                damage(path)
                again = video_sft.load("star", repo=samples.name, split="train", cache_dir=tmp_path)
                assert list(again["id"]) == expected
                assert "is damaged and made anew" in caplog.text


def test_upstreams_own_fields_come_as_they_are(samples: PublishedSamples) -> None:
    with samples.hub.attached(cache="reading_source"):
        rows = load_published("videochat-source", samples.name, split="train")
    built = video_sft.load("videochat-source", sample=True, split="train", cache_dir=samples.cache_dir)
    assert rows.to_list() == built.to_list()


def test_a_clip_that_was_cut_is_not_cut_again(hub: LocalHub, tmp_path: Path) -> None:
    made_run(make_rows(make_videos(tmp_path / "cut", 2), limits=False), tmp_path).publish(private=False)
    for row in load_published("star", "org/made", split="train"):
        assert row["start_seconds"] is not None
        assert (row["video"].start_seconds, row["video"].stop_seconds) == (None, None)


def test_a_private_repo_opens_with_its_token(hub: LocalHub, tmp_path: Path) -> None:
    made_run(make_rows([], rows=3), tmp_path).publish(private=True)
    with hub.attached(token=None, cache="stranger"):
        assert len(load_published("star", "org/made", split="train", token=hub.token)) == 3


def test_a_config_that_is_not_there_is_named(samples: PublishedSamples) -> None:
    with samples.hub.attached(cache="reading_missing"), pytest.raises(ConfigError, match=r"no config 'stars'.*star"):
        load_published("stars", samples.name)


OUTSIDE = [
    "/etc/passwd",
    "{film}",
    "file://{film}",
    "clip://t=0,1::{film}",
    "zip://a.mp4::/data/x.zip",
    "http://127.0.0.1:9/x.mp4",
    "hf://datasets/other/rows@main/videos/a.mp4",
    "hf://datasets/evil/rows-more@main/videos/a.mp4",
    "hf://datasets/evil/rows@main/../../other/rows/resolve/main/a.mp4",
    "hf://datasets/evil/rows@main/%2e%2e/a.mp4",
    "hf://datasets/evil/rows@main/a.zip::{film}",
    "-",
]


@pytest.mark.parametrize("streaming", [False, True])
def test_rows_of_a_repo_open_nothing_outside_it(hub: LocalHub, tmp_path: Path, streaming: bool) -> None:
    (film,) = make_videos(tmp_path / "made", 1)
    shown = list(load_cells(hub, "evil/rows", [cell.format(film=film) for cell in OUTSIDE], streaming))
    hub.forget_served()
    for row in shown:
        with pytest.raises(video_sft.VideoError, match=r"not in that repo; load\(\.\.\., allow_media="):
            row["video"].frames(count=1)
    assert hub.requests(pattern="*") == []
    allowed = load_cells(hub, "evil/more", [str(film), f"{film}x"], streaming, allow_media=[str(film.parent)])
    with pytest.raises(video_sft.VideoError) as told:  # which is opened: no video, but bytes
        next(iter(allowed))["video"].frames(count=1)
    assert "not in that repo" not in str(told.value)
    with pytest.raises(ConfigError, match="allow_media is 'x'"):
        load_cells(hub, "evil/last", ["a"], streaming, allow_media="x")


def load_cells(hub: LocalHub, repo: str, cells: list[str], streaming: bool, **options: Any) -> Any:
    """Rows of a repo whose owner wrote these paths into its video cells."""
    plain = video_sft.features()
    plain["video"] = Video(decode=False)
    row = {**dict.fromkeys(plain), "messages": [], "choices": [], "evidence": []}
    made = [{**row, "id": cell, "video": {"bytes": None, "path": cell}} for cell in cells]
    content = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(made, plain.arrow_schema), content)
    card = b"---\nconfigs:\n- config_name: star\n  data_files: star/train-*.parquet\n---\n"
    hub.add_repo(repo, {"README.md": card, "star/train-0.parquet": content.getvalue()})
    return load_published("star", repo, split="train", streaming=streaming, **options)


def test_a_repos_rows_are_shown_with_its_clips(samples: PublishedSamples) -> None:
    pytest.importorskip("uvicorn")
    pytest.importorskip("starlette")
    from tests.viewing.conftest import serving

    from video_sft._viewing.opened import open_config

    local = video_sft.load("star", sample=True, split="train", cache_dir=samples.cache_dir)
    file = Path(local[0]["video"].path).read_bytes()
    with samples.hub.attached(cache="viewed"):
        opened = open_config("star", repo=samples.name)
        assert opened.splits == ("train", "validation", "test")
        with serving(opened) as site:
            samples.hub.forget_served()
            assert [row["id"] for row in site.rows()["rows"]] == local["id"]
            assert samples.hub.requests(pattern="videos/*") == []
            medium = site.get("/api/medium/train/0").json
            assert (medium["way"], medium["begin"], medium["end"]) == ("direct", 1.2, 5.6)
            part = site.get("/video/train/0", Range="bytes=100-199")
            assert (part.status, part.body) == (206, file[100:200])
            assert site.get("/video/train/0").body == file
            upstream = site.get("/api/upstream/train/0").json
            assert upstream["fields"]["row_id"] == "star/Interaction_T1_2"
            assert len(upstream["moments"]) == 3
