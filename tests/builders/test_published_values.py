"""Values that a published file may hold and that have one sensible reading: read as it is, mended, and counted."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from tests.builders.reading import said, stream, write_rows
from tests.builders.star_rows import question

from video_sft.errors import RowError


def report(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The report lines of what was read so far, without the part they are of; then none."""
    lines = [record.getMessage().split(": ", 1)[1] for record in caplog.records if record.name.startswith("video_sft")]
    caplog.clear()
    return lines


@pytest.fixture(autouse=True)
def _lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "video_sft")


def activitynet(folder: Path, questions: list[dict[str, Any]], answers: list[dict[str, Any]]) -> None:
    write_rows(folder, "test_q.json", questions)
    write_rows(folder, "test_a.json", answers)


def asked(number: int, **changes: Any) -> dict[str, Any]:
    row = {"video_name": "0therVideo1", "question": f"what is {number}", "question_id": f"v_0therVideo1_{number}"}
    return {**row, **changes}


def answered(number: int, **changes: Any) -> dict[str, Any]:
    return {"answer": f"thing {number}", "type": 8, "question_id": f"v_0therVideo1_{number}", **changes}


def test_activitynet_questions_and_answers_that_lack_each_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    questions = [asked(1), asked(2), asked(3), asked(3), asked(4), asked(5, video_name="v_0therVideo1"), asked(6)]
    answers = [
        answered(1, type="5"),
        answered(1, type="5"),
        answered(3, type=12),
        answered(4, answer=" "),
        answered(5, type=None),
        answered(6),
        answered(9),
    ]
    activitynet(tmp_path, questions, answers)
    rows = stream("activitynet_qa", tmp_path, "test")
    prefix = "activitynet_qa/v_0therVideo1_"
    assert [row["id"].removeprefix(prefix) for row in rows] == ["1", "3", "3-2", "5", "6"]
    assert [row["question_type"] for row in rows] == ["object", None, None, None, "other"]
    assert {row["video_id"] for row in rows} == {"activitynet/v_0therVideo1"}
    told = report(caplog)
    assert "Answers that are there twice, word for word: 1" in told
    assert "Rows with a type that upstream does not document, whose question_type is null: 3" in told
    assert any(line.startswith("left out 3 rows") for line in told)
    kept = stream("activitynet_qa-source", tmp_path, "test")
    assert [row["row_id"].removeprefix(prefix) for row in kept] == ["1", "2", "3", "3-2", "4", "5", "6", "9"]
    assert [(row["answer"], row["type"]) for row in kept] == [
        ("thing 1", 5),
        (None, None),
        ("thing 3", 12),
        ("thing 3", 12),
        (" ", 8),
        ("thing 5", None),
        ("thing 6", 8),
        ("thing 9", 8),
    ]


def test_questions_of_another_split_than_the_answers_are_an_error(tmp_path: Path) -> None:
    activitynet(tmp_path, [asked(1), asked(2)], [answered(3), answered(4)])
    with pytest.raises(RowError, match="of another split"):
        stream("activitynet_qa", tmp_path, "test")


@pytest.mark.parametrize(
    ("changes", "limits", "line"),
    [
        ({"start": 19.6, "end": 11.1}, (None, None), "Rows with a start that is not before their end"),
        ({"start": 5, "end": 5}, (None, None), "Rows with a start that is not before their end"),
        ({"start": -0.3}, (0.0, 19.6), "Clips that begin before 0 s"),
        ({"start": None}, (None, None), "Rows without a start or an end"),
        ({"start": "11.1", "end": "19.6"}, (11.1, 19.6), None),
    ],
)
def test_limits_of_star(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, changes: Any, limits: Any, line: str | None
) -> None:
    write_rows(tmp_path, "STAR_train.json", [question(**{"start": 11.1, "end": 19.6, **changes})])
    (row,) = stream("star", tmp_path)
    assert (row["start_seconds"], row["stop_seconds"]) == limits
    told = report(caplog)
    assert told == [] if line is None else [said[: len(line)] for said in told] == [line]
    (kept,) = stream("star-source", tmp_path)
    assert kept["question_id"] == question()["question_id"]
    for name, value in changes.items():
        assert kept[name] == value or json.loads(kept["other_fields"])[name] == value


@pytest.mark.parametrize(
    ("key", "kind"),
    [("Prediction_T9_13", "Prediction_T9"), ("Counting_T1_13", "Counting_T1"), ("Interaction_13", None)],
)
def test_ids_of_star_that_are_not_documented(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, key: str, kind: str | None
) -> None:
    write_rows(tmp_path, "STAR_train.json", [question(question_id=key), question(question_id=key, video_id="tjz0p")])
    first, second = stream("star", tmp_path)
    assert (first["id"], second["id"]) == (f"star/{key}", f"star/{key}-2")
    assert first["question_type"] == second["question_type"] == kind
    assert second["video_id"] == "charades/TJZ0P"
    assert report(caplog) == [
        "Rows whose question_id names no category and template that upstream documents: 2",
        "Rows with the id of an earlier row; -2, -3 is behind theirs: 1",
    ]


def test_options_of_star(tmp_path: Path) -> None:
    def options(*pairs: tuple[Any, str]) -> list[dict[str, Any]]:
        return [{"choice_id": number, "choice": text} for number, text in pairs]

    rows = [
        question(choices=options((2, "The bag."), (1, "The clothes.")), answer="the clothes"),
        question(choices=options((0, "The bag."), (0, "The clothes.")), answer="The clothes."),
        question(choices=options((0, "The bag."), (1, " "), (2, "The clothes.")), answer="The clothes."),
    ]
    write_rows(tmp_path, "STAR_train.json", rows)
    assert [(row["choices"], row["answer_index"]) for row in stream("star", tmp_path)] == [
        (["The clothes.", "The bag."], 0),
        (["The bag.", "The clothes."], 1),
        (["The bag.", "The clothes."], 1),
    ]
    assert [len(row["choices"]) for row in stream("star-source", tmp_path)] == [2, 2, 3]


def test_a_training_answer_left_blank_leaves_its_row_out(tmp_path: Path) -> None:
    write_rows(tmp_path, "STAR_train.json", [question(answer=None), question(question_id="Interaction_T1_14")])
    assert [row["id"] for row in stream("star", tmp_path)] == ["star/Interaction_T1_14"]
    assert len(stream("star-source", tmp_path)) == 2


def talk(*turns: tuple[str, str], names: tuple[str, str] = ("from", "value")) -> dict[str, Any]:
    conversation = [dict(zip(names, turn, strict=True)) for turn in turns]
    return {"id": "v_k_ZXmr8pmrs", "video": "v_k_ZXmr8pmrs.mp4", "conversations": conversation}


@pytest.mark.parametrize(
    ("row", "messages"),
    [
        (talk(("system", "Be brief."), ("human", "<video>\na?"), ("gpt", "b")), ["Be brief.", "a?", "b"]),
        (talk(("user", "<video>\na?"), ("assistant", "b")), ["a?", "b"]),
        (talk(("user", "<video>\na?"), ("assistant", "b"), names=("role", "content")), ["a?", "b"]),
        (talk(("human", "<video>\na?"), ("gpt", "b"), ("human", "c?")), ["a?", "b"]),
        (talk(("human", "<image>\n" * 8 + "a?"), ("gpt", "b")), ["a?", "b"]),
        (talk(("human", "<video>\na?"), ("gpt", "b"), ("human", "<video>\nc?"), ("gpt", "d")), ["a?", "b", "c?", "d"]),
        (talk(("human", "<video>\na?"), ("gpt", ""), ("human", "c?"), ("gpt", "d")), ["c?", "d"]),
        (talk(("human", "<video>"), ("gpt", "A man sails.")), ["", "A man sails."]),
    ],
)
def test_conversations_as_other_hands_write_them(tmp_path: Path, row: dict[str, Any], messages: list[str]) -> None:
    write_rows(tmp_path, "vcg-plus_112K.json", [row])
    (built,) = stream("vcg_plus", tmp_path)
    assert [text for _, text in said(built)] == messages
    parts = [part["type"] for message in built["messages"] for part in message["content"]]
    assert parts.count("video") == 1
    (kept,) = stream("vcg_plus-source", tmp_path)
    named = [turn.get("value") for turn in row["conversations"]]
    assert [turn["value"] for turn in kept["conversations"]] == named


def test_whole_numbers_of_any_length_come_back(tmp_path: Path) -> None:
    numbers = [2**64 - 1, 2**64, -(2**63) - 1, 10**40]
    rows = [
        {"q": "a?", "a": "b", "video_id": "v_k_ZXmr8pmrs", "n": number, "deep": [{"m": number}]} for number in numbers
    ]
    write_rows(tmp_path / "array", "VideoInstruct100K.json", rows)
    (tmp_path / "lines").mkdir()
    (tmp_path / "lines" / "VideoInstruct100K.json").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    for folder in ("array", "lines"):
        kept = stream("videoinstruct100k-source", tmp_path / folder)
        assert [json.loads(row["other_fields"]) for row in kept] == [
            {"n": number, "deep": [{"m": number}]} for number in numbers
        ]
    write_rows(
        tmp_path, "videochat_instruct_11k.json", [{"video": "1.mp4", "QA": [{"q": "", "a": "b"}], "start": 2**60 + 1}]
    )
    (kept,) = stream("videochat-source", tmp_path)
    assert kept["start"] is None
    assert json.loads(kept["other_fields"]) == {"start": 2**60 + 1}


def test_nan_is_null(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = json.dumps(
        [question(start=float("nan"), pose=[float("nan"), 10**30]), question(question_id="Sequence_T1_1")]
    )
    for content in (text, text[1:-1].replace('}, {"question_id"', '}\n{"question_id"')):
        (tmp_path / "STAR_train.json").write_text(content, encoding="utf-8")
        first, second = stream("star", tmp_path)
        assert (first["start_seconds"], first["stop_seconds"]) == (None, None)
        assert second["start_seconds"] is not None
        assert "Values that are NaN, read as null: 2" in report(caplog)
        kept = stream("star-source", tmp_path)[0]
        assert kept["start"] is None
        assert json.loads(kept["other_fields"]) == {"pose": [None, 10**30]}
        caplog.clear()


@pytest.mark.parametrize(
    "value", ["Infinity", "-Infinity", "NaNN", "nan", '"NaN', '"\\ud800", "m": NaN', "[" * 9999 + "NaN"]
)
def test_what_only_looks_like_nan_is_refused(tmp_path: Path, value: str) -> None:
    good = json.dumps(question())
    (tmp_path / "STAR_train.json").write_text(f'[{{"n": {value}, {good[1:]}, {good}]', encoding="utf-8")
    with pytest.raises(RowError, match="row 1"):
        stream("star", tmp_path)
