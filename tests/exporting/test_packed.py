"""WebDataset and MDS: read back by the libraries that define them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import datasets
import pytest
from tests.exporting.readers import shown
from tests.trainers.clock_rows import SHOWN

import video_sft
from video_sft.errors import ConfigError

#: The libraries leave closing to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def _shows(data: bytes, path: Path, limits: Any = None) -> set[int]:
    path.write_bytes(data)
    return set(shown(path, *(limits or (None, None))))


@pytest.mark.parametrize("clips", ["trim", "keys", "frames"])
def test_tar_files_hold_json_and_media_of_each_row(rows: datasets.Dataset, out: Path, clips: Any) -> None:
    webdataset = pytest.importorskip("webdataset")
    report = video_sft.export(rows, to="webdataset", out=out, clips=clips, shard_bytes=6_000)
    shards = [str(out / name) for name in report.files]
    assert len(shards) > 1
    samples = {}
    for sample in webdataset.WebDataset(shards, shardshuffle=False):
        told = json.loads(sample["json"])
        samples[told["id"]] = (told, sample)
    assert list(samples) == rows["id"]
    told, sample = samples["clock/cut"]
    assert told["messages"] == rows[rows["id"].index("clock/cut")]["messages"]
    if clips == "frames":
        assert sum(name.endswith(".jpg") for name in sample) == 8
    else:
        limits = (told["start_seconds"], told["stop_seconds"]) if clips == "keys" else None
        assert _shows(sample["mp4"], out / "x.mp4", limits) - {24} == {20, 21, 22, 23}
    assert "png" in samples["clock/image"][1]
    assert not (out / "media").exists()


def test_tar_files_that_were_finished_are_not_written_again(
    rows: datasets.Dataset, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("webdataset")
    from video_sft._exporting.targets import webdataset

    original, finished = webdataset._write_tar, []

    def stopping(*arguments: Any) -> None:
        if len(finished) == 2:
            raise KeyboardInterrupt
        original(*arguments)
        finished.append(arguments)

    monkeypatch.setattr(webdataset, "_write_tar", stopping)
    with pytest.raises(KeyboardInterrupt):
        video_sft.export(rows, to="webdataset", out=out, shard_bytes=6_000)
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("*.tar")}
    assert len(before) == 2
    monkeypatch.setattr(webdataset, "_write_tar", original)
    report = video_sft.export(rows, to="webdataset", out=out, shard_bytes=6_000)
    assert len(report.files) > 2
    assert {name: (out / name).stat().st_mtime_ns for name in before} == before


@pytest.mark.parametrize("clips", ["trim", "keys"])
def test_mds_rows_hold_their_media(rows: datasets.Dataset, out: Path, clips: Any) -> None:
    streaming = pytest.importorskip("streaming")
    report = video_sft.export(rows, to="mds", out=out, clips=clips)
    read = streaming.LocalDataset(str(out / report.files[0]))
    assert [row["id"] for row in read] == rows["id"]
    for row in read:
        if row["id"] in SHOWN:
            first, last = SHOWN[row["id"]]
            limits = row["limits"] or None
            assert _shows(row["video"], out / "x.mp4", limits) - {last} == set(range(first, last)), row["id"]
    assert not (out / "media").exists()


@pytest.mark.parametrize(("to", "package"), [("webdataset", "webdataset"), ("mds", "mosaicml-streaming")])
def test_a_library_that_is_not_installed_is_named(
    rows: datasets.Dataset, out: Path, monkeypatch: pytest.MonkeyPatch, to: Any, package: str
) -> None:
    monkeypatch.setitem(sys.modules, {"mds": "streaming"}.get(to, to), None)
    with pytest.raises(ConfigError, match=f"pip install {package}"):
        video_sft.export(rows, to=to, out=out)
    assert not out.exists()
