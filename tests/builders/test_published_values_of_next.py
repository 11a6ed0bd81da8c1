"""Values of NExT-QA's and NExT-GQA's files that have one sensible reading: read so, mended, and counted."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from tests.builders.reading import stream
from tests.builders.test_published_values import report

from video_sft.errors import RowError

NEXT = "frame_count,width,height,question,answer,qid,type"
OPTIONS = "a0,a1,a2,a3,a4"
VIDEO = "2990010003"


@pytest.fixture(autouse=True)
def _lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "video_sft")


def write_csv(folder: Path, name: str, head: str, *lines: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")


def gqa(folder: Path, segments: Any, **entry: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """One NExT-GQA row with these moments: as the shared row and as the upstream row."""
    line = f"{VIDEO},300,640,480,why did he run,to catch it,2,CW,to hide,to catch it,to rest,to sing,to eat"
    write_csv(folder, "val.csv", f"video_id,{NEXT},{OPTIONS}", line)
    grounding = {VIDEO: {"duration": 30, "location": {"2": segments}, "fps": 25, **entry}}
    (folder / "gsub_val.json").write_text(json.dumps(grounding), encoding="utf-8")
    return stream("next_gqa", folder, "validation")[0], stream("next_gqa-source", folder, "validation")[0]


@pytest.mark.parametrize(
    ("segments", "evidence", "line"),
    [
        ([[-0.1, 4.5], [6, 9.5]], [(0.0, 4.5), (6.0, 9.5)], "Moments that begin before 0 s, which begin at 0"),
        ([[29.0, 30.4]], [(29.0, 30.4)], None),
        ([["1.5", "3"]], [(1.5, 3.0)], None),
        ([[4, 2], [6, 9.5]], [(6.0, 9.5)], "Moments that end before they or the video begin"),
        ([[-2, -1]], [], "Moments that end before they or the video begin"),
        ([], [], None),
    ],
)
def test_moments(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, segments: Any, evidence: Any, line: str | None
) -> None:
    row, kept = gqa(tmp_path, segments)
    assert [(moment["start_seconds"], moment["stop_seconds"]) for moment in row["evidence"]] == evidence
    assert row["answer"] == "to catch it"
    if segments != [["1.5", "3"]]:
        assert kept["location"] == segments
    else:
        assert json.loads(kept["other_fields"]) == {"location": segments}
    moments = [told for told in report(caplog) if told.startswith("Moments")]
    expected = [] if line is None else [line] * 2  # once for the shared rows, once for upstream's
    assert [(told[: len(line or "")], told[-3:]) for told in moments] == [(each, ": 1") for each in expected]


def test_grounding_and_questions_that_do_not_match_are_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gqa(tmp_path, [[1, 2]])
    table = (tmp_path / "val.csv").read_text(encoding="utf-8")
    (tmp_path / "val.csv").write_text(table + table.splitlines()[1].replace(",2,CW", ",3,CW") + "\n", encoding="utf-8")
    grounding = json.loads((tmp_path / "gsub_val.json").read_text(encoding="utf-8"))
    grounding[VIDEO]["location"]["7"] = [[3, 4]]
    (tmp_path / "gsub_val.json").write_text(json.dumps(grounding), encoding="utf-8")
    caplog.clear()
    assert [len(row["evidence"]) for row in stream("next_gqa", tmp_path, "validation")] == [1, 0]
    assert report(caplog) == [
        "1 questions of gsub_val.json belong to no row of the CSV",
        "Rows without moments in gsub_val.json, whose evidence is empty: 1",
    ]
    del grounding[VIDEO]["location"]["2"]
    (tmp_path / "gsub_val.json").write_text(json.dumps(grounding), encoding="utf-8")
    with pytest.raises(RowError, match="of another split"):
        stream("next_gqa", tmp_path, "validation")


def test_facts_of_a_video_that_are_no_numbers_are_kept_apart(tmp_path: Path) -> None:
    _, kept = gqa(tmp_path, [[1, 2]], fps="fast", duration=2**70)
    assert kept["fps"] is None
    assert json.loads(kept["other_fields"]) == {"fps": "fast", "duration": 2**70}


def test_counts_types_and_numbers_of_next_qa(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = (
        "2990010001,,0,480.0,why did he run,it fell,0,cw",
        "2990010001,29.5,wide,,why did he run,it fell,0.0,CW",
        "2990010001,300,640,480,how did he run,fast,0,CH",
        "2990010001,300,640,480,what did he say, ,1,DO",
        "2990010001,300,640,480,where was he,at home,2,",
    )
    write_csv(tmp_path, "oe/train.csv", f"video,{NEXT}", *lines)
    rows = stream("next_qa", tmp_path)
    assert [row["id"].partition("_")[2] for row in rows] == [
        "qa/oe/2990010001_0",
        "qa/oe/2990010001_0-2",
        "qa/oe/2990010001_0-3",
        "qa/oe/2990010001_2",
    ]
    assert [row["question_type"] for row in rows] == ["CW", "CW", "CH", None]
    told = report(caplog)
    assert "Rows without a type, whose question_type is null: 1" in told
    assert "Rows that repeat the video, qid and question of an earlier row; -2 is behind their ids: 1" in told
    assert any("left out 1 rows" in line and "answer" in line for line in told)
    kept = stream("next_qa-source", tmp_path)
    assert [row["qid"] for row in kept] == ["0", "0.0", "0", "1", "2"]
    assert [(row["frame_count"], row["width"], row["height"]) for row in kept[:3]] == [
        (None, 0, 480),
        (None, None, None),
        (300, 640, 480),
    ]
    assert json.loads(kept[1]["other_fields"]) == {"frame_count": "29.5", "width": "wide", "height": ""}


@pytest.mark.parametrize(
    ("answer", "options", "choices", "right"),
    [
        ("1.0", "hide,catch it,rest,sing,eat", ["hide", "catch it", "rest", "sing", "eat"], "catch it"),
        ("Catch it.", "hide,catch it,rest,sing,eat", ["hide", "catch it", "rest", "sing", "eat"], "catch it"),
        ("4", "hide,,rest, ,eat", ["hide", "rest", "eat"], "eat"),
        ("rest", "hide,rest,rest,sing,eat", ["hide", "rest", "rest", "sing", "eat"], "rest"),
    ],
)
def test_options_of_next_qa(tmp_path: Path, answer: str, options: str, choices: list[str], right: str) -> None:
    write_csv(
        tmp_path,
        "mc/val.csv",
        f"video,{NEXT},{OPTIONS}",
        f"2990010001,300,640,480,why did he run,{answer},0,CW,{options}",
    )
    (row,) = stream("next_qa", tmp_path, "validation")
    assert row["choices"] == choices
    assert row["answer"] == right
    assert row["answer_index"] == choices.index(right)
    (kept,) = stream("next_qa-source", tmp_path, "validation")
    assert [kept["answer"], *(kept[f"a{number}"] for number in range(5))] == [answer, *options.split(",")]


def test_a_folder_map_with_another_name_does_not_hide_the_video(tmp_path: Path) -> None:
    write_csv(tmp_path, "oe/train.csv", f"video,{NEXT}", "2990010001,300,640,480,why did he run,it fell,0,CW")
    (tmp_path / "map_vid_vidorID.json").write_text('{"2990010001": "0007/2990010009"}')
    assert stream("next_qa", tmp_path)[0]["video_path"] == "vidor/2990010001.mp4"
