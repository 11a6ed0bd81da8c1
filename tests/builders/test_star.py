"""STAR: questions, clips and withheld answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.reading import parse_bytes, patient, stream, texts, write_rows
from tests.builders.star_rows import QUESTION, question, sample

from video_sft._text import cleaned
from video_sft.builders.star import SOURCE, TEMPLATES
from video_sft.errors import RowError


def refusal(folder: Path, row: Any, stem: str = "train") -> RowError:
    write_rows(folder, f"STAR_{stem}.json", [row])
    with pytest.raises(RowError) as caught:
        stream("star", folder, {"val": "validation"}.get(stem, stem))
    return caught.value


questions = st.sampled_from([(name, number + 1) for name, count in TEMPLATES.items() for number in range(count)])
programs = st.lists(st.fixed_dictionaries({"function": texts, "value_input": st.lists(texts, max_size=2)}), max_size=3)
class_ids = st.integers(0, 110).map("a{:03d}".format)
boxes = st.none() | st.lists(st.floats(0, 480, allow_nan=False), min_size=4, max_size=4)
graphs = st.fixed_dictionaries(
    {
        "rel_pairs": st.lists(st.lists(class_ids, min_size=2, max_size=2), max_size=3),
        "rel_labels": st.lists(class_ids, max_size=3),
        "actions": st.lists(class_ids, max_size=3),
        "bbox": st.lists(boxes, max_size=3),
        "bbox_labels": st.lists(class_ids, max_size=3),
    }
)


@st.composite
def upstream_rows(draw: st.DrawFn) -> dict[str, Any]:
    """One row as upstream would write it; its options stand in any order."""
    category, template = draw(questions)
    options = draw(st.lists(texts, min_size=2, max_size=6, unique_by=cleaned))
    start = draw(st.floats(0, 100, allow_nan=False))
    numbered = [
        {"choice_id": number, "choice": text, "choice_program": draw(programs)} for number, text in enumerate(options)
    ]
    return {
        "question_id": f"{category}_T{template}_{draw(st.integers(0, 10**6))}",
        "question": draw(texts),
        "video_id": draw(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=5, max_size=5)),
        "start": start,
        "end": start + draw(st.floats(0.5, 30, allow_nan=False)),
        "answer": draw(st.sampled_from(options)),
        "question_program": draw(programs),
        "choices": draw(st.permutations(numbered)),
        "situations": draw(st.dictionaries(st.integers(0, 999999).map("{:06d}".format), graphs, max_size=3)),
    }


@patient
@given(rows=st.lists(upstream_rows(), min_size=1, max_size=3, unique_by=lambda row: row["question_id"]))
def test_generated_rows_come_back_as_they_were_meant(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    write_rows(tmp_path, "STAR_train.json", rows)
    for row, built in zip(rows, stream("star", tmp_path), strict=True):
        options = [cleaned(choice["choice"]) for choice in sorted(row["choices"], key=lambda one: one["choice_id"])]
        assert built["id"] == f"star/{row['question_id']}"
        assert built["question_type"] == row["question_id"].rpartition("_")[0]
        assert (built["start_seconds"], built["stop_seconds"]) == (row["start"], row["end"])
        assert (built["video_id"], built["video_path"]) == (
            f"charades/{row['video_id']}",
            f"charades/{row['video_id']}.mp4",
        )
        assert built["choices"] == options
        assert built["answer"] == options[built["answer_index"]] == cleaned(row["answer"])
        assert built["messages"][0]["content"][1]["text"].startswith(cleaned(row["question"]))
        assert built["messages"][1]["content"][0]["text"] == "ABCDEF"[built["answer_index"]]
    for row, kept in zip(rows, stream("star-source", tmp_path), strict=True):
        assert {name: kept[name] for name in row if name != "situations"} == {
            name: value for name, value in row.items() if name != "situations"
        }
        graphs = {frame.pop("keyframe_id"): frame for frame in kept["situations"]}
        assert {key: {**graph, "seconds": None} for key, graph in row["situations"].items()} == graphs
        assert kept["other_fields"] is None


def test_categories_and_templates() -> None:
    kinds = {row["question_type"] for part in sample("star").values() for row in part}
    assert {kind.partition("_")[0] for kind in kinds} == set(TEMPLATES)
    assert len(kinds) > len(TEMPLATES)


def test_withheld_answers_leave_a_user_turn_only() -> None:
    for row in sample("star", split="test"):
        assert [message["role"] for message in row["messages"]] == ["user"]
        assert row["answer"] is row["answer_index"] is None
        assert len(row["choices"]) == 4


def test_a_test_answer_that_is_there_is_used(tmp_path: Path) -> None:
    write_rows(tmp_path, "STAR_test.json", [question()])
    assert stream("star", tmp_path, "test")[0]["answer_index"] == 1


@pytest.mark.parametrize("stem", ["train", "val"])
@pytest.mark.parametrize("answer", [None, "", "  "])
def test_a_withheld_answer_elsewhere_is_an_error(tmp_path: Path, stem: str, answer: str | None) -> None:
    error = refusal(tmp_path, question(answer=answer), stem)
    assert (error.file, error.field) == (f"STAR_{stem}.json", "answer")


def test_rows_without_programs_and_graphs_load(tmp_path: Path) -> None:
    bare = question(choices=[{"choice_id": 0, "choice": "The bag."}, {"choice_id": 1, "choice": "The clothes."}])
    write_rows(
        tmp_path, "STAR_train.json", [{k: v for k, v in bare.items() if k not in ("question_program", "situations")}]
    )
    assert stream("star", tmp_path)[0]["answer"] == "The clothes."
    kept = stream("star-source", tmp_path)[0]
    assert kept["situations"] is kept["question_program"] is kept["choices"][0]["choice_program"] is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"start": "soon"}, "start"),
        ({"end": [19.6]}, "end"),
        ({"answer": "The blanket."}, "answer"),
        ({"question_id": "../13"}, "question_id"),
        ({"question_id": 13}, "question_id"),
        ({"question": " "}, "question"),
        ({"video_id": "../6H78U"}, "video_id"),
        ({"video_id": 6}, "video_id"),
        ({"choices": []}, "choices"),
        ({"choices": QUESTION["choices"][:1], "answer": QUESTION["choices"][0]["choice"]}, "choices"),  # type: ignore[index]
        ({"choices": [{"choice_id": n, "choice": f"{n}"} for n in range(27)], "answer": "3"}, "choices"),
        ({"choices": {"0": "The clothes."}}, "choices"),
    ],
)
def test_a_row_that_would_teach_something_wrong_is_refused(tmp_path: Path, changes: dict[str, Any], field: str) -> None:
    error = refusal(tmp_path, question(**changes))
    assert error.field == field
    assert "STAR_train.json, row 1" in str(error)


def test_upstreams_own_layout_is_found(tmp_path: Path) -> None:
    write_rows(tmp_path, "Question_Answer_SituationGraph/STAR_val.json", [question()])
    assert stream("star", tmp_path, "validation")[0]["answer"] == "The clothes."


def test_homepage_shape_is_refused_with_the_reason(tmp_path: Path) -> None:
    choice = {"choice_id": 0, "choice": "The bag.", "op_pro": ["bag", "Equal"], "answer": "Correct"}
    row = question(answer="6H78U", choices=[choice, {**choice, "choice_id": 1, "answer": "Wrong"}])
    for data in ({"Interaction_T1_13": row}, [row]):
        for indent in (None, 1):
            (tmp_path / "STAR_val.json").write_text(json.dumps(data, indent=indent), encoding="utf-8")
            with pytest.raises(RowError, match=r"homepage.*video's id.*Use STAR_train\.json"):
                stream("star", tmp_path, "validation")


def test_homepage_files_are_refused(shared: Path, tmp_path: Path) -> None:
    for path in (shared / "star" / "homepage").glob("*.json"):
        entries = json.loads(path.read_text(encoding="utf-8"))
        for data in (path.read_bytes(), json.dumps(entries).encode(), json.dumps(list(entries.values())).encode()):
            (tmp_path / "STAR_train.json").write_bytes(data)
            with pytest.raises(RowError, match="homepage"):
                stream("star", tmp_path)
        rows, problems = parse_bytes("star", json.dumps(list(entries.values())).encode(), tmp_path)
        assert (rows, len(problems)) == ([], len(entries))


def test_mvbench_rows_are_refused(shared: Path, tmp_path: Path) -> None:
    for path in (shared / "star" / "mvbench").glob("*.json"):
        rows, problems = parse_bytes("star", path.read_bytes(), tmp_path)
        assert (rows, len(problems)) == ([], 200)


def test_rows_keep_their_order_over_many_batches(tmp_path: Path) -> None:
    keys = [f"Sequence_T{1 + number % 6}_{number}" for number in range(3 * SOURCE.batch_rows + 1)]
    write_rows(tmp_path, "STAR_train.json", [question(question_id=key) for key in keys])
    assert [row["id"] for row in stream("star", tmp_path)] == [f"star/{key}" for key in keys]
    assert [row["question_id"] for row in stream("star-source", tmp_path)] == keys


def test_real_rows_load(shared: Path, tmp_path: Path) -> None:
    folder = shared / "star" / "native_rows_quoted"
    rows = {split: stream("star", folder, split) for split in ("train", "validation")}
    assert rows["train"][0]["answer_index"] == 0
    assert (rows["validation"][0]["id"], rows["validation"][0]["answer_index"]) == ("star/Interaction_T1_13", 2)
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    shutil.copytree(shared / "star" / "STAR_classes", tmp_path / "STAR_classes")
    kept = stream("star-source", tmp_path, "validation", class_names=True)[0]
    assert [frame["keyframe_id"] for frame in kept["situations"]] == ["000198", "000339"]
    for frame in kept["situations"]:
        assert kept["start"] <= frame["seconds"] <= kept["end"]
    assert kept["situations"][0]["rel_labels"] == ["on_the_side_of"]
    assert kept["situations"][0]["actions"][1] == "take some clothes from somewhere"


def test_facts_agree_with_the_published_totals() -> None:
    assert sum(part.rows or 0 for part in SOURCE.parts) == 60206
