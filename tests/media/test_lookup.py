"""Finding an item among a pool's files: every layout users have, and never another item's file."""

from __future__ import annotations

import os
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.media.pools import files

from video_sft._media.index import MediaIndex
from video_sft._sources.pool import Pool
from video_sft._sources.registry import find_pool
from video_sft.video._bytes.media_bytes import MediaBytes


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
        with closing(MediaBytes(found).open()) as file:
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


def test_a_link_that_leads_nowhere_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "3238737531.mp4").symlink_to(tmp_path / "gone.mp4")
    assert MediaIndex(find_pool("vidor"), [str(tmp_path)]).find("3238737531.mp4", "video") is None
