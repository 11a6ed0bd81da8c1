"""Remote files are read piece by piece: as bytes arrive, from where they broke off, and ahead where reads follow."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from tests.video.made_videos import encode
from tests.video.video_server import VideoServer

from video_sft.errors import VideoError
from video_sft.video import Clip
from video_sft.video._bytes.byte_source import ByteSource, SeekableFile
from video_sft.video._bytes.remote import open_remote
from video_sft.video._decoding.pictures import Painter

KB, MB = 1 << 10, 1 << 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bytes without a meaning, and a video."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "bytes").write_bytes(random.Random(0).randbytes(24 * MB))
    options = {"g": "25", "bf": "2", "preset": "ultrafast", "crf": "4"}
    encode(folder / "a.mp4", count=250, width=192, height=128, options=options)
    return folder


@pytest.fixture
def data(folder: Path) -> bytes:
    return (folder / "bytes").read_bytes()


@pytest.fixture
def opened(server: VideoServer) -> Iterator[ByteSource]:
    file = open_remote(server.url("bytes"), None)
    server.log.clear()
    yield file
    file.close()


def test_a_range_is_read_as_it_arrives(server: VideoServer, opened: ByteSource, data: bytes) -> None:
    server.hold_from = 3 * MB
    opened.prefetch([(MB, 4 * MB)])
    buffer = bytearray(MB)
    opened.read_into(MB, buffer)
    assert buffer == data[MB : 2 * MB]
    assert opened.read_at(2 * MB, MB) == data[2 * MB : 3 * MB]
    assert not server.hold.is_set()
    server.hold.set()
    assert opened.read_at(2 * MB, 3 * MB) == data[2 * MB : 5 * MB]
    assert len(server.log) == 1


def test_frames_are_decoded_while_the_last_range_is_still_to_come(
    server: VideoServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, choice = Clip(server.url("a.mp4")), [20, 120, 170, 245]
    table = clip._file.track().table
    assert table is not None
    server.hold_from = int(table.position[table.entry(int(table.rows[245]))])
    paint = Painter.paint

    def painted(self: Painter, *arguments: Any) -> None:
        paint(self, *arguments)
        server.hold.set()

    monkeypatch.setattr(Painter, "paint", painted)
    frames = clip.frames(indices=choice, num_threads=1)
    assert not server.waited_in_vain
    assert np.array_equal(frames.data, Clip(folder / "a.mp4").frames(indices=choice).data)


def test_what_broke_off_is_resumed(server: VideoServer, opened: ByteSource, data: bytes) -> None:
    server.cuts += [MB, 700 * KB]
    opened.prefetch([(MB, 4 * MB)])
    assert opened.read_at(MB, 4 * MB) == data[MB : 5 * MB]
    assert server.log == [(MB, 4 * MB), (2 * MB, 3 * MB), (2 * MB + 700 * KB, 3 * MB - 700 * KB)]


def test_only_attempts_without_progress_count(server: VideoServer, opened: ByteSource, data: bytes) -> None:
    server.cuts += [100 * KB] * 8
    assert opened.read_at(MB, MB) == data[MB : 2 * MB]
    assert len(server.log) == 9


def test_nothing_is_fetched_any_more_for_what_is_forgotten(
    server: VideoServer, opened: ByteSource, data: bytes
) -> None:
    server.hold_from = MB
    opened.prefetch([(MB * place, MB // 2) for place in range(1, 20)])
    opened.forget()
    server.hold.set()
    assert opened.read_at(22 * MB, KB) == data[22 * MB : 22 * MB + KB]
    assert len(server.log) <= 5


def test_closing_ends_the_threads_and_the_waiting(server: VideoServer, opened: ByteSource) -> None:
    server.hold_from = MB
    opened.prefetch([(MB, MB), (4 * MB, MB)])
    raised: list[BaseException] = []

    def read() -> None:
        try:
            opened.read_at(MB, MB)
        except VideoError as error:
            raised.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    opened.close()
    reader.join()
    server.hold.set()
    for thread in threading.enumerate():
        if thread.name == "video-sft-fetch":
            thread.join()
    assert "closed" in str(raised[0])


def test_few_connections_at_once(server: VideoServer, opened: ByteSource) -> None:
    server.hold_from = MB
    before = threading.active_count()
    for place in range(1, 20):
        opened.prefetch([(MB * place, MB // 2)])
    assert sum(thread.name == "video-sft-fetch" for thread in threading.enumerate()) <= 4
    assert threading.active_count() <= before + 2 * 4 + 1


def test_reading_from_beginning_to_end_takes_few_requests(server: VideoServer, opened: ByteSource, data: bytes) -> None:
    opened.read_through()
    file, parts = SeekableFile(opened), []
    while part := file.read(32 * KB):
        parts.append(part)
    assert b"".join(parts) == data
    assert len(server.log) <= 11
    assert server.sent == len(data) - 64 * KB


def test_reading_on_is_quick_to_start_and_stops_at_a_seek(server: VideoServer, opened: ByteSource, data: bytes) -> None:
    opened.read_through()
    file = SeekableFile(opened)
    file.seek(8 * MB)
    for _ in range(MB // (32 * KB)):
        file.read(32 * KB)
    assert [size for _, size in server.log] == [256 * KB, 512 * KB, MB]
    for place in (20 * MB, 2 * MB):
        file.seek(place)
        assert file.read(KB) == data[place : place + KB]
    assert [size for _, size in server.log[3:]] == [256 * KB, 256 * KB]


def test_readers_side_by_side_each_read_on(server: VideoServer, opened: ByteSource, data: bytes) -> None:
    opened.read_through()
    one, other = SeekableFile(opened), SeekableFile(opened)
    other.seek(12 * MB)
    for _ in range(6 * MB // (32 * KB)):
        one.read(32 * KB)
        other.read(32 * KB)
    assert other.read(KB) == data[18 * MB : 18 * MB + KB]
    assert len(server.log) <= 14


def test_a_file_that_is_not_read_through_is_not_read_far_ahead(server: VideoServer, opened: ByteSource) -> None:
    file = SeekableFile(opened)
    file.seek(8 * MB)
    for _ in range(2 * MB // (32 * KB)):
        file.read(32 * KB)
    assert [size for _, size in server.log] == [256 * KB, *[512 * KB] * 4]


def test_small_reads_here_and_there_stay_small(server: VideoServer, opened: ByteSource, data: bytes) -> None:
    for place in (9, 3, 17, 5, 20, 11):
        assert opened.read_at(place * MB, 100) == data[place * MB : place * MB + 100]
    assert [size for _, size in server.log] == [256 * KB] * 6


def test_a_server_without_ranges_sends_the_file_once_for_each_handle(
    server: VideoServer, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.ranges = False
    file = open_remote(server.url("bytes"), None)
    for handle in (file, file.reopened()):
        server.log.clear()
        handle.prefetch([(MB, MB), (5 * MB, MB), (9 * MB, MB), (13 * MB, MB), (17 * MB, MB)])
        assert handle.read_at(17 * MB, MB) == data[17 * MB : 18 * MB]
        assert handle.read_at(3 * MB, MB) == data[3 * MB : 4 * MB]
        assert len(server.log) == (handle is not file)
        handle.close()
    monkeypatch.setattr("video_sft.video._bytes.http_file._LARGEST_WHOLE", MB)
    with pytest.raises(VideoError, match="does not send parts of files"):
        open_remote(server.url("bytes"), None)


@pytest.mark.parametrize("later", [False, True])
def test_a_server_may_say_by_date_how_long_to_wait(server: VideoServer, later: bool) -> None:
    moment = datetime.now(timezone.utc) + timedelta(seconds=1000 if later else -1000)
    server.failures, server.retry_after = [429, 503], format_datetime(moment)
    if later:
        with pytest.raises(VideoError, match=r"429 and asks to be left alone for (999|1,000) s"):
            open_remote(server.url("bytes"), None)
    else:
        open_remote(server.url("bytes"), None).close()


def _overwrite(files: Any) -> None:
    files.pipe_file("/changing/a", b"\1" * 2 * MB)


def _remove(files: Any) -> None:
    files.rm("/changing/a")


@pytest.mark.parametrize(("change", "message"), [(_overwrite, "changed since"), (_remove, "no such file")])
def test_any_file_system_is_asked_whether_the_file_is_another(change: Callable[[Any], None], message: str) -> None:
    files = fsspec.filesystem("memory")
    files.pipe_file("/changing/a", bytes(2 * MB))
    file = open_remote("memory://changing/a", None)
    with_same = file.reopened()
    assert with_same.read_at(MB, 5) == bytes(5)
    other = file.reopened()
    change(files)
    with pytest.raises(VideoError, match=message):
        other.read_at(MB, 5)


def test_a_file_system_is_asked_once_for_each_handle(monkeypatch: pytest.MonkeyPatch) -> None:
    files = fsspec.filesystem("memory")
    files.pipe_file("/asked/a", bytes(8 * MB))
    file = open_remote("memory://asked/a", None)
    asked: list[str] = []
    info = type(files).info
    monkeypatch.setattr(type(files), "info", lambda self, path: asked.append(path) or info(self, path))
    handle = file.reopened()
    assert not asked
    handle.prefetch([(MB, 10), (3 * MB, 10), (5 * MB, 10)])
    for place in (1, 3, 5, 7):
        handle.read_at(place * MB, 10)
    assert len(asked) <= 2  # opening a memory file asks as well, as other file systems do not


@pytest.mark.parametrize("protocol", ["simplecache", "filecache"])
def test_chains_of_file_systems(protocol: str, server: VideoServer, data: bytes) -> None:
    file = open_remote(f"{protocol}::{server.url('bytes')}", None)
    for handle in (file, file.reopened()):
        assert handle.read_at(5 * MB, KB) == data[5 * MB : 5 * MB + KB]
        handle.close()
