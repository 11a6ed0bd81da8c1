"""What becomes of VideoChat2-IT's rows: their media, their instruction, their turns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.builders.videochat2_trees import image_row, qa, records, video_row, write_tree

import video_sft
from video_sft import RowError
from video_sft._annotations import Problems
from video_sft._rows.messages import MessageStyle, render
from video_sft._sources.record import Media, MultipleChoice, Record

WEBVID_QA = "video/vqa/webvid_qa"


def turns(record: Record, **style: Any) -> list[tuple[str, list[str]]]:
    """A record's chat turns, media parts by their type."""
    messages = render(record, "x", MessageStyle(**style)).messages
    return [(role, [text or kind for kind, text in parts]) for role, parts in messages]


def media(tmp_path: Path, place: str, path: str, **fields: Any) -> Media:
    found = records(tmp_path, place, [video_row(path, **fields)])[0].media
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("place", "path", "video_id", "video_path"),
    [
        ("video/vqa/webvid_qa", "023601_023650/1023815317.mp4", "webvid/1023815317", "023601_023650/1023815317.mp4"),
        ("video/caption/videochat", "1023815317.mp4", "webvid/1023815317", "1023815317.mp4"),
        ("video/conversation/videochatgpt", "v_k_ZXmr8pmrs.mp4", "activitynet/v_k_ZXmr8pmrs", "v_k_ZXmr8pmrs.mp4"),
        ("video/conversation/videochatgpt", "v_UmAH95xls.mp4", "activitynet/v_v_UmAH95xls", "v_v_UmAH95xls.mp4"),
        ("video/conversation/videochatgpt", "k_ZXmr8pmrs", "activitynet/v_k_ZXmr8pmrs", "v_k_ZXmr8pmrs.mp4"),
        ("video/conversation/videochatgpt", "v_v_UmAH95xls.mp4", "activitynet/v_v_UmAH95xls", "v_v_UmAH95xls.mp4"),
        ("video/reasoning/next_qa", "1164/3238737531.mp4", "vidor/3238737531", "1164/3238737531.mp4"),
        ("video/reasoning/next_qa", "3238737531", "vidor/3238737531", "3238737531.mp4"),
        (
            "video/reasoning/clevrer_mc",
            "video_09000-10000/video_09001.mp4",
            "clevrer/video_09001",
            "video_09000-10000/video_09001.mp4",
        ),
        ("video/classification/k710", "k400/Bw6m04_IxTI.mp4", "k710/Bw6m04_IxTI", "k400/Bw6m04_IxTI.mp4"),
        (
            "video/classification/k710",
            "p2:s3://k600/train_videos/eating_chips/xqnJh1oiEIU_000001_000011.mp4",
            "k710/xqnJh1oiEIU",
            "k600/train_videos/eating_chips/xqnJh1oiEIU_000001_000011.mp4",
        ),
        (
            "video/classification/k710",
            "p2:s3://k700/train/swing dancing/M4YR9XvLZ_I_000005_000015.mp4",
            "k710/M4YR9XvLZ_I",
            "k700/train/swing dancing/M4YR9XvLZ_I_000005_000015.mp4",
        ),
        ("video/classification/ssv2", "211183.webm", "ssv2/211183", "211183.webm"),
        ("video/classification/ssv2", "211183", "ssv2/211183", "211183.mp4"),
        ("video/conversation/videochat2", "a.b_36.6_44.2", "internvid/a.b_36.6_44.2", "a.b_36.6_44.2.mp4"),
        ("video/vqa/tgif_frame_qa", "tumblr_nk172bbdPI1.gif", "tgif/tumblr_nk172bbdPI1", "tumblr_nk172bbdPI1.gif"),
        (
            "video/caption/youcook2",
            "train/113/S6UkLYe6Ro4/split_3.mp4",
            "youcook2/S6UkLYe6Ro4",
            "train/113/S6UkLYe6Ro4/split_3.mp4",
        ),
        ("video/caption/sharegptvideo", "a_scene-12", "sharegptvideo/a_scene-12", "a_scene-12"),
        ("video/caption/vidln/ovis", "001ca3cb", "ovis/001ca3cb", "001ca3cb"),
    ],
)
def test_media_paths(tmp_path: Path, place: str, path: str, video_id: str, video_path: str) -> None:
    found = media(tmp_path, place, path)
    assert found.video_id == video_id
    assert found.path == video_path
    assert found.modality == "video"


@pytest.mark.parametrize(
    "path", ["../../etc/passwd.mp4", "/mnt/data/a.mp4", "p2:s3://../a.mp4", "http://x/a.mp4", "a\0b"]
)
def test_paths_that_lead_elsewhere_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(RowError, match="field 'video'"):
        records(tmp_path, WEBVID_QA, [video_row(path)])


def test_image_rows(tmp_path: Path) -> None:
    row = image_row("two_col_103562.png", qa("How many?", "The answer is 16.", "Read the chart."))
    (record,) = records(tmp_path, "image/vqa/chart_qa", [row])
    assert record.media == Media(
        "chart_qa", "two_col_103562", "two_col_103562.png", modality="image", collection="chart_qa"
    )
    assert turns(record)[1] == ("user", ["image", "How many?"])


def test_text_rows_have_no_media(tmp_path: Path) -> None:
    (record,) = records(tmp_path, "text/sharegpt", [{"QA": [qa("Hello?", "Hello."), qa("And?", "Bye.")]}])
    assert record.media is None
    assert turns(record) == [
        ("user", ["Hello?"]),
        ("assistant", ["Hello."]),
        ("user", ["And?"]),
        ("assistant", ["Bye."]),
    ]


@pytest.mark.parametrize("path", [None, "", "  "])
def test_a_row_without_a_path_is_left_out_and_counted(tmp_path: Path, path: str | None) -> None:
    rows = [video_row("1/1.mp4"), video_row(path), video_row("1/2.mp4")]
    problems = Problems("error")
    found = records(tmp_path, WEBVID_QA, rows, problems=problems)
    assert [record.key for record in found] == [f"{WEBVID_QA}/1", f"{WEBVID_QA}/3"]
    assert [(error.position.split()[:2], error.field) for error in problems.skipped] == [(["row", "2"], "video")]
    assert len(records(tmp_path, WEBVID_QA, rows, upstream=True)) == 3


@pytest.mark.parametrize(
    ("place", "row", "field"),
    [
        (WEBVID_QA, {"QA": [qa("a?", "b")]}, "video"),
        (WEBVID_QA, {"video": 7, "QA": [qa("a?", "b")]}, "video"),
        (WEBVID_QA, {"video": ["a.mp4", "b.mp4"], "QA": [qa("a?", "b")]}, "video"),
        (WEBVID_QA, {"video": "a.mp4", "image": "a.jpg", "QA": [qa("a?", "b")]}, "image"),
        ("image/vqa/gqa", {"video": "a.mp4", "QA": [qa("a?", "b")]}, "video"),
        ("text/sharegpt", {"video": "a.mp4", "QA": [qa("a?", "b")]}, "video"),
        (WEBVID_QA, {"video": "a.mp4"}, "QA"),
        (WEBVID_QA, {"video": "a.mp4", "QA": []}, "QA"),
        (WEBVID_QA, {"video": "a.mp4", "QA": {"q": "a?", "a": "b"}}, "QA"),
        (WEBVID_QA, {"video": "a.mp4", "QA": ["a?"]}, "QA[0]"),
        (WEBVID_QA, {"video": "a.mp4", "QA": [{"q": "a?"}]}, "QA[0].a"),
        (WEBVID_QA, {"video": "a.mp4", "QA": [qa("a?", " ")]}, "QA[0].a"),
        (WEBVID_QA, {"video": "a.mp4", "QA": [{"q": 3, "a": "b"}]}, "QA[0].q"),
        (WEBVID_QA, {"video": "a.mp4", "QA": [qa("", "b")]}, "QA[0].q"),
        ("text/sharegpt", {"QA": [qa("", "b")]}, "QA[0].q"),
        (WEBVID_QA, video_row("a.mp4", start=1, end="later"), "end"),
    ],
)
def test_rows_that_would_spoil_training_are_errors(tmp_path: Path, place: str, row: Any, field: str) -> None:
    with pytest.raises(RowError) as caught:
        records(tmp_path, place, [row])
    assert caught.value.field == field
    assert caught.value.file == f"{place}/train.json"
    problems = Problems("skip")
    assert records(tmp_path, place, [row], problems=problems) == []
    assert len(problems.skipped) == 1


@pytest.mark.parametrize(
    ("fields", "clip"),
    [
        ({}, (None, None)),
        ({"start": 1, "end": 4.5}, (1.0, 4.5)),
        ({"start": 1}, (None, None)),
        ({"end": 4.5}, (None, None)),
        ({"start": None, "end": 4.5}, (None, None)),
        ({"start": 4.5, "end": 4.5}, (None, None)),
        ({"start": -0.5, "end": 4.5}, (0.0, 4.5)),
        ({"start": -2, "end": -1}, (None, None)),
        ({"start": "1.5", "end": "4"}, (1.5, 4.0)),
    ],
)
def test_a_clip_needs_both_its_ends(tmp_path: Path, fields: Any, clip: Any) -> None:
    found = media(tmp_path, WEBVID_QA, "a.mp4", **fields)
    assert (found.start_seconds, found.stop_seconds) == clip


def test_a_clip_that_ends_before_it_begins_is_told(tmp_path: Path) -> None:
    problems = Problems()
    records(tmp_path, WEBVID_QA, [video_row("a.mp4", start=5, end=4)], problems=problems)
    assert problems.lines() == ["Rows with a start that is not before their end, taken to be about the whole video: 1"]


def test_the_instruction_goes_where_it_is_wanted(tmp_path: Path) -> None:
    row = video_row("a.mp4", qa("What?", "A kettle.", "Look closely."), qa("Where?", "There.", "Not this one."))
    (record,) = records(tmp_path, WEBVID_QA, [row])
    later = [("assistant", ["A kettle."]), ("user", ["Where?"]), ("assistant", ["There."])]
    assert turns(record) == [("system", ["Look closely."]), ("user", ["video", "What?"]), *later]
    assert turns(record, instruction="prepend") == [("user", ["video", "Look closely.\nWhat?"]), *later]
    assert turns(record, instruction="drop") == [("user", ["video", "What?"]), *later]


@pytest.mark.parametrize(
    ("place", "asked"),
    [
        ("video/caption/webvid", "Describe the video briefly."),
        ("video/caption/videochat", "Describe the video in detail."),
        ("video/classification/ssv2", "Name what the video shows."),
    ],
)
def test_a_text_without_a_question_is_a_caption(tmp_path: Path, place: str, asked: str) -> None:
    rows = [video_row("a.mp4", qa("", "A kettle.", "Look closely.")), video_row("b.mp4", qa("", "A pot."))]
    instructed, bare = records(tmp_path, place, rows)
    assert turns(instructed) == [("system", ["Look closely."]), ("user", ["video"]), ("assistant", ["A kettle."])]
    assert turns(instructed, instruction="prepend")[0] == ("user", ["video", "Look closely."])
    assert turns(instructed, instruction="drop")[0] == ("user", ["video", asked])
    assert turns(bare) == [("user", ["video", asked]), ("assistant", ["A pot."])]


def test_an_instruction_asks_where_a_question_is_missing(tmp_path: Path) -> None:
    rows = [video_row("a.mp4", qa("", "A kettle.", "Say what it is."))]
    (record,) = records(tmp_path, WEBVID_QA, rows)
    for instruction in ("system", "prepend", "drop"):
        asked, answered = turns(record, instruction=instruction)
        assert asked == ("user", ["video", "Say what it is."])
        assert answered == ("assistant", ["A kettle."])


def test_written_out_options_become_choices(tmp_path: Path) -> None:
    listed = qa("Question: why?\nOptions:\n(A) to eat\n(B) to hide", "Answer: (B) to hide", "Choose one.")
    bare = qa("Options: \n(A) to eat\n(B) to hide", "(A) to eat", "Choose what is shown.")
    unsure = qa("Question: why?\nOptions:\n(A) to eat\n(B) to hide", "Answer: (A) to eat, (B) to hide", "Choose.")
    rows = [video_row("a.mp4", each) for each in (listed, bare, unsure)]
    first, second, third = records(tmp_path, "video/reasoning/next_qa", rows)
    assert first.body == MultipleChoice("why?", ["to eat", "to hide"], 1, "Choose one.")
    assert turns(first, instruction="prepend")[0][1][1].startswith("Choose one.\nwhy?\nA. to eat\nB. to hide\n")
    assert second.body == MultipleChoice("Choose what is shown.", ["to eat", "to hide"], 0)
    assert turns(third)[1:] == [("user", ["video", unsure["q"]]), ("assistant", [unsure["a"]])]


def test_the_real_rows_load(shared: Path, tmp_path: Path) -> None:
    places = {
        "video_rows_figure.json": "video/vqa/webvid_qa/train.json",
        "image_rows_quoted.json": "image/vqa/chart_qa/train.json",
    }
    folder = shared / "videochat2"
    tree = write_tree(tmp_path / "tree", {place: (folder / name).read_bytes() for name, place in places.items()})
    rows: Any = video_sft.load("videochat2", split="train", data_dir=tree, cache_dir=tmp_path / "cache")
    video, image = sorted(
        rows.remove_columns(["video", "image"]).to_list(), key=lambda row: row["video_id"], reverse=True
    )
    assert video["video_id"] == "webvid/1023815317"
    assert video["answer"] == "The Hindu temple in the video is situated on a green cliff."
    assert video["messages"][0]["content"][0]["text"].startswith("Go through the video")
    assert image["video_path"] == "chart_qa/two_col_103562.png"
    assert image["question_type"] == "chart_qa"


def test_rows_of_the_same_layout_load(shared: Path, tmp_path: Path) -> None:
    content = (shared / "videochat2" / "layout_siblings" / "timeit_tvsum.first35.json").read_bytes()
    found = records(tmp_path, WEBVID_QA, content)
    assert len(found) == 35
    assert found[0].media is not None
    assert found[0].media.path == "TVSum/videos/AwmHb44_ouw.mp4"
