"""Attaching media to rows: cheap, counted, and honest about what is missing."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.media.pools import files, load

import video_sft
from video_sft._media import index as media_index
from video_sft._media import media_listing as listing
from video_sft.sample_media import sample_folder


def test_videos_come_from_folders_zips_and_urls(drawn: Path, session_cache: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "videos.zip", "w") as archive:
        for path in drawn.rglob("*.mp4"):
            archive.write(path, f"NExTVideo/{path.parent.name}/{path.name}")
    expected = load(session_cache, {"vidor": drawn})[0]["video"].frames(count=3).data
    assert expected.any()
    places: list[Any] = [str(drawn), f"file://{drawn}", tmp_path / "videos.zip", f"file://{tmp_path}/videos.zip"]
    for place in [*places, [tmp_path, drawn]]:
        for media in ({"vidor": place}, place):
            rows = load(session_cache, media)
            assert all(row["video"] is not None for row in rows)
            assert (rows[0]["video"].frames(count=3).data == expected).all()


SCRIPT = """
import sys, datasets, video_sft
datasets.disable_progress_bars()
rows = video_sft.load("next_qa", data_dir=sys.argv[1], media=sys.argv[2], split="train", streaming={streaming})
print(len([row for row in rows]))
"""


@pytest.mark.parametrize("way", ["map", "stream", "command"])
def test_a_person_sees_that_nothing_was_found(way: str, session_cache: str, tmp_path: Path) -> None:
    files(tmp_path / "videos", "another/name.mp4")
    words = [sample_folder("next_qa"), str(tmp_path / "videos")]
    if way == "command":
        command = ["-m", "video_sft._cli", "build", "next_qa", "--out", str(tmp_path / "out")]
        command += ["--data-dir", words[0], "--media", f"vidor={words[1]}"]
        command = ["-c", f"from video_sft._cli import main; main({command[2:]!r})"]
    else:
        command = ["-c", SCRIPT.format(streaming=way == "stream"), *words]
    environment = {**os.environ, "HF_HOME": session_cache}
    done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=True)
    for told in ("0 of 2 media files found", "vidor/1164/", "another/name.mp4", "NExT-QA's page", words[1]):
        assert told in done.stderr.replace("vidor/9000/", "vidor/1164/"), done.stderr


def test_missing_videos_are_counted_in_one_line(
    drawn: Path, session_cache: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    video = next(drawn.rglob("2990010001.mp4"))
    (tmp_path / video.name).write_bytes(video.read_bytes())
    with caplog.at_level(logging.INFO, logger="video_sft"):
        rows = load(session_cache, {"vidor": tmp_path})
    told = [record.message for record in caplog.records if "media files" in record.message]
    assert len(told) == 1
    assert "1 of 2 media files found, for 4 of 7 rows" in told[0]
    assert "vidor/9001/10990010002.mp4" in told[0]
    assert [row["video"] is not None for row in rows] == [key == "vidor/2990010001" for key in rows["video_id"]]
    kept = load(session_cache, {"vidor": tmp_path}, missing="skip")
    assert set(kept["video_id"]) == {"vidor/2990010001"}
    with pytest.raises(video_sft.MissingMediaError, match=r"vidor/9001/10990010002\.mp4.*missing='null'"):
        load(session_cache, {"vidor": tmp_path}, missing="error")


def test_streams_follow_the_same_policies(drawn: Path, session_cache: str, tmp_path: Path) -> None:
    video = next(drawn.rglob("2990010001.mp4"))
    (tmp_path / video.name).write_bytes(video.read_bytes())
    media = {"vidor": tmp_path}
    for missing in ("null", "skip"):
        built = load(session_cache, media, missing=missing)
        streamed = list(load(session_cache, media, missing=missing, streaming=True))
        assert [(row["id"], repr(row["video"])) for row in streamed] == [
            (row["id"], repr(row["video"])) for row in built
        ]
    with pytest.raises(video_sft.MissingMediaError, match="10990010002"):
        list(load(session_cache, media, missing="error", streaming=True))


@pytest.mark.parametrize("media", [{"vidor": "nowhere"}, {"vidor": "nowhere.zip"}, {"vidor": "file:///nowhere"}])
def test_a_place_that_is_not_there_is_an_error(session_cache: str, media: Any) -> None:
    with pytest.raises(video_sft.MissingMediaError, match="nowhere"):
        load(session_cache, media)


def test_slips_in_the_pools_name_are_errors(session_cache: str, tmp_path: Path) -> None:
    with pytest.raises(video_sft.ConfigError, match=r"no pool is called vidr.*has vidor"):
        load(session_cache, {"vidr": tmp_path})
    with pytest.raises(video_sft.ConfigError, match="missing is 'drop'"):
        load(session_cache, {"vidor": tmp_path}, missing="drop")


def test_a_pool_is_listed_once_however_many_rows_ask(
    shared: Path, session_cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened_files: Any
) -> None:
    table = (shared / "next_qa" / "oe" / "train.csv").read_text(encoding="utf-8").splitlines()
    names = {line.partition(",")[0] for line in table[1:400]}
    root = files(tmp_path, *(f"{name}.mp4" for name in names))
    calls = []

    def counting(place: str, *args: Any, **options: Any) -> Any:
        calls.append(place)
        return listing.list_files(place, *args, **options)

    monkeypatch.setattr(media_index, "list_files", counting)
    rows: Any = video_sft.load(
        "next_qa-open_ended", data_dir=shared / "next_qa", media={"vidor": root}, split="train", cache_dir=session_cache
    )
    assert len(rows) == 37523
    assert calls == [root]
    with opened_files() as opened:
        found = sum(row["video"] is not None for row in rows)
    assert found == sum(key.partition("/")[2] in names for key in rows["video_id"])
    assert found > 0
    assert not [file for file in opened if file.startswith(root)]


def test_attached_media_change_with_the_folder_and_nothing_is_stale(
    drawn: Path, session_cache: str, tmp_path: Path
) -> None:
    assert {row["video"] for row in load(session_cache, {"vidor": tmp_path})} == {None}
    video = next(drawn.rglob("2990010001.mp4"))
    (tmp_path / video.name).write_bytes(video.read_bytes())
    assert any(row["video"] is not None for row in load(session_cache, {"vidor": tmp_path}))


def test_a_row_without_its_cut_clip_is_missing_though_another_row_has_one(session_cache: str, tmp_path: Path) -> None:
    rows: Any = video_sft.load("star", sample=True, split="train", cache_dir=session_cache)
    shared_video = next(path for path in rows["video_path"] if rows["video_path"][:].count(path) > 1)
    first = next(row for row in rows if row["video_path"] == shared_video)
    files(tmp_path, f"{first['id'].partition('/')[2]}.mp4")
    with pytest.raises(video_sft.MissingMediaError, match=shared_video):
        load(session_cache, {"charades": tmp_path}, "star", missing="error")
    attached = load(session_cache, {"charades": tmp_path}, "star")
    assert [row["id"] for row in attached if row["video"] is not None] == [first["id"]]
    clip = next(row["video"] for row in attached if row["video"] is not None)
    assert (clip.start_seconds, clip.stop_seconds) == (None, None)


@pytest.mark.parametrize("media", [5, "", {"vidor": None}, {"vidor": [3]}])
def test_what_is_no_place_is_said_so(session_cache: str, media: Any) -> None:
    with pytest.raises(video_sft.ConfigError, match="where a folder, a zip or a URL is expected"):
        load(session_cache, media)


MEMORY = """
import sys
import numpy as np, pyarrow as pa, datasets
from video_sft._media import MediaPools
from video_sft._rows.schema import features

def resident():
    return int(next(line for line in open("/proc/self/status") if line.startswith("RssAnon")).split()[1]) / 1024

size, schema = 60_000, features().arrow_schema
with pa.ipc.new_stream(sys.argv[1] + "/rows.arrow", schema) as file:
    for start in range(0, size, 2_000):
        turn = [{"type": sys.argv[3], "text": None}, {"type": "text", "text": "why did she laugh? " * 100}]
        columns = {
            "id": [f"made/{n}" for n in range(start, start + 2_000)],
            "messages": [[{"role": "user", "content": turn}]] * 2_000,
            "video_path": [f"vidor/{n % 500}" + sys.argv[4] for n in range(start, start + 2_000)],
        }
        rows = {name: columns.get(name, [None] * 2_000) for name in schema.names}
        file.write_table(pa.table(rows, schema=schema))
rows = datasets.Dataset.from_file(sys.argv[1] + "/rows.arrow")
pools = MediaPools({"vidor": sys.argv[2]})
pools.attach(rows.select(range(10)), "ten")
del columns, turn
pa.default_memory_pool().release_unused()
allocated, before = pa.total_allocated_bytes(), resident()
attached = pools.attach(rows, "all")
print(resident() - before, (pa.default_memory_pool().max_memory() - allocated) / 2**20, rows.data.nbytes / 2**20)
assert attached.data.column(sys.argv[3]).null_count == 0
"""


@pytest.mark.parametrize(("kind", "suffix"), [("video", ".mp4"), ("image", ".jpg"), ("video", "")])
def test_attaching_copies_no_messages(tmp_path: Path, kind: str, suffix: str) -> None:
    for number in range(500):
        files(tmp_path / "media", f"{number}{suffix or '.mp4'}")
    words = [str(tmp_path), str(tmp_path / "media"), kind, suffix]
    done = subprocess.run([sys.executable, "-c", MEMORY, *words], capture_output=True, text=True, check=True)
    grown, _, whole = map(float, done.stdout.split())
    assert whole > 100
    assert grown < 20
