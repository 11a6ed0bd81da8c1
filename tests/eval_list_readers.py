"""Readers of the files that evaluations publish: the video, and the question where there is one, of each row."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow.parquet as pq

MVBENCH = {
    "action_antonym": "ssv2",
    "action_count": "perception_test",
    "action_localization": "charades",
    "action_prediction": "charades",
    "action_sequence": "charades",
    "character_order": "perception_test",
    "counterfactual_inference": "clevrer",
    "egocentric_navigation": "vlnce",
    "episodic_reasoning": "tvqa",
    "fine_grained_action": "moments_in_time",
    "fine_grained_pose": "ntu_rgbd",
    "moving_attribute": "clevrer",
    "moving_count": "clevrer",
    "moving_direction": "clevrer",
    "object_existence": "clevrer",
    "object_interaction": "charades",
    "object_shuffle": "perception_test",
    "scene_transition": "movqa",
    "state_change": "perception_test",
    "unexpected_action": "funqa",
}
_MEDIA_SUFFIX = re.compile(r"\.(mp4|webm|avi|mkv|gif)$")
#: (video_id, question or nothing) of each row.
Rows = Iterator[tuple[str, str | None]]


def _csv(content: bytes, **options: Any) -> Iterator[dict[str, str]]:
    return csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), **options)


def _name(path: str) -> str:
    return _MEDIA_SUFFIX.sub("", path)


def activitynet_qa_rows(_: str, content: bytes) -> Rows:
    for row in json.loads(content):
        yield f"activitynet/v_{row['video_name']}", row["question"]


def next_rows(column: str) -> Callable[[str, bytes], Rows]:
    def read(_: str, content: bytes) -> Rows:
        for row in _csv(content):
            yield f"vidor/{row[column]}", row["question"]

    return read


def mvbench_rows(path: str, content: bytes) -> Rows:
    pool = MVBENCH[path.rpartition("/")[2].removesuffix(".json")]
    for row in json.loads(content):
        yield f"{pool}/{_name(row['video'])}", row["question"]


def charades_sta_rows(_: str, content: bytes) -> Rows:
    for line in content.decode().splitlines():
        yield f"charades/{line.split()[0]}", None


def captions_rows(pool: str) -> Callable[[str, bytes], Rows]:
    def read(_: str, content: bytes) -> Rows:
        for row in json.loads(content)["annotations"]:
            yield f"{pool}/{_name(row['image_id'])}", None

    return read


def parquet_rows(column: str, others: str) -> Callable[[str, bytes], Rows]:
    """Read a table of questions on YouTube videos; `others` is the pool of what has no YouTube id."""

    def read(_: str, content: bytes) -> Rows:
        table = pq.read_table(io.BytesIO(content), columns=[column, "question"])
        for row in table.to_pylist():
            name = row[column]
            yield f"{'youtube' if re.fullmatch('[A-Za-z0-9_-]{11}', name) else others}/{name}", row["question"]

    return read


def lvbench_rows(_: str, content: bytes) -> Rows:
    for name in re.search(r"VIDEOS=\((.*?)\)", content.decode(), re.DOTALL)[1].split():  # type: ignore[index]
        yield f"youtube/{name}", None


def qvhighlights_rows(_: str, content: bytes) -> Rows:
    for line in content.decode().splitlines():
        yield f"youtube/{json.loads(line)['vid'][:11]}", None


def mmvu_rows(_: str, content: bytes) -> Rows:
    for row in json.loads(content):
        found = re.search(r"(?:v=|youtu\.be/|/shorts/|/live/)([A-Za-z0-9_-]{11})", row["youtube_url"])
        assert found, row["youtube_url"]
        yield f"youtube/{found[1]}", row["question"]


def tgif_rows(_: str, content: bytes) -> Rows:
    for row in _csv(content, delimiter="\t"):
        yield f"tgif/{row['gif_name']}", row["question"]


def tempcompass_rows(_: str, content: bytes) -> Rows:
    """A clip is one stock video, or it is made of one or two: `<id>_reverse`, `<id>_<id>_<n>`."""
    for name, aspects in json.loads(content).items():
        for video in re.findall(r"\d{6,}", name):
            for questions in aspects.values():
                for row in questions:
                    yield f"webvid/{video}", row["question"]


def egoschema_rows(_: str, content: bytes) -> Rows:
    for row in json.loads(content).values():
        yield f"ego4d/{row['video_uid']}", None


def msvd_rows(first: int, last: int) -> Callable[[str, bytes], Rows]:
    """The published split: 1,200 videos for training, then 250 and 520, by the numbers of the mapping."""

    def read(_: str, content: bytes) -> Rows:
        for line in content.decode().splitlines():
            name, number = line.split()
            if first <= int(number.removeprefix("vid")) <= last:
                yield f"msvd/{name}", None

    return read
