"""What each trainer finds in an export: read as its own code reads it (`make check-trainers` runs that code itself)."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import datasets
import pytest
import yaml
from PIL import Image
from tests.exporting.readers import by_id, check_tags, rows_of, shown, shown_in
from tests.trainers.clock_rows import SHOWN

import video_sft
from video_sft._exporting.target_names import TARGET_NAMES
from video_sft._exporting.targets import TARGETS

#: Columns ms-swift gives a meaning of its own.
RESERVED = {"label", "channel", "margin", "tools", "objects", "options", "questions", "kinds", "state", "criteria"}
RESERVED |= {"question_ids", "dataset", "rejected_response", "solution", "system", "query", "response", "history"}


def seconds(name: str) -> list[int]:
    first, last = SHOWN[name]
    return list(range(first, last))


def test_every_format_has_a_name_and_every_name_a_format() -> None:
    assert tuple(TARGETS) == TARGET_NAMES


def test_swift_is_told_limits_beside_the_whole_file(rows: datasets.Dataset, out: Path) -> None:
    report = video_sft.export(rows, to="swift", out=out)
    written = by_id(report)
    assert set(written) == set(rows["id"])
    assert not RESERVED & set(written["clock/cut"])
    for row in written.values():
        check_tags([turn["content"] for turn in row["messages"]], videos=row["videos"], images=row["images"])
    assert written["clock/cut"]["chat_template_kwargs"] == {"video_start": 20.0, "video_end": 24.0}
    assert written["clock/cut"]["messages"] == [
        {"role": "user", "content": "<video>What does clock/cut show?"},
        {"role": "assistant", "content": "answer clock/cut"},
    ]
    assert written["clock/end"]["chat_template_kwargs"] == {"video_start": 25.0, "video_end": 30.0}
    assert written["clock/whole"]["chat_template_kwargs"] is None
    assert written["clock/cut"]["videos"] == written["clock/end"]["videos"]
    assert written["clock/text"]["videos"] == written["clock/text"]["images"] == []
    for name in SHOWN:
        limits = written[name]["chat_template_kwargs"] or {}
        found = shown(out / written[name]["videos"][0], limits.get("video_start"), limits.get("video_end"))
        assert {second for second in found if second < SHOWN[name][1]} == set(seconds(name)), name
        assert found.count(SHOWN[name][1]) <= 1, name  # the frame at the stop itself, which the trainer takes along
    with Image.open(out / written["clock/image"]["images"][0]) as image:
        assert image.getpixel((0, 0)) == (80, 80, 80)
    words = shlex.split(report.command)
    assert words[0] == f"ROOT_IMAGE_DIR={out}"
    assert words[words.index("--dataset") + 1] == f"{out}/train-*.jsonl"


def test_clips_that_a_count_by_the_rate_would_miss_are_trimmed_instead(rows: datasets.Dataset, out: Path) -> None:
    report = video_sft.export(rows, to="swift", out=out, clips="keys")
    written = by_id(report)
    for name in ("clock/uneven", "clock/late", "clock/moment"):
        assert written[name]["chat_template_kwargs"] is None, name
        assert set(shown(out / written[name]["videos"][0])) == set(seconds(name)), name
    assert report.trimmed_instead == 3
    assert "3 rows have a trimmed clip" in str(report)


def test_tags_in_text_are_no_tags_any_more(rows: datasets.Dataset, out: Path) -> None:
    report = video_sft.export(rows, to="llamafactory", out=out)
    talk = by_id(report)["clock/talk"]["messages"]
    assert [turn["role"] for turn in talk] == ["system", "user", "assistant", "user", "assistant"]
    assert talk[1]["content"] == "<video>What is <video >, and <|video_pad| >?"
    assert talk[2]["content"] == "A tag, like <image >."
    assert report.spaced == 1
    assert "1 rows have a tag" in str(report)


def test_llama_factory_gets_clips_as_files_and_its_dataset_info(rows: datasets.Dataset, out: Path) -> None:
    report = video_sft.export(rows, to="llamafactory", out=out, name="mine")
    info = json.loads((out / "dataset_info.json").read_text())["mine"]
    columns, tags = info["columns"], info["tags"]
    assert info["formatting"] == "sharegpt"
    lines = [json.loads(line) for line in (out / info["file_name"]).read_text().splitlines()]
    assert len(lines) == report.rows == len(rows)
    for line in lines:
        turns = line[columns["messages"]]
        said = [turn[tags["content_tag"]] for turn in turns]
        check_tags(said, videos=line[columns["videos"]], images=line[columns["images"]])
        roles = [turn[tags["role_tag"]] for turn in turns if turn[tags["role_tag"]] != tags["system_tag"]]
        assert roles == [tags["user_tag"], tags["assistant_tag"]] * (len(roles) // 2)
        assert all((out / path).is_file() for path in [*line["videos"], *line["images"]])
        if line["id"] in SHOWN:
            assert set(shown(out / line["videos"][0])) == set(seconds(line["id"])), line["id"]
    written = by_id(report)
    assert written["clock/cut"]["videos"] == written["clock/cut-again"]["videos"]  # trimmed once
    words = shlex.split(report.command)
    assert words[words.index("--dataset_dir") + 1] == str(out)
    assert words[words.index("--dataset") + 1] == "mine"
    with pytest.raises(video_sft.ConfigError, match="for llamafactory it is one of trim and frames"):
        video_sft.export(rows, to="llamafactory", out=out.with_name("other"), clips="keys")


def test_several_files_of_llama_factory_are_a_folder_of_nothing_else(rows: datasets.Dataset, out: Path) -> None:
    report = video_sft.export(rows.select(range(2, 10)), to="llamafactory", out=out, shard_bytes=600)
    info = json.loads((out / "dataset_info.json").read_text())["train"]
    inside = sorted((out / info["file_name"]).iterdir())
    assert len(inside) > 1
    assert {path.suffix for path in inside} == {".jsonl"}
    assert sum(len(path.read_text().splitlines()) for path in inside) == report.rows


def test_qwen_parts_carry_limits_and_no_null_keys(rows: datasets.Dataset, out: Path) -> None:
    written = by_id(video_sft.export(rows, to="qwen", out=out))
    part, text = written["clock/cut"]["messages"][0]["content"]
    assert part["type"] == "video"
    assert (part["video_start"], part["video_end"]) == (20.0, 24.0)
    assert (out / part["video"]).is_file()
    assert text == {"type": "text", "text": "What does clock/cut show?"}
    whole = written["clock/whole"]["messages"][0]["content"][0]
    assert set(whole) == {"type", "video"}
    parts = [part for row in written.values() for turn in row["messages"] for part in turn["content"]]
    assert all(value is not None for part in parts for value in part.values())
    assert all(("video" in part) == (part["type"] == "video") for part in parts)


def test_qwen_fine_tuning_scripts_get_conversations(rows: datasets.Dataset, out: Path) -> None:
    report = video_sft.export(rows, to="qwen", out=out, clips="trim")
    for row in rows_of(report):
        texts = [turn["value"] for turn in row["conversations"] if turn["from"] == "human"]
        assert {turn["from"] for turn in row["conversations"]} == {"human", "gpt"}
        check_tags(
            texts, videos=[row["video"]] if "video" in row else (), images=[row["image"]] if "image" in row else ()
        )
        if row["id"] in SHOWN:
            assert set(shown(out / row["video"])) == set(seconds(row["id"])), row["id"]
    talk = by_id(report)["clock/talk"]["conversations"]
    assert talk[0]["value"] == "<video>\nAnswer in one word.\nWhat is <video >, and <|video_pad| >?"
    assert f'"data_path": "{out}"' in report.command


def test_llava_is_told_by_one_tag_and_a_list_of_files(rows: datasets.Dataset, out: Path) -> None:
    video_sft.export(rows, to="llava", out=out)
    listed = yaml.safe_load((out / "train.yaml").read_text())["datasets"]
    lines = [json.loads(line) for entry in listed for line in (out / entry["json_path"]).read_text().splitlines()]
    assert len(lines) == len(rows)
    for line in lines:
        media = [line[kind] for kind in ("video", "image") if kind in line]
        check_tags([turn["value"] for turn in line["conversations"]], images=media)
        assert line["conversations"][0]["value"].startswith("<image>\n") or not media
        assert not any("shareVideoGPTV" in path for path in media)  # whose files it would list as folders
        if line["id"] in SHOWN:
            assert set(shown(out / line["video"])) == set(seconds(line["id"])), line["id"]


@pytest.mark.parametrize("to", ["swift", "llamafactory", "qwen", "llava"])
def test_frames_are_those_of_the_clip(rows: datasets.Dataset, out: Path, to: Any) -> None:
    report = video_sft.export(rows, to=to, out=out, clips="frames", fps=2)

    def frames(row: dict[str, Any]) -> list[Path]:
        if to == "llava":
            assert "shareVideoGPTV" in row["video"]
            return sorted((out / row["video"]).iterdir())
        if to == "qwen":
            part = row["messages"][0]["content"][0]
            assert part["sample_fps"] == 2
            return [out / path for path in part["video"]]
        return [out / path for path in row["videos"][0]]

    written = by_id(report)
    assert shown_in(frames(written["clock/cut"])) == [20, 20, 21, 21, 22, 22, 23, 23]
    assert shown_in(frames(written["clock/late"])) == [4, 4, 5, 5, 6, 6, 7, 7]
    assert len(frames(written["clock/moment"])) == 1
    assert report.media["frames"] == 6  # of eight rows: two are about the same clip, two about the same whole video


def test_frames_are_no_more_than_asked_for(rows: datasets.Dataset, out: Path) -> None:
    report = video_sft.export(rows, to="swift", out=out, clips="frames", fps=2, max_frames=4)
    whole = by_id(report)["clock/whole"]["videos"][0]
    assert shown_in([out / path for path in whole]) == [0, 1, 3, 5]


@pytest.mark.parametrize("to", ["swift", "llamafactory"])
def test_readers_that_infer_types_from_the_beginning_see_them_all(rows: datasets.Dataset, out: Path, to: Any) -> None:
    """Images alone come first: `datasets` would then take `videos` for lists of nothing, and refuse the first video."""
    kinds = {name: rows.select([rows["id"].index(f"clock/{name}")]) for name in ("image", "cut", "whole")}
    many = datasets.concatenate_datasets([*[kinds["image"]] * 60, *[kinds["whole"]] * 60, *[kinds["cut"]] * 3])
    report = video_sft.export(many, to=to, out=out, clips="keys" if to == "swift" else "trim", shard_bytes=4_000)
    shards = [str(out / name) for name in report.files if name.endswith(".jsonl")]
    assert len(shards) == 3 if to == "swift" else len(shards) > 3
    for each in shards:
        read = datasets.load_dataset(
            "json", data_files=each, split="train", chunksize=500, cache_dir=str(out / "cache")
        )
        assert {"videos", "images"} <= set(read.features)
    together = datasets.load_dataset(
        "json", data_files=shards, split="train", chunksize=500, cache_dir=str(out / "all")
    )
    assert sorted(map(len, together["videos"])) == [0] * 60 + [1] * 63


def test_a_column_no_row_needs_is_not_written(rows: datasets.Dataset, out: Path) -> None:
    report = video_sft.export(rows.select([1, 2]), to="swift", out=out)
    assert set(by_id(report)["clock/whole"]) == {"id", "messages", "videos"}
