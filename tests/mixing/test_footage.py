"""Training rows that show an evaluation video under another id are left out; what cannot be compared is told."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Dataset
from tests.conftest import CommandResult
from tests.fingerprints.made_footage import film, still

import video_sft
from video_sft._media import MediaPools
from video_sft.errors import ConfigError, MissingMediaError
from video_sft.mixing import add_eval_list, describe, eval_lists, mix
from video_sft.mixing._eval_lists.lists import EvalList, eval_list, read_lists
from video_sft.sample_media import sample_folder

Make = Callable[..., Dataset]
Opened = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two evaluation videos, other encodings of both, one of a part, other footage, and what shows nothing."""
    folder = tmp_path_factory.mktemp("films")
    (folder / "evaluation").mkdir()
    for seed in (1, 2):
        film(folder / f"evaluation/{seed}.mp4", seed)
        film(folder / f"copy-{seed}.mkv", seed, size=(96, 72), rate=20)
    film(folder / "longer.mp4", 2, seconds=12.0, size=(96, 72))
    film(folder / "other.mp4", 3)
    still(folder / "black.mp4", np.zeros((64, 96, 3), np.uint8))
    return folder


@pytest.fixture(autouse=True)
def _own_lists_and_facts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own_cache: str) -> None:
    monkeypatch.setenv("VIDEO_SFT_EVAL_IDS", str(tmp_path / "lists"))


@pytest.fixture
def ours(films: Path) -> EvalList:
    return add_eval_list("our_test", films / "evaluation")


@pytest.fixture
def rows(films: Path, part: Make) -> Dataset:
    def cell(name: str) -> dict[str, Any]:
        return {"path": str(films / name), "bytes": None}

    return part(
        "star",
        [
            {"video": cell("copy-1.mkv"), "video_id": "webvid/1"},
            {"video": cell("other.mp4"), "video_id": "webvid/2"},
            {"video": cell("longer.mp4"), "video_id": "webvid/3", "start_seconds": 0.0, "stop_seconds": 6.0},
            {"video": cell("longer.mp4"), "video_id": "webvid/3", "start_seconds": 6.0, "stop_seconds": 12.0},
            {"video": cell("black.mp4"), "video_id": "webvid/4"},
            {"video": cell("gone.mp4"), "video_id": "webvid/5"},
            {"video": None, "video_id": "webvid/6"},
            {"video": None, "video_id": "coco/7", "video_path": "coco/7.jpg"},
            {"video": None, "video_id": None},
            {"video": cell("copy-2.mkv"), "video_id": "our_test/2"},
        ],
    )


def test_a_folder_of_videos_becomes_a_list_with_their_fingerprints(ours: EvalList, films: Path, tmp_path: Path) -> None:
    assert ours.videos == ("our_test/1", "our_test/2")
    assert {video: len(prints) for video, prints in ours.fingerprints.items()} == {"our_test/1": 1, "our_test/2": 1}
    assert read_lists(tmp_path / "lists" / "our_test.json.gz") == [ours]
    assert ours.digest() != EvalList("our_test", "", 2, ours.videos, frozenset(), {}).digest()
    assert ours in eval_lists()
    zipped = shutil.make_archive(str(tmp_path / "videos"), "zip", films / "evaluation")
    again = add_eval_list("zipped", zipped, pool="our_test")
    assert (again.videos, again.fingerprints) == (ours.videos, ours.fingerprints)


def test_rows_on_the_same_footage_are_left_out_and_the_others_told(
    ours: EvalList, rows: Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "video_sft.mixing"):
        mixed = mix({"star": rows}, decontaminate="eval-content")
    assert sorted(mixed["id"]) == [f"star/{number}" for number in (1, 3, 4, 5, 6, 7, 8)]
    report = describe(mixed, hours=False)
    assert report.sources[0].left_out == {"video of our_test": 1, "footage of our_test": 2}
    assert report.total.on_lists["our_test"] == 3
    assert report.eval_footage["our_test"] == 2
    assert report.sources[0].not_compared == {
        "the video shows next to nothing": 1,
        "the video cannot be read": 1,
        "the video is not at hand": 1,
    }
    assert "rows that could not be compared by content, and stay: 1 since" in caplog.text
    assert "Compared by content with our_test (2 videos)" in report.to_markdown()
    assert "1 since the video cannot be read" in report.to_html()
    assert sorted(mix({"star": rows})["id"]) == [f"star/{number}" for number in range(9)]


def test_what_was_looked_at_is_not_opened_again(ours: EvalList, rows: Dataset, opened_files: Opened) -> None:
    first = mix({"star": rows}, decontaminate="eval-content")
    with opened_files() as opened:
        again = mix({"star": rows}, decontaminate="eval-content")
    assert not [name for name in opened if name.endswith(("copy-1.mkv", "longer.mp4"))]
    assert again["id"][:] == first["id"][:]


def test_a_comparison_that_cannot_be_made_is_refused(ours: EvalList, rows: Dataset, part: Make) -> None:
    with pytest.raises(ConfigError, match="eval-ids add NAME"):
        mix({"star": rows}, decontaminate="eval-content", eval_sets=["mvbench"])
    with pytest.raises(ConfigError, match="media="):
        mix({"star": part("star", 3)}, decontaminate="eval-content")
    with pytest.raises(ConfigError, match="streaming=False"):
        mix({"star": rows.to_iterable_dataset()}, decontaminate="eval-content", streaming=True)
    assert len(mix({"star": part("star", 3)}, split="validation", decontaminate="eval-content")) == 3


def test_recipes_and_load_take_it(ours: EvalList, films: Path, tmp_path: Path, session_cache: str) -> None:
    pool = tmp_path / "charades"
    pool.mkdir()
    shutil.copy(films / "copy-1.mkv", pool / "KT4Q1.mkv")
    shutil.copy(films / "other.mp4", pool / "ZW08M.mp4")
    options: dict[str, Any] = {"sample": True, "cache_dir": session_cache, "media": {"charades": str(pool)}}
    loaded = video_sft.load("star", decontaminate="eval-content", split="train", **options)
    assert "charades/KT4Q1" not in loaded["video_id"]
    assert "charades/ZW08M" in loaded["video_id"]
    recipe = tmp_path / "clear.yaml"
    recipe.write_text("parts: [star]\ndecontaminate: eval-content\neval_sets: [our_test]\n")
    mixed = mix(recipe, **options)
    assert sorted(mixed["id"]) == sorted(loaded["id"])
    with pytest.raises(ConfigError, match="training rows"):
        video_sft.load("star", decontaminate="eval-content", split="validation", **options)
    with pytest.raises(ConfigError, match="decontaminate is None"):
        video_sft.load("star", eval_sets=["our_test"], **options)


def test_fingerprints_of_a_manifest_are_used(
    ours: EvalList, films: Path, tmp_path: Path, part: Make, opened_files: Opened
) -> None:
    limits = {"start_seconds": 1.0, "stop_seconds": 4.0}
    names = {"webvid/1": "copy-1.mkv", "webvid/2": "other.mp4"}
    given = [
        {"video": {"path": str(films / name), "bytes": None}, "video_id": video, **limits}
        for video, name in names.items()
    ]
    steps = ["probe", "fingerprint", "trim"]
    video_sft.prepare(part("star", given), out=tmp_path / "out", steps=steps, num_workers=1, progress=False)
    bare = part("star", [each | {"video": None, "video_path": f"{each['video_id']}.mp4"} for each in given])
    rows = MediaPools({"webvid": tmp_path / "out"}, missing="error").attach(bare, "star")
    with opened_files() as opened:
        mixed = mix({"star": rows}, decontaminate="eval-content")
    assert not [name for name in opened if name.endswith((".mp4", ".mkv"))]
    assert mixed["video_id"][:] == ["webvid/2"]


def test_lists_of_a_source_have_the_footage_that_is_at_hand(
    films: Path, tmp_path: Path, video_sft_command: Callable[..., CommandResult]
) -> None:
    pool = tmp_path / "charades"
    pool.mkdir()
    shutil.copy(films / "copy-1.mkv", pool / "HH2K9.mkv")
    done = video_sft_command("eval-ids", "make", "star", "--data-dir", sample_folder("star"), "--media", pool)
    assert done.code == 0
    assert "star test: fingerprints of 1 of 2 videos (the video is not at hand: 1)" in done.out
    (entry,) = (entry for entry in eval_lists() if entry.name == "star test")
    assert list(entry.fingerprints) == ["charades/HH2K9"]
    assert len(entry.fingerprints["charades/HH2K9"]) >= 2  # of the video, and of the parts that rows are about


def test_places_without_a_video_to_look_at_make_no_list(
    films: Path, tmp_path: Path, video_sft_command: Callable[..., CommandResult]
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingMediaError, match="no video in"):
        add_eval_list("empty", tmp_path / "empty")
    shutil.copy(films / "black.mp4", tmp_path / "empty")
    with pytest.raises(MissingMediaError, match="next to nothing"):
        add_eval_list("empty", tmp_path / "empty")
    assert not (tmp_path / "lists").exists()
    done = video_sft_command("eval-ids", "add", "ours", films / "evaluation")
    assert (done.code, "2 videos, 2 with fingerprints" in done.out) == (0, True)


def test_a_list_made_of_rows_has_no_fingerprints_until_there_are_media(part: Make) -> None:
    assert eval_list(part("star", 2), source="star", split="test").fingerprints == {}
