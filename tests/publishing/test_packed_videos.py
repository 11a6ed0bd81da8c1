"""Videos in zips, where a repo would have more files than the Hub takes."""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from datasets import DatasetDict
from huggingface_hub import snapshot_download
from tests.local_hub import LocalHub

import video_sft
from video_sft.publishing import PublishError, publish
from video_sft.publishing._upload.repo_run import GivenMedia, LoadedConfig, RepoRun
from video_sft.publishing._upload.repository import HubRepo
from video_sft.sample_media import sample_folder

from .made_rows import make_rows, make_videos

REPO = "org/packed"


@pytest.fixture
def options(tmp_path: Path, session_cache: str) -> dict[str, Any]:
    """What `publish` takes for the sample of `star` with its clips in a pool of the user's."""
    drawn = [row["video"].path for row in video_sft.load("star", sample=True, split="train", cache_dir=session_cache)]
    pool = tmp_path / "pool" / "Charades_v1_480"
    pool.mkdir(parents=True)
    for path in set(drawn):
        shutil.copy(path, pool)
    return {
        "repo": REPO,
        "data_dir": sample_folder("star"),
        "media": {"charades": pool},
        "allow_restricted_videos": True,
        "cache_dir": session_cache,
        "state_dir": tmp_path / "state",
    }


def zips(hub: LocalHub) -> dict[str, list[str]]:
    found = {path: hub.read(REPO, path) for path in hub.tree(REPO) if path.endswith(".zip")}
    return {path: zipfile.ZipFile(io.BytesIO(content)).namelist() for path, content in found.items()}


def sums(rows: Any) -> list[int]:
    return [int(row["video"].frames(count=1).data.sum()) for row in rows]


def test_too_many_files_are_packed_and_read_in_place(
    hub: LocalHub, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("video_sft.publishing._upload.repo_run._MOST_FILES", 1)
    told = publish("star", dry_run=True, **options).repos[0]
    assert told.video_mode == "packed"
    assert "the Hub takes fewer than 1 files in a repo: they go into zips" in caplog.text
    assert hub.repos == {}
    done = publish("star", **options).repos[0]
    assert done.videos == told.videos
    assert [len(names) for names in zips(hub).values()] == [done.videos.new]
    with zipfile.ZipFile(io.BytesIO(hub.read(REPO, "videos/charades-00000.zip"))) as packed:
        assert {entry.compress_type for entry in packed.infolist()} == {zipfile.ZIP_STORED}
    lines = list(csv.DictReader(hub.read(REPO, "videos/manifest.csv").decode().splitlines()))
    assert {line["archive"] for line in lines} == {"videos/charades-00000.zip"}
    assert done.configs[0].published.files == done.totals.timed == len(lines) == done.videos.files
    for path in hub.tree(REPO):
        if path.endswith(".parquet"):
            column = pq.read_table(io.BytesIO(hub.read(REPO, path)))["video"]
            assert column.null_count == len(column), "the viewer takes no place in a zip"
    expected = sums(video_sft.load("star", sample=True, split="train", cache_dir=options["cache_dir"]))
    for streaming in (False, True):
        rows = list(video_sft.load("star", repo=REPO, split="train", streaming=streaming))
        assert sums(rows) == expected
        assert [row["video"].start_seconds for row in rows] == [row["start_seconds"] for row in rows]


def test_packing_again_sends_only_what_changed(hub: LocalHub, options: dict[str, Any]) -> None:
    publish("star", videos="packed", **options)
    before, commits = hub.tree(REPO), len(hub.repo(REPO).commits)
    assert publish("star", **options).repos[0].video_mode == "packed", "as the repo is"
    assert (hub.tree(REPO), len(hub.repo(REPO).commits)) == (before, commits)
    first, second = sorted(Path(options["media"]["charades"]).iterdir())[:2]
    shutil.copy(second, first)
    assert publish("star", **options).repos[0].videos.new == 1
    assert [len(names) for names in zips(hub).values()][1:] == [1]
    cells = video_sft.load("star", repo=REPO, split="train").data.column("video").to_pylist()
    newest = {cell["path"] for cell in cells if first.name in cell["path"]}
    assert len(newest) >= 1
    assert all("charades-00001.zip" in place for place in newest)


def test_videos_of_several_folders_are_packed_together(hub: LocalHub, options: dict[str, Any], tmp_path: Path) -> None:
    pool = Path(options["media"]["charades"])
    first, *_ = sorted(pool.iterdir())
    other = tmp_path / "other" / first.name
    other.parent.mkdir()
    first.rename(other)
    publish("star", videos="packed", **{**options, "media": {"charades": [pool, other.parent]}})
    assert sum(len(names) for names in zips(hub).values()) == len(list(pool.iterdir())) + 1
    with zipfile.ZipFile(io.BytesIO(hub.read(REPO, "videos/charades-00000.zip"))) as packed:
        assert f"charades/{first.name}" in packed.namelist()


def test_a_packed_config_is_fetched_and_unpublished_with_its_zips(
    hub: LocalHub, options: dict[str, Any], tmp_path: Path
) -> None:
    publish("star", videos="packed", **options)
    publish("next_gqa", sample=True, **{name: options[name] for name in ("repo", "cache_dir", "state_dir")})
    out = video_sft.fetch_videos("star", repo=REPO, out=tmp_path / "out")
    assert [path.name for path in out.glob("videos/*.zip")] == ["charades-00000.zip"]
    hub.forget_served()
    rows = video_sft.load("star", repo=out, split="train")
    assert all(str(out) in row["video"].path for row in rows)
    assert len(sums(rows)) == len(rows)
    assert hub.requests() == []
    deleted = video_sft.unpublish("star", repo=REPO).deleted
    assert "videos/charades-00000.zip" in deleted
    assert any(path.startswith("videos/vidor") for path in hub.tree(REPO))
    snapshot_download(REPO, repo_type="dataset", local_dir=tmp_path / "rest")
    assert len(video_sft.load("next_gqa", repo=tmp_path / "rest", split="validation")) > 0


def test_two_videos_of_one_name_are_refused(hub: LocalHub, tmp_path: Path) -> None:
    files = [make_videos(tmp_path / name, 1)[0] for name in ("a", "b")]
    loaded = [LoadedConfig("star", DatasetDict(train=make_rows(files, limits=False)))]
    media = GivenMedia("packed", [tmp_path / "a", tmp_path / "b"])
    run = RepoRun(HubRepo(REPO), loaded, media, state_dir=tmp_path / "state")
    with pytest.raises(PublishError, match=r"would both be charades/00000\.mp4 in the zips; give a folder over both"):
        run.publish(private=False)
