"""Files of the three question sources with something wrong in them: an error with its place, or a counted skip."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import video_sft
from video_sft.sample_media import sample_folder


@pytest.fixture
def sample(tmp_path: Path) -> Callable[[str], Path]:
    """A copy of a source's sample that a test may spoil."""

    def copy(source: str) -> Path:
        shutil.copytree(sample_folder(source), tmp_path / source)
        return tmp_path / source

    return copy


def edit_json(path: Path, change: Callable[[Any], Any]) -> None:
    value = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(change(value) or value), encoding="utf-8")


def edit_line(path: Path, number: int, change: Callable[[str], str]) -> None:
    lines = path.read_text(encoding="utf-8").split("\n")
    lines[number - 1] = change(lines[number - 1])
    path.write_text("\n".join(lines), encoding="utf-8")


def set_field(index: int, field: str, value: Any) -> Callable[[Any], None]:
    def change(rows: Any) -> None:
        rows[index][field] = value

    return change


ACTIVITYNET = [
    ("train_q.json", set_field(1, "question", 7), "train_q.json", "row 2", "question", "expected text, found a number"),
    ("train_q.json", set_field(0, "video_name", "../../etc"), "train_q.json", "row 1", "video_name", "separator"),
    (
        "train_q.json",
        set_field(0, "video_name", "0therVideo1"),
        "train_q.json",
        "row 1",
        "question_id",
        "does not belong",
    ),
    (
        "train_q.json",
        lambda rows: rows.append({**rows[0], "question": "what else"}),
        "train_q.json",
        "row 7",
        "question_id",
        "another question",
    ),
    (
        "train_a.json",
        lambda rows: rows.append({**rows[0], "answer": "perhaps"}),
        "train_a.json",
        "row 7",
        "question_id",
        "already answered otherwise",
    ),
    ("train_a.json", set_field(3, "type", "x"), "train_a.json", "row 4", "type", "expected a whole number"),
    ("train_a.json", set_field(3, "answer", 4), "train_a.json", "row 4", "answer", "expected text, found a number 4"),
    ("train_q.json", lambda rows: rows[2].pop("question") and None, "train_q.json", "row 3", "question", "missing"),
]


@pytest.mark.parametrize(("file", "change", "where", "position", "field", "problem"), ACTIVITYNET)
def test_activitynet_qa(
    sample: Any, tmp_path: Path, file: str, change: Any, where: str, position: str, field: str, problem: str
) -> None:
    folder = sample("activitynet_qa")
    edit_json(folder / file, change)
    check(folder, "activitynet_qa", tmp_path, where, position, field, problem)


NEXT = [
    ("next_qa", "mc/train.csv", 2, lambda line: line.replace(",1,0,CW,", ",7,0,CW,"), "answer", "7 is outside 0 to 4"),
    ("next_qa", "mc/train.csv", 2, lambda line: line.replace(",1,0,CW,", ",x,0,CW,"), "answer", "none of the options"),
    ("next_qa", "mc/train.csv", 3, lambda line: line.replace(",DC,", ",ZZ,"), "type", "'ZZ' is none of"),
    ("next_qa", "mc/train.csv", 2, lambda line: line.rpartition(",")[0], "a4", "12 cells where the header has 13"),
    ("next_qa", "mc/train.csv", 2, lambda line: line.replace("2990010001", "../x"), "video", "separator"),
    ("next_qa", "mc/train.csv", 2, lambda line: re.sub("(,CW)(,[^,]*){2},", r"\1,,,", line), "answer", "right option"),
    ("next_qa", "oe/train.csv", 3, lambda line: line.replace(",0,CW", ",-1,CW"), "qid", "outside 0"),
    ("next_gqa", "val.csv", 2, lambda line: line.replace("pull the string,2", "x,2"), "answer", "none of the options"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "file", "line", "change", "field", "problem"), NEXT)
def test_next_tables(
    sample: Any, tmp_path: Path, source: str, file: str, line: int, change: Any, field: str, problem: str
) -> None:
    folder = sample(source)
    edit_line(folder / file, line, change)
    check(folder, source, tmp_path, file, f"line {line}", field, problem)


GROUNDING: list[tuple[Any, str, str, str]] = [
    (lambda g: g["2990010003"]["location"].update({"2": [[1]]}), "gsub_val.json", "entry 2990010003", "pair"),
    (lambda g: g["2990010003"]["location"].update({"2": {}}), "gsub_val.json", "entry 2990010003", "pairs"),
    (lambda g: g["2990010003"]["location"].update({"2": [[1, "x"]]}), "gsub_val.json", "entry 2990010003", "seconds"),
    (lambda g: g["2990010003"].update(location=[]), "gsub_val.json", "entry 2990010003", "expected an object"),
    (lambda g: g.update({"2990010003": 5}), "gsub_val.json", "entry 2990010003", "expected an object"),
]


@pytest.mark.parametrize(("change", "where", "position", "problem"), GROUNDING)
def test_next_gqa_grounding(sample: Any, tmp_path: Path, change: Any, where: str, position: str, problem: str) -> None:
    folder = sample("next_gqa")
    edit_json(folder / "gsub_val.json", change)
    check(folder, "next_gqa", tmp_path, where, position, None, problem)


def check(folder: Path, source: str, cache: Path, file: str, position: str, field: str | None, problem: str) -> None:
    """Load with both policies: an error that says where, then the other rows and a count."""
    with pytest.raises(video_sft.RowError, match=problem) as caught:
        video_sft.load(source, data_dir=folder, cache_dir=str(cache))
    assert caught.value.file == file
    assert caught.value.position.startswith(position)
    assert field is None or caught.value.field == field
    assert "on_bad_row='skip'" in caught.value.remedy
    loaded: Any = video_sft.load(source, data_dir=folder, cache_dir=str(cache), on_bad_row="skip")
    skipped = video_sft.skipped_rows(loaded)
    assert file in {row.file for row in skipped}
    whole: Any = video_sft.load(source, data_dir=sample_folder(source), cache_dir=str(cache))
    kept = {key for rows in loaded.values() for key in rows["id"]}
    all_ids = {key for rows in whole.values() for key in rows["id"]}
    assert kept <= all_ids
    assert len(all_ids) - len(kept) <= len(skipped)


@pytest.mark.parametrize("bad", ["", "no", "17", "[]"])
def test_a_folder_map_that_is_not_one_is_refused(sample: Any, tmp_path: Path, bad: str) -> None:
    folder = sample("next_qa")
    (folder / "map_vid_vidorID.json").write_text(bad)
    with pytest.raises(video_sft.RowError) as caught:
        video_sft.load("next_qa", data_dir=folder, cache_dir=str(tmp_path))
    assert caught.value.file == "map_vid_vidorID.json"


def test_a_folder_map_cannot_lead_outside(sample: Any, tmp_path: Path) -> None:
    folder = sample("next_qa")
    edit_json(folder / "map_vid_vidorID.json", lambda table: table.update({"2990010001": "../../2990010001"}))
    with pytest.raises(video_sft.RowError, match="climbs out"):
        video_sft.load("next_qa", data_dir=folder, cache_dir=str(tmp_path))


def test_streams_meet_bad_rows_in_the_same_way(sample: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = sample("next_qa")
    edit_line(folder / "mc" / "train.csv", 3, lambda line: line.replace(",DC,", ",ZZ,"))
    stream: Any = video_sft.load("next_qa", data_dir=folder, streaming=True, split="train", cache_dir=str(tmp_path))
    with pytest.raises(video_sft.RowError, match="line 3"):
        list(stream)
    options: Any = {"on_bad_row": "skip", "cache_dir": str(tmp_path)}
    stream = video_sft.load("next_qa", data_dir=folder, streaming=True, split="train", **options)
    assert len(list(stream)) == 6
    assert "left out 1 rows that could not be read (1 x type" in caplog.text
