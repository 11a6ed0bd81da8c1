"""What `video-sft check` says of videos and questions that several sources use."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from tests.checking.conftest import Check
from tests.checking.invented import write_json

from video_sft.mixing import add_eval_list
from video_sft.mixing._eval_lists.lists import eval_lists


def question(video: str, number: int, text: str) -> tuple[dict[str, str], dict[str, Any]]:
    key = f"v_{video}_{number}"
    return (
        {"video_name": video, "question": text, "question_id": key},
        {"answer": "yes", "type": 3, "question_id": key},
    )


def activitynet(folder: Path, split: str, *questions: tuple[str, str]) -> Path:
    rows = [question(video, number, text) for number, (video, text) in enumerate(questions, 1)]
    write_json(folder / f"{split}_q.json", [asked for asked, _ in rows])
    return write_json(folder / f"{split}_a.json", [answered for _, answered in rows])


def instruct(folder: Path, *rows: tuple[str, str]) -> Path:
    said = [{"q": text, "a": "A person dances.", "video_id": f"v_{video}"} for video, text in rows]
    return write_json(folder / "VideoInstruct100K.json", said)


@pytest.fixture
def both(tmp_path: Path) -> Path:
    """A folder with two sources: one whose training rows are about the other's evaluation videos."""
    activitynet(tmp_path / "activitynet_qa", "test", ("aaaaaaaaaaa", "is it day"), ("bbbbbbbbbbb", "is it night"))
    activitynet(tmp_path / "activitynet_qa", "train", ("ddddddddddd", "is it cold"))
    instruct(
        tmp_path / "videoinstruct100k",
        ("aaaaaaaaaaa", "Is it day?"),
        ("aaaaaaaaaaa", "What is in it?"),
        ("ccccccccccc", "What is in it?"),
        ("ddddddddddd", "Who is there?"),
    )
    return tmp_path


def test_training_on_anothers_evaluation_videos_is_a_plain_warning(both: Path, check: Check) -> None:
    outcome = check("videoinstruct100k", "--data-dir", both / "videoinstruct100k", "--list", both / "lists", "--json")
    assert outcome.code == 1
    (warning,) = outcome.findings("overlap", "warning")
    assert "train has 2 rows about 1 evaluation video of activitynet_qa test" in warning["what"]
    assert "1 question asked in both" in warning["what"]
    assert "decontaminate='eval-videos'" in warning["remedy"]
    assert warning["examples"][0] == "videoinstruct100k/v_aaaaaaaaaaa_0 in VideoInstruct100K.json, row 1"
    (note,) = outcome.findings("overlap", "note")
    assert "activitynet_qa train" in note["what"]
    shared = {(one["split"], one["other"], one["other_split"]): one for one in outcome.report["overlaps"]}
    facts = shared["train", "activitynet_qa", "test"]
    assert (facts["videos"], facts["rows"], facts["other_rows"], facts["questions"]) == (1, 2, 1, 1)
    with open(outcome.report["lists"]["overlap"], encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["id"] for row in rows] == ["videoinstruct100k/v_aaaaaaaaaaa_0", "videoinstruct100k/v_aaaaaaaaaaa_1"]


def test_the_evaluation_source_hears_of_it_too(both: Path, check: Check) -> None:
    outcome = check("activitynet_qa", "--data-dir", both / "activitynet_qa", "--json")
    (warning,) = outcome.findings("overlap", "warning")
    assert "videoinstruct100k train uses 1 video of this source's test split" in warning["what"]


def test_folders_beside_the_data_are_compared_with_and_named(both: Path, check: Check) -> None:
    report = check("activitynet_qa", "--data-dir", both / "activitynet_qa", "--json").report
    assert report["compared_with"] == {"videoinstruct100k": str(both / "videoinstruct100k")}


def test_others_can_be_named_or_left_out(both: Path, tmp_path: Path, check: Check) -> None:
    away = instruct(tmp_path / "elsewhere" / "mine", ("bbbbbbbbbbb", "What is in it?"))
    words = ["activitynet_qa", "--data-dir", both / "activitynet_qa", "--json"]
    named = check(*words, "--with", f"videoinstruct100k={away}").report
    assert named["compared_with"] == {"videoinstruct100k": str(away)}
    assert [one["videos"] for one in named["overlaps"]] == [1]
    parent = check(*words, "--with", both).report
    assert parent["compared_with"] == {"videoinstruct100k": str(both / "videoinstruct100k")}
    alone = check(*words, "--alone").report
    assert (alone["compared_with"], alone["overlaps"]) == ({}, [])


def test_evaluation_lists_of_the_package_warn_where_the_other_source_is_not_there(tmp_path: Path, check: Check) -> None:
    entry = next(entry for entry in eval_lists() if entry.source == "next_qa" and entry.split == "validation")
    videos = [name.partition("/")[2] for name in entry.videos[:3]]
    rows = [{"video": f"{video}.mp4", "QA": [{"i": "", "q": "What is it?", "a": "A dog."}]} for video in videos]
    write_json(tmp_path / "video/reasoning/next_qa/train.json", rows)
    outcome = check("videochat2", "--data-dir", tmp_path, "--json")
    assert outcome.report["compared_with"] == {}
    told = [finding["what"] for finding in outcome.findings("overlap", "warning")]
    assert any("train has 3 rows about 3 evaluation videos of next_qa validation" in what for what in told)
    shared = {one["other"]: one for one in outcome.report["overlaps"]}
    assert (shared["next_qa"]["other_rows"], shared["next_qa"]["questions"]) == (None, None)
    assert check("videochat2", "--data-dir", tmp_path, "--alone", "--json").report["overlaps"] == []


def test_real_sources_share_their_validation_videos(shared: Path, check: Check) -> None:
    words = ["next_qa-multiple_choice", "--split", "validation", "--data-dir", shared / "next_qa"]
    outcome = check(*words, "--with", f"next_gqa={shared / 'next_gqa'}", "--json")
    assert outcome.code == 0
    one = next(one for one in outcome.report["overlaps"] if one["other_rows"] is not None)
    assert (one["other"], one["other_split"]) == ("next_gqa", "validation")
    assert (one["videos"], one["other_rows"]) == (567, 3358)
    assert outcome.findings("overlap", "warning") == []


def test_benchmarks_of_youtube_ids_and_own_lists_are_compared_with(
    tmp_path: Path, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEO_SFT_EVAL_IDS", str(tmp_path / "lists"))
    ids = tmp_path / "ids.txt"
    ids.write_text("youtube/abcDEF-_123\n")
    add_eval_list("ours", ids)
    rows = [
        {"video": f"k400/{name}.mp4", "QA": [{"i": "", "q": "What is it?", "a": "A dog."}]}
        for name in ("abcDEF-_123", "abcDEF-_124")
    ]
    write_json(tmp_path / "data/video/classification/k710/train.json", rows)
    outcome = check("videochat2", "--data-dir", tmp_path / "data", "--json")
    told = [finding["what"] for finding in outcome.findings("overlap", "warning")]
    assert told == ["train has 1 row about 1 evaluation video of ours"]
