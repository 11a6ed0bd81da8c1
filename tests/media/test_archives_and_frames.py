"""Media in archives, whole or split, and videos that are folders of frames."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import fsspec
import pytest
from tests.media.pools import files, frames_of, load, pieces, zipped
from tests.video.video_server import VideoServer

import video_sft
from video_sft._media.index import MediaIndex
from video_sft._sources.registry import find_pool


def test_videos_come_from_tars_split_archives_and_folders_of_archives(
    drawn: Path, session_cache: str, tmp_path: Path
) -> None:
    with tarfile.open(tmp_path / "videos.tar", "w") as archive:
        archive.add(drawn, "NExTVideo")
    made = pieces(zipped(tmp_path / "videos.zip", drawn, "all"), [".partaa", ".partab", ".partac"])
    (tmp_path / "hub").mkdir()
    for number, path in enumerate(sorted(drawn.rglob("*.mp4"))):
        with zipfile.ZipFile(tmp_path / "hub" / f"videos_chunked_{number:02d}.zip", "w") as opened:
            opened.write(path, f"all_test/{path.name}")
    (tmp_path / "split").mkdir()
    pieces(zipped(tmp_path / "split" / "v.zip", drawn, "all"), [".001", ".002"])
    (tmp_path / "tars" / "deep").mkdir(parents=True)
    (tmp_path / "tars" / "deep" / "videos.tar").write_bytes((tmp_path / "videos.tar").read_bytes())
    no_suffix = tmp_path / "videos"
    no_suffix.write_bytes((tmp_path / "videos.tar").read_bytes())
    expected = load(session_cache, {"vidor": drawn})[0]["video"].frames(count=3).data
    places = ["videos.tar", "videos.zip", made[0].name, made[1].name, "hub", "split", "tars", "videos"]
    for place in places:
        rows = load(session_cache, {"vidor": tmp_path / place})
        assert all(row["video"] is not None for row in rows), place
        assert (rows[0]["video"].frames(count=3).data == expected).all()
        with fsspec.open(rows[0]["video"].path, "rb") as file:
            assert file.read(4096) == next(drawn.rglob("2990010001.mp4")).read_bytes()[:4096]


def test_videos_come_out_of_a_zip_behind_a_server(drawn: Path, session_cache: str, tmp_path: Path) -> None:
    zipped(tmp_path / "videos.zip", drawn, "all")
    with VideoServer(tmp_path) as server:
        rows = load(session_cache, {"vidor": server.url("videos.zip")})
        assert all(row["video"] is not None for row in rows)
        assert rows[0]["video"].metadata.num_frames > 0


@pytest.mark.parametrize(
    ("name", "mode"), [("v.tgz", "w:gz"), ("v.tar.xz", "w:xz"), ("v.tar", "w:gz"), ("v.tar.gz.partaa", "w:gz")]
)
def test_a_compressed_tar_is_refused_with_the_remedy(
    drawn: Path, session_cache: str, tmp_path: Path, name: str, mode: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with tarfile.open(tmp_path / name, mode) as archive:
        archive.add(drawn, "videos")
    with pytest.raises(video_sft.MissingMediaError, match=r"(?i)compressed.*npack.*tar -x"):
        load(session_cache, {"vidor": tmp_path / name})
    if name != "v.tar":
        load(session_cache, {"vidor": tmp_path})
        assert f"Not looked into: {name}" in caplog.text
        assert "tar -x" in caplog.text


def test_archives_that_cannot_be_read_do_not_stop_the_others(
    drawn: Path, session_cache: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    zipped(tmp_path / "b.zip", drawn, "all")
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 not all there")
    (tmp_path / "c.tar").write_bytes(b"x" * 2000)
    for ending in ("aa", "ac"):
        (tmp_path / f"d.zip.part{ending}").write_bytes(b"x")
    rows = load(session_cache, {"vidor": tmp_path})
    assert all(row["video"] is not None for row in rows)
    (tmp_path / "b.zip").unlink()
    load(session_cache, {"vidor": tmp_path})
    for named in ("a.zip", "c.tar", "d.zip.partab is missing"):
        assert named in caplog.text
    with pytest.raises(video_sft.MissingMediaError, match=r"a\.zip"):
        load(session_cache, {"vidor": tmp_path / "a.zip"})


def test_names_in_archives_are_data(drawn: Path, tmp_path: Path) -> None:
    data = next(drawn.rglob("*.mp4")).read_bytes()
    names = ["../../x/1.mp4", "/etc/2.mp4", "a\\3.mp4", "./b/4.mp4", "c/../../5.mp4"]
    with zipfile.ZipFile(tmp_path / "v.zip", "w") as archive, tarfile.open(tmp_path / "v.tar", "w") as tar:
        for name in names:
            archive.writestr(name, data)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    for kind in ("zip", "tar"):
        index = MediaIndex(find_pool("vidor"), [tmp_path / f"v.{kind}"])
        for number in range(1, 6):
            place = index.find(f"{number}.mp4", "video")
            assert place is not None
            assert video_sft.Clip(place).metadata.num_frames > 0
    assert sorted(os.listdir(tmp_path)) == ["v.tar", "v.zip"]


def test_folders_of_frames_are_videos_at_a_stated_rate(tmp_path: Path) -> None:
    frames_of(tmp_path / "train_300k", "v_--0edUL8zmA-Scene-001", 12)
    frames_of(tmp_path / "train_300k", "1022713978")
    for pool, fps, place in [
        ("sharegptvideo", 2.0, str(tmp_path)),
        ("ovis", 5.0, str(tmp_path)),
        ("mine", 1.0, str(tmp_path)),
        ("sharegptvideo", 4.0, f"frames://fps=4::{tmp_path}"),
        ("mine", 0.5, f"frames://fps=0.5::{tmp_path}/train_300k"),
    ]:
        index = MediaIndex(find_pool(pool), [place])
        found = index.find("v_--0edUL8zmA-Scene-001", "video")
        assert found is not None
        clip = video_sft.Clip(found)
        assert (clip.metadata.num_frames, clip.metadata.fps) == (12, fps)
        assert index.rates == {fps: pool == "mine" and not place.startswith("frames:")}
        assert index.find("v_--0edUL8zmA-Scene-002", "video") is None
    with pytest.raises(video_sft.ConfigError, match="above 0"):
        MediaIndex(find_pool("ovis"), [f"frames://fps=none::{tmp_path}"])


def test_a_folder_of_frames_is_not_read_through_to_be_listed(tmp_path: Path) -> None:
    frames_of(tmp_path / "deep" / "train", "a", 40)
    files(tmp_path, "deep/train/b/c.mp4")
    index = MediaIndex(find_pool("sharegptvideo"), [tmp_path])
    assert index.size < 12
    found = index.find("a", "video")
    assert found is not None
    assert video_sft.Clip(found).metadata.num_frames == 40
    assert index.find("c", "video") == f"{tmp_path}/deep/train/b/c.mp4"


def test_frames_of_rows_with_limits(session_cache: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows: Any = video_sft.load("star", sample=True, split="train", cache_dir=session_cache)
    for path in set(rows["video_path"]):
        frames_of(tmp_path, path.partition("/")[2].removesuffix(".mp4"), 20)
    attached = load(session_cache, {"charades": f"frames://fps=2::{tmp_path}"}, "star")
    clip = attached[0]["video"]
    assert clip.start_seconds == rows[0]["start_seconds"]
    assert clip.frames().pts_seconds[0] <= clip.start_seconds
    assert "not known" not in caplog.text
    load(session_cache, {"charades": str(tmp_path)}, "star")
    assert "folders of frames of the pool 'charades' are taken at 1 frames a second, which is not known" in caplog.text
