"""The HTTP side of the local Hub: connections, bodies, ranges, failures. What is answered is in `routes`."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from .asking import Answer, Question
from .faults import Fault
from .routes import answer
from .store import RefusedError

if TYPE_CHECKING:
    from .hub import LocalHub

CHUNK = 64 * 1024


class HubServer(ThreadingHTTPServer):
    """One thread for each connection."""

    daemon_threads = True
    request_queue_size = 128
    hub: LocalHub

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is part of the tests."""


class Answering(BaseHTTPRequestHandler):
    """Reads one request, lets `routes` answer it, and keeps count."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: HubServer

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""

    def _handle(self) -> None:
        hub = self.server.hub
        url = urlsplit(self.path)
        self._received = self._sent = 0
        self._body = self._chunks()
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ").strip() or None
        question = Question(hub, self.command, url.path, parse_qs(url.query), token, dict(self.headers), self._body)
        path, status = unquote(url.path), 0
        hub.begin()
        try:
            hub.before_request(self.command, path)
            fault = hub.faults.take(self.command, path, question.file)
            status = self._answer(question, fault)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            hub.count(self.command, path, question, status, self._received, self._sent)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 (the base class's names)

    def _answer(self, question: Question, fault: Fault | None) -> int:
        if fault is not None and fault.status is not None:
            self._drain()
            headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            if fault.spent_for is not None:
                headers["ratelimit"] = f'"api";r=0;t={fault.spent_for}'
            return self._send(Answer.error(RefusedError(fault.status, "planned failure"), headers), None)
        if fault is not None and fault.cut_after is not None and self.command == "PUT":
            while self._received < fault.cut_after and next(self._body, None):
                pass
            return self._hang_up()
        headers, refused = self.server.hub.limits.take(self.command, question.path)
        try:
            if refused is not None:
                raise refused
            reply = answer(question)
        except RefusedError as refusal:
            reply = Answer.error(refusal)
        reply.headers = {**headers, **reply.headers}
        self._drain()
        if fault is not None and fault.lose_answer:
            return self._hang_up()
        return self._send(reply, fault.cut_after if fault is not None else None)

    def _hang_up(self) -> int:
        """Close the connection as a broken network would."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
        return 0

    # -- bodies --------------------------------------------------------------------------------------------------

    def _chunks(self) -> Iterator[bytes]:
        """The request's body, in pieces."""
        if "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self._read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left:
            piece = self._read(min(left, CHUNK))
            left -= len(piece)
            yield piece

    def _read(self, size: int) -> bytes:
        piece = self.rfile.read(size)
        self._received += len(piece)
        if len(piece) < size:
            raise ConnectionResetError("the client went away in the middle of a body")
        return piece

    def _drain(self) -> None:
        for _ in self._body:
            pass

    def _send(self, reply: Answer, cut_after: int | None) -> int:
        status, headers = reply.status, dict(reply.headers)
        if isinstance(reply.body, Path):
            status, start, stop = self._span(reply.body.stat().st_size)
            headers["Accept-Ranges"] = "bytes"
            if status == 206:
                headers["Content-Range"] = f"bytes {start}-{stop - 1}/{reply.body.stat().st_size}"
            pieces = self._pieces(reply.body, start, stop)
            length = stop - start
        else:
            content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            pieces, length = iter([content]), len(content)
            headers.setdefault("Content-Type", "application/json")
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(length)}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return status
        for piece in pieces:
            if cut_after is not None and self._sent + len(piece) > cut_after:
                self.wfile.write(piece[: cut_after - self._sent])
                self._sent = cut_after
                return self._hang_up()
            self.wfile.write(piece)
            self._sent += len(piece)
        return status

    def _span(self, size: int) -> tuple[int, int, int]:
        """Status, first byte and end of what the `Range` header asks for."""
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range") or "")
        if wanted is None or wanted[0] == "bytes=-":
            return 200, 0, size
        if not wanted[1]:
            return 206, max(0, size - int(wanted[2])), size
        start = int(wanted[1])
        if start >= size:
            return 416, 0, 0
        return 206, start, min(size, int(wanted[2]) + 1 if wanted[2] else size)

    @staticmethod
    def _pieces(path: Path, start: int, stop: int) -> Iterator[bytes]:
        with path.open("rb") as file:
            file.seek(start)
            while start < stop:
                piece = file.read(min(CHUNK, stop - start))
                start += len(piece)
                yield piece
