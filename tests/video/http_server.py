"""A small HTTP server that serves one folder by ranges, keeps a log, and misbehaves on request."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class RangeServer:
    """Serves `folder` on 127.0.0.1 until the block ends.

    Attributes:
        folder: what is served.
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
    """

    folder: Path
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

    def __enter__(self) -> RangeServer:
        self._server = _QuietServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()

    def url(self, name: str) -> str:
        """Address of a file."""
        return f"http://127.0.0.1:{self._server.server_port}/{name}"

    @property
    def sent(self) -> int:
        """Bytes of all ranges sent."""
        return sum(size for _, size in self.log)


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up in the middle is no news."""


def _handler(server: RangeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
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
