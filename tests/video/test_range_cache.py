"""Ranges kept on disk: not fetched again, never mixed with another version, and no disk breaks reading."""

from __future__ import annotations

import errno
import multiprocessing
import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from tests.local_hub import LocalHub
from tests.local_hub.fixtures import hub  # noqa: F401 - a fixture
from tests.read_only import read_only
from tests.video.made_videos import encode
from tests.video.video_server import VideoServer

from video_sft import cache_ranges
from video_sft.errors import ConfigError, VideoError
from video_sft.video import Clip
from video_sft.video._bytes.range_cache import RangeCache, RangeWriter
from video_sft.video._bytes.remote import open_remote

KB, MB = 1 << 10, 1 << 20
CHOICE = [5, 130, 240]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    (folder / "bytes").write_bytes(random.Random(0).randbytes(8 * MB))
    encode(folder / "a.mp4", count=250, width=192, height=128, options={"g": "25", "preset": "ultrafast", "crf": "4"})
    return folder


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that ranges are kept in until the test ends."""
    monkeypatch.setenv("VIDEO_SFT_RANGE_CACHE", "")
    monkeypatch.setenv("VIDEO_SFT_RANGE_CACHE_BYTES", "")
    cache_ranges(tmp_path / "new" / "kept")
    return tmp_path / "new" / "kept"


@pytest.fixture
def data(folder: Path) -> bytes:
    return (folder / "bytes").read_bytes()


def read(url: str, *spans: tuple[int, int]) -> list[bytes]:
    file = open_remote(url, None)
    try:
        file.prefetch(spans)
        return [file.read_at(offset, size) for offset, size in spans]
    finally:
        file.close()


def stored(kept: Path) -> list[Path]:
    return sorted(path for path in kept.rglob("*") if path.is_file())


def send_frames(url: str, pipe: Any) -> None:
    pipe.send(Clip(url).frames(indices=CHOICE).data.tobytes())


def test_a_second_clip_asks_for_the_head_alone(server: VideoServer, folder: Path, kept: Path) -> None:
    expected = Clip(folder / "a.mp4").frames(indices=CHOICE)
    for _ in range(2):
        server.log.clear()
        assert np.array_equal(Clip(server.url("a.mp4")).frames(indices=CHOICE).data, expected.data)
    assert server.log == [(0, 64 * KB)]


def test_a_started_process_uses_it_too(server: VideoServer, folder: Path, kept: Path) -> None:
    expected = Clip(server.url("a.mp4")).frames(indices=CHOICE).data.tobytes()
    server.log.clear()
    ours, theirs = multiprocessing.Pipe()
    worker = multiprocessing.get_context("spawn").Process(target=send_frames, args=(server.url("a.mp4"), theirs))
    worker.start()
    theirs.close()
    assert ours.recv() == expected
    worker.join()
    assert server.log == [(0, 64 * KB)]


def test_many_at_once(server: VideoServer, folder: Path, kept: Path) -> None:
    code = (
        "import sys; from video_sft import Clip; "
        f"sys.stdout.buffer.write(Clip({server.url('a.mp4')!r}).frames(indices={CHOICE}).data.tobytes())"
    )
    expected = Clip(folder / "a.mp4").frames(indices=CHOICE).data
    processes = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(2)]
    results: list[bool] = []

    def run() -> None:
        results.append(np.array_equal(Clip(server.url("a.mp4")).frames(indices=CHOICE).data, expected))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 6
    for process in processes:
        assert process.communicate()[0] == expected.tobytes()
    server.log.clear()
    run()
    assert server.log == [(0, 64 * KB)]


def test_a_changed_file_is_fetched_anew(server: VideoServer, data: bytes, kept: Path, tmp_path: Path) -> None:
    read(server.url("bytes"), (MB, MB))
    (tmp_path / "bytes").write_bytes(bytes(len(data)))
    server.folder, server.etag = tmp_path, '"two"'
    assert read(server.url("bytes"), (MB, MB)) == [bytes(MB)]


@pytest.mark.parametrize("etag", [None, 'W/"one"'])
def test_a_file_without_a_version_is_not_kept(server: VideoServer, kept: Path, etag: str | None) -> None:
    server.etag = etag
    read(server.url("bytes"), (MB, MB))
    assert not stored(kept)


def test_only_what_is_missing_is_fetched(server: VideoServer, data: bytes, kept: Path) -> None:
    read(server.url("bytes"), (MB, MB), (3 * MB, MB), (4 * MB + 100 * KB, MB))
    server.log.clear()
    assert read(server.url("bytes"), (MB // 2, 5 * MB)) == [data[MB // 2 : MB // 2 + 5 * MB]]
    gaps = [(MB // 2, MB // 2), (2 * MB, MB), (4 * MB, 100 * KB), (5 * MB + 100 * KB, MB // 2 - 100 * KB)]
    assert server.log[1:] == gaps
    server.log.clear()
    assert read(server.url("bytes"), (MB // 2, 5 * MB)) == [data[MB // 2 : MB // 2 + 5 * MB]]
    assert read(server.url("bytes"), (MB + 7, 3 * MB)) == [data[MB + 7 : 4 * MB + 7]]
    assert server.log == [(0, 64 * KB)] * 2


def test_what_came_of_a_broken_range_is_kept(
    server: VideoServer, data: bytes, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("video_sft._retrying._FIRST_PAUSE_SECONDS", 0)
    file = open_remote(server.url("bytes"), None)
    server.cuts += [MB] + [0] * 5
    with pytest.raises(VideoError, match="tried 5 times"):
        file.read_at(2 * MB, 3 * MB)
    server.log.clear()
    assert file.read_at(2 * MB, 3 * MB) == data[2 * MB : 5 * MB]
    assert server.log == [(3 * MB, 2 * MB)]
    file.close()


def test_the_least_recently_used_go_first(server: VideoServer, data: bytes, kept: Path) -> None:
    room = 4 * MB + 4 * KB  # for four ranges with their checksums
    cache_ranges(kept, max_bytes=room)
    url = server.url("bytes")
    for place in range(1, 4):
        read(url, (place * MB, MB))
    for age, path in enumerate(reversed(stored(kept))):
        os.utime(path, (1e9 - age, 1e9 - age))
    read(url, (MB, MB))
    for place in range(4, 7):
        read(url, (place * MB, MB))
        assert sum(path.stat().st_size for path in stored(kept)) <= room
    names = {path.name.split("-")[0] for path in stored(kept)}
    assert str(MB) in names
    assert str(2 * MB) not in names


def test_a_limit_below_what_is_there_is_honoured_by_the_next_process(server: VideoServer, kept: Path) -> None:
    read(server.url("bytes"), (MB, 2 * MB), (4 * MB, 2 * MB))
    (leftover := stored(kept)[0].parent / "part-abc").write_bytes(b"x")
    os.utime(leftover, (time.time() - 2 * 86400,) * 2)
    (foreign := kept / "notes.txt").write_text("mine")
    code = f"import video_sft; from video_sft import Clip; Clip({server.url('a.mp4')!r}).metadata"
    subprocess.run(
        [sys.executable, "-c", code], check=True, env=os.environ | {"VIDEO_SFT_RANGE_CACHE_BYTES": str(3 * MB)}
    )
    assert sum(path.stat().st_size for path in stored(kept)) <= 3 * MB
    assert not leftover.exists()
    assert foreign.exists()


def test_what_is_removed_or_damaged_is_fetched(server: VideoServer, data: bytes, kept: Path) -> None:
    file = open_remote(server.url("bytes"), None)
    file.prefetch([(MB, MB), (3 * MB, MB)])
    assert file.read_at(MB, MB) == data[MB : 2 * MB]
    assert file.read_at(3 * MB, MB) == data[3 * MB : 4 * MB]
    first, second = stored(kept)
    first.unlink()
    second.write_bytes(b"short")
    again = file.reopened()
    assert again.read_at(MB, 4 * MB) == data[MB : 5 * MB]
    again.close()
    file.close()


@pytest.mark.parametrize("how", ["flipped", "zeroed", "cut", "sums"])
def test_a_block_that_the_disk_damaged_is_fetched(server: VideoServer, data: bytes, kept: Path, how: str) -> None:
    read(server.url("bytes"), (MB, 3 * MB))
    server.log.clear()
    assert read(server.url("bytes"), (MB, 3 * MB)) == [data[MB : 4 * MB]]
    assert server.log == [(0, 64 * KB)]
    (path,) = stored(kept)
    content = bytearray(path.read_bytes())
    if how == "cut":
        del content[2 * MB :]
    elif how == "sums":
        content[-1] ^= 1
    else:
        content[MB : MB + 4096] = (
            bytes(4096) if how == "zeroed" else bytes(byte ^ 1 for byte in content[MB : MB + 4096])
        )
    path.write_bytes(content)
    server.log.clear()
    if how != "cut":
        assert read(server.url("bytes"), (MB + 7, 100)) == [data[MB + 7 : MB + 107]]
        assert server.log == [(0, 64 * KB)]  # what is good is of use
    assert read(server.url("bytes"), (MB + 5, 3 * MB - 5)) == [data[MB + 5 : 4 * MB]]
    assert len(server.log) > 1
    read(server.url("bytes"), (MB, 3 * MB))
    server.log.clear()
    assert read(server.url("bytes"), (MB, 3 * MB)) == [data[MB : 4 * MB]]
    assert server.log == [(0, 64 * KB)]


KILLED = """
import os, signal, sys
from video_sft.video._bytes.remote import open_remote
written, write = [0], os.write

def killed(descriptor, view):
    written[0] += len(view)
    if written[0] > 500_000:
        os.kill(os.getpid(), signal.SIGKILL)
    return write(descriptor, view)

os.write = killed
open_remote(sys.argv[1], None).read_at(1 << 20, 2 << 20)
"""


def test_what_a_killed_process_left_goes_and_what_is_being_written_stays(
    server: VideoServer, data: bytes, kept: Path
) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, server.url("bytes")], check=False)
    assert done.returncode == -signal.SIGKILL
    (leftover,) = stored(kept)
    cache = RangeCache(kept, 20 * MB)
    writer = RangeWriter(cache.shelf("mine", "1"), 0, 2 * MB)
    writer.add(data[:MB])
    cache.sweep()
    assert not leftover.exists()
    assert not leftover.parent.exists()
    writer.add(data[MB : 2 * MB])
    assert b"".join(cache.shelf("mine", "1").read((0, 2 * MB), 0, 2 * MB)) == data[: 2 * MB]


def test_a_folder_that_can_only_be_read_serves(
    server: VideoServer, data: bytes, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(server.url("bytes"), (MB, MB))
    read_only(monkeypatch, kept)
    server.log.clear()
    assert read(server.url("bytes"), (MB, MB)) == [data[MB : 2 * MB]]
    assert server.log == [(0, 64 * KB)]
    with pytest.warns(UserWarning, match="cannot be kept there: Read-only"):
        assert read(server.url("bytes"), (3 * MB, MB)) == [data[3 * MB : 4 * MB]]


def test_others_cannot_read_it_and_names_say_nothing(server: VideoServer, kept: Path) -> None:
    url = server.url("../bytes?token=secret").replace("http://", "http://user:word@")
    server.log.clear()
    read(url, (MB, MB))
    (path,) = stored(kept)
    for folder in (kept, path.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not stat.S_IMODE(path.stat().st_mode) & 0o077
    assert path.parent.parent == kept
    assert "secret" not in str(path)
    server.log.clear()
    read(url.replace("secret", "other").replace("user:word@", ""), (MB, MB))
    assert server.log == [(0, 64 * KB)]
    server.log.clear()
    read(url + "&id=2", (MB, MB))
    assert len(server.log) == 2


def test_a_folder_that_cannot_be_written_is_done_without(server: VideoServer, data: bytes, kept: Path) -> None:
    kept.parent.mkdir()
    kept.write_text("a file")
    with pytest.warns(UserWarning, match="cannot be kept there") as warned:
        assert read(server.url("bytes"), (MB, MB), (3 * MB, MB)) == [data[MB : 2 * MB], data[3 * MB : 4 * MB]]
    assert len(warned) == 1
    assert str(kept) in str(warned[0].message)
    assert read(server.url("bytes"), (MB, MB)) == [data[MB : 2 * MB]]


def test_a_full_disk_is_done_without(
    server: VideoServer, data: bytes, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []

    def write(descriptor: int, view: memoryview) -> int:
        written.append(descriptor)
        if len(written) > 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return len(view)

    monkeypatch.setattr("video_sft.video._bytes.range_cache.os.write", write)
    with pytest.warns(UserWarning, match="No space left"):
        assert read(server.url("bytes"), (MB, MB)) == [data[MB : 2 * MB]]
    assert not stored(kept)


def test_it_can_be_turned_off_and_is_told_what_it_is(server: VideoServer, kept: Path) -> None:
    cache_ranges(None)
    read(server.url("bytes"), (MB, MB))
    assert not kept.exists()
    assert RangeCache.configured() is None
    with pytest.raises(ConfigError, match="positive"):
        cache_ranges(kept, max_bytes=0)
    cache_ranges(kept)
    os.environ["VIDEO_SFT_RANGE_CACHE_BYTES"] = "20 GB"
    with pytest.raises(ConfigError, match="20 GB"):
        Clip(server.url("a.mp4")).metadata  # noqa: B018


def test_any_file_system(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = fsspec.filesystem("memory")
    files.pipe_file("/kept/a", b"\1" * 4 * MB)
    opened: list[str] = []
    kind = type(files)
    original = kind.open
    monkeypatch.setattr(kind, "open", lambda self, path, *a, **k: opened.append(path) or original(self, path, *a, **k))
    for _ in range(2):
        opened.clear()
        assert read("memory://kept/a", (2 * MB, MB)) == [b"\1" * MB]
    assert len(opened) == 1
    files.pipe_file("/kept/a", b"\2" * 4 * MB)
    assert read("memory://kept/a", (2 * MB, MB)) == [b"\2" * MB]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_hub(hub: LocalHub, folder: Path, kept: Path) -> None:  # noqa: F811
    hub.add_repo("org/films", {"a.mp4": folder / "a.mp4"})
    expected = Clip(folder / "a.mp4").frames(indices=CHOICE).data
    sent = []
    for _ in range(2):
        hub.forget_served()
        frames = Clip("hf://datasets/org/films/a.mp4").frames(indices=CHOICE)
        assert np.array_equal(frames.data, expected)
        sent.append(hub.bytes_sent("*"))
    assert sent[0] > 200 * KB
    assert sent[1] <= 70 * KB
