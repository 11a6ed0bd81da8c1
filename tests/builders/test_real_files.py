"""The real upstream files of ActivityNet-QA, NExT-QA and NExT-GQA: every row, every field, through the public API."""

from __future__ import annotations

import collections
import csv
import json
from pathlib import Path
from typing import Any

import pytest

import video_sft

#: Of files that other repositories quote or print, a few rows: under the names that upstream's files have.
QUOTED = {
    "star": {
        "STAR_train.json": "star/native_rows_quoted/STAR_train.json",
        "STAR_val.json": "star/native_rows_quoted/STAR_val.json",
        "STAR_classes/video_fps.json": "star/STAR_classes/video_fps.json",
    },
    "videoinstruct100k": {"VideoInstruct100K.json": "videoinstruct100k/VideoInstruct100K.rows.json"},
    "vcg_plus": {"vcg_human_annotated.json": "videoinstruct100k/llava_style_rows.json"},
    "videochat2": {
        "video/vqa/webvid_qa/train.json": "videochat2/video_rows_figure.json",
        "image/vqa/chart_qa/train.json": "videochat2/image_rows_quoted.json",
    },
}
QUOTED_COUNTS = {
    "star": {"train": 1, "validation": 1},
    "star-source": {"train": 1, "validation": 1},
    "videoinstruct100k": {"train": 1},
    "videoinstruct100k-source": {"train": 1},
    "vcg_plus": {"train": 2},
    "vcg_plus-human": {"train": 2},
    "vcg_plus-source": {"train": 2},
    "videochat2": {"train": 2},
    "videochat2-vqa": {"train": 2},
    "videochat2-open_ended": {"train": 2},
    "videochat2-source": {"train": 2},
}
COUNTS = {
    "activitynet_qa": {"train": 32000, "test": 8000},
    "activitynet_qa-source": {"train": 32000, "test": 8000},
    "next_qa": {"train": 37523, "validation": 4996 + 5343},
    "next_qa-multiple_choice": {"validation": 4996},
    "next_qa-open_ended": {"train": 37523, "validation": 5343},
    "next_qa-source": {"train": 37523, "validation": 4996 + 5343},
    "next_gqa": {"validation": 3358},
    "next_gqa-source": {"validation": 3358},
}


@pytest.fixture(scope="module")
def real(shared: Path, session_cache: str) -> Any:
    """Load a config from the real files; built once, then from the cache."""

    def load(config: str, **options: Any) -> Any:
        source = config.partition("-")[0]
        return video_sft.load(config, data_dir=shared / source, cache_dir=session_cache, **options)

    return load


@pytest.mark.parametrize(("config", "counts"), COUNTS.items())
def test_every_row_loads(real: Any, config: str, counts: dict[str, int]) -> None:
    splits = real(config)
    assert {split: len(rows) for split, rows in splits.items()} == counts
    for rows in splits.values():
        ids = rows["row_id" if config.endswith("-source") else "id"]
        assert len(set(ids)) == len(ids)
        assert not video_sft.skipped_rows(rows)


@pytest.mark.parametrize("config", ["activitynet_qa", "next_qa", "next_gqa"])
def test_every_message_is_valid(real: Any, config: str) -> None:
    for rows in real(config).values():
        for messages in rows["messages"]:
            video_sft.validate_messages(messages, video=True, image=False)


def test_activitynet_qa_source_is_upstreams_own_rows(real: Any, shared: Path) -> None:
    for split in ("train", "test"):
        questions = json.loads((shared / "activitynet_qa" / f"{split}_q.json").read_text(encoding="utf-8"))
        answers = json.loads((shared / "activitynet_qa" / f"{split}_a.json").read_text(encoding="utf-8"))
        by_id = {row["question_id"]: row for row in answers}
        upstream = real("activitynet_qa-source", split=split)
        rows = upstream.remove_columns(["row_id", "other_fields"]).to_list()
        assert rows == [{**row, **by_id[row["question_id"]]} for row in questions]
        assert set(upstream["other_fields"]) == {None}


def test_activitynet_qa_rows(real: Any) -> None:
    train, test = real("activitynet_qa", split="train"), real("activitynet_qa", split="test")
    assert collections.Counter(test["question_type"])["yes_no"] == 2094
    assert collections.Counter(train["question_type"]) == {
        "motion": 3200, "spatial": 3200, "temporal": 3200, "yes_no": 7242, "color": 2833,
        "object": 1338, "location": 761, "number": 2684, "other": 7542,
    }  # fmt: skip
    assert len(set(train["video_id"])) == 3200
    assert not set(train["video_id"]) & set(test["video_id"])
    odd = [row for row in train.select_columns(["id", "video_id", "video_path"]) if "UmAH95xls" in row["id"]]
    assert len(odd) == 10
    assert {row["video_id"] for row in odd} == {"activitynet/v_v_UmAH95xls"}
    assert {row["video_path"] for row in odd} == {"activitynet/v_v_UmAH95xls.mp4"}
    asked = [messages[0]["content"][1]["text"] for messages in train["messages"]]
    assert all(text == text.strip() for text in asked)
    upstream = real("activitynet_qa-source", split="train")["question"]
    assert sum(text != text.strip() for text in upstream) == 438
    assert sum("’" in text for text in asked) == 8


def read_csv(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize(("part", "split"), [("mc/val", "validation"), ("oe/val", "validation"), ("oe/train", "train")])
def test_next_qa_source_is_upstreams_own_rows(real: Any, shared: Path, part: str, split: str) -> None:
    kind = part.partition("/")[0]
    upstream = real("next_qa-source", split=split).filter(lambda key: f"/{kind}/" in key, input_columns="row_id")
    expected = read_csv(shared / "next_qa" / f"{part}.csv")
    assert len(upstream) == len(expected)
    for found, row in zip(upstream, expected, strict=True):
        assert {name: str(found[name]) for name in row} == row
        assert found["other_fields"] is None


def test_next_qa_quirks(real: Any, shared: Path) -> None:
    train = real("next_qa-open_ended", split="train")
    ids = train["id"][:]
    assert {key for key in ids if key.endswith("-2")} == {
        "next_qa/oe/4598213889_5-2",
        "next_qa/oe/4598213889_2-2",
        "next_qa/oe/3617262562_2-2",
    }
    mended = train[ids.index("next_qa/oe/6175457658_1")]
    assert mended["messages"][0]["content"][1]["text"] == "what are the colours of the man’s outfit"
    upstream = real("next_qa-source", split="train")
    assert upstream[upstream["row_id"][:].index("next_qa/oe/6175457658_1")]["question"].count("\u9225\u6a9a") == 1
    choice = real("next_qa-multiple_choice", split="validation")
    repeated = [row for row in choice.remove_columns(["video", "image"]) if len(set(row["choices"])) < 5]
    assert len(repeated) == 3
    assert all(
        row["choices"][row["answer_index"]] == row["answer"] for row in choice.remove_columns(["video", "image"])
    )
    assert all(text == text.strip() for options in choice["choices"] for text in options)
    assert max(int(key.partition("/")[2]) for key in choice["video_id"]) > 2**31
    folders = json.loads((shared / "next_qa" / "map_vid_vidorID.json").read_text())
    assert set(choice["video_path"]) == {f"vidor/{folders[key.partition('/')[2]]}.mp4" for key in choice["video_id"]}
    counts = collections.Counter(choice["question_type"])
    assert counts == {"CW": 1924, "CH": 683, "TN": 895, "TC": 663, "TP": 54, "DL": 295, "DC": 177, "DO": 305}


def test_next_gqa_grounding(real: Any, shared: Path) -> None:
    rows, upstream = real("next_gqa", split="validation"), real("next_gqa-source", split="validation")
    grounding = json.loads((shared / "next_gqa" / "gsub_val.json").read_text())
    assert sum(map(len, rows["evidence"])) == 3931
    for row, found in zip(rows.remove_columns(["video", "image"]), upstream, strict=True):
        entry = grounding[found["video_id"]]
        segments = entry["location"][found["qid"]]
        moments = [[moment["start_seconds"], moment["stop_seconds"]] for moment in row["evidence"]]
        assert moments == found["location"] == segments
        assert (found["duration"], found["fps"]) == (entry["duration"], entry["fps"])
        assert len(found["frame2time"]) == len(found["upbd"]) == 32
        assert row["choices"][row["answer_index"]] == row["answer"]
    videos = [f"vidor/{video}" for video, entry in grounding.items() if not entry["location"]]
    assert len(videos) == 3
    assert not set(videos) & set(rows["video_id"])


def test_next_gqa_text_answers_equal_next_qas_indices_but_for_one_row(real: Any) -> None:
    indices = dict(
        zip(*(real("next_qa-multiple_choice", split="validation")[name] for name in ("id", "answer")), strict=True)
    )
    texts = dict(zip(*(real("next_gqa", split="validation")[name] for name in ("id", "answer")), strict=True))
    changed = [key for key, text in texts.items() if indices[key.replace("next_gqa/", "next_qa/mc/")] != text]
    assert len(changed) <= 1


def test_streamed_real_rows_equal_built_ones(real: Any) -> None:
    built = real("next_gqa", split="validation")
    assert list(real("next_gqa", split="validation", streaming=True)) == list(built)


@pytest.mark.no_cover  # a quarter of a million rows, which reach what a few do
@pytest.mark.parametrize(("config", "counts"), [*COUNTS.items(), *QUOTED_COUNTS.items()])
def test_every_config_gives_the_same_rows_built_and_streamed(
    shared: Path, tmp_path: Path, session_cache: str, config: str, counts: dict[str, int]
) -> None:
    """With default options, and nothing left out or read as bad."""
    source = config.partition("-")[0]
    folder = shared / source
    if config in QUOTED_COUNTS:
        folder = tmp_path / "data"
        for name, place in QUOTED[source].items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(shared / place)
    built: Any = video_sft.load(config, data_dir=folder, cache_dir=session_cache)
    assert {split: len(rows) for split, rows in built.items()} == counts
    assert video_sft.skipped_rows(built) == []
    streamed: Any = video_sft.load(config, data_dir=folder, streaming=True)
    assert {split: sum(1 for _ in rows) for split, rows in streamed.items()} == counts
