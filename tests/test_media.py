"""Attaching media: every layout users have, cheap, and honest about what is missing."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import tarfile
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import fsspec
import pytest
from PIL import Image

import video_sft
from tests.video.http_server import RangeServer
from video_sft._media import index as media_index
from video_sft._media import media_listing as listing
from video_sft._media.index import MediaIndex
from video_sft._sources.pool import Pool
from video_sft._sources.registry import find_pool
from video_sft.sample_media import sample_folder
from video_sft.video._bytes.source import Source


def files(root: Path, *names: str) -> str:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return str(root)


@pytest.mark.parametrize(
    ("pool", "path", "layout"),
    [
        ("vidor", "1164/3238737531.mp4", "1164/3238737531.mp4"),
        ("vidor", "1164/3238737531.mp4", "NExTVideo/1164/3238737531.mp4"),
        ("vidor", "1164/3238737531.mp4", "3238737531.mp4"),
        ("vidor", "3238737531.mp4", "videos/1164/3238737531.MP4"),
        ("activitynet", "v_okC18bPTils.mp4", "v_okC18bPTils.mp4"),
        ("activitynet", "v_okC18bPTils.mp4", "ANet_320p_fps30/train/v_okC18bPTils.mkv"),
        ("activitynet", "v_okC18bPTils.mp4", "all_test/okC18bPTils.webm"),
        ("activitynet", "v_v_UmAH95xls.mp4", "v_v_UmAH95xls.mp4"),
        ("activitynet", "v_v_UmAH95xls.mp4", "v_UmAH95xls.mp4"),
        ("activitynet", "v_a.b-c_d.ef1.mp4", "v_a.b-c_d.ef1.mp4"),
        ("charades", "6H78U.mp4", "Charades_v1_480/6h78u.mp4"),
        ("webvid", "050951_051000/1022713978.mp4", "1022713978.mp4"),
        ("other", "a/split_0.mp4", "root/a/split_0.mp4"),
        ("other", "a/split_0.mp4", "a/split_0.mkv"),
        ("other", "split_0.mp4", "b/a.c/split_0.mp4"),
        ("youcook2", "training/101/xHr8X2Wpmno/split_0.mp4", "xHr8X2Wpmno/split_0.mp4"),
        (
            "k710",
            "k600/train_videos/eating_chips/xqnJh1oiEIU_000001_000011.mp4",
            "k600/train/xqnJh1oiEIU_000001_000011.mp4",
        ),
        (
            "k710",
            "k700/train/swing_dancing/M4YR9XvLZ_I_000005_000015.mp4",
            "k700-2020/train/swing dancing/M4YR9XvLZ_I_000005_000015.mp4",
        ),
        ("k710", "k700/train/a/M4YR9XvLZ_I_000005_000015.mp4", "kinetics600/val/M4YR9XvLZ_I_5_15.mkv"),
        ("k710", "k400/xqnJh1oiEIU.mp4", "k400/train/xqnJh1oiEIU_000001_000011.mp4"),
        ("k710", "k400/xqnJh1oiEIU.mp4", "train/eating_chips/xqnJh1oiEIU_000001_000011.mp4"),
        ("k710", "k400/xqnJh1oiEIU.mp4", "kinetics-400/train/xqnJh1oiEIU.mp4"),
        ("k710", "k600/train_videos/a/xqnJh1oiEIU_000001_000011.mp4", "Kinetics_600/xqnJh1oiEIU.mp4"),
        ("ssv2", "12345.mp4", "20bn-something-something-v2/12345.webm"),
        ("clevrer", "video_00000-01000/video_00007.mp4", "train/video_train/video_00000-01000/video_00007.mp4"),
        ("tgif", "tumblr_a.gif", "gifs/tumblr_a.gif"),
        ("didemo", "12090392@N02_13482799053_87ef417396.mp4", "videos/12090392@N02_13482799053_87ef417396.mov"),
    ],
)
def test_layouts_that_hold_the_video(tmp_path: Path, pool: str, path: str, layout: str) -> None:
    root = files(tmp_path, layout, "readme.txt", "3238737531.json")
    assert MediaIndex(find_pool(pool), [root]).find(path, "video") == os.path.join(root, *layout.split("/"))


@pytest.mark.parametrize(
    ("pool", "path", "layout"),
    [
        ("vidor", "1164/3238737531.mp4", "1164/13238737531.mp4"),
        ("vidor", "3238737531.mp4", "3238737531.json"),
        ("activitynet", "v_okC18bPTils.mp4", "v_OKC18bPTils.mp4"),
        ("activitynet", "v_okC18bPTils.mp4", "v_v_okC18bPTils.mp4"),
        ("other", "a/split_0.mp4", "b/split_0.mp4"),
        ("other", "a/split_0.mp4", "ba/split_0.mp4"),
        ("charades", "6H78U.mp4", "frames/6H78U.mp4/000001.png"),
        ("k710", "k600/train/a/xqnJh1oiEIU_000001_000011.mp4", "k600/train/xqnJh1oiEIU_000002_000012.mp4"),
        ("k710", "k400/xqnJh1oiEIU.mp4", "k600/train/xqnJh1oiEIU_000001_000011.mp4"),
        ("k710", "k600/a/xqnJh1oiEIU_000001_000011.mp4", "k400/xqnJh1oiEIU.mp4"),
        ("k710", "k400/xqnJh1oiEIU.mp4", "k400/XQNJh1oiEIU.mp4"),
        ("youcook2", "training/101/xHr8X2Wpmno/split_0.mp4", "split_0.mp4"),
        ("youcook2", "training/101/xHr8X2Wpmno/split_0.mp4", "102/fHr8X2Wpmno/split_0.mp4"),
    ],
)
def test_another_items_file_is_never_taken(tmp_path: Path, pool: str, path: str, layout: str) -> None:
    assert MediaIndex(find_pool(pool), [files(tmp_path, layout)]).find(path, "video") is None


def test_of_several_files_the_one_that_agrees_most_is_taken(tmp_path: Path) -> None:
    root = files(tmp_path, "b/1.mp4", "x/a/1.webm", "a/1.webm", "1.mp4")
    index = MediaIndex(Pool(name="p", unique_names=True), [root])
    assert index.find("a/1.mp4", "video") == str(tmp_path / "a" / "1.webm")
    assert index.find("c/1.mp4", "video") == str(tmp_path / "1.mp4")
    assert index.find("a/1.jpg", "image") is None


def test_of_two_clips_of_a_video_that_may_be_meant_neither_is_taken(tmp_path: Path) -> None:
    root = files(tmp_path, "k400/xqnJh1oiEIU_000001_000011.mp4", "k400/xqnJh1oiEIU_000021_000031.mp4")
    index = MediaIndex(find_pool("k710"), [root])
    assert index.find("k400/xqnJh1oiEIU.mp4", "video") is None
    assert index.find("k400/xqnJh1oiEIU_000021_000031.mp4", "video") is not None


def test_the_folder_given_tells_the_edition_of_kinetics(tmp_path: Path) -> None:
    for edition in ("k600", "kinetics-400", "videos"):
        files(tmp_path, f"{edition}/train/xqnJh1oiEIU_000001_000011.mp4")
        found = MediaIndex(find_pool("k710"), [tmp_path / edition]).find("k400/xqnJh1oiEIU.mp4", "video")
        assert (found is not None) == (edition != "k600")


def test_a_zip_in_disks_is_found_by_its_name_and_by_its_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "v.zip", "w") as archive:
        archive.writestr("a/3238737531.mp4", b"x" * 100)
    content = bytearray((tmp_path / "v.zip").read_bytes())
    entry, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    content[end + 4 : end + 8] = b"\1\0\1\0"  # the list of members is on the second disk, and begins it
    content[end + 16 : end + 20] = bytes(4)
    (tmp_path / "v.z01").write_bytes(content[:entry])
    (tmp_path / "v.zip").write_bytes(content[entry:])
    for place in (tmp_path, tmp_path / "v.zip", tmp_path / "v.z01"):
        found = MediaIndex(find_pool("vidor"), [place]).find("1164/3238737531.mp4", "video")
        assert found == f"zip://a/3238737531.mp4::parts://v.zip::{tmp_path}/v.z01"
        with closing(Source(found).open()) as file:
            assert file.read_at(0, 200) == b"x" * 100


def test_exact_case_comes_before_other_case(tmp_path: Path) -> None:
    root = files(tmp_path, "a/6h78u.mp4", "b/6H78U.webm", "9000/29.MP4", "9000/29.mp4", "30.MP4", "c/30.mp4")
    charades = MediaIndex(find_pool("charades"), [root])
    assert charades.find("6H78U.mp4", "video") == f"{root}/b/6H78U.webm"
    assert charades.find("6h78u.mp4", "video") == f"{root}/a/6h78u.mp4"
    vidor = MediaIndex(find_pool("vidor"), [root])
    assert vidor.find("9000/29.mp4", "video") == f"{root}/9000/29.mp4"
    assert vidor.find("9000/29.MP4", "video") == f"{root}/9000/29.MP4"
    assert vidor.find("x/30.mp4", "video") == f"{root}/c/30.mp4"


def test_what_cannot_be_looked_at_is_passed_over_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = files(tmp_path, "a/3238737531.mp4", "locked/1.mp4")
    (tmp_path / "itself").symlink_to("itself")
    (tmp_path / "there").symlink_to("back")
    (tmp_path / "back").symlink_to("there")
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / os.fsdecode(b"caf\xe9.mp4")).write_bytes(b"x")
    plain = os.scandir

    def refusing(place: Any) -> Any:  # permissions do not stop root
        if str(place).endswith("locked"):
            raise PermissionError(13, "Permission denied", place)
        return plain(place)

    monkeypatch.setattr(os, "scandir", refusing)
    index = MediaIndex(find_pool("vidor"), [root])
    assert index.find("1164/3238737531.mp4", "video") == f"{root}/a/3238737531.mp4"
    assert (index.size, index.notes.unreadable) == (1, [f"{root}/locked"])


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    root = files(tmp_path / "pool", "a/1.mp4")
    (tmp_path / "pool" / "a" / "again").symlink_to(tmp_path / "pool")
    assert MediaIndex(Pool(name="p"), [root]).find("a/1.mp4", "video") == str(tmp_path / "pool" / "a" / "1.mp4")


@pytest.fixture(scope="module")
def drawn(session_cache: str) -> Path:
    """The folder of clips the sample of next_qa is drawn into."""
    rows: Any = video_sft.load("next_qa", sample=True, split="train", cache_dir=session_cache)
    return Path(rows[0]["video"].path).parents[1]


def load(session_cache: str, media: Any, config: str = "next_qa", **options: Any) -> Any:
    folder = sample_folder(config.partition("-")[0])
    return video_sft.load(config, data_dir=folder, media=media, split="train", cache_dir=session_cache, **options)


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


def zipped(place: Path, drawn: Path, folder: str) -> Path:
    with zipfile.ZipFile(place, "w") as archive:
        for path in sorted(drawn.rglob("*.mp4")):
            archive.write(path, f"{folder}/{path.name}")
    return place


def pieces(whole: Path, endings: list[str]) -> list[Path]:
    data = whole.read_bytes()
    size = -(-len(data) // len(endings))
    made = [Path(f"{whole}{ending}") for ending in endings]
    for number, piece in enumerate(made):
        piece.write_bytes(data[number * size : (number + 1) * size])
    whole.unlink()
    return made


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
    with RangeServer(tmp_path) as server:
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


def frames_of(root: Path, name: str, count: int = 3) -> None:
    (root / name).mkdir(parents=True)
    for number in range(count):
        Image.new("RGB", (16, 12), (number * 40,) * 3).save(root / name / f"c01_{number + 1:04d}.jpeg")


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


def test_a_link_that_leads_nowhere_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "3238737531.mp4").symlink_to(tmp_path / "gone.mp4")
    assert MediaIndex(find_pool("vidor"), [str(tmp_path)]).find("3238737531.mp4", "video") is None


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
