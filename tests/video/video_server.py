"""An HTTP server that serves one folder by ranges, keeps a log, and under some paths behaves as no server should."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class VideoServer:
    """Serves `folder` on 127.0.0.1 until the block ends.

    Attributes:
        folder: what is served.
        file: name of what `bad_url` is an address of.
        log: (offset, length) of every range sent.
        failures: statuses to answer the next requests with; 0 drops the connection in the middle of the body.
        cuts: after how many bytes the bodies of the next answers break off.
        retry_after: what failures say to wait.
        hold: until it is set no byte at or behind `hold_from` is sent.
        hold_from: an offset.
        etag: of all files; None sends none.
        ranges: whether the server knows ranges at all.
        tells_sizes: whether answers say how large files are.
        redirects: whether ``/r/...`` redirects to ``/...``.
        asked: paths of the requests received.
        connections: how many clients made.
        waited_in_vain: whether `hold` was not set for as long as any client waits.
        pause: seconds between two bytes, lines or pieces, of bad answers that come in such.
        good: answers as they should be before the bad ones begin, for each bad way.
        busy: set with the first bad answer.
        stop: ends all waiting of bad answers.
        written: bytes sent without an end.
    """

    folder: Path
    file: str = ""
    log: list[tuple[int, int]] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    retry_after: str | None = None
    hold: threading.Event = field(default_factory=threading.Event)
    hold_from: int | None = None
    connections: int = 0
    waited_in_vain: bool = False
    etag: str | None = '"one"'
    ranges: bool = True
    tells_sizes: bool = True
    asked: list[str] = field(default_factory=list)
    pause: float = 0.02
    good: int = 0
    busy: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)
    written: int = 0

    def __enter__(self) -> VideoServer:
        self._server = _QuietServer(("127.0.0.1", 0), _handler(self))
        polling = {"poll_interval": 0.02}  # the end of the block waits for so long
        threading.Thread(target=self._server.serve_forever, kwargs=polling, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.hold.set()
        self.stop.set()
        self._server.shutdown()
        self._server.server_close()

    def url(self, name: str) -> str:
        """Address of a file."""
        return f"http://127.0.0.1:{self._server.server_port}/{name}"

    def bad_url(self, way: str) -> str:
        """Address of `file`, served in one of the ways that are methods of `_BadAnswers`."""
        return self.url(f"{way}/{self.file}")

    def answers(self, way: str) -> int:
        """How many requests were answered in a bad way, or a good one before."""
        return sum(path.startswith(f"/{way}/") for path in self.asked)

    @property
    def sent(self) -> int:
        """Bytes of all ranges sent."""
        return sum(size for _, size in self.log)


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up in the middle is no news."""


_BLOCK = bytes(1 << 16)


class _BadAnswers(BaseHTTPRequestHandler):
    """Answers as no server should give them, each a method."""

    server_state: VideoServer
    data = b""
    start, end = 0, 0

    def head(self, status: int, length: int | None = None, **more: str) -> None:
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {self.start}-{self.end - 1}/{len(self.data)}")
        if "Transfer_Encoding" not in more:
            self.send_header("Content-Length", str(self.end - self.start if length is None else length))
        for name, value in more.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def dribble(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            self.wfile.write(piece)
            if self.server_state.stop.wait(self.server_state.pause):
                return

    def without_end(self, status: int) -> None:
        self.head(status, Transfer_Encoding="chunked")
        for block in (self.data[self.start : self.end], *[_BLOCK] * (1 << 20)):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
            self.server_state.written += len(block)

    def silent(self) -> None:
        self.server_state.stop.wait()

    def silent_body(self) -> None:
        self.head(206)
        self.server_state.stop.wait()

    def missing_after_silence(self) -> None:
        while self.server_state.answers("silent") <= self.server_state.good and not self.server_state.stop.wait(0.01):
            """Another client is yet to ask what is not answered."""
        self.head(404, 0)

    def slow_headers(self) -> None:
        self.wfile.write(b"HTTP/1.1 206 OK\r\n")
        self.dribble([b"X-A: b\r\n"] * 5000)

    def slow_body(self) -> None:
        self.head(206)
        self.dribble([self.data[place : place + 1] for place in range(self.start, self.end)])

    def byte_each(self) -> None:
        self.head(206)
        self.wfile.write(self.data[self.start : self.start + 1])
        self.close_connection = True

    def steady(self) -> None:
        self.head(206)
        size = max(1, (self.end - self.start) // 16)
        self.dribble([self.data[place : min(place + size, self.end)] for place in range(self.start, self.end, size)])

    def short(self) -> None:
        self.end = self.start + max(1, (self.end - self.start) // 2)
        self.head(206)
        self.wfile.write(self.data[self.start : self.end])

    def endless(self) -> None:
        self.without_end(206)

    def endless_whole(self) -> None:
        self.without_end(200)

    def overloaded(self) -> None:
        self.head(429, 0, Retry_After="3600")

    def redirects(self) -> None:
        self.head(302, 0, Location=self.path)

    def redirects_at_length(self) -> None:
        self.send_response(302)
        self.send_header("Location", self.path)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(1 << 20):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(_BLOCK), _BLOCK))
            self.server_state.written += len(_BLOCK)


def _handler(server: VideoServer) -> type[BaseHTTPRequestHandler]:
    class Handler(_BadAnswers):
        server_state = server
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

        def setup(self) -> None:
            server.connections += 1
            super().setup()

        def do_GET(self) -> None:
            server.asked.append(self.path)
            if self.path.startswith("/r/"):
                self.send_response(302)
                self.send_header("Location", self.path[2:])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            way, _, name = self.path[1:].partition("/")
            if name and way in vars(_BadAnswers):
                self._answer_badly(way, (server.folder / name.split("?")[0]).read_bytes())
                return
            failure = server.failures.pop(0) if server.failures else None
            path = server.folder / self.path.lstrip("/").split("?")[0]
            if failure or not path.is_file():
                self.send_response(failure or 404)
                if server.retry_after is not None:
                    self.send_header("Retry-After", server.retry_after)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self._send(path.read_bytes(), cut=failure == 0)

        def _answer_badly(self, way: str, data: bytes) -> None:
            match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
            assert match
            self.data, self.start, self.end = data, int(match[1]), min(int(match[2]) + 1, len(data))
            if server.answers(way) <= server.good:
                self.head(206)
                self.wfile.write(data[self.start : self.end])
            else:
                server.busy.set()
                getattr(self, way)()

        def _send(self, data: bytes, *, cut: bool) -> None:
            match = re.fullmatch(r"bytes=(\d*)-(\d+)", self.headers.get("Range", ""))
            start, stop = 0, len(data)
            if match and server.ranges:
                start, stop = (
                    (int(match[1]), min(int(match[2]) + 1, stop)) if match[1] else (stop - int(match[2]), stop)
                )
                self.send_response(206)
                self.send_header(
                    "Content-Range", f"bytes {start}-{stop - 1}/{len(data) if server.tells_sizes else '*'}"
                )
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(stop - start))
            if server.etag is not None:
                self.send_header("ETag", server.etag)
            self.end_headers()
            server.log.append((start, stop - start))
            end = (start + stop) // 2 if cut else stop
            if server.cuts:
                end = min(stop, start + server.cuts.pop(0))
            self._write(data, start, end)
            self.close_connection = end < stop

        def _write(self, data: bytes, start: int, end: int) -> None:
            if server.hold_from is not None and end > server.hold_from:
                self.wfile.write(data[start : max(start, server.hold_from)])
                server.waited_in_vain |= not server.hold.wait(25)
                start = max(start, server.hold_from)
            self.wfile.write(data[start:end])

    return Handler
