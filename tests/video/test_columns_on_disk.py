"""Clips in what `datasets` writes to disk: cached results, saved folders, pushed rows, and other readers of them."""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import fsspec
import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, default_collate

from video_sft import Clip, Video, VideoError
from video_sft.video import clip_url
from video_sft.video._columns.saved_videos import placed

CUTS = [(n / 10, n / 10 + 0.5) for n in range(6)]


@pytest.fixture
def film(plain: Path, tmp_path: Path) -> Path:
    """A video of the test's own, which may be deleted."""
    return Path(shutil.copy(plain, tmp_path / "film.mp4"))


@pytest.fixture
def rows(film: Path, tmp_path: Path) -> datasets.Dataset:
    """Six cuts of one video and one that is whole, in a file that `map` keeps its results beside."""
    cells = [clip_url(str(film), *cut) for cut in CUTS] + [str(film)]
    made = datasets.Dataset.from_dict({"n": list(range(7)), "video": cells}).cast_column("video", Video())
    made.save_to_disk(str(tmp_path / "made"))
    loaded: datasets.Dataset = datasets.load_from_disk(str(tmp_path / "made"))
    return loaded


def limits(rows: Any) -> list[tuple[float | None, float | None]]:
    assert all(type(row["video"]) is Clip for row in rows)
    return [(row["video"].start_seconds, row["video"].stop_seconds) for row in rows]


WAYS: dict[str, Callable[[datasets.Dataset], datasets.Dataset]] = {
    "map": lambda rows: rows.map(lambda row: {"twice": 2 * row["n"]}),
    "map of batches": lambda rows: rows.map(lambda rows: {"twice": [2 * n for n in rows["n"]]}, batched=True),
    "map in processes": lambda rows: rows.map(lambda row: {"twice": 2 * row["n"]}, num_proc=2),
    "map of clips": lambda rows: rows.map(lambda row: {"video": row["video"]}),
    "filter": lambda rows: rows.filter(lambda row: row["n"] >= 0),
    "add_column": lambda rows: rows.select([*range(7)]).add_column("twice", [2 * n for n in range(7)]),
    "flatten_indices": lambda rows: rows.select([6, 5, 4, 3, 2, 1, 0]).flatten_indices().select(range(6, -1, -1)),
    "cast": lambda rows: rows.cast_column("n", datasets.Value("int32")),
    "rename": lambda rows: rows.rename_column("video", "film").map(lambda row: {}).rename_column("film", "video"),
    "class_encode_column": lambda rows: rows.class_encode_column("n"),
    "concatenate": lambda rows: datasets.concatenate_datasets([rows.select(range(3)), rows.select(range(3, 7))]),
    "to_iterable_dataset": lambda rows: rows.to_iterable_dataset().map(_doubled),
    "from_parquet": lambda rows: datasets.Dataset.from_parquet(_parquet(rows)),
}


def _doubled(row: dict[str, Any]) -> dict[str, Any]:
    return {"twice": 2 * row["n"]}


def _parquet(rows: datasets.Dataset) -> str:
    path = str(Path(rows.cache_files[0]["filename"]).with_name("rows.parquet"))
    rows.to_parquet(path)
    return path


@pytest.mark.parametrize("way", WAYS)
def test_clips_come_back_the_first_time_the_second_time_and_pickled(rows: datasets.Dataset, way: str) -> None:
    expected = [*CUTS, (None, None)]
    assert limits(WAYS[way](rows)) == expected
    again = WAYS[way](pickle.loads(pickle.dumps(rows)))
    assert limits(again) == expected
    assert limits(pickle.loads(pickle.dumps(again))) == expected


SCRIPT = """
import sys, datasets, video_sft

def double(row):
    return {"m": 2 * row["n"]}

datasets.disable_progress_bars()
rows = datasets.load_from_disk(sys.argv[1])
for made in (rows.map(double), rows.map(double, num_proc=2), rows.shuffle(seed=0).flatten_indices().sort("n")):
    print([(type(clip).__name__, clip.start_seconds, len(clip.frames().data)) for clip in made["video"]])
print(sum("cache" in file["filename"] for file in rows.map(double).cache_files))
"""


def test_a_script_sees_the_same_clips_in_every_run(rows: datasets.Dataset, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(tmp_path / "made")]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert runs[0] == runs[1]
    seen = [("Clip", start, 13) for start, _ in CUTS] + [("Clip", None, 50)]
    assert runs[0].splitlines() == [str(seen)] * 3 + ["1"]


def test_a_saved_folder_holds_each_video_once_and_can_be_moved(
    rows: datasets.Dataset, film: Path, tmp_path: Path
) -> None:
    expected = [row["video"].frames(count=2).data for row in rows]
    many = datasets.concatenate_datasets([rows] * 5)
    datasets.DatasetDict({"train": many, "test": rows}).save_to_disk(str(tmp_path / "saved"))
    os.rename(tmp_path / "saved", tmp_path / "moved")
    shutil.rmtree(tmp_path / "made")
    size = film.stat().st_size
    film.unlink()
    kept = [file for file in (tmp_path / "moved" / "train").rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in kept) < size + 20_000
    assert str(tmp_path).encode() not in b"".join(file.read_bytes() for file in kept)
    loaded = datasets.load_from_disk(str(tmp_path / "moved"))
    assert limits(loaded["test"]) == [*CUTS, (None, None)]
    for split in loaded.values():
        for number, row in enumerate(split):
            assert np.array_equal(row["video"].frames(count=2).data, expected[number % 7])
    loaded["test"].map(lambda row: {}).save_to_disk(str(tmp_path / "third"))
    assert limits(datasets.load_from_disk(str(tmp_path / "third"))) == [*CUTS, (None, None)]


def test_the_places_of_a_saved_folder_never_lead_out_of_it() -> None:
    good, cut = "videos/0a/0a1b2c3d-film.mp4", "clip://t=1.5,::videos/0a/0a1b2c3d-film (1).mp4"
    odd = ["videos/0a/../../film.mp4", "videos/0a/0a1b2c3d-/../x", "../film.mp4", "clip://t=1,2::/etc/x", None]
    cells = [None if path is None else {"bytes": None, "path": path} for path in [good, cut, *odd]]
    found = placed(pa.array(cells, Video.pa_type), "/a\\b")
    assert found is not None
    paths = [cell and cell["path"] for cell in found.to_pylist()]
    assert paths == ["/a\\b/" + good, "clip://t=1.5,::/a\\b/videos/0a/0a1b2c3d-film (1).mp4", *odd]
    assert placed(pa.array(cells[2:], Video.pa_type), "/x") is None


def test_a_missing_video_stops_the_saving(rows: datasets.Dataset, film: Path, tmp_path: Path) -> None:
    made = datasets.Dataset.from_dict({"video": [str(tmp_path / "gone.mp4")]}).cast_column("video", Video())
    with pytest.raises(VideoError, match=r"gone\.mp4: no such file"):
        made.save_to_disk(str(tmp_path / "saved"))


def test_what_goes_to_the_hub_has_no_local_place_and_no_bytes(
    rows: datasets.Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    remote = "hf://datasets/org/data@main/a.mp4"
    cells = [*rows.cast_column("video", Video(decode=False))["video"], {"bytes": None, "path": remote}, None]
    storage = datasets.Dataset.from_dict({"video": cells}, datasets.Features({"video": Video()})).data.column("video")
    with caplog.at_level(logging.WARNING):
        pushed = Video().embed_storage(storage.combine_chunks()).to_pylist()
    assert pushed == [*[None] * 7, {"bytes": None, "path": remote}, None]
    assert "7 rows are on this machine alone" in caplog.text
    assert "video_sft.publish" in caplog.text


def test_readers_of_files_are_refused_cut_clips(rows: datasets.Dataset, film: Path) -> None:
    cell = rows.cast_column("video", Video(decode=False))[2]["video"]
    with pytest.raises(VideoError, match=r"a part of a video.*cast_column\('video', video_sft.Video\(\)\)"):
        fsspec.open(cell["path"]).open()
    stock = rows.select([2]).cast_column("video", datasets.Video())
    with pytest.raises(VideoError, match="a part of a video"):
        datasets.Video().embed_storage(stock.data.column("video").combine_chunks())
    assert not Clip(film.read_bytes(), 0.1, 0.5).storage()["bytes"].startswith(film.read_bytes()[:8])


@pytest.mark.parametrize("form", ["torch", "numpy"])
def test_formats_of_arrays_say_how_to_keep_clips(rows: datasets.Dataset, form: str) -> None:
    with pytest.raises(TypeError, match=r"a Clip is no array.*output_all_columns=True"):
        rows.with_format(form)[0]
    row = rows.with_format(form, columns=["n"], output_all_columns=True)[3]
    assert type(row["video"]) is Clip
    assert int(row["n"]) == 3


@pytest.mark.parametrize("workers", [0, 1])
def test_torch_collates_clips_into_a_list(rows: datasets.Dataset, workers: int) -> None:
    assert default_collate([rows[0]["video"], rows[1]["video"]]) == [rows[0]["video"], rows[1]["video"]]
    batch = next(iter(DataLoader(rows, batch_size=4, num_workers=workers)))
    assert batch["video"] == rows[:4]["video"]
    assert torch.equal(batch["n"], torch.arange(4))


def test_folders_of_frames_are_saved_once_and_move_along(tmp_path: Path) -> None:
    folder = tmp_path / "pool" / "v_scene"
    folder.mkdir(parents=True)
    for number in range(8):
        Image.new("RGB", (32, 24), (30 * number, 0, 0)).save(folder / f"c01_{number:04d}.jpeg")
    cells = [clip_url(f"frames://fps=2::{folder}", 1.0, 3.0), f"frames://fps=4::{folder}", str(folder)]
    made = datasets.Dataset.from_dict({"video": cells * 3}).cast_column("video", Video())
    expected = [row["video"].frames() for row in made]
    made.save_to_disk(str(tmp_path / "saved"))
    os.rename(tmp_path / "saved", tmp_path / "moved")
    shutil.rmtree(folder)
    assert len(list((tmp_path / "moved" / "videos").rglob("*.jpeg"))) == 8
    loaded = datasets.load_from_disk(str(tmp_path / "moved"))
    for row, frames in zip(loaded, expected, strict=True):
        again = row["video"].frames()
        assert np.array_equal(again.data, frames.data)
        assert again.pts_seconds.tolist() == frames.pts_seconds.tolist()
