"""Training mixtures are kept clear of evaluation videos, and say so."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from datasets import Dataset

import video_sft
from video_sft.errors import ConfigError
from video_sft.mixing import EvalList, describe, eval_lists, mix
from video_sft.mixing._eval_lists.lists import eval_list, read_lists, write_lists

Make = Callable[..., Dataset]
#: A video of NExT-QA's validation split, and one of no evaluation split.
LEAKED, CLEAR = "vidor/4010069381", "vidor/1"


@pytest.fixture(autouse=True)
def _no_lists_of_this_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIDEO_SFT_EVAL_IDS", str(tmp_path / "none"))


@pytest.fixture
def rows(part: Make) -> Dataset:
    asked = "how do the two man play the instrument"
    return part(
        "videochat2",
        [
            {"video_id": LEAKED, "question": "How do the two man play the instrument?\nOptions:\n(A) roll the handle"},
            {"video_id": LEAKED, "question": "something of our own"},
            {"video_id": CLEAR, "question": asked},
            {"video_id": None},
        ],
    )


def test_rows_on_evaluation_videos_are_left_out_by_default(rows: Dataset) -> None:
    mixed = mix({"videochat2": rows})
    assert sorted(mixed["id"]) == ["videochat2/2", "videochat2/3"]
    report = describe(mixed)
    assert sum(report.sources[0].left_out.values()) == 2
    assert all("next_" in reason and "validation" in reason for reason in report.sources[0].left_out)
    assert "next_qa validation" in report.eval_lists
    assert "star test" in report.eval_missing


def test_by_question_only_the_same_question_on_the_same_video_goes(rows: Dataset) -> None:
    mixed = mix({"videochat2": rows}, decontaminate="eval-questions")
    assert sorted(mixed["id"]) == ["videochat2/1", "videochat2/2", "videochat2/3"]


def test_nothing_is_left_out_where_nothing_is_to_be_kept_clear(rows: Dataset) -> None:
    assert len(mix({"videochat2": rows}, decontaminate=None)) == 4
    assert len(mix({"videochat2": rows}, split="validation")) == 4
    assert describe(mix({"videochat2": rows}, decontaminate=None)).eval_lists == {}


def test_a_mixture_of_evaluation_rows_alone_is_refused_with_the_way_out(part: Make) -> None:
    with pytest.raises(ConfigError, match="decontaminate=None"):
        mix({"next_qa": part("next_qa", 3, video_id=LEAKED)})


def test_a_part_left_with_nothing_is_told(part: Make, rows: Dataset, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "video_sft.mixing"):
        mixed = mix({"gone": part("gone", 3, video_id=LEAKED), "videochat2": rows}, probabilities=[0.5, 0.5])
    assert set(mixed["source"]) == {"videochat2"}
    assert "gone has no rows to mix (left out: 3 by" in caplog.text
    by_name = {source.name: source for source in describe(mixed).sources}
    assert by_name["gone"].rows == 0
    assert by_name["gone"].requested == 0.5


def test_a_users_own_list_is_used_and_named(part: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    star = part("star", [{"video_id": "charades/AAAAA"}, {"video_id": "charades/BBBBB"}])
    assert len(mix({"star": star})) == 2
    write_lists([eval_list(star.select([0]), source="star", split="validation")], tmp_path)
    mixed = mix({"star": star}, eval_ids=str(tmp_path))
    assert mixed["video_id"][:] == ["charades/BBBBB"]
    assert describe(mixed).sources[0].left_out == {"video of star validation": 1}
    monkeypatch.setenv("VIDEO_SFT_EVAL_IDS", str(tmp_path))
    assert len(mix({"star": star})) == 1
    with pytest.raises(ConfigError, match="not a folder"):
        mix({"star": star}, eval_ids=str(tmp_path / "nowhere"))


def test_lists_are_written_whole_and_other_splits_stay(part: Make, tmp_path: Path) -> None:
    one = eval_list(part("star", 4), source="star", split="validation", files={"STAR_val.json": "ab"})
    other = eval_list(part("star", 2), source="star", split="test")
    (path,) = write_lists([one], tmp_path)
    first = path.read_bytes()
    write_lists([one], tmp_path)
    assert path.read_bytes() == first
    write_lists([other], tmp_path)
    assert read_lists(path) == [other, one]
    assert [entry.name for entry in tmp_path.iterdir()] == ["star.json.gz"]
    assert {entry.name for entry in eval_lists(tmp_path)} >= {"star test", "star validation", "next_qa validation"}


@pytest.mark.parametrize(
    "content", [b"", b"junk", gzip.compress(b"[]", mtime=0), gzip.compress(b'{"lists": [{}]}', mtime=0)]
)
def test_a_file_that_is_no_list_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "star.json.gz").write_bytes(content)
    with pytest.raises(ConfigError, match=r"star\.json\.gz"):
        eval_lists(tmp_path)


def test_real_evaluation_rows_are_found_in_a_training_mixture(shared: Path) -> None:
    parts = {
        "train": video_sft.load("next_qa", split="train", data_dir=shared / "next_qa"),
        "validation": video_sft.load("next_gqa", split="validation", data_dir=shared / "next_gqa"),
        "test": video_sft.load("activitynet_qa", split="test", data_dir=shared / "activitynet_qa"),
    }
    assert isinstance(parts["train"], Dataset)
    by_name = {source.name: source for source in describe(mix(parts)).sources}
    assert by_name["train"].left_out == {}
    assert by_name["train"].rows == 37_523
    assert by_name["validation"].left_out == {"video of next_gqa validation": 3358}
    assert by_name["test"].left_out == {"video of activitynet_qa test": 8000}
    by_question = {source.name: source for source in describe(mix(parts, decontaminate="eval-questions")).sources}
    assert sum(by_question["validation"].left_out.values()) == 3358
    assert sum(by_question["test"].left_out.values()) == 8000


def test_training_ids_of_videoinstruct100k_are_clear_of_the_test_split(shared: Path, part: Make) -> None:
    names = (shared / "videoinstruct100k" / "train_video_ids.txt").read_text().split()
    rows = Dataset.from_dict({"video_id": [f"activitynet/{name}" for name in names]})
    assert len(mix({"videoinstruct100k": rows}, eval_sets=["activitynet_qa test"])) == 13_303


def test_a_list_is_equal_by_content(part: Make) -> None:
    one = eval_list(part("star", 4), source="star", split="test")
    assert isinstance(one, EvalList)
    assert one.digest() == eval_list(part("star", 4).shuffle(seed=1), source="star", split="test").digest()
    assert one.digest() != eval_list(part("star", 7), source="star", split="test").digest()
    assert json.dumps(one.videos)
