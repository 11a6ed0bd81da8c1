"""Videos in zips and tars, whole or in pieces: read in place, whatever the archive holds besides."""

from __future__ import annotations

import io
import multiprocessing
import os
import struct
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from tests.video.video_server import VideoServer

from video_sft.errors import VideoError
from video_sft.video import Clip
from video_sft.video._bytes import archive_index


def make_zip(place: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(place, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/") + ".mp4", data)
    return place


def make_tar(place: Path, members: list[tuple[str, bytes | str]], **options: Any) -> Path:
    """Make a tar; a member that is a text is a symbolic link to it, or a hard link where it begins with `=`."""
    with tarfile.open(place, "w", **options) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            if isinstance(data, bytes):
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
            else:
                info.type = tarfile.LNKTYPE if data.startswith("=") else tarfile.SYMTYPE
                info.linkname = data.removeprefix("=")
                archive.addfile(info)
    return place


def in_pieces(whole: Path, endings: list[str]) -> Path:
    """Cut a file into pieces, delete it, and return the first of them."""
    data = whole.read_bytes()
    size = -(-len(data) // len(endings))
    for number, ending in enumerate(endings):
        Path(f"{whole}{ending}").write_bytes(data[number * size : (number + 1) * size])
    whole.unlink()
    return Path(f"{whole}{endings[0]}")


def same(clip: Clip, reference: tuple[np.ndarray, np.ndarray]) -> None:
    assert np.array_equal(clip.frames(indices=[0, 25, 49]).data, reference[0][[0, 25, 49]])


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_a_member_of_a_plain_tar_is_read_in_place(
    plain: Path, reference: Any, tmp_path: Path, form: int, opened_files: Any
) -> None:
    data, long = plain.read_bytes(), "d" * 90 + "/" + "é" * 40 + "/a.mp4"
    tar = make_tar(tmp_path / "videos.tar", [("x/a.mp4", data), (long, data), ("/abs.mp4", data)], format=form)
    for name in ("x/a.mp4", long, "abs.mp4", "./x/a.mp4"):
        same(Clip(f"tar://{name}::{tar}"), reference)
    with opened_files() as opened:
        same(Clip(f"tar://x/a.mp4::{tar}").clip(0.0, 9.0), reference)
    assert {file for file in opened if file.startswith(str(tmp_path))} == {str(tar)}
    assert os.listdir(tmp_path) == ["videos.tar"]


def test_links_in_a_tar_lead_to_members_only(plain: Path, reference: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(plain.read_bytes())
    members: list[tuple[str, bytes | str]] = [
        ("videos/a.mp4", plain.read_bytes()),
        ("links/soft.mp4", "../videos/a.mp4"),
        ("links/hard.mp4", "=videos/a.mp4"),
        ("links/absolute.mp4", str(secret)),
        ("links/out.mp4", "../../secret.mp4"),
        ("links/loop.mp4", "loop.mp4"),
        ("links/a.mp4", "b.mp4"),
        ("links/b.mp4", "a.mp4"),
    ]
    tar = make_tar(tmp_path / "videos.tar", members)
    for name in ("soft", "hard"):
        same(Clip(f"tar://links/{name}.mp4::{tar}"), reference)
    for name in ("absolute", "out", "loop", "a", "b"):
        with pytest.raises(VideoError, match="no such member"):
            _ = Clip(f"tar://links/{name}.mp4::{tar}").metadata


def test_the_last_of_two_members_with_one_name_counts(plain: Path, reference: Any, tmp_path: Path) -> None:
    tar = make_tar(tmp_path / "v.tar", [("a.mp4", b"older"), ("a.mp4", plain.read_bytes())])
    same(Clip(f"tar://a.mp4::{tar}"), reference)
    with zipfile.ZipFile(tmp_path / "v.zip", "w") as archive:
        archive.writestr("a.mp4", b"older")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.mp4", plain.read_bytes())
    same(Clip(f"zip://a.mp4::{tmp_path}/v.zip"), reference)


@pytest.mark.parametrize("kind", ["zip", "tar"])
@pytest.mark.parametrize("endings", [[".partaa", ".partab", ".partac"], [".001", ".002"], [".part00", ".part01"]])
def test_pieces_are_read_as_the_file_they_were(
    plain: Path, reference: Any, tmp_path: Path, kind: str, endings: list[str]
) -> None:
    whole = tmp_path / f"videos.{kind}"
    data = plain.read_bytes()
    make_zip(whole, x__a=data) if kind == "zip" else make_tar(whole, [("x/a.mp4", data)])
    first = in_pieces(whole, endings)
    url = f"{kind}://x/a.mp4::parts://{whole.name}::{first}"
    clip = Clip(url)
    same(clip, reference)
    same(clip, reference)  # a second handle on all pieces
    with fsspec.open(url, "rb") as file:
        assert file.read() == data


def test_a_zip_written_in_several_disks_is_read(plain: Path, reference: Any, tmp_path: Path) -> None:
    data = plain.read_bytes()
    make_zip(tmp_path / "whole.zip", a=data, b=data)
    whole = (tmp_path / "whole.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "whole.zip") as archive:
        second, listed = archive.getinfo("b.mp4").header_offset, archive.start_dir
    # The second member begins the second disk, and the list of members the third.
    disks = [whole[:second], whole[second:listed], bytearray(whole[listed:])]
    entry = disks[2].index(b"PK\x01\x02", 4)
    struct.pack_into("<H", disks[2], entry + 34, 1)
    struct.pack_into("<L", disks[2], entry + 42, 0)
    end = disks[2].index(b"PK\x05\x06")
    struct.pack_into("<HH", disks[2], end + 4, 2, 2)
    struct.pack_into("<L", disks[2], end + 16, 0)
    for ending, disk in zip(("z01", "z02", "zip"), disks, strict=True):
        (tmp_path / f"v.{ending}").write_bytes(disk)
    for name in ("a.mp4", "b.mp4"):
        same(Clip(f"zip://{name}::parts://v.zip::{tmp_path}/v.z01"), reference)


def test_where_members_lie_is_read_once(
    plain: Path, reference: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = make_zip(tmp_path / "v.zip", a=plain.read_bytes(), b=plain.read_bytes())
    read: list[str] = []
    listed = archive_index._zip_members

    def counting(archive: Any) -> Any:
        read.append(archive.name)
        return listed(archive)

    monkeypatch.setattr(archive_index, "_zip_members", counting)
    with ThreadPoolExecutor(8) as pool:
        for clip in pool.map(Clip, [f"zip://{name}.mp4::{place}" for name in "abababab"]):
            pool.submit(same, clip, reference).result()
    context = multiprocessing.get_context("fork")
    with context.Pool(1) as workers:
        assert workers.apply(_frame_count, (f"zip://b.mp4::{place}",)) == 50
    assert read == [str(place)]
    make_zip(place, other=plain.read_bytes())
    same(Clip(f"zip://other.mp4::{place}"), reference)
    with pytest.raises(VideoError, match="no such member"):
        _ = Clip(f"zip://a.mp4::{place}").metadata


def _frame_count(path: str) -> int:
    return Clip(path).metadata.num_frames


def test_many_members_are_forgotten_by_turns(plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_index, "_MOST_MEMBERS", 3)
    places = [make_zip(tmp_path / f"{n}.zip", a=plain.read_bytes(), b=b"x") for n in range(4)]
    for place in [*places, *places]:
        assert Clip(f"zip://a.mp4::{place}").metadata.num_frames == 50
        assert sum(map(len, archive_index._indexes._known.values())) <= 3


def test_a_remote_zip_is_listed_once_for_many_clips(plain: Path, tmp_path: Path) -> None:
    make_zip(tmp_path / "v.zip", **{f"v{n}": plain.read_bytes() for n in range(20)})
    with VideoServer(tmp_path) as server:
        assert Clip(f"zip://v0.mp4::{server.url('v.zip')}").metadata.num_frames == 50
        before = len(server.log)
        assert Clip(f"zip://v1.mp4::{server.url('v.zip')}").metadata.num_frames == 50
        assert len(server.log) - before <= 3


def damaged(kind: str, plain: Path, folder: Path) -> str:
    data = plain.read_bytes()
    place = folder / "v.zip"
    if kind == "tar cut short":
        tar = make_tar(folder / "v.tar", [("a.mp4", data)])
        tar.write_bytes(tar.read_bytes()[: len(data) // 2])
        return f"tar://a.mp4::{tar}"
    if kind == "tar compressed inside":
        with tarfile.open(folder / "v.tar", "w:gz") as archive:
            archive.add(plain, "a.mp4")
        return f"tar://a.mp4::{folder}/v.tar"
    if kind == "a piece is missing":
        make_zip(place, a=data)
        first = in_pieces(place, [".partaa", ".partab", ".partac"])
        Path(f"{place}.partac").unlink()
        return f"zip://a.mp4::parts://v.zip::{first}"
    method = zipfile.ZIP_LZMA if kind == "lzma" else zipfile.ZIP_DEFLATED if "deflate" in kind else zipfile.ZIP_STORED
    with zipfile.ZipFile(place, "w", method) as archive:
        archive.writestr("a.mp4", bytes(80 << 20) if kind == "deflate bomb" else data)
    content = bytearray(place.read_bytes())
    if kind in ("lzma", "deflate"):
        content[200:260] = bytes(byte ^ 0x5A for byte in content[200:260])
    elif kind == "names beyond the end":
        content[26:30] = b"\xff" * 4
    elif kind == "no header":
        content[:4] = b"none"
    elif kind == "header beyond the end":
        entry = content.rindex(b"PK\x01\x02")
        struct.pack_into("<L", content, entry + 42, len(content) - 2)
    place.write_bytes(content)
    return f"zip://a.mp4::{place}"


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("lzma", "cannot be read from the zip file"),
        ("deflate", "cannot be read from the zip file"),
        ("deflate bomb", "which no video does"),
        ("names beyond the end", "damaged or cut short"),
        ("no header", "is damaged"),
        ("header beyond the end", "zip file"),
        ("tar cut short", "cut short"),
        ("tar compressed inside", "cannot be read from the tar file"),
        ("a piece is missing", "cannot be read from the zip file"),
    ],
)
def test_what_is_damaged_is_said_so(kind: str, told: str, plain: Path, tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=told):
        Clip(damaged(kind, plain, tmp_path)).frames(count=1)


def test_a_tar_that_leads_back_to_itself_ends(plain: Path, tmp_path: Path) -> None:
    tar = make_tar(tmp_path / "v.tar", [("a.mp4", plain.read_bytes()), ("b.mp4", b"x")])
    content = bytearray(tar.read_bytes())
    second = 512 + -(-plain.stat().st_size // 512) * 512
    content[second + 124 : second + 136] = b"\xff" * 4 + struct.pack(">q", -(second + 512))  # a negative size
    content[second + 148 : second + 156] = b" " * 8
    content[second + 148 : second + 156] = b"%06o\0 " % sum(content[second : second + 512])
    tar.write_bytes(content)
    assert Clip(f"tar://a.mp4::{tar}").metadata.num_frames == 50
    with pytest.raises(VideoError):
        _ = Clip(f"tar://b.mp4::{tar}").metadata
