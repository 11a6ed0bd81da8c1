"""Waiting for remote videos has an end: on bad servers, at errors, at Ctrl-C; slow but steady ones are not cut off."""

from __future__ import annotations

import multiprocessing
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from tests.video.made_videos import encode, remux
from tests.video.video_server import VideoServer

from video_sft import Clip, ConfigError, VideoError, limit_waiting, read_frames
from video_sft._retrying import Retries, TransientError
from video_sft.video._bytes.remote import open_remote
from video_sft.video._bytes.waiting import Waiting

KB, MB = 1 << 10, 1 << 20
SETTINGS = ("VIDEO_SFT_READ_TIMEOUT", "VIDEO_SFT_WAITING_TOTAL", "VIDEO_SFT_WAITING_RATE")
#: Seconds after which what should have ended counts as hung.
HUNG_SECONDS = 120


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short limits until the test ends."""
    for name in SETTINGS:
        monkeypatch.setenv(name, "")
    limit_waiting(total=0.4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    (folder / "bytes").write_bytes(random.Random(0).randbytes(2 * MB))
    options = {"g": "25", "preset": "ultrafast", "crf": "4"}
    encode(folder / "a.mp4", count=100, width=192, height=128, options=options)
    remux(folder / "a.mp4", folder / "a.ts")
    return folder


@pytest.fixture
def data(folder: Path) -> bytes:
    return (folder / "bytes").read_bytes()


@pytest.fixture
def bad(folder: Path) -> Iterator[VideoServer]:
    with VideoServer(folder, file="bytes") as running:
        yield running


@pytest.fixture(params=["a.mp4", "a.ts"])
def bad_video(folder: Path, request: pytest.FixtureRequest) -> Iterator[VideoServer]:
    """Serves a video with a table of its frames, and one that libav has to read."""
    with VideoServer(folder, file=request.param) as running:
        yield running


def threads_end() -> bool:
    """Wait for all threads of this package; tell whether they ended."""
    own = [thread for thread in threading.enumerate() if thread.name.startswith("video-sft")]
    for thread in own:
        thread.join(HUNG_SECONDS)
    return not any(thread.is_alive() for thread in own)


@pytest.mark.parametrize("good", [0, 1])
@pytest.mark.parametrize("way", ["silent", "silent_body", "slow_headers", "slow_body", "byte_each"])
def test_a_server_that_gives_next_to_nothing_is_given_up(bad: VideoServer, way: str, good: int) -> None:
    bad.good = good
    with pytest.raises(VideoError, match=r"0\.4 s went by in waiting for bytes .*limit_waiting\(total=") as raised:
        open_remote(bad.bad_url(way), None).read_at(MB, KB)
    assert raised.value.path == bad.bad_url(way)
    assert threads_end(), "a thread is left in a request that nobody waits for"
    assert not bad.stop.is_set()


def test_a_silent_request_is_made_anew(bad: VideoServer) -> None:
    limit_waiting(read_timeout=0.1, total=100)
    with pytest.raises(VideoError, match=r"tried 5 times: no byte came for 0\.1 s, the read_timeout of"):
        open_remote(bad.bad_url("silent"), None)
    assert bad.answers("silent") == 5


def test_a_slow_but_steady_download_is_not_cut_off(bad: VideoServer, data: bytes) -> None:
    limit_waiting(total=2, bytes_per_second=1)
    bad.pause = 2.4 / 16
    file = open_remote(bad.bad_url("steady"), None)
    assert file.read_at(0, 64 * KB) == data[: 64 * KB]
    file.close()


def test_no_time_is_saved_up_for_a_server_that_goes_silent(bad: VideoServer) -> None:
    limit_waiting(total=2, bytes_per_second=1)
    bad.good = 2
    file = open_remote(bad.bad_url("silent"), None)
    file.read_at(MB // 2, MB)
    with pytest.raises(VideoError, match="2 s went by"):
        file.read_at(2 * MB - KB, KB)
    file.close()


def test_answers_shorter_than_asked_for_are_put_together(bad: VideoServer, data: bytes) -> None:
    limit_waiting()
    file = open_remote(bad.bad_url("short"), None)
    assert file.read_at(0, 70 * KB) == data[: 70 * KB]
    file.close()


def test_a_body_without_an_end_is_read_as_far_as_was_asked(bad: VideoServer, data: bytes) -> None:
    limit_waiting()
    file = open_remote(bad.bad_url("endless"), None)
    assert file.size == len(data)
    assert file.read_at(MB, KB) == data[MB : MB + KB]
    file.close()
    assert threads_end()
    assert bad.written < 64 * MB


@pytest.mark.parametrize(
    ("way", "message"), [("endless_whole", "does not send parts of files"), ("redirects_at_length", "redirects more")]
)
def test_nothing_else_is_read_without_an_end(
    bad: VideoServer, monkeypatch: pytest.MonkeyPatch, way: str, message: str
) -> None:
    monkeypatch.setattr("video_sft.video._bytes.http_file._LARGEST_UNSTATED", 4 * MB)
    limit_waiting()
    with pytest.raises(VideoError, match=message):
        open_remote(bad.bad_url(way), None)
    assert threads_end()
    assert bad.written < 256 * MB


def test_redirects_end(bad: VideoServer) -> None:
    limit_waiting()
    with pytest.raises(VideoError, match="redirects more than 20 times"):
        open_remote(bad.bad_url("redirects"), None)


def test_a_file_sent_whole_is_read_as_it_comes(folder: Path, data: bytes) -> None:
    limit_waiting()
    with VideoServer(folder) as server:
        server.ranges, server.hold_from = False, MB
        file = open_remote(server.url("bytes"), None)
        assert file.read_at(MB - KB, KB) == data[MB - KB : MB]
        assert file.size == len(data)
        assert not server.hold.is_set()
        file.close()
        assert threads_end()
        assert not server.waited_in_vain


def test_a_clip_that_is_done_leaves_its_connection_to_the_next(folder: Path, plain: Path) -> None:
    limit_waiting()
    with VideoServer(plain.parent) as server:
        for _ in range(20):
            assert Clip(server.url(plain.name)).metadata.num_frames == 50
        assert len(server.log) >= 20
        assert server.connections == 1


def test_a_server_that_asks_for_too_much_time_is_not_waited_for(bad: VideoServer) -> None:
    limit_waiting(total=1000)
    with pytest.raises(VideoError, match=r"429 and asks to be left alone for 3,600 s, .* than the 1,000 s.*total="):
        open_remote(bad.bad_url("overloaded"), None)
    assert bad.answers("overloaded") == 1


def test_a_server_that_asks_for_less_is_obeyed() -> None:
    limit_waiting(total=10)
    assert Waiting("a").pause_after(TransientError("x", 7.0), Retries(5), progress=False) == 7.0


def test_file_systems_that_hang_are_given_up(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    fsspec.filesystem("memory").pipe_file("/hanging/a", data)
    hold, opened, info = threading.Event(), MemoryFileSystem._open, MemoryFileSystem.info
    monkeypatch.setattr(MemoryFileSystem, "_open", lambda *args, **kw: hold.wait() and opened(*args, **kw))
    limit_waiting(total=0.2, bytes_per_second=float("inf"))
    with pytest.raises(VideoError, match=r"memory://hanging/a: 0\.2 s went by"):
        open_remote("memory://hanging/a", None)
    monkeypatch.setattr(MemoryFileSystem, "info", lambda *args, **kw: hold.wait() and info(*args, **kw))
    with pytest.raises(VideoError, match=r"memory://hanging/a: 0\.2 s went by"):
        open_remote("memory://hanging/a", None)
    hold.set()
    assert threads_end()


def test_limits_make_sense(monkeypatch: pytest.MonkeyPatch, bad: VideoServer) -> None:
    for wrong in ({"total": 0}, {"read_timeout": -1}, {"bytes_per_second": float("nan")}):
        with pytest.raises(ConfigError, match=f"{next(iter(wrong))} must be above zero"):
            limit_waiting(**wrong)
    limit_waiting(read_timeout=float("inf"), total=float("inf"), bytes_per_second=float("inf"))
    bad.good = 1
    open_remote(bad.bad_url("silent"), None).close()
    for name in SETTINGS:
        monkeypatch.setenv(name, "soon")
        with pytest.raises(ConfigError, match=f"{name} must be a number above zero, not 'soon'"):
            open_remote(bad.bad_url("silent"), None)
        monkeypatch.setenv(name, "")


def reason(url: str, answers: Any) -> None:
    """What a process says of a clip."""
    try:
        Clip(url).frames(count=1)
    except VideoError as error:
        answers.put(error.reason)


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_inherit_the_limits(bad: VideoServer, method: str) -> None:
    bad.good = 1
    limit_waiting()
    open_remote(bad.bad_url("silent"), None).close()
    limit_waiting(total=0.4)
    context = multiprocessing.get_context(method)
    answers = context.Queue()
    process = context.Process(target=reason, args=(bad.bad_url("silent"), answers))
    process.start()
    assert "0.4 s went by" in answers.get(timeout=HUNG_SECONDS)
    process.join(HUNG_SECONDS)
    assert process.exitcode == 0


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_forked_process_leaves_the_requests_of_its_parent_alone(folder: Path, data: bytes) -> None:
    limit_waiting()
    with VideoServer(folder) as server:
        server.hold_from = 128 * KB
        file = open_remote(server.url("bytes"), None)
        file.prefetch([(100 * KB, MB)])
        assert file.read_at(100 * KB, KB) == data[100 * KB : 101 * KB]
        process = multiprocessing.get_context("fork").Process(target=file.close)
        process.start()
        process.join(HUNG_SECONDS)
        server.hold.set()
        assert file.read_at(MB, KB) == data[MB : MB + KB]
        file.close()
        assert len(server.log) == 2


def test_a_failure_is_told_once(bad_video: VideoServer, capfd: pytest.CaptureFixture[str]) -> None:
    bad_video.good = 1
    clip = Clip(bad_video.bad_url("silent_body"))
    for read in (clip.frames, clip.audio):
        with pytest.raises(VideoError, match=r"0\.4 s went by in waiting for"):
            read()
    assert threads_end()
    assert capfd.readouterr().err == ""


def test_the_first_error_ends_the_others(bad_video: VideoServer, tmp_path: Path) -> None:
    limit_waiting(read_timeout=float("inf"), total=float("inf"))
    bad_video.good = 1
    slow = Clip(bad_video.bad_url("silent_body"))
    with pytest.raises(VideoError, match="no such file"):
        read_frames([Clip(bad_video.bad_url("silent")), slow, tmp_path / "none.mp4"], count=2, num_threads=3)
    assert threads_end()
    assert not bad_video.stop.is_set()


def test_the_first_error_ends_a_request_on_a_connection_used_before(bad_video: VideoServer) -> None:
    limit_waiting(read_timeout=float("inf"), total=float("inf"))
    bad_video.good = 1
    clips = [Clip(bad_video.bad_url(way)) for way in ("silent", "missing_after_silence")]
    with pytest.raises(VideoError, match="the server answered 404"):
        read_frames(clips, count=2, num_threads=2)
    assert threads_end()
    assert not bad_video.stop.is_set()


def test_clips_that_cannot_be_had_in_time_are_left_out(bad_video: VideoServer, plain: Path) -> None:
    found = read_frames([Clip(bad_video.bad_url("silent")), plain], count=2, on_error="null")
    assert [frames is None for frames in found] == [True, False]


@pytest.mark.parametrize(
    "call",
    [
        "video_sft.Clip(url).frames(count=4)",
        "video_sft.read_frames([video_sft.Clip(url + f'?{n}') for n in range(4)], count=4, num_threads=4)",
    ],
)
@pytest.mark.parametrize(("way", "good"), [("silent", 0), ("slow_headers", 1)])
def test_ctrl_c(bad_video: VideoServer, call: str, way: str, good: int) -> None:
    bad_video.good = good
    code = (
        "import signal, sys, video_sft; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "video_sft.limit_waiting(read_timeout=float('inf'), total=float('inf'))\n"
        f"url = sys.argv[1]; {call}"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, bad_video.bad_url(way)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert bad_video.busy.wait(HUNG_SECONDS)
    process.send_signal(signal.SIGINT)
    try:
        _, errors = process.communicate(timeout=HUNG_SECONDS)
    finally:
        process.kill()
    assert process.returncode == -signal.SIGINT
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert errors.count("Traceback") == 1
