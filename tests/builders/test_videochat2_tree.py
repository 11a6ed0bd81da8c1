"""Which files of VideoChat2-IT's tree are read, and what is said of the others."""

from __future__ import annotations

import logging
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.builders.videochat2_trees import image_row, qa, video_row, write_tree

import video_sft
from video_sft import ConfigError, MissingFileError
from video_sft._rows.schema import TASKS
from video_sft.builders._videochat2_tree import SUB_DATASETS
from video_sft.builders.videochat2 import SOURCE

#: Rows by task and modality, as the figure upstream publishes has them; 23,884 of them are not stated by file here.
PUBLISHED = {"image": 1135098, "video": 788910}


def load(root: Path, config: str = "videochat2", **options: Any) -> Any:
    return video_sft.load(config, split="train", data_dir=root, cache_dir=root.parent / "cache", **options)


def test_the_table_has_the_published_rows() -> None:
    first = SUB_DATASETS[:36]
    sums = Counter[str]()
    for each in first:
        sums[each.modality] += each.rows or 0
    assert sums["image"] == PUBLISHED["image"]
    assert sums["video"] == PUBLISHED["video"] - 13884 - 10000
    assert [each.place for each in first if each.rows is None] == [
        "video/conversation/videochat1",
        "video/conversation/videochat2",
        "video/vqa/webvid_qa",
    ]


def test_the_table_agrees_with_the_tree() -> None:
    assert len({each.place for each in SUB_DATASETS}) == len(SUB_DATASETS)
    assert len({file for each in SUB_DATASETS for file in each.files}) == sum(len(each.files) for each in SUB_DATASETS)
    for each in SUB_DATASETS:
        modality, folder = each.place.split("/")[:2]
        assert each.modality == modality
        assert each.task in TASKS
        assert folder in (each.task, "caption", "grounding", "sharegpt")
        assert (each.pool == "") == (modality == "text")


def test_every_file_of_the_table_is_read_from_its_place(tmp_path: Path) -> None:
    files: dict[str, Any] = {}
    for each in SUB_DATASETS:
        media = {} if each.modality == "text" else {each.modality: "folder/item"}
        files[each.files[0]] = [{**media, "QA": [qa("What is it?", "A kettle.")]}]
    rows = load(write_tree(tmp_path / "tree", files))
    assert len(rows) == len(SUB_DATASETS)
    by_place = {row["id"].removeprefix("videochat2/").removesuffix("/1"): row for row in rows}
    for each in SUB_DATASETS:
        row = by_place[each.files[0].removesuffix(".json").removesuffix("/train")]
        assert (row["task"], row["question_type"]) == (each.task, each.name)
        assert (row["video_id"] or "").partition("/")[0] == each.pool


def test_views_are_tasks_and_answer_formats(tmp_path: Path) -> None:
    listed = qa("why?\n(A) to eat\n(B) to hide", "(B) to hide")
    tree = write_tree(
        tmp_path / "tree",
        {
            "video/caption/webvid/train.json": [video_row("1/1.mp4", qa("", "A kettle."))],
            "video/caption/videochat/train.json": [video_row("1/2.mp4", qa("", "A kettle on a stove."))],
            "video/reasoning/next_qa/train.json": [video_row("1/3.mp4", listed), video_row("1/4.mp4")],
        },
    )
    assert set(SOURCE.views) == {*TASKS, "open_ended", "multiple_choice"}
    found = {
        view: len(load(tree, f"videochat2-{view}")) for view in ("simple_caption", "detailed_caption", "reasoning")
    }
    assert found == {"simple_caption": 1, "detailed_caption": 1, "reasoning": 2}
    assert load(tree, "videochat2-multiple_choice")["id"] == ["videochat2/video/reasoning/next_qa/1"]
    assert len(load(tree, "videochat2-open_ended")) == 3
    with pytest.raises(MissingFileError, match=r"image/vqa/vqav2/train\.json"):
        load(tree, "videochat2-vqa")


def test_a_file_beside_its_subset_is_read_alone(tmp_path: Path) -> None:
    rows = [video_row(f"1/{number}.mp4") for number in range(5)]
    place = "video/caption/webvid"
    tree = write_tree(tmp_path / "tree", {f"{place}/train.json": rows, f"{place}/train_80k.json": rows[3:]})
    assert load(tree)["id"] == [f"videochat2/{place}/{number}" for number in range(1, 6)]
    (tree / place / "train.json").unlink()
    alone = load(tree)
    assert alone["id"] == [f"videochat2/{place}/train_80k/{number}" for number in (1, 2)]
    assert alone["video_id"] == ["webvid/3", "webvid/4"]


def test_an_error_in_a_subset_names_the_subset(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "tree", {"video/caption/webvid/train_80k.json": [{"video": "1/1.mp4"}]})
    with pytest.raises(video_sft.RowError, match=r"video/caption/webvid/train_80k\.json, row 1"):
        load(tree)


def test_keys_do_not_depend_on_bad_rows_or_other_files(tmp_path: Path) -> None:
    rows = [video_row("1/1.mp4"), {"video": "1/2.mp4"}, video_row("1/3.mp4")]
    tree = write_tree(
        tmp_path / "tree", {"video/vqa/webvid_qa/train.json": rows, "image/vqa/gqa/train.json": [image_row("a.jpg")]}
    )
    keys = load(tree, on_bad_row="skip")["id"]
    (tree / "image/vqa/gqa/train.json").unlink()
    assert load(tree, on_bad_row="skip")["id"] == [key for key in keys if "webvid_qa" in key]
    assert keys[-2:] == ["videochat2/video/vqa/webvid_qa/1", "videochat2/video/vqa/webvid_qa/3"]


def test_files_nobody_knows_are_told_and_can_be_declared(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tree = write_tree(
        tmp_path / "tree",
        {
            "video/vqa/webvid_qa/train.json": [video_row("1/1.mp4")],
            "video/vqa/webvid_qa/instructions.json": ["Look."],
            "video/vqa/my_set/train.json": [video_row("a/1")],
            "image/caption/coco/train_7k.json": [image_row("a.jpg", qa("", "A kettle."))],
        },
    )
    with caplog.at_level(logging.WARNING, "video_sft"):
        assert len(load(tree)) == 1
    (told,) = [record.getMessage() for record in caplog.records if "sub-datasets" in record.getMessage()]
    assert "2 files" in told
    assert "image/caption/coco/train_7k.json, video/vqa/my_set/train.json" in told
    assert "extra_sub_datasets={'image/caption/coco/train_7k.json': ('<task>', 'image')}" in told
    extra = {
        "video/vqa/my_set": ("vqa", "video"),
        "image/caption/coco/train_7k.json": ("simple_caption", "image", "coco"),
    }
    caplog.clear()
    rows = load(tree, extra_sub_datasets=extra, num_proc=2)
    assert not [record for record in caplog.records if "sub-datasets" in record.getMessage()]
    assert sorted(zip(rows["id"], rows["task"], rows["question_type"], rows["video_path"], strict=True)) == [
        ("videochat2/image/caption/coco/train_7k/1", "simple_caption", "train_7k", "coco/a.jpg"),
        ("videochat2/video/vqa/my_set/1", "vqa", "my_set", "my_set/a/1.mp4"),
        ("videochat2/video/vqa/webvid_qa/1", "vqa", "webvid_qa", "webvid/1/1.mp4"),
    ]
    assert load(tree, extra_sub_datasets={"video/vqa/my_set": ("reasoning", "video")})["task"] == ["vqa", "reasoning"]
    (tmp_path / "clips" / "a").mkdir(parents=True)
    (tmp_path / "clips" / "a" / "1.webm").write_bytes(b"")
    attached = load(tree, extra_sub_datasets=extra, media={"my_set": tmp_path / "clips"}, missing="skip")
    assert attached["id"] == ["videochat2/video/vqa/my_set/1"]


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["video/vqa/my_set"], "is a mapping such as"),
        ({"video/vqa/my_set": "vqa"}, r"\(task, modality\)"),
        ({"video/vqa/my_set": ("vqaa", "video")}, "did you mean vqa"),
        ({"video/vqa/my_set": ("vqa", "audio")}, "the modality 'audio' is none of video, image, text"),
        ({"../my_set": ("vqa", "video")}, "climbs out"),
        ({"video/vqa/webvid_qa": ("vqa", "video")}, "the table has it already"),
        ({"video/caption/webvid/train_80k.json": ("vqa", "video")}, "the table has it already"),
    ],
)
def test_a_declaration_that_means_nothing_is_an_error(tmp_path: Path, extra: Any, message: str) -> None:
    tree = write_tree(tmp_path / "tree", {"video/vqa/webvid_qa/train.json": [video_row("1/1.mp4")]})
    with pytest.raises(ConfigError, match=message):
        load(tree, extra_sub_datasets=extra)


def test_an_empty_folder_is_an_error_with_the_steps(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError) as caught:
        load(write_tree(tmp_path / "tree", {"README.md": b"nothing here"}))
    assert "image/conversation/llava/train.json" in str(caught.value)
    assert "hf auth login" in str(caught.value)
    assert str(caught.value).count("hf auth login") == 1


def test_a_zip_of_the_tree_loads(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tree = write_tree(
        tmp_path / "tree",
        {"video/vqa/webvid_qa/train.json": [video_row("1/1.mp4")], "video/vqa/new/train.json": [video_row("1/1.mp4")]},
    )
    with zipfile.ZipFile(tmp_path / "tree.zip", "w") as archive:
        for file in tree.rglob("*.json"):
            archive.write(file, file.relative_to(tree))
    assert load(tmp_path / "tree.zip")["id"] == ["videochat2/video/vqa/webvid_qa/1"]
    assert "'video/vqa/new': ('vqa', 'video')" in caplog.text


def test_source_rows_keep_everything(tmp_path: Path) -> None:
    rows = [
        video_row("p2:s3://k600/a/1.mp4", qa(" What? ", "A kettle.", "Look."), start=2, end=1, source="other"),
        video_row(None, qa("Q?", "A.")),
    ]
    tree = write_tree(tmp_path / "tree", {"video/classification/k710/train.json": rows})
    first, second = load(tree, "videochat2-source").to_list()
    assert first["sub_dataset"] == "k710"
    assert first["file"] == "video/classification/k710/train.json"
    assert first["video"] == "p2:s3://k600/a/1.mp4"
    assert first["QA"] == [{"i": "Look.", "q": " What? ", "a": "A kettle."}]
    assert (first["start"], first["end"]) == (2.0, 1.0)
    assert first["other_fields"] == '{"source":"other"}'
    assert second["video"] is None
    assert load(tree)["id"] == [first["row_id"]]
