"""The `Video` column, through everything `datasets` does with columns."""

from __future__ import annotations

import copy
import dataclasses
import importlib.abc
import os
import pickle
import sys
from pathlib import Path

import datasets
import pytest

from video_sft.video import Clip, Video, with_fragment
from video_sft.video._columns.feature import stock_features


@pytest.fixture
def rows(plain: Path) -> datasets.Dataset:
    paths = [with_fragment(str(plain), n / 10, n / 10 + 0.5) for n in range(8)]
    table = datasets.Dataset.from_dict({"n": list(range(8)), "video": paths})
    return table.cast_column("video", Video())


def limits(rows: object) -> list[tuple[float | None, float | None]]:
    return [(row["video"].start_seconds, row["video"].stop_seconds) for row in rows]  # type: ignore[attr-defined]


EXPECTED = [(n / 10, n / 10 + 0.5) for n in range(8)]


def test_cells_are_clips_and_nothing_is_opened(rows: datasets.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    monkeypatch.setattr(os, "open", lambda *args, **_: opened.append(args))
    assert all(isinstance(row["video"], Clip) for row in rows)
    assert limits(rows) == EXPECTED
    assert opened == []


def test_frames_come_from_the_clip(rows: datasets.Dataset) -> None:
    frames = rows[3]["video"].frames(count=4)
    assert frames.data.shape == (4, 64, 96, 3)
    assert all(0.26 < moment < 0.8 for moment in frames.pts_seconds)


def test_what_is_stored_is_the_standard_feature(rows: datasets.Dataset) -> None:
    stored = rows.features.to_dict()["video"]
    assert stored == {"_type": "Video", "id": "video_sft"}
    assert {*stored, "_type"} <= {each.name for each in dataclasses.fields(datasets.Video)}
    assert rows.features.arrow_schema.field("video").type == datasets.Video().pa_type
    assert "Video(" in repr(rows.features)


def test_other_video_columns_stay_as_they_are() -> None:
    assert type(datasets.Features.from_dict({"video": {"_type": "Video"}})["video"]) is datasets.Video
    given = datasets.Features.from_dict({"video": {"_type": "Video", "decode": False, "id": "theirs"}})["video"]
    assert type(given) is datasets.Video
    assert (given.decode, given.id) == (False, "theirs")


def test_what_is_published_bears_no_mark(rows: datasets.Dataset) -> None:
    assert stock_features(rows.features).to_dict()["video"] == {"_type": "Video"}


@pytest.mark.filterwarnings("ignore:Specifying null_placement:FutureWarning")
@pytest.mark.parametrize(
    "way", ["select", "filter", "shuffle", "sort", "concatenate", "interleave", "rename", "pickle", "deepcopy"]
)
def test_clips_survive(rows: datasets.Dataset, way: str) -> None:
    moved = {
        "select": lambda: rows.select(range(8)),
        "filter": lambda: rows.filter(lambda row: row["n"] >= 0),
        "shuffle": lambda: rows.shuffle(seed=1).sort("n"),
        "sort": lambda: rows.sort("n", reverse=True).sort("n"),
        "concatenate": lambda: datasets.concatenate_datasets([rows.select(range(4)), rows.select(range(4, 8))]),
        "interleave": lambda: datasets.interleave_datasets([rows.select(range(0, 8, 2)), rows.select(range(1, 8, 2))]),
        "rename": lambda: rows.rename_column("video", "film").rename_column("film", "video"),
        "pickle": lambda: pickle.loads(pickle.dumps(rows)),
        "deepcopy": lambda: copy.deepcopy(rows),
    }[way]()
    assert limits(moved) == EXPECTED


def test_map_that_returns_clips(rows: datasets.Dataset) -> None:
    def shorten(row: dict[str, object]) -> dict[str, object]:
        clip = row["video"]
        assert isinstance(clip, Clip)
        return {"video": clip.clip(clip.start_seconds, clip.start_seconds + 0.25)}

    expected = [(start, start + 0.25) for start, _ in EXPECTED]
    assert limits(rows.map(shorten)) == expected
    assert isinstance(rows.map(shorten).features["video"], Video)
    assert (
        limits(rows.map(lambda batch: {"video": [clip.clip(0, 9) for clip in batch["video"]]}, batched=True))
        == EXPECTED
    )
    assert limits(rows.to_iterable_dataset().map(shorten)) == expected


def test_map_that_leaves_clips_alone(rows: datasets.Dataset) -> None:
    assert limits(rows.map(lambda row: {"twice": 2 * row["n"]})) == EXPECTED
    assert limits(rows.map(lambda row: {"twice": row["n"], "video": row["video"]}, num_proc=2)) == EXPECTED


@pytest.mark.parametrize("way", ["plain", "shuffle", "filter", "take", "batch", "interleave", "pickle"])
def test_streams(rows: datasets.Dataset, way: str) -> None:
    stream = rows.to_iterable_dataset(num_shards=2)
    moved = {
        "plain": lambda: stream,
        "shuffle": lambda: sorted(stream.shuffle(seed=0, buffer_size=4), key=lambda row: row["n"]),
        "filter": lambda: stream.filter(lambda row: row["n"] >= 0),
        "take": lambda: stream.take(8),
        "batch": lambda: ({"video": clip} for batch in stream.batch(4) for clip in batch["video"]),
        "interleave": lambda: datasets.interleave_datasets([stream]),
        "pickle": lambda: pickle.loads(pickle.dumps(stream)),
    }[way]()
    assert limits(moved) == EXPECTED


def test_every_stored_form(plain: Path) -> None:
    data = plain.read_bytes()
    feature = Video()
    for value in (
        str(plain),
        plain,
        data,
        {"path": str(plain), "bytes": None},
        {"path": None, "bytes": data},
        Clip(plain),
    ):
        clip = feature.decode_example(feature.encode_example(value))
        assert clip.metadata.num_frames == 50
        assert feature.decode_example(clip) is clip
    cut = Clip(data, 0.5, 1.0)
    assert data[:64] not in cut.storage()["bytes"]
    assert feature.decode_example(feature.encode_example(cut)) == cut
    assert datasets.Dataset.from_dict({"video": [cut, None]}, datasets.Features({"video": Video()}))[:]["video"] == [
        cut,
        None,
    ]


def test_torchcodec_that_does_not_load_is_in_nobodys_way(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed without its FFmpeg, it raises a `RuntimeError` when it is imported."""

    class WithoutFfmpeg(importlib.abc.MetaPathFinder):
        def find_spec(self, name: str, path: object, target: object = None) -> None:
            if name.partition(".")[0] == "torchcodec":
                raise RuntimeError("Could not load libtorchcodec")

    for name in [name for name in sys.modules if name.partition(".")[0] == "torchcodec"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [WithoutFfmpeg(), *sys.meta_path])
    monkeypatch.setattr(datasets.config, "TORCHCODEC_AVAILABLE", True)
    data = plain.read_bytes()
    cells = [
        str(plain),
        plain,
        data,
        {"path": str(plain), "bytes": None},
        {"path": "a.mp4", "bytes": data},
        Clip(plain),
    ]
    made = datasets.Dataset.from_dict({"video": [*cells, None]}, features=datasets.Features({"video": Video()}))
    assert [clip and clip.metadata.num_frames for clip in made["video"]] == [50] * 6 + [None]


def test_bytes_with_the_name_of_a_local_file_stay_bytes(plain: Path, videos: dict[str, Path]) -> None:
    """A path beside bytes only tells the file's name."""
    clip = Video().decode_example({"path": str(plain), "bytes": videos["no_b_frames"].read_bytes()})
    assert clip.frames(count=1).data.tolist() == Clip(videos["no_b_frames"]).frames(count=1).data.tolist()


def test_a_column_that_does_not_decode_gives_the_stored_cell(rows: datasets.Dataset, plain: Path) -> None:
    stored = rows.cast_column("video", Video(decode=False))[0]["video"]
    assert stored == {"bytes": None, "path": f"{plain}#t=0.0,0.5"}
    with pytest.raises(RuntimeError, match="does not decode"):
        Video(decode=False).decode_example(stored)


def test_empty_cells_are_refused() -> None:
    with pytest.raises(ValueError, match="neither"):
        Video().decode_example({"path": None, "bytes": None})


@pytest.mark.parametrize(
    "path", ["hf://datasets/org/data@main/v/a.mp4", "zip://a.mp4::hf://datasets/org/data@main/v.zip"]
)
def test_the_token_of_a_private_repo_reaches_the_clip(path: str) -> None:
    clip = Video().decode_example(
        {"path": path, "bytes": None}, token_per_repo_id={"org/data": "secret", "other/one": "no"}
    )
    assert clip._file.source.token == "secret"
    assert "secret" not in repr(clip)
