"""The same video has the same id in every set that shows it, and its clips are told apart by their path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.builders.videochat2_trees import qa, records, video_row, write_tree

import video_sft
from video_sft._rows.schema import clip_name
from video_sft.mixing import mix

SCENES = "video/vqa/sharegptvideo"
EGO = "d250521e-5197-44aa-8baa-2f42b24444d2"
FLICKR = "12345678@N00_2408598493_274c77d26a"


@pytest.mark.parametrize(
    ("place", "path", "video_id"),
    [
        (SCENES, "v_--0edUL8zmA-Scene-001", "activitynet/v_--0edUL8zmA"),
        (SCENES, "train_300k/v_v_UmAH95xls-Scene-12.mp4", "activitynet/v_v_UmAH95xls"),
        (SCENES, "v_k_ZXmr8pmrs", "activitynet/v_k_ZXmr8pmrs"),
        (SCENES, "6810", "webvid/6810"),
        (SCENES, "I8q-Y8VsGek", "vidal/I8q-Y8VsGek"),
        (SCENES, "some/other", "sharegptvideo/some/other"),
        ("video/caption/vidln/kinetics", "k700/val/abseiling/xqnJh1oiEIU_000001_000011.mp4", "k710/xqnJh1oiEIU"),
        ("video/classification/k710", "k400/xqnJh1oiEIU.mp4", "k710/xqnJh1oiEIU"),
        ("video/classification/k710", "k400/abc.mp4", "k710/k400/abc"),
        ("video/caption/vidln/uvo_sparse", "zxE180Fndow.mp4", "k710/zxE180Fndow"),
        ("video/caption/vidln/uvo_dense", "a/1234.mp4", "uvo/a/1234"),
        ("video/caption/vidln/oops", "Best Fails (May 2017)9.mp4", "oops/Best Fails (May 2017)9"),
        ("video/caption/youcook2", "training/101/S6UkLYe6Ro4/split_0.mp4", "youcook2/S6UkLYe6Ro4"),
        ("video/vqa/ego_qa", f"{EGO}/split_0.mp4", f"ego4d/{EGO}"),
        ("video/vqa/ego_qa", "x/split_0.mp4", "egoqa/x/split_0"),
        ("video/conversation/videochat2", "S6UkLYe6Ro4_36.6_44.2.mp4", "internvid/S6UkLYe6Ro4"),
        ("video/conversation/videochat2", "videos/S6UkLYe6Ro4_00:00:01.5-00:00:04.mp4", "internvid/S6UkLYe6Ro4"),
        ("video/grounding/didemo", f"{FLICKR}.mov.mp4", f"didemo/{FLICKR}"),
        ("video/grounding/didemo", f"train/{FLICKR}.mp4", f"didemo/{FLICKR}"),
        ("video/vqa/tgif_transition_qa", "gifs/tumblr_nk172bbdPI1.gif", "tgif/tumblr_nk172bbdPI1"),
        ("video/conversation/videochatgpt", "v_k_ZXmr8pmrs.mkv", "activitynet/v_k_ZXmr8pmrs"),
        ("video/reasoning/next_qa", "1164/3238737531.mp4", "vidor/3238737531"),
    ],
)
def test_ids(tmp_path: Path, place: str, path: str, video_id: str) -> None:
    (record,) = records(tmp_path, place, [video_row(path)])
    assert record.media is not None
    assert record.media.video_id == video_id
    assert record.media.video_path.startswith(record.media.pool + "/")


@pytest.mark.parametrize(
    ("video_id", "path", "clip"),
    [
        ("activitynet/v_k_ZXmr8pmrs", "activitynet/v_k_ZXmr8pmrs.mp4", ""),
        ("activitynet/v_k_ZXmr8pmrs", "sharegptvideo/v_k_ZXmr8pmrs-Scene-001", "v_k_ZXmr8pmrs-Scene-001"),
        ("webvid/6810", "sharegptvideo/6810", ""),
        ("webvid/6810", "webvid/023601_023650/6810.mp4", ""),
        ("k710/xqnJh1oiEIU", "k710/k600/xqnJh1oiEIU_000001_000011.mp4", "xqnJh1oiEIU_000001_000011.mp4"),
        ("mine/a", None, ""),
    ],
)
def test_a_file_that_holds_a_clip_shows_by_its_name(video_id: str, path: str | None, clip: str) -> None:
    assert clip_name(video_id, path) == clip


def scenes(folder: Path) -> Path:
    first, second = "v_1nvented0ne-Scene-001", "v_1nvented0ne-Scene-002"
    rows = [video_row(first, qa("What?", "A dog.")), video_row(second, qa("What?", "A cat."))]
    rows += [video_row(first, qa("Where?", "Here.")), video_row("6810", qa("What?", "A bus."))]
    return write_tree(folder, {f"{SCENES}/train_240k.json": rows})


def test_scenes_of_one_video_are_not_merged(tmp_path: Path) -> None:
    rows: Any = video_sft.load(
        "videochat2", split="train", data_dir=scenes(tmp_path / "t"), group="video", cache_dir=tmp_path / "cache"
    )
    assert [(row["id"].rpartition("/")[2], row["video_path"]) for row in rows] == [
        ("1+1", "sharegptvideo/v_1nvented0ne-Scene-001"),
        ("2", "sharegptvideo/v_1nvented0ne-Scene-002"),
        ("4", "sharegptvideo/6810"),
    ]


def test_a_question_on_a_scene_is_no_repeat_of_one_on_the_video(tmp_path: Path) -> None:
    options: Any = {"cache_dir": str(tmp_path / "cache"), "split": "train"}
    parts = {"videochat2": video_sft.load("videochat2", data_dir=scenes(tmp_path / "t"), **options)}
    whole = [{"q": "What?", "a": "A dog.", "video_id": "v_1nvented0ne"}]
    write_tree(tmp_path / "v", {"VideoInstruct100K.json": whole})
    parts["videoinstruct100k"] = video_sft.load("videoinstruct100k", data_dir=tmp_path / "v", **options)
    assert len(mix(parts, dedupe=True)) == 5
