"""An HTTP server that behaves as no server should, each of its paths in another way."""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_BLOCK = bytes(1 << 16)


@dataclass
class BadServer:
    """Serves one file on 127.0.0.1 until the block ends, under ``/<way>/...``.

    Attributes:
        file: what is served.
        pause: seconds between two bytes, lines or pieces, of answers that come in such.
        good: answers as they should be before the bad ones begin, for each path.
        asked: how many requests each path had.
        written: bytes sent without an end.
        stop: ends all waiting.
        busy: set with the first bad answer.
    """

    file: Path
    pause: float = 0.02
    good: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    written: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    busy: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> BadServer:
        self._server = _QuietServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._server.shutdown()
        self._server.server_close()

    def url(self, way: str) -> str:
        """Address of the file, served in one of the ways that are methods of the handler."""
        return f"http://127.0.0.1:{self._server.server_port}/{way}/a.mp4"


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up in the middle is no news."""


def _handler(server: BadServer) -> type[BaseHTTPRequestHandler]:
    data = server.file.read_bytes()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        start, end = 0, len(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

        def do_GET(self) -> None:
            way = self.path.split("/")[1]
            server.asked[way] += 1
            match = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
            assert match
            self.start, self.end = int(match[1]), min(int(match[2]) + 1, len(data))
            if server.asked[way] <= server.good:
                self.head(206)
                self.wfile.write(data[self.start : self.end])
            else:
                server.busy.set()
                getattr(self, way)()

        def head(self, status: int, length: int | None = None, **more: str) -> None:
            self.send_response(status)
            if status == 206:
                self.send_header("Content-Range", f"bytes {self.start}-{self.end - 1}/{len(data)}")
            if "Transfer_Encoding" not in more:
                self.send_header("Content-Length", str(self.end - self.start if length is None else length))
            for name, value in more.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()

        def dribble(self, pieces: list[bytes]) -> None:
            for piece in pieces:
                self.wfile.write(piece)
                if server.stop.wait(server.pause):
                    return

        def without_end(self, status: int) -> None:
            self.head(status, Transfer_Encoding="chunked")
            for block in (data[self.start : self.end], *[_BLOCK] * (1 << 20)):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
                server.written += len(block)

        def silent(self) -> None:
            server.stop.wait()

        def silent_body(self) -> None:
            self.head(206)
            server.stop.wait()

        def slow_headers(self) -> None:
            self.wfile.write(b"HTTP/1.1 206 OK\r\n")
            self.dribble([b"X-A: b\r\n"] * 5000)

        def slow_body(self) -> None:
            self.head(206)
            self.dribble([data[place : place + 1] for place in range(self.start, self.end)])

        def byte_each(self) -> None:
            self.head(206)
            self.wfile.write(data[self.start : self.start + 1])
            self.close_connection = True

        def steady(self) -> None:
            self.head(206)
            size = max(1, (self.end - self.start) // 16)
            self.dribble([data[place : min(place + size, self.end)] for place in range(self.start, self.end, size)])

        def short(self) -> None:
            self.end = self.start + max(1, (self.end - self.start) // 2)
            self.head(206)
            self.wfile.write(data[self.start : self.end])

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
                server.written += len(_BLOCK)

    return Handler
