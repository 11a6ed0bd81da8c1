"""The folder of an export: it resumes, can be moved, and replaces nothing that it was not asked to."""

from __future__ import annotations

import errno
import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import datasets
import pytest
from PIL import Image
from tests.exporting.readers import by_id, shown
from tests.trainers.clock_rows import as_dataset, clock_row, draw_clock
from tests.video.video_server import VideoServer

import video_sft
from video_sft._exporting import media_folder
from video_sft.errors import BuildError, ConfigError


def files_in(out: Path) -> dict[str, tuple[int, int]]:
    return {str(path.relative_to(out)): (path.stat().st_mtime_ns, path.stat().st_size) for path in out.rglob("*.mp4")}


def test_a_stopped_export_goes_on_where_it_was(
    rows: datasets.Dataset, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []
    original = media_folder.write_trimmed

    def stopping(clip: video_sft.Clip, target: Path) -> None:
        if len(written) == 2:
            target.write_bytes(b"half a file")
            raise KeyboardInterrupt
        original(clip, target)
        written.append(target)

    monkeypatch.setattr(media_folder, "write_trimmed", stopping)
    with pytest.raises(KeyboardInterrupt):
        video_sft.export(rows, to="llamafactory", out=out, num_threads=1)
    before = files_in(out)
    assert not list(out.glob("*.jsonl"))
    assert not list(out.rglob(".unfinished*"))
    monkeypatch.setattr(media_folder, "write_trimmed", original)
    report = video_sft.export(rows, to="llamafactory", out=out)
    after = files_in(out)
    assert sum(name in before for name in after) >= 2
    assert all(after[name] == state for name, state in before.items())
    assert report.rows == len(rows)
    for row in by_id(report).values():
        assert all(shown(out / path) for path in row["videos"])


def test_the_same_export_again_encodes_nothing(
    rows: datasets.Dataset, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = video_sft.export(rows, to="llamafactory", out=out)
    monkeypatch.setattr(media_folder, "write_trimmed", lambda *_: pytest.fail("encoded again"))
    assert video_sft.export(rows, to="llamafactory", out=out) == first


def test_another_export_replaces_nothing_unless_asked(rows: datasets.Dataset, out: Path) -> None:
    video_sft.export(rows, to="swift", out=out, shard_bytes=400)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with pytest.raises(ConfigError, match=r"holds another export \(to='swift', .*overwrite=True"):
        video_sft.export(rows, to="llamafactory", out=out)
    with pytest.raises(ConfigError, match="of other rows"):
        video_sft.export(rows.select(range(5)), to="swift", out=out, shard_bytes=400)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    report = video_sft.export(rows, to="llamafactory", out=out, overwrite=True)
    assert report.rows == len(rows)
    named = {path for row in by_id(report).values() for path in [*row["videos"], *row["images"]]}
    assert {path.relative_to(out).as_posix() for path in out.glob("media/*/*")} == named
    assert sorted(path.name for path in out.glob("*.jsonl")) == ["train-00000-of-00001.jsonl"]


def test_a_full_disk_is_told_and_is_no_row_that_cannot_be_read(
    rows: datasets.Dataset, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(clip: video_sft.Clip, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    original = media_folder.write_trimmed
    monkeypatch.setattr(media_folder, "write_trimmed", full)
    with pytest.raises(BuildError, match=r"No space left on device.*goes on where it was"):
        video_sft.export(rows, to="llamafactory", out=out)
    monkeypatch.setattr(media_folder, "write_trimmed", original)
    assert video_sft.export(rows, to="llamafactory", out=out).rows == len(rows)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_with_other_things_is_refused(rows: datasets.Dataset, out: Path, overwrite: bool) -> None:
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    with pytest.raises(ConfigError, match="holds no export"):
        video_sft.export(rows, to="swift", out=out, overwrite=overwrite)
    assert [path.name for path in out.iterdir()] == ["thesis.tex"]


def test_what_a_state_file_says_removes_nothing_outside(rows: datasets.Dataset, out: Path) -> None:
    mine = out.with_name("mine.txt")
    mine.write_text("mine")
    out.mkdir()
    (out / "export.json").write_text(json.dumps({"digest": "x", "files": ["../mine.txt", str(mine)], "shards": {}}))
    video_sft.export(rows, to="swift", out=out, overwrite=True)
    assert mine.read_text() == "mine"


def test_the_folder_can_be_moved(rows: datasets.Dataset, out: Path) -> None:
    report = video_sft.export(rows, to="swift", out=out, clips="trim")
    text = "".join((out / name).read_text() for name in report.files)
    assert str(out) not in text
    moved = Path(shutil.move(out, out.with_name("elsewhere")))
    for row in by_id(report.__class__(**{**vars(report), "out": moved})).values():
        assert all((moved / path).is_file() for path in [*row["videos"], *row["images"]])


def test_videos_are_linked_and_stay_when_the_original_goes(tmp_path: Path, out: Path) -> None:
    video = draw_clock(tmp_path / "a b.mp4", 3)
    report = video_sft.export(as_dataset([clock_row("a", video)]), to="swift", out=out)
    (place,) = by_id(report)["a"]["videos"]
    assert (out / place).samefile(video)
    video.unlink()
    assert set(shown(out / place)) == {0, 1, 2}


def test_members_of_archives_and_remote_files_become_files(tmp_path: Path, out: Path) -> None:
    video = draw_clock(tmp_path / "served" / "far.mp4", 4)
    with zipfile.ZipFile(tmp_path / "pool.zip", "w") as archive:
        archive.write(video, "clips/near.mp4")
    with VideoServer(tmp_path / "served") as server:
        rows = as_dataset(
            [
                clock_row("near", f"zip://clips/near.mp4::{tmp_path / 'pool.zip'}"),
                clock_row("far", server.url("far.mp4")),
                clock_row("far cut", server.url("far.mp4"), start_seconds=1.0, stop_seconds=3.0),
            ]
        )
        report = video_sft.export(rows, to="llamafactory", out=out)
    written = by_id(report)
    assert (
        set(shown(out / written["near"]["videos"][0])) == set(shown(out / written["far"]["videos"][0])) == set(range(4))
    )
    assert set(shown(out / written["far cut"]["videos"][0])) == {1, 2}


def test_images_in_rows_become_files(tmp_path: Path, out: Path) -> None:
    encoded = io.BytesIO()
    Image.new("RGB", (30, 20), (1, 2, 3)).save(encoded, "PNG")
    rows: Any = as_dataset([clock_row("bytes", image={"bytes": encoded.getvalue(), "path": None})])
    (place,) = by_id(video_sft.export(rows, to="swift", out=out))["bytes"]["images"]
    assert place.endswith(".png")
    with Image.open(out / place) as image:
        assert image.size == (30, 20)


def test_gifs_become_videos_that_trainers_can_read(tmp_path: Path, out: Path) -> None:
    frames = [Image.new("RGB", (32, 32), (number * 20, 50, 90)) for number in range(10)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=100)
    (place,) = by_id(video_sft.export(as_dataset([clock_row("gif", tmp_path / "a.gif")]), to="swift", out=out))["gif"][
        "videos"
    ]
    facts = video_sft.Clip(out / place).metadata
    assert (facts.codec, facts.num_frames) == ("h264", 10)
