"""Paths that come from data, and locations of every kind."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from video_sft._places import exists, fingerprint, join, open_binary, root_of, safe_name, safe_relative
from video_sft.errors import UnsafePathError

UNSAFE = [
    "../x",
    "a/../../x",
    "/etc/passwd",
    "~root/x",
    "C:/x",
    "http://h/x",
    "s3://b/x",
    "a\\..\\x",
    "a\0b",
    "a\nb",
    "",
    ".",
    "zip://a::b",
]


@pytest.mark.parametrize("path", UNSAFE)
def test_paths_that_leave_their_folder_are_refused(path: str) -> None:
    with pytest.raises(UnsafePathError):
        safe_relative(path)
    with pytest.raises(UnsafePathError):
        safe_name(path)


def test_plain_paths_pass() -> None:
    assert safe_relative("./1164//3238737531.mp4") == "1164/3238737531.mp4"
    assert safe_relative("-rOp3sKip_9.mp4") == "-rOp3sKip_9.mp4"
    assert safe_relative("a..b/c.mp4") == "a..b/c.mp4"
    with pytest.raises(UnsafePathError, match="separator"):
        safe_name("a/b")


def test_files_are_reached_in_folders_and_zips_by_path_and_url(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "x.txt").write_text("hello")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(tmp_path / "sub" / "x.txt", "sub/x.txt")
    for root in (
        tmp_path,
        f"file://{tmp_path}",
        tmp_path / "all.zip",
        f"zip://::{tmp_path}/all.zip",
        f"file://{tmp_path}/all.zip",
    ):
        place = join(root_of(root), "sub/x.txt")
        assert exists(place)
        assert not exists(join(root_of(root), "sub/y.txt"))
        with open_binary(place) as handle:
            assert handle.read() == b"hello"


def test_a_fingerprint_follows_the_content(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text("one")
    status = os.stat(file)
    first = fingerprint(str(file))
    file.write_text("two")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert fingerprint(str(file)) != first
    file.write_text("one")
    assert fingerprint(str(file)) == first
