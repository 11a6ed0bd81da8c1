"""The connections that HTTP requests are on, so that a request nobody waits for any more can be broken off."""

from __future__ import annotations

import os
import socket
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from video_sft._retrying import TransientError

__all__ = ["Connection", "Connections"]

#: Every connection seen in this process, and the host it leads to; and those that an answer is read from.
_seen: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
_answering: weakref.WeakSet[Any] = weakref.WeakSet()
_lock = threading.Lock()


class Connection:
    """What is known of the connection of one request: the client tells of new ones, and of the one an answer is on."""

    def __init__(self, host: str) -> None:
        self.host = host
        self._stream: Any = None
        self._answer: Any = None
        self._broken = False

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of what the client does; its ``trace`` extension."""
        stream = info.get("return_value")
        if event.endswith(".complete") and hasattr(stream, "get_extra_info"):
            self._lies_on(stream)

    def answered(self, response: Any) -> None:
        """Say that the header of an answer has come."""
        stream = response.extensions.get("network_stream")
        if stream is not None:
            with _lock:
                _answering.add(stream)
                self._answer = response
            self._lies_on(stream)

    def _lies_on(self, stream: Any) -> None:
        with _lock:
            self._stream = stream
            _seen[stream] = self.host
        if self._broken:
            _shut(stream)

    def ended(self) -> None:
        """Say that the request is over."""
        with _lock:
            if self._stream is not None:
                _answering.discard(self._stream)
            self._stream = self._answer = None

    def break_off(self, *, for_good: bool) -> None:
        """Wake the thread that waits for the server, with an error.

        Which of the connections kept open a request went to, the client tells only with the answer. Where there is none
        yet, and `for_good`, all that lead to the host and give no answer are broken off; who else waits on one of them
        asks again.
        """
        with _lock:
            if self._answer is not None and self._answer.is_closed:  # all of it has come: the connection is whole
                return
            self._broken = True
            streams = [self._stream] if self._stream is not None else []
            if not streams and for_good:
                streams = [one for one, host in _seen.items() if host == self.host and one not in _answering]
        for stream in streams:
            _shut(stream)


class Connections:
    """Those of one handle."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._open: set[Connection] = set()
        self._broken = False

    @contextmanager
    def one(self, host: str) -> Iterator[Connection]:
        """Give the note of a request that goes on within the block.

        Raises:
            TransientError: requests are broken off.
        """
        connection = Connection(host)
        with self._lock:
            if self._broken:
                raise TransientError("all requests are broken off")
            self._open.add(connection)
        try:
            yield connection
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.ended()

    def break_off(self, *, for_good: bool) -> None:
        """Break off all requests, and those to come; see `Connection`."""
        if os.getpid() != self._process:  # they are the parent's
            return
        with self._lock:
            self._broken = True
            connections = list(self._open)
        for connection in connections:
            connection.break_off(for_good=for_good)


def _shut(stream: Any) -> None:
    """End a connection in both directions, which also ends a `recv` of another thread on it."""
    with suppress(Exception):
        raw = stream.get_extra_info("socket")
        socket.socket.shutdown(raw, socket.SHUT_RDWR)  # of an SSL socket, too, nothing but the connection


def _forget() -> None:
    """Leave the parent's connections alone in a process forked from it."""
    global _lock
    _lock = threading.Lock()
    _seen.clear()
    _answering.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
