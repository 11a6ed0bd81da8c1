"""Processes that die in the middle: one video's error at most, nothing half written, nobody left behind."""

from __future__ import annotations

import fcntl
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.preparing.conftest import row

import video_sft
from video_sft._engines.batch import Done, Lost
from video_sft._engines.engine import run
from video_sft._engines.local import LocalEngine
from video_sft._files import UNFINISHED
from video_sft.errors import BuildError
from video_sft.preparing import read_manifest


def copies(original: Path, folder: Path, *names: str) -> list[dict[str, object]]:
    for name in names:
        shutil.copy(original, folder / f"{name}.mp4")
    return [row(folder / f"{name}.mp4") for name in names]


def ran(code: str, *words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_a_file_that_crashes_its_process_is_one_row_with_its_error(
    originals: Path, tmp_path: Path, injected: Path
) -> None:
    rows = copies(originals / "small.mp4", tmp_path, *"abcde", "crash", "killed", "endless")
    report = video_sft.prepare(rows, out=tmp_path / "out", num_workers=1, seconds_per_video=2, progress=False)
    found = {each["video_id"]: each["error"] for each in read_manifest(tmp_path / "out").to_pylist()}
    assert len(found) == 8
    assert "SIGSEGV: the decoder or encoder crashes on it" in found.pop("pool/crash")
    assert found.pop("pool/endless") == "not done within 2 seconds"
    assert set(found.values()) == {None}  # also of the one whose process was killed once
    assert (report.prepared, len(report.failed)) == (6, 2)


def test_a_kill_in_the_middle_of_an_encode_leaves_nothing_half_written(originals: Path, tmp_path: Path) -> None:
    code = """
    import os, signal, sys
    from video_sft.video._encoding import clip_file
    from video_sft.preparing._settings import Settings
    from video_sft.preparing._task import Stretch, Wanted, prepare_video
    from video_sft.video._bytes.media_bytes import MediaBytes

    add = clip_file._Writing.add

    def killed(self, place, picture):
        add(self, place, picture)
        if place == 40:
            os.kill(os.getpid(), signal.SIGKILL)

    clip_file._Writing.add = killed
    original = sys.argv[1]
    wanted = Wanted("pool/large", None, MediaBytes(original), original, "v", (Stretch(),))
    prepare_video(Settings(sys.argv[2]), wanted)
    """
    out = tmp_path / "out"
    assert ran(code, originals / "large.mp4", out).returncode == -signal.SIGKILL
    assert [each.name.startswith(UNFINISHED) for each in out.iterdir()] == [True]
    assert video_sft.prepare([row(originals / "large.mp4")], out=out, num_workers=1, progress=False).prepared == 1
    assert sorted(each.name for each in out.iterdir()) == ["manifest", "media"]


def test_workers_end_with_the_process_that_started_them_and_the_next_run_finishes(
    originals: Path, tmp_path: Path, injected: Path
) -> None:
    rows = copies(originals / "small.mp4", tmp_path, "a", "orphan")
    code = """
    import sys, video_sft
    rows = [{"video": f"{sys.argv[1]}/{name}.mp4", "video_id": f"pool/{name}"} for name in ("a", "orphan")]
    video_sft.prepare(rows, out=sys.argv[2], num_workers=2, progress=False)
    """
    assert ran(code, tmp_path, tmp_path / "out").returncode == -signal.SIGKILL
    with (injected / "lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # the worker's until it ends
    assert video_sft.prepare(rows, out=tmp_path / "out", num_workers=1, progress=False).failed == ()
    assert len(read_manifest(tmp_path / "out")) == 2


def crash_at_three(item: int) -> int:
    if item == 3:
        signal.raise_signal(signal.SIGKILL)
    if item == 5:
        raise ValueError("five is too many")
    return 10 * item


def test_a_batch_that_dies_is_split_until_one_item_is_left() -> None:
    with LocalEngine(crash_at_three, num_workers=1, seconds=60) as engine:
        found = dict(run(range(40), engine, cost=lambda item: 1, items_each=16))
    lost = {item: each.reason for item, each in found.items() if isinstance(each, Lost)}
    assert set(lost) == {3, 5}
    assert "SIGKILL, as the system does with one that takes too much memory" in lost[3]
    assert lost[5] == "ValueError: five is too many"
    assert all(each.result == 10 * item for item, each in found.items() if isinstance(each, Done))


def test_workers_that_cannot_start_stop_the_job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os; os._exit(3)")
    monkeypatch.syspath_prepend(str(tmp_path))
    with (
        pytest.raises(BuildError, match="ended with code 3 before it did anything"),
        LocalEngine(crash_at_three, num_workers=1, seconds=60) as engine,
    ):
        list(run([1, 2], engine, cost=lambda item: 1))


def test_a_root_that_cannot_be_written_stops_the_job(originals: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(BuildError, match="cannot be written to"):
        video_sft.prepare([row(originals / "small.mp4")], out=tmp_path / "file" / "out", num_workers=1, progress=False)
