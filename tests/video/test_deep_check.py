"""The health scan of a folder finds exactly the bad files, and goes on where it was stopped."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest
from tests.video.video_server import VideoServer

from video_sft.checking._deep_scan import DeepReport, deep_check
from video_sft.errors import MissingMediaError
from video_sft.video._reading.health import what_is_wrong


@pytest.fixture
def pool(tmp_path: Path, videos: dict[str, Path]) -> Path:
    folder = tmp_path / "pool"
    (folder / "inner").mkdir(parents=True)
    whole = videos["moov_in_front"].read_bytes()
    (folder / "good.mp4").write_bytes(whole)
    (folder / "inner" / "GOOD.MKV").write_bytes(videos["mkv"].read_bytes())
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "inner" / "empty.webm").write_bytes(b"")
    (folder / "text.avi").write_text("no video")
    (folder / "notes.txt").write_text("not looked at")
    return folder


def scan(pool: Path, num_workers: int = 1, place: str | Path | None = None) -> DeepReport:
    return deep_check(
        place or pool,
        journal=pool.parent / "journal.jsonl",
        bad_list=pool.parent / "bad.txt",
        num_workers=num_workers,
        progress=False,
    )


def test_exactly_the_bad_files_are_listed(pool: Path) -> None:
    report = scan(pool, num_workers=2)
    assert (report.checked, report.resumed) == (5, 0)
    assert [video.path for video in report.bad] == ["cut.mp4", "inner/empty.webm", "text.avi"]
    lines = (pool.parent / "bad.txt").read_text().splitlines()
    assert [line.split("\t")[0] for line in lines] == [video.path for video in report.bad]
    assert "cut short" in lines[0]
    assert "frames cannot be decoded" in lines[0]
    assert "empty" in lines[1]


def test_a_second_run_looks_at_what_is_new_only(pool: Path, videos: dict[str, Path]) -> None:
    first = scan(pool)
    (pool / "text.avi").write_bytes(videos["mpeg4_avi"].read_bytes())
    with (pool.parent / "journal.jsonl").open("a") as journal:
        journal.write('{"path": "good.mp4", "si')
    second = scan(pool)
    assert (second.checked, second.resumed) == (1, 4)
    assert [video.path for video in second.bad] == ["cut.mp4", "inner/empty.webm"]
    assert second.bad == first.bad[:2]
    assert scan(pool).checked == 0


def test_archives_and_servers_are_looked_into(pool: Path) -> None:
    with zipfile.ZipFile(pool / "inner" / "more.zip", "w") as archive:
        archive.write(pool / "good.mp4", "a/good.mp4")
        archive.write(pool / "cut.mp4", "a/cut.mp4")
    with tarfile.open(pool / "more.tar", "w") as tar:
        tar.add(pool / "cut.mp4", "cut.mp4")
    (pool / "packed.tar.gz").write_bytes(b"")
    report = scan(pool)
    assert report.checked == 8
    found = {video.path for video in report.bad}
    assert {"cut.mp4", "inner/more.zip/a/cut.mp4", "more.tar/cut.mp4"} <= found
    assert "packed.tar.gz" in report.notes
    assert scan(pool).resumed == 8
    with VideoServer(pool / "inner") as server:
        there = scan(pool, place=server.url("more.zip"))
        assert [video.path for video in there.bad] == ["a/cut.mp4"]
        assert scan(pool, place=server.url("more.zip")).resumed == 2


def test_no_videos_no_scan(tmp_path: Path) -> None:
    with pytest.raises(MissingMediaError, match="is not there"):
        scan(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingMediaError, match="there is no video"):
        scan(tmp_path / "empty")


def test_whole_files_are_whole(videos: dict[str, Path]) -> None:
    assert {kind: reason for kind, path in videos.items() if (reason := what_is_wrong(path)) is not None} == {}
