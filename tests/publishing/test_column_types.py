"""Columns that break the statistics of the Hub's viewer, or its tags, are stated to be what does not."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset, Features, Image, Json, List, Value, Video, concatenate_datasets
from PIL import Image as Pictures
from tests.local_hub import LocalHub

import video_sft
from video_sft._rows.schema import features
from video_sft.publishing import load_published
from video_sft.publishing._column_types import native_types, stated_features, stated_types, stored_schema

from .made_rows import made_run, make_rows, make_videos

INT, FLOAT, TEXT = Value("int64"), Value("float64"), Value("string")
REFERENCE = {"videos": True, "images": True, "embedded": False}
WORDS = [f"{'long ' * (number % 2)}word{number:02d}" for number in range(12)]


@pytest.mark.parametrize(
    ("feature", "values", "stated"),
    [
        (INT, [0, 1, 1, None], "json"),
        (INT, [0, 2, 1], None),
        (INT, [5, 5], None),
        (INT, [None, 3], "json"),
        (INT, [None, None], "null"),
        (INT, [2**60, 1], "json"),
        (FLOAT, [1.5, None], "json"),
        (FLOAT, [1.5, float("nan")], "json"),
        (FLOAT, [1.5, 2.5], None),
        (FLOAT, [0.0, 0.3], None),
        (FLOAT, [0.0, float("inf")], "json"),
        (List(TEXT), [["a"], ["a", "b"]], "json"),
        (List(TEXT), [[], ["a", "b"]], None),
        (List(TEXT), [None, ["a", "b"]], "json"),
        (List(TEXT), [None, None], None),
        (TEXT, ["4010069381", "2990010001"], "text"),
        (TEXT, ["1", "2", "a dog", "4010069381"], None),
        (TEXT, ["vidor/4010069381"], None),
        (TEXT, [*(f"clip-{number:02d}" for number in range(12)), "clip-1"], "text"),
        (TEXT, ["a", "bc"] * 20, None),
        (TEXT, WORDS, None),
        (TEXT, [None], None),
        ({"a": INT}, [{"a": 0}, {"a": 1}], None),
    ],
)
def test_a_column_that_would_fail_is_stated_otherwise(feature: Any, values: list[Any], stated: str | None) -> None:
    rows = Dataset.from_dict({"column": values}, features=Features({"column": feature}))
    assert stated_types([rows], **REFERENCE) == ({} if stated is None else {"column": stated})
    another = Dataset.from_dict({"column": []}, features=rows.features)
    assert stated_types([another, rows], **REFERENCE).get("column") == stated, "one split is enough"


def test_numbers_are_no_table() -> None:
    rows = Dataset.from_dict({"width": [320, 640], "fps": [1.5, 25.0], "answer_index": [0, 3]})
    assert stated_types([rows], **REFERENCE) == {"width": "json", "fps": "json"}
    assert stated_types([rows.select_columns(["fps"])], **REFERENCE) == {}


def picture(width: int) -> dict[str, Any]:
    content = io.BytesIO()
    Pictures.new("RGB", (width, 4)).save(content, "png")
    return {"bytes": content.getvalue(), "path": None}


@pytest.mark.parametrize(
    ("widths", "stated"), [([8, 9], "cell"), ([8], "cell"), ([8, 8], None), ([8, 9, 20], None), ([], "null")]
)
def test_images_whose_widths_would_fail(widths: list[int], stated: str | None) -> None:
    cells = [*map(picture, widths), None]
    rows = Dataset.from_dict({"image": cells}, features=Features({"image": Image()}))
    assert stated_types([rows], **REFERENCE).get("image") == stated


@pytest.mark.parametrize(
    ("count", "embedded", "suffix", "stated"),
    [
        (3, False, "mp4", {"video": "cell", "videos": "videos"}),
        (1, False, "mp4", {"video": "cell"}),
        (3, True, "mp4", {}),
        (1, True, "mp4", {"video": "cell"}),
        (3, True, "webm", {"video": "cell"}),
    ],
)
def test_videos_are_cells_that_the_viewer_opens_nothing_for(
    tmp_path: Path, count: int, embedded: bool, suffix: str, stated: dict[str, str]
) -> None:
    files = [path.rename(path.with_suffix(f".{suffix}")) for path in make_videos(tmp_path / "videos", count)]
    found = stated_types([make_rows(files)], **{**REFERENCE, "embedded": embedded})
    assert {name: kind for name, kind in found.items() if name.startswith("video") and kind != "text"} == stated


def test_rows_without_their_videos_say_so(tmp_path: Path) -> None:
    rows = make_rows(make_videos(tmp_path / "videos", 3))
    found = stated_types([rows], videos=False, images=True, embedded=False)
    assert found["video"] == "null"
    assert "videos" not in found


def test_what_is_stored_is_what_rows_have() -> None:
    native = Features({"numbers": List(INT), "start": FLOAT, "id": TEXT, "video": Video(), "image": Image()})
    types = {"numbers": "json", "start": "json", "id": "text", "video": "cell", "videos": "videos", "image": "null"}
    schema = stored_schema(native, types)
    assert schema.field("numbers").type == pa.list_(pa.int64())
    assert (schema.field("start").type, schema.field("id").type) == (pa.float64(), pa.string())
    assert schema.field("image").type == pa.null()
    assert schema.field("video").type == Video().pa_type
    assert schema.field("videos").type == pa.list_(Video().pa_type)
    stated = stated_features(native, types)
    assert stated["start"] == Json()
    assert native_types(stated, None)["id"] == TEXT
    assert Features._from_yaml_list(stated._to_yaml_list()) == stated


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("mode", ["reference", "embed"])
def test_rows_come_back_as_they_were(hub: LocalHub, tmp_path: Path, count: int, mode: Any) -> None:
    rows = make_rows(make_videos(tmp_path / "videos", count))
    made_run(rows, tmp_path, mode=mode).publish(private=False)
    again = load_published("star", "org/made", split="train")
    assert again.features == features()
    assert again.remove_columns("video").to_list() == rows.remove_columns("video").to_list()
    assert all(clip is not None for clip in again["video"])
    assert [clip.start_seconds for clip in again["video"]] == list(rows["start_seconds"])


def test_configs_of_other_types_concatenate(hub: LocalHub, tmp_path: Path) -> None:
    made_run(make_rows(make_videos(tmp_path / "videos", 4)), tmp_path).publish(private=False)
    made_run(make_rows([], rows=3), tmp_path, repo="org/none").publish(private=False)
    plain = [video_sft.load("star", repo=name, split="train") for name in ("org/made", "org/none")]
    assert len(concatenate_datasets(plain)) == 7


def test_a_repo_of_former_types_is_read(hub: LocalHub, tmp_path: Path) -> None:
    native = video_sft.features()
    native["video"] = Video(decode=False)
    path = "hf://datasets/org/old@main/videos/charades/aa/a.mp4"
    row = {**dict.fromkeys(native), "messages": [], "choices": [], "evidence": [], "start_seconds": 2.0}
    table = pa.Table.from_pylist([{**row, "id": "star/1", "video": {"bytes": None, "path": path}}], native.arrow_schema)
    content = io.BytesIO()
    pq.write_table(table, content)
    card = b"---\nconfigs:\n- config_name: star\n  data_files: star/train-*.parquet\n---\n"
    hub.add_repo("org/old", {"README.md": card, "star/train-0.parquet": content.getvalue()})
    (row,) = load_published("star", "org/old", split="train")
    assert (row["video"].start_seconds, row["start_seconds"]) == (2.0, 2.0)
