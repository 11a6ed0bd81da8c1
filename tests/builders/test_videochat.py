"""VideoChat-Instruct-11K: descriptions and conversations, and the many ways to write a WebVid path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.reading import parse_bytes, patient, said, stream, texts, write_rows

import video_sft
from video_sft._text import cleaned
from video_sft.errors import MissingFileError, RowError

FILE = "videochat_instruct_11k.json"
PATH = "050951_051000/1022713978.mp4"


def row(video: Any = PATH, *exchanges: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {"video": video, "QA": [{"q": q, "a": a} for q, a in exchanges or [("What is it?", "A dog.")]], **more}


pages = st.integers(0, 199).map(lambda page: f"{page * 50 + 1:06d}_{page * 50 + 50:06d}")
upstream_rows = st.builds(
    lambda page, video, exchanges: row(f"{page}/{video}.mp4", *exchanges),
    pages,
    st.integers(1, 10**9),
    st.lists(st.tuples(texts, texts), min_size=1, max_size=4),
)


@patient
@given(rows=st.lists(upstream_rows, min_size=1, max_size=4))
def test_generated_rows_come_back_as_they_were_meant(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    write_rows(tmp_path, FILE, rows)
    built = stream("videochat", tmp_path)
    assert len({one["id"] for one in built}) == len(rows)
    for meant, got in zip(rows, built, strict=True):
        video = meant["video"].partition("/")[2].removesuffix(".mp4")
        assert got["id"].rpartition("_")[0] == f"videochat/{video}"
        assert (got["video_id"], got["video_path"]) == (f"webvid/{video}", f"webvid/{meant['video']}")
        assert got["task"] == ("detailed_caption" if len(meant["QA"]) == 1 else "conversation")
        assert said(got) == [
            (role, cleaned(turn[key])) for turn in meant["QA"] for role, key in (("user", "q"), ("assistant", "a"))
        ]
        assert got["answer"] == cleaned(meant["QA"][-1]["a"])
        assert got["start_seconds"] is got["stop_seconds"] is None
    for meant, kept in zip(rows, stream("videochat-source", tmp_path), strict=True):
        assert {name: kept[name] for name in meant} == meant


def test_views_part_the_rows_by_the_number_of_exchanges(tmp_path: Path) -> None:
    write_rows(tmp_path, FILE, [row(PATH), row(PATH, ("a?", "b"), ("c?", "d")), row(PATH)])
    captions, conversations = (stream(f"videochat-{view}", tmp_path) for view in ("detailed_caption", "conversation"))
    assert [one["id"] for one in captions] == ["videochat/1022713978_0", "videochat/1022713978_2"]
    assert [one["id"] for one in conversations] == ["videochat/1022713978_1"]


@pytest.mark.parametrize(
    ("video", "video_id", "path"),
    [
        ("050951_051000/1022713978", "1022713978", "050951_051000/1022713978.mp4"),
        ("1022713978.mp4", "1022713978", "1022713978.mp4"),
        ("1022713978", "1022713978", "1022713978.mp4"),
        ("WebVid10M/videos/050951_051000/1022713978.mp4", "1022713978", PATH),
        ("./050951_051000//1022713978.webm", "1022713978", "050951_051000/1022713978.webm"),
        ("/data/WebVid10M/050951_051000/1022713978.mp4", "1022713978", PATH),
        ("p2:s3://webvid/050951_051000/1022713978.mp4", "1022713978", PATH),
        ("../050951_051000/1022713978.mp4", "1022713978", PATH),
        (" extra/a clip.MP4 ", "a clip", "extra/a clip.MP4"),
    ],
)
def test_odd_paths_name_the_same_clip(tmp_path: Path, video: str, video_id: str, path: str) -> None:
    write_rows(tmp_path, FILE, [row(video)])
    built = stream("videochat", tmp_path)[0]
    assert (built["video_id"], built["video_path"]) == (f"webvid/{video_id}", f"webvid/{path}")


@pytest.mark.parametrize(
    "video",
    [
        None,
        "",
        "  ",
        12,
        "/etc/passwd",
        "../secret.mp4",
        "a/../../b.mp4",
        "s3://b/c.mp4",
        "a\\b.mp4",
        "a\nb.mp4",
        "~/x",
    ],
)
def test_unsafe_or_missing_paths_are_refused(tmp_path: Path, video: Any) -> None:
    write_rows(tmp_path, FILE, [row(video), row(PATH)])
    with pytest.raises(RowError, match=r"row 1 .*'video'"):
        stream("videochat", tmp_path)
    assert [one["id"] for one in stream("videochat", tmp_path, on_bad_row="skip")] == ["videochat/1022713978_0"]


def test_keys_stay_when_a_row_before_is_left_out(tmp_path: Path) -> None:
    rows = [row(PATH), row(PATH, ("what?", "")), row(PATH)]
    write_rows(tmp_path, FILE, rows)
    skipping = [one["id"] for one in stream("videochat", tmp_path, on_bad_row="skip")]
    assert skipping == ["videochat/1022713978_0", "videochat/1022713978_2"]


def test_a_description_without_a_question_is_asked_for(tmp_path: Path) -> None:
    write_rows(tmp_path, FILE, [row(PATH, ("", "A dog runs."))])
    assert said(stream("videochat", tmp_path)[0]) == [
        ("user", "Describe the video in detail."),
        ("assistant", "A dog runs."),
    ]


@pytest.mark.parametrize("exchanges", [[], None, {"q": "a", "a": "b"}, [{"q": "a"}], [{"q": "a", "a": 3}], ["q"]])
def test_rows_without_an_exchange_are_refused(tmp_path: Path, exchanges: Any) -> None:
    write_rows(tmp_path, FILE, [{"video": PATH, "QA": exchanges}])
    with pytest.raises(RowError, match="'QA"):
        stream("videochat", tmp_path)


def test_a_silent_turn_inside_a_conversation_is_left_out(tmp_path: Path) -> None:
    write_rows(tmp_path, FILE, [row(PATH, ("a?", "b"), (" ", "d"), ("e?", ""), ("f?", "g"))])
    assert [text for _, text in said(stream("videochat", tmp_path)[0])] == ["a?", "b", "f?", "g"]
    assert len(stream("videochat-source", tmp_path)[0]["QA"]) == 4


def test_start_is_kept_and_cuts_nothing(tmp_path: Path) -> None:
    write_rows(tmp_path, "anno/" + FILE, [row(PATH, start=3.5), row(PATH, i="Answer.")])
    assert [one["start_seconds"] for one in stream("videochat", tmp_path)] == [None, None]
    kept = stream("videochat-source", tmp_path)
    assert [one["start"] for one in kept] == [3.5, None]
    assert json.loads(kept[1]["other_fields"]) == {"i": "Answer."}


@pytest.mark.parametrize("folder", [True, False])
def test_a_missing_file_comes_with_the_steps_to_get_it(tmp_path: Path, folder: bool) -> None:
    with pytest.raises(MissingFileError, match=r"drive\.google\.com/file/d/1C-7xmf.*data_dir"):
        video_sft.load("videochat", data_dir=tmp_path if folder else None, cache_dir=tmp_path / "cache")


def test_official_examples_load(shared: Path, tmp_path: Path) -> None:
    """The two figures show no path; the image rows of the same training mix show the same `QA`."""
    examples = json.loads((shared / "videochat" / "figure_transcripts.json").read_text(encoding="utf-8"))
    write_rows(tmp_path, FILE, [{"video": PATH, **example} for example in examples.values()])
    built = stream("videochat", tmp_path)
    assert [(one["task"], len(one["messages"])) for one in built] == [("detailed_caption", 2), ("conversation", 8)]
    for path in (shared / "videochat" / "stage2_image_rows").glob("*.json"):
        images = json.loads(path.read_text(encoding="utf-8"))
        rows, problems = parse_bytes(
            "videochat", json.dumps([{"video": PATH, **one} for one in images]).encode(), tmp_path
        )
        assert (len(rows), problems) == (70, [])
        assert [one["answer"] for one in rows] == [one["QA"][0]["a"].strip() for one in images]
        assert len(parse_bytes("videochat", path.read_bytes(), tmp_path)[1]) == 70
