"""Frames of a remote video: a `Clip` against what `datasets.Video` does with the same URL.

    python tests/benchmarks/video_remote.py
    python tests/benchmarks/video_remote.py --delay 0.05 --rounds 5 --megabits 50

A server in another process sends ranges of a 180 s 720p MP4, after a delay for each request: first as fast as this
machine can, then over a line of limited width that all connections share. The peer is a `datasets.Video()` column as it
comes: torchcodec in exact mode over fsspec. "needed" is the file's header and the packets from the key frames to the
frames. The peer is left out, with a line that says so, where torchcodec does not load.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import sys
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from _measure import show, take_turns
from _video_clips import clip

from video_sft.video import Clip

try:
    import datasets
    from torchcodec.decoders import VideoDecoder  # noqa: F401 - only whether it loads
except Exception as missing:  # noqa: BLE001 - its loader raises whatever it likes
    datasets = None
    print(f"datasets.Video is left out, torchcodec does not load: {str(missing).splitlines()[0]}")

COLUMNS = ("line", "what", "reader", "ms", "MB", "requests", "MB / needed", "times as fast", "bytes, of the peer's")


_PIECE = 64 << 10


def serve(path: Path, delay: float, width: float | None, port: Any) -> None:
    """Serve one file by ranges, at most `width` bytes a second; tell what was sent since last asked under ``/sent``."""
    sent: list[int] = []
    turn, free_at = threading.Lock(), 0.0
    data = path.read_bytes()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            if self.path == "/sent":
                return self._answer(200, f"{len(sent)} {sum(sent)}".encode(), {}) or sent.clear()
            time.sleep(delay)
            match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            start, stop = (int(match[1]), min(int(match[2] or len(data)) + 1, len(data))) if match else (0, len(data))
            sent.append(stop - start if self.command == "GET" else 0)
            headers = {"Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"} if match else {}
            return self._answer(206 if match else 200, data[start:stop], headers | {"Accept-Ranges": "bytes"})

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for start in range(0, len(body) if self.command == "GET" else 0, _PIECE):
                piece = body[start : start + _PIECE]
                wait_for_turn(len(piece))
                self.wfile.write(piece)

    def wait_for_turn(size: int) -> None:
        nonlocal free_at
        if width is None:
            return
        with turn:
            free_at = max(free_at, time.monotonic()) + size / width
            until = free_at
        time.sleep(max(0.0, until - time.monotonic()))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    port.send(server.server_port)
    server.serve_forever()


def main() -> list[Sequence[str]]:
    """Print and return the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--delay", type=float, default=0.02, help="seconds for each request")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabits", type=float, default=100, help="a second, of the narrow line")
    options = parser.parse_args()
    path = clip("h264 720p 180 s")
    rows = []
    for line, width in (("unlimited", None), (f"{options.megabits:g} Mbit/s", options.megabits * 1e6 / 8)):
        ours_end, theirs_end = multiprocessing.Pipe()
        server = multiprocessing.get_context("spawn").Process(
            target=serve, args=(path, options.delay, width, theirs_end), daemon=True
        )
        server.start()
        url = f"http://127.0.0.1:{ours_end.recv()}"
        for what, count in (("metadata", 0), ("1 frame", 1), ("8 frames", 8)):
            compared = compare(what, count, path, f"{url}/{path.name}", f"{url}/sent", options.rounds)
            rows += [(line, *row) for row in compared]
        server.terminate()
    size = path.stat().st_size / 1e6
    title = f"A remote MP4 of {size:.0f} MB, {options.delay * 1e3:.0f} ms for each request"
    return show(title, COLUMNS, rows)


def compare(what: str, count: int, path: Path, url: str, ledger: str, rounds: int) -> list[Sequence[str]]:
    """Return a row for each reader."""
    track = Clip(path)._file.track()
    numbers = np.linspace(0, len(track.timeline) - 1, count + 2).astype(int)[1:-1].tolist()
    contestants: dict[str, Callable[[], object]] = {
        "Clip": lambda: Clip(url).frames(indices=numbers) if numbers else Clip(url).metadata
    }
    if datasets is not None:

        def peer() -> object:
            decoder = datasets.Video(dimension_order="NHWC").decode_example({"path": url, "bytes": None})
            return decoder.get_frames_at(numbers).data if numbers else decoder.metadata

        contestants["datasets.Video"] = peer
    traffic = {}
    for name, run in contestants.items():
        httpx2.get(ledger)
        run()
        traffic[name] = [int(word) for word in httpx2.get(ledger).text.split()]
    taken = take_turns(contestants, rounds)
    needed = needed_bytes(path, numbers)
    rows = []
    for name in contestants:
        requests, sent = traffic[name]
        first = name == "Clip" and len(contestants) > 1
        rows.append(
            (
                what,
                name,
                f"{taken[name].wall * 1e3:.0f}",
                f"{sent / 1e6:.2f}",
                str(requests),
                f"{sent / needed:.2f}",
                f"{taken['datasets.Video'].wall / taken[name].wall:.1f}" if first else "",
                f"{sent / traffic['datasets.Video'][1]:.3f}" if first else "",
            )
        )
    return rows


def needed_bytes(path: Path, numbers: list[int]) -> int:
    """Return the size of the header and of the packets that these frames are decoded from."""
    from video_sft.video._headers.mp4_boxes import find_moov

    table = Clip(path)._file.track().table
    assert table is not None
    data = path.read_bytes()
    moov = find_moov(lambda offset, size: data[offset : offset + size], len(data))
    assert moov is not None
    rows = (
        {row for last in table.rows[numbers].tolist() for row in range(table.entry(last), last + 1)}
        if numbers
        else set()
    )
    return moov.size + int(table.size[sorted(rows)].sum())


if __name__ == "__main__":
    main()
