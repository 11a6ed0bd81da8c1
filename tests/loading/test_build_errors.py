"""Builds that stop for a reason outside of the rows: the message has the file, the cause and what to do."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import video_sft
from video_sft._cli import main
from video_sft.sample_media import sample_folder


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    sample = Path(sample_folder("next_qa"))
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for path in filter(Path.is_file, sample.rglob("*")):
            packed.write(path, path.relative_to(sample))
    return tmp_path / "all.zip"


def spoil(archive: Path, how: str) -> None:
    """Damage the data of a member, flag all as encrypted, or as packed in a way nobody has."""
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as packed:
        member = packed.getinfo("oe/val.csv")
    if how == "damaged":
        start = member.header_offset + 30 + len(member.filename)
        for place in range(start + 20, start + 40):
            data[place] ^= 0x5A
    place = 0
    while how != "damaged" and (place := data.find(b"PK\x01\x02", place)) >= 0:
        data[place + (8 if how == "encrypted" else 10)] |= 1 if how == "encrypted" else 99
        place += 4
    archive.write_bytes(data)


@pytest.mark.parametrize("on_bad_row", ["error", "skip"])
@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("damaged", "is damaged: .*Get it again"),
        ("encrypted", "is encrypted. Unpack"),
        ("unknown", "cannot be decompressed: .*Unpack it and"),
    ],
)
def test_an_archive_that_cannot_be_read(
    archive: Path, tmp_path: Path, how: str, message: str, on_bad_row: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(archive, how)
    options: Any = {"data_dir": archive, "split": "validation", "on_bad_row": on_bad_row}
    for more in ({"cache_dir": tmp_path / "cache"}, {"streaming": True}, {"cache_dir": tmp_path, "num_proc": 2}):
        with pytest.raises(video_sft.BrokenFileError, match=rf"(val\.csv|vidorID\.json) in .*all\.zip {message}"):
            list(video_sft.load("next_qa", **options, **more))  # type: ignore[arg-type]
    with pytest.raises(SystemExit) as caught:
        main(["build", "next_qa", "--data-dir", str(archive), "--out", str(tmp_path / "out")])
    assert caught.value.code == 2
    assert "all.zip" in capsys.readouterr().err.splitlines()[-2]
    if how == "damaged":
        rows: Any = video_sft.load("next_qa", split="test", data_dir=archive, cache_dir=tmp_path / "cache")
        assert len(rows) == 4


FULL = """
import resource, sys
import video_sft
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    video_sft.load("videochat2", split="train", data_dir=sys.argv[1], cache_dir=sys.argv[2])
except video_sft.BuildError as error:
    print(error)
"""


def test_a_cache_that_takes_no_more(tmp_path: Path) -> None:
    tree = tmp_path / "tree" / "video" / "caption" / "youcook2"
    tree.mkdir(parents=True)
    row = '{"video": "a/b.mp4", "QA": [{"i": "", "q": "", "a": "Someone cooks."}]}'
    (tree / "train.json").write_text("[" + ",".join([row] * 20_000) + "]")
    command = [sys.executable, "-c", FULL, str(tmp_path / "tree"), str(tmp_path / "cache")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "videochat2: building stopped: OSError" in done.stdout, done.stderr
    assert "File too large" in done.stdout
    assert "make room, or give another place as cache_dir" in done.stdout


def test_a_cache_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises((video_sft.BuildError, OSError), match="cache"):
        video_sft.load("next_qa", sample=True, cache_dir=tmp_path / "cache")


def test_what_nobody_expected_is_told_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from video_sft._base_builder.builder import SourceBuilder

    def fail(*_: Any) -> None:
        raise ZeroDivisionError("seven by nothing")

    monkeypatch.setattr(SourceBuilder, "_next_table", fail)
    shutil.copytree(sample_folder("next_qa"), tmp_path / "data")
    with pytest.raises(video_sft.BuildError, match="ZeroDivisionError: seven by nothing"):
        video_sft.load("next_qa", data_dir=tmp_path / "data", cache_dir=tmp_path / "cache")
