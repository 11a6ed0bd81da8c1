"""`prepare`: each video once, whole or not at all, and never twice."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.conftest import CommandResult
from tests.preparing.conftest import draw, row
from tests.video.made_videos import encode
from tests.video.video_server import VideoServer

import video_sft
from video_sft import Clip
from video_sft.errors import BrokenFileError, ConfigError, MissingMediaError
from video_sft.preparing import location_in, read_manifest
from video_sft.preparing._manifest import SCHEMA
from video_sft.preparing._planning import shard_of

COLUMNS = "video_id start stop location timeline_offset duration fps frames size sound fingerprint bytes error"


@pytest.fixture
def prepare() -> Callable[..., video_sft.PrepareReport]:
    """`video_sft.prepare` with one process and no bar."""

    def run(rows: Any, out: object, **options: Any) -> video_sft.PrepareReport:
        return video_sft.prepare(rows, out=str(out), **{"num_workers": 1, "progress": False, **options})

    return run


Prepare = Callable[..., video_sft.PrepareReport]


def manifest(root: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_manifest(str(root)).to_pylist()
    return found


def test_videos_of_rows_are_prepared_each_once(originals: Path, tmp_path: Path, prepare: Prepare) -> None:
    large, small = originals / "large.mp4", originals / "small.mp4"
    rows = [row(large, 0.5, 2.0), row(large, 1.9, 3.0), row(large, 3.5, 3.9), row(small), {"video": None}]
    report = prepare(rows, tmp_path / "out")
    assert (report.videos, report.prepared, report.left_as_is, report.rows, report.rows_without) == (2, 3, 1, 4, 1)
    assert (report.failed, report.hours_before) == ((), pytest.approx(7 / 3600))
    first, second, third = manifest(tmp_path / "out")
    assert [(each["video_id"], each["start"], each["stop"]) for each in (first, second, third)] == [
        ("pool/large", 0.5, 3.0),  # two that overlap are one
        ("pool/large", 3.5, 3.9),
        ("pool/small", None, None),
    ]
    assert (first["timeline_offset"], first["frames"], first["size"]) == (0.48, 63, {"width": 298, "height": 224})
    assert (first["sound"], third["sound"]) == (True, False)
    assert third["note"] == "left as it is: 160 x 120 at 25 frames a second is small enough"
    for each in (first, second, third):
        clip = Clip(location_in(tmp_path / "out", each["location"]))
        assert clip.metadata.num_frames == each["frames"]
        assert Path(clip.path or "").stat().st_size == each["bytes"]
    left = tmp_path / "out" / third["location"]
    assert left.read_bytes() == small.read_bytes()


def test_the_manifest_has_the_same_columns_whatever_is_in_it(originals: Path, tmp_path: Path, prepare: Prepare) -> None:
    prepare([row(originals / "small.mp4")], tmp_path / "out", steps=["probe"])
    part = tmp_path / "out" / "manifest" / "part-00000-of-00001.parquet"
    table = pq.read_table(part)
    assert table.schema.equals(SCHEMA)
    assert table.column_names[:13] == COLUMNS.split()
    for name in ("start", "location", "error", "fingerprint", "bytes"):
        assert table.column(name).null_count == 1
    other = tmp_path / "out" / "manifest" / "part-00001-of-00002.parquet"
    pq.write_table(pa.table({"video_id": ["pool/b"], "note": pa.nulls(1)}), other)
    assert [each["video_id"] for each in manifest(tmp_path / "out")] == ["pool/b", "pool/small"]
    other.write_bytes(b"no parquet")
    with pytest.raises(BrokenFileError, match=r"part-00001-of-00002\.parquet is no part of a manifest"):
        read_manifest(tmp_path / "out")
    with pytest.raises(MissingMediaError, match="no prepared root"):
        read_manifest(tmp_path)


def test_a_second_run_opens_no_original(
    originals: Path,
    tmp_path: Path,
    prepare: Prepare,
    opened_files: Callable[[], AbstractContextManager[list[str]]],
) -> None:
    shutil.copytree(originals, tmp_path / "media")
    with zipfile.ZipFile(tmp_path / "media" / "more.zip", "w") as archive:
        archive.write(originals / "small.mp4", "inner.mp4")
    inner = {"video": f"zip://inner.mp4::{tmp_path}/media/more.zip", "video_id": "pool/inner"}
    rows = [row(tmp_path / "media" / "large.mp4", 1.0, 2.0), row(tmp_path / "media" / "small.mp4"), inner]
    assert prepare(rows, tmp_path / "out").prepared == 3
    before = (tmp_path / "out" / "manifest" / "part-00000-of-00001.parquet").stat().st_mtime_ns
    with opened_files() as opened:
        again = prepare(rows, tmp_path / "out")
    assert (again.prepared, again.done_before) == (0, 3)
    assert [name for name in opened if str(tmp_path / "media") in name] == []
    assert (tmp_path / "out" / "manifest" / "part-00000-of-00001.parquet").stat().st_mtime_ns == before
    draw(tmp_path / "media" / "small.mp4", width=160, height=120, seconds=2, seed=5)
    more = prepare([*rows, row(tmp_path / "media" / "large.mp4", 3.0, 3.5)], tmp_path / "out")
    assert (more.prepared, more.done_before) == (2, 1)  # a new part, and a file that has changed
    assert prepare(rows, tmp_path / "out", size=112).prepared == 3  # other parameters are other results


def test_what_fails_is_a_row_with_its_error(originals: Path, tmp_path: Path, prepare: Prepare) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no video at all")
    rows = [row(originals / "small.mp4"), row(tmp_path / "bad.mp4", 1.0, 2.0), row(tmp_path / "gone.mp4")]
    rows.append(row(originals / "large.mp4", 9.0, 10.0))
    report = prepare(rows, tmp_path / "out")
    assert (report.prepared, len(report.failed)) == (1, 3)
    errors = {each["video_id"]: each["error"] for each in manifest(tmp_path / "out")}
    assert errors["pool/small"] is None
    assert "no such file" in errors["pool/gone"]
    assert "video ends at 4 s" in errors["pool/large"]
    again = prepare(rows, tmp_path / "out")
    assert (again.failed_before, again.done_before) == (2, 1)
    shutil.copy(originals / "small.mp4", tmp_path / "gone.mp4")
    third = prepare(rows, tmp_path / "out", retry_failed=True)
    assert (third.prepared, len(third.failed)) == (1, 2)
    assert "nothing" not in str(third)
    assert {each["video_id"] for each in manifest(tmp_path / "out") if each["error"]} == {"pool/bad", "pool/large"}


def test_results_go_to_any_file_system_and_into_packs(originals: Path, tmp_path: Path, prepare: Prepare) -> None:
    rows = [row(originals / "large.mp4", 1.0, 2.0), row(originals / "small.mp4")]
    prepare(rows, tmp_path / "out")
    prepare(rows, "memory://prepared/here")
    prepare(rows, tmp_path / "packed", packed=True)
    prepare(rows, tmp_path / "pictures", packed=True, steps=["trim", "frames"], max_fps=4)
    files = {path.name: path.read_bytes() for path in (tmp_path / "out" / "media").rglob("*.*")}
    memory = fsspec.filesystem("memory")
    assert {path.rpartition("/")[2]: memory.cat(path) for path in memory.find("/prepared/here/media")} == files
    (pack,) = (tmp_path / "packed" / "packs").iterdir()
    with zipfile.ZipFile(pack) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files
        assert {each.compress_type for each in archive.infolist()} == {zipfile.ZIP_STORED}
    for root in (tmp_path / "out", "memory://prepared/here", tmp_path / "packed"):
        clips = [Clip(location_in(root, each["location"])) for each in manifest(root)]
        assert [clip.frames(count=2).data.shape for clip in clips] == [(2, 224, 298, 3), (2, 120, 160, 3)]
        assert prepare(rows, root, packed=root == tmp_path / "packed").prepared == 0
    for each in manifest(tmp_path / "pictures"):
        clip = Clip(location_in(tmp_path / "pictures", each["location"]))
        assert clip.frames().data.shape[0] == each["frames"] == round(4 * each["duration"])


def test_a_video_on_a_server_is_fetched_once(tmp_path: Path, prepare: Prepare) -> None:
    size = encode(tmp_path / "a.mp4", width=480, height=360, options={"crf": "8", "preset": "ultrafast"}).stat().st_size
    head = 200_000  # what a server is asked for to know a file again
    assert size > 5 * head
    with VideoServer(tmp_path) as server:
        clips = [Clip(server.url("a.mp4"), 0.2, 0.4), Clip(server.url("a.mp4"), 1.0, 1.1)]
        options = {"steps": ["probe", "health", "trim", "transcode"], "size": 64}
        assert prepare(clips, tmp_path / "out", **options).prepared == 2
        assert size <= server.sent <= size + head
        server.log.clear()
        assert prepare(clips, tmp_path / "out", **options).prepared == 0
        assert server.sent < head
        server.etag = '"two"'
        assert prepare(clips, tmp_path / "out", **options).prepared == 2


def test_shards_share_the_work(originals: Path, tmp_path: Path, prepare: Prepare) -> None:
    for number in range(4):
        shutil.copy(originals / "small.mp4", tmp_path / f"{number}.mp4")
    rows = [row(tmp_path / f"{number}.mp4") for number in range(4)]
    counts = [prepare(rows, tmp_path / "out", shard=f"{number}/2").prepared for number in range(2)]
    assert counts == [sum(shard_of(f"pool/{name}", 2) == number for name in range(4)) for number in range(2)]
    assert prepare(rows, tmp_path / "out").done_before == 4
    assert len(list((tmp_path / "out" / "media").rglob("*.mp4"))) == 1  # the same bytes are one file


def test_a_clip_that_is_cut_already_is_not_cut_again(originals: Path, tmp_path: Path, prepare: Prepare) -> None:
    shutil.copy(originals / "small.mp4", tmp_path / "Int_7.mp4")
    cut = row(tmp_path / "Int_7.mp4", 11.0, 14.0) | {"id": "star/Int_7", "video_path": "charades/ABC.mp4"}
    prepare([cut], tmp_path / "out")
    (found,) = manifest(tmp_path / "out")
    assert (found["start"], found["stop"], found["timeline_offset"], found["frames"]) == (11.0, 14.0, 11.0, 75)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": ["probe", "polish"]}, "steps has no 'polish'; the steps are probe"),
        ({"size": 223}, "even number"),
        ({"trim": "rough"}, "trim is 'rough'; it is one of exact, copy"),
        ({"shard": "4/4"}, "shard is '4/4'"),
        ({"engine": "dask"}, "it is 'local' or 'ray'"),
        ({"engine": "ray", "num_workers": None}, "no cluster is started or joined unasked"),
        ({"address": "auto"}, "takes no address"),
        ({"num_workers": 0}, "positive number of processes"),
        ({"media": "/data"}, "go with a config or a recipe"),
    ],
)
def test_options_that_are_not_possible_are_refused(
    options: dict[str, Any], message: str, originals: Path, tmp_path: Path, prepare: Prepare
) -> None:
    with pytest.raises(ConfigError, match=message):
        prepare([row(originals / "small.mp4")], tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_the_command_tells_what_was_done(
    tmp_path: Path, own_cache: str, video_sft_command: Callable[..., CommandResult]
) -> None:
    words = ("prepare", "star", "--sample", "--out", tmp_path / "out", "--num-workers", 1)
    done = video_sft_command(*words)
    assert done.code == 0
    assert "3 parts of 3 videos, for 5 rows" in done.out
    assert f"media='{tmp_path / 'out'}'" in done.out
    told = json.loads(video_sft_command(*words, "--json").out)
    assert (told["done_before"], told["prepared"]) == (3, 0)


def test_nothing_of_ray_is_loaded_for_this_machine(originals: Path, tmp_path: Path) -> None:
    code = (
        "import sys, video_sft\n"
        "rows = [{'video': sys.argv[1], 'video_id': 'a/b'}]\n"
        "video_sft.prepare(rows, out=sys.argv[2], num_workers=1, progress=False)\n"  # no guard of the main module
        "print('ray' in sys.modules)"
    )
    (tmp_path / "job.py").write_text(code)
    command = [sys.executable, tmp_path / "job.py", originals / "small.mp4", tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert len(manifest(tmp_path / "out")) == 1
