"""Ranges of a file behind HTTP, the Hub's included."""

from __future__ import annotations

import copy
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import huggingface_hub
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

from video_sft.errors import VideoError
from video_sft.video.access.ranged import Pieces
from video_sft.video.access.retrying import TransientError

__all__ = ["HttpFetcher", "hub_url"]

_TIMEOUT_SECONDS = 30
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_EXPIRED = frozenset({401, 403, 404, 410})
_HUB = re.compile(
    r"hf://(?:(datasets|spaces|models)/)?([^/@]+/[^/@]+)(?:@(refs/(?:convert|pr)/[^/]+|[^/]+))?/(.+)", re.DOTALL
)
#: Files from servers without ranges are held in memory up to this size.
_LARGEST_WHOLE = 1 << 30
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


def hub_url(path: str) -> str | None:
    """Return the HTTP address of a file in a Hub repository, asking nobody; None when the path is not one."""
    match = _HUB.fullmatch(path)
    if match is None:
        return None
    kind, repo, revision, name = match.groups()
    repo_type = None if kind in (None, "models") else kind.rstrip("s")
    revision = revision.replace("%2F", "/") if revision else None
    return huggingface_hub.hf_hub_url(repo, name, repo_type=repo_type, revision=revision)


class HttpFetcher:
    """Gets ranges with the HTTP client of `huggingface_hub`, which pools connections and knows the user's proxies.

    The address that the first request is redirected to serves all later ones: the Hub redirects to a signed address on
    a content network, and asking it each time would double the round trips. When that address expires the first one is
    asked again.

    A server that knows no ranges sends the whole file for the first one; it is kept in memory for the rest.

    Args:
        name: the path the user knows.
        url: the HTTP address.
        token: for the Hub; sent to the Hub only.
    """

    def __init__(self, name: str, url: str, token: str | bool | None) -> None:
        self.name = name
        self.version: str | None = None
        self._url = url
        self._headers = {"Accept-Encoding": "identity"}
        self._hub_headers: dict[str, str] = {}
        if url.startswith(huggingface_hub.constants.ENDPOINT + "/"):
            self._hub_headers = build_hf_headers(token=token)
        self._resolved: str | None = None
        self._seen: tuple[str | None, int] | None = None
        self._whole: bytearray | None = None
        self._sends_whole = False
        self._turn = threading.RLock()

    def again(self) -> HttpFetcher:
        """Give a fetcher that knows the address and the version, and has nothing in memory."""
        other = copy.copy(self)
        other._whole, other._turn = None, threading.RLock()
        return other

    def first(self, size: int) -> tuple[bytes, int]:
        """Get the first so many bytes, and the file's size."""
        data = b"".join(self.stream(0, size))
        assert self._seen is not None
        if len(data) < min(size, self._seen[1]):
            raise TransientError("the connection broke in the middle of an answer")
        return data, self._seen[1]

    def stream(self, offset: int, size: int) -> Pieces:
        """Get so many bytes at an offset, as they arrive."""
        with self._turn if self._sends_whole else nullcontext():
            if self._whole is None:
                with self._answer(offset, size) as response:
                    if response.status_code == 206:
                        self._check_range(response, offset, size)
                        yield from response.iter_raw()
                        return
                    self._receive_whole(response)
        assert self._whole is not None
        yield memoryview(self._whole)[offset : offset + size]

    def _check_range(self, response: Any, offset: int, size: int) -> None:
        match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        if match is None or int(match[1]) != offset or int(match[2]) >= offset + size:
            raise VideoError(self.name, "the server answered with another range than it was asked for")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise VideoError(self.name, "the server compresses the file, so parts of it cannot be read")
        if match[3] != "*":
            total = int(match[3])
        elif self._seen is not None:
            total = self._seen[1]
        else:
            total = int(match[2]) + 1 if int(match[2]) < offset + size - 1 else self._size_by_end(str(response.url))
        self._check(response, total)

    def _size_by_end(self, url: str) -> int:
        """Ask a server that does not tell sizes for the last byte: where that lies is told."""
        with self._request(url, -1, 1) as response:
            match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
            if response.status_code != 206 or match is None or match[1] != match[2]:
                raise VideoError(self.name, "the server does not tell how large the file is")
            return int(match[2]) + 1

    def _receive_whole(self, response: Any) -> None:
        """Make do with a server that sends the whole file, whatever range it is asked for."""
        with self._turn:
            self._sends_whole = True
            if self._whole is not None:
                return
            stated = response.headers.get("content-length", "")
            length = int(stated) if stated.isdigit() and "content-encoding" not in response.headers else None
            data = bytearray()
            if (length or 0) <= _LARGEST_WHOLE:
                for piece in response.iter_bytes():
                    data += piece
                    if len(data) > _LARGEST_WHOLE:
                        break
            if max(length or 0, len(data)) > _LARGEST_WHOLE:
                raise VideoError(
                    self.name,
                    f"the server does not send parts of files, and this one has more than {_LARGEST_WHOLE:,} bytes; "
                    "download it first",
                )
            if length is not None and len(data) != length:
                raise TransientError("the connection broke in the middle of an answer")
            if not data:
                raise VideoError(self.name, "the file is empty (0 bytes)")
            self._check(response, len(data))
            self._whole = data

    @contextmanager
    def _answer(self, offset: int, size: int) -> Iterator[Any]:
        """Ask for a range and give the answer that holds it, its body unread."""
        resolved = self._resolved
        if resolved is not None:
            with self._request(resolved, offset, size) as response:
                if response.status_code not in _EXPIRED:
                    self._check_status(response, offset)
                    yield response
                    return
            self._resolved = None
        with self._request(self._url, offset, size) as response:
            self._check_status(response, offset)
            self._resolved = str(response.url)
            yield response

    def _check_status(self, response: Any, offset: int) -> None:
        status = response.status_code
        if status in _PASSING:
            wait = _seconds(response.headers.get("retry-after"))
            raise TransientError(f"the server answered {status}", wait)
        if status == 416 and offset == 0:
            raise VideoError(self.name, "the file is empty (0 bytes)")
        if status not in (200, 206):
            raise VideoError(self.name, f"the server answered {status} {response.reason_phrase}")

    @contextmanager
    def _request(self, url: str, offset: int, size: int) -> Iterator[Any]:
        wanted = f"{offset}-{offset + size - 1}" if offset >= 0 else str(offset)  # the last bytes
        headers = self._headers | {"Range": f"bytes={wanted}"}
        if url.startswith(huggingface_hub.constants.ENDPOINT + "/"):
            headers |= self._hub_headers
        try:
            with huggingface_hub.get_session().stream(
                "GET", url, headers=headers, timeout=_TIMEOUT_SECONDS, follow_redirects=True
            ) as response:
                yield response
        except (TransientError, VideoError):
            raise
        except Exception as error:
            if _is_passing(error):
                raise TransientError(f"{type(error).__name__}: {error}") from error
            raise VideoError(self.name, f"cannot be fetched: {error}") from error

    def _check(self, response: Any, size: int) -> None:
        """Notice a file that is replaced while it is read."""
        tag = response.headers.get("etag") or response.headers.get("last-modified")
        if self._seen is None:
            self._seen = (tag, size)
            # A weak tag says that two files mean the same, not that their bytes are the same.
            self.version = f"{tag} {size}" if tag and not tag.startswith("W/") else None
        elif (tag, size) != self._seen:
            raise VideoError(self.name, "the file changed while it was read; read it again")


def _seconds(retry_after: str | None) -> float:
    """Read a ``Retry-After`` header: seconds, or a date."""
    if retry_after is None:
        return 0.0
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        date = parsedate_to_datetime(retry_after)
    except (TypeError, ValueError):
        return 0.0
    if date.tzinfo is None:
        date = date.replace(tzinfo=timezone.utc)
    return max(0.0, (date - datetime.now(timezone.utc)).total_seconds())


def _is_passing(error: Exception) -> bool:
    """Tell a dropped connection from a wrong address; the client's exceptions differ by its version."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"TransportError", "ConnectionError", "TimeoutException", "Timeout"}) and not (
        names & {"UnsupportedProtocol", "InvalidURL", "OfflineModeIsEnabled"}
    )
