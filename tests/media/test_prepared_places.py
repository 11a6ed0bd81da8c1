"""What `prepare` has made as a place of media: rows get their part, in seconds of the original."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import datasets
import fsspec
import numpy as np
import pytest
from tests.conftest import CommandResult

import video_sft
from video_sft import Clip
from video_sft._media import media_by_pool
from video_sft._media.prepared import PreparedPlace
from video_sft.errors import ConfigError, MissingMediaError, VideoError
from video_sft.preparing import read_manifest
from video_sft.preparing._manifest import table_of, write_part
from video_sft.publishing._cells import published_videos

Opened = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture(scope="module")
def rows(session_cache: str) -> Any:
    return video_sft.load("star", sample=True, split="train", cache_dir=session_cache)


@pytest.fixture(scope="module")
def root(rows: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("prepared") / "root"
    steps = ["probe", "fingerprint", "trim", "transcode"]
    video_sft.prepare(rows, out=place, steps=steps, size=64, num_workers=1, progress=False)
    return place


@pytest.fixture(scope="module")
def prepared(root: Path, session_cache: str) -> Any:
    return video_sft.load("star", sample=True, split="train", cache_dir=session_cache, media=root)


def test_rows_have_the_frames_and_times_of_the_original(rows: Any, prepared: Any, root: Path) -> None:
    assert all(str(root) in row["video"].path for row in prepared)
    for original, own in zip(rows, prepared, strict=True):
        for how in ({"count": 6}, {"fps": 3}, {"times": [original["start_seconds"] + 1.0]}, {}):
            one, other = (row["video"].frames(size=(48, 64), **how) for row in (original, own))
            np.testing.assert_allclose(other.pts_seconds, one.pts_seconds, atol=1e-9)
            np.testing.assert_allclose(other.duration_seconds, one.duration_seconds, atol=1e-9)
            assert np.abs(one.data.astype(int) - other.data).mean() < 4
        assert own["video"].metadata.begin_seconds <= own["start_seconds"]
        assert own["video"].metadata.end_seconds >= own["stop_seconds"] - 0.11


def test_a_part_behind_the_beginning_says_so(prepared: Any) -> None:
    clip = next(row["video"] for row in prepared if row["start_seconds"] == 3.0)
    assert clip.metadata.begin_seconds == 2.0
    assert clip.frames(count=1, method="endpoints").pts_seconds[0] == pytest.approx(3.0)
    assert {(row["video_id"], row["video"].path.partition("::")[0]) for row in prepared} == {
        ("charades/0BB7X", "cut://from=0.5"),
        ("charades/KT4Q1", "cut://from=0.0"),  # it ends before its original does
        ("charades/ZW08M", "cut://from=2.0"),
    }
    inner = clip.clip(4.0, 5.0)
    assert inner.frames(count=2).pts_seconds.min() >= 4.0
    assert Clip(dict(inner)) == inner
    with pytest.raises(ValueError, match="time 1 s is outside the clip, which goes from 3 s"):
        clip.frames(times=[1.0])
    with pytest.raises(VideoError, match=r"the clip starts at 50 s, but the video ends at 9\.5 s"):
        Clip(clip.path, 50.0).frames(count=1)


def test_sound_is_that_of_the_moment(rows: Any, prepared: Any) -> None:
    number = next(number for number, row in enumerate(rows) if row["video"].metadata.audio)
    one, other = (each[number]["video"].clip(2.0, 5.0).audio() for each in (rows, prepared))
    assert other.pts_seconds == pytest.approx(one.pts_seconds)
    assert len(other.data) == len(one.data)
    assert np.corrcoef(one.data, other.data)[0, 1] > 0.9


def test_facts_come_from_the_manifest(prepared: Any, tmp_path: Path, opened_files: Opened) -> None:
    with opened_files() as opened:
        facts = video_sft.probe(prepared, cache_dir=tmp_path)
        hours = video_sft.describe(prepared.remove_columns(["start_seconds", "stop_seconds"])).total.hours
    assert not [name for name in opened if name.endswith(".mp4")]
    for row, fact in zip(prepared, facts, strict=True):
        known = row["video"].metadata
        assert (fact["duration_seconds"], fact["fps"]) == (known.duration_seconds, known.fps)
        assert fact["begin_seconds"] == known.begin_seconds
        assert (fact["width"], fact["height"], fact["num_frames"]) == (known.width, known.height, known.num_frames)
        assert fact["clip_seconds"] == pytest.approx(row["stop_seconds"] - row["start_seconds"], abs=0.11)
    assert hours is not None


def test_one_place_serves_all_pools_and_a_pool_may_have_others_too(
    root: Path, rows: Any, session_cache: str, tmp_path: Path
) -> None:
    options: Any = {"sample": True, "split": "train", "cache_dir": session_cache}
    assert media_by_pool("star", ("charades", "vidor"), str(root)) == {"charades": [str(root)], "vidor": [str(root)]}
    with pytest.raises(ConfigError, match="several pools"):
        media_by_pool("star", ("charades", "vidor"), [str(root), str(tmp_path)])
    folder = Path(rows[0]["video"].path).parent
    one = tmp_path / "one"
    shutil.copytree(root, one)
    table = read_manifest(one).filter(np.array(read_manifest(one)["video_id"].to_numpy() == "charades/ZW08M"))
    for part in (one / "manifest").iterdir():
        part.unlink()
    write_part(str(one), (0, 1), table)
    both = video_sft.load("star", media={"charades": [one, folder]}, **options)
    assert {str(one) in row["video"].path for row in both} == {True, False}
    assert all((row["video_id"] == "charades/ZW08M") == (str(one) in row["video"].path) for row in both)


def test_what_could_not_be_prepared_is_missing_with_the_reason(
    root: Path, session_cache: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "root"
    shutil.copytree(root, place)
    failed = [
        row | {"location": None, "error": "the decoder crashes on it"} if row["video_id"] == "charades/ZW08M" else row
        for row in read_manifest(place).to_pylist()
    ]
    for part in (place / "manifest").iterdir():
        part.unlink()
    write_part(str(place), (0, 1), table_of(failed))
    options: Any = {"sample": True, "split": "train", "cache_dir": session_cache, "media": {"charades": place}}
    with caplog.at_level(logging.WARNING, "video_sft"):
        kept = video_sft.load("star", missing="skip", **options)
    assert {row["video_id"] for row in kept} == {"charades/0BB7X", "charades/KT4Q1"}
    assert "2 of 3 media files found, for 3 of 5 rows" in caplog.text
    assert "Could not be prepared: charades/ZW08M.mp4: the decoder crashes on it" in caplog.text
    with pytest.raises(MissingMediaError, match="the decoder crashes on it"):
        video_sft.load("star", missing="error", **options)


def test_parts_that_do_not_hold_a_row_are_not_taken_for_it(root: Path, tmp_path: Path) -> None:
    place = PreparedPlace(str(root))
    assert place.find("charades/ZW08M.mp4", ("charades/ZW08M", 2.0, 9.5)) is not None
    assert place.find("charades/ZW08M.webm", ("charades/ZW08M", 3.0, 4.0)) is not None  # by its id
    assert place.find("charades/ZW08M.mp4", ("charades/ZW08M", 1.0, 4.0)) is None
    assert place.find("charades/ZW08M.mp4", ("charades/ZW08M", None, None)) is None
    assert place.find("charades/ZW08M-Scene-001.mp4", ("charades/ZW08M", 3.0, 4.0)) is None
    assert place.find("charades/other.mp4", (None, None, None)) is None
    assert place.failed == {}


def test_a_root_on_a_server_and_packed_files_are_read_in_place(rows: Any, session_cache: str) -> None:
    out = "memory://prepared-places/root"
    video_sft.prepare(rows, out=out, size=64, packed=True, num_workers=1, progress=False)
    own = video_sft.load("star", sample=True, split="train", cache_dir=session_cache, media={"charades": out})
    assert all("zip://" in row["video"].path for row in own)
    for original, row in zip(rows, own, strict=True):
        one, other = (each["video"].frames(count=3).pts_seconds for each in (original, row))
        np.testing.assert_allclose(one, other, atol=1e-9)
    facts = video_sft.probe(own)
    assert facts["begin_seconds"][:] == [row["video"].metadata.begin_seconds for row in own]
    fsspec.filesystem("memory").rm("prepared-places", recursive=True)


def test_what_was_prepared_may_be_prepared_again(rows: Any, prepared: Any, session_cache: str, tmp_path: Path) -> None:
    options: Any = {"num_workers": 1, "progress": False}
    video_sft.prepare(prepared, out=tmp_path / "smaller", size=32, **options)
    video_sft.prepare(prepared, out=tmp_path / "same", steps=["trim"], **options)
    for place in ("smaller", "same"):
        own = video_sft.load("star", sample=True, split="train", cache_dir=session_cache, media=tmp_path / place)
        for original, row in zip(rows, own, strict=True):
            one, other = (each["video"].frames(count=3, size=(24, 32)) for each in (original, row))
            np.testing.assert_allclose(one.pts_seconds, other.pts_seconds, atol=1e-9)
            assert np.abs(one.data.astype(int) - other.data).mean() < 6


def test_cells_survive_map_saving_and_moving(prepared: Any, root: Path, tmp_path: Path) -> None:
    mapped = prepared.map(lambda row: {"video": row["video"]})
    assert mapped[2]["video"] == prepared[2]["video"]
    prepared.save_to_disk(tmp_path / "saved")
    shutil.move(tmp_path / "saved", tmp_path / "moved")
    moved = datasets.load_from_disk(str(tmp_path / "moved"))
    for one, other in zip(prepared, moved, strict=True):
        assert str(root) not in other["video"].path
        first, second = (row["video"].frames(count=2) for row in (one, other))
        np.testing.assert_array_equal(first.pts_seconds, second.pts_seconds)
        np.testing.assert_array_equal(first.data, second.data)


def test_exports_take_the_files_as_they_are_and_count_their_own_seconds(prepared: Any, tmp_path: Path) -> None:
    report = video_sft.export(prepared, to="qwen", out=tmp_path / "q", clips="keys")
    text = "".join((tmp_path / "q" / name).read_text() for name in report.files if name.endswith(".jsonl"))
    lines = [json.loads(line) for line in text.splitlines()]
    assert len(lines) == len(prepared)
    by_id = {line["id"]: line for line in lines}
    row = next(row for row in prepared if row["start_seconds"] == 3.0)
    part = next(each for each in by_id[row["id"]]["messages"][0]["content"] if each["type"] == "video")
    assert (part["video_start"], part["video_end"]) == (1.0, 7.5)
    assert report.media == {"whole": 3}


def test_publishing_says_what_it_cannot_say(root: Path, session_cache: str, own_cache: str) -> None:
    with pytest.raises(ConfigError, match="was cut out of a longer video"):
        video_sft.publish("star", repo="org/x", sample=True, media={"charades": root}, dry_run=True)


def test_whole_videos_are_published_under_their_own_names(rows: Any, session_cache: str, tmp_path: Path) -> None:
    video_sft.prepare(rows, out=tmp_path / "whole", steps=["transcode"], size=64, num_workers=1, progress=False)
    own = video_sft.load("star", sample=True, split="train", cache_dir=session_cache, media=tmp_path / "whole")
    found = {video.path.rpartition("/")[2] for video in published_videos(own.data.table) if video}
    assert found == {"0BB7X.mp4", "KT4Q1.mp4", "ZW08M.mp4"}


def test_check_knows_prepared_parts(
    root: Path, own_cache: str, video_sft_command: Callable[..., CommandResult]
) -> None:
    done = video_sft_command("check", "star", "--sample", "--split", "train", "--media", root, "--json")
    (facts,) = json.loads(done.out)["media"]
    assert (facts["wanted"], facts["found"], facts["rows_found"]) == (3, 3, 5)


def test_streams_have_the_same_cells(prepared: Any, root: Path, session_cache: str) -> None:
    options: Any = {"sample": True, "split": "train", "cache_dir": session_cache, "media": root}
    assert [row["video"] for row in video_sft.load("star", streaming=True, **options)] == prepared["video"][:]
