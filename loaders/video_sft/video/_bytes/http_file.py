"""Ranges of a file behind HTTP, the Hub's included."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import huggingface_hub
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

from video_sft._retrying import PASSING_STATUSES, TransientError, is_dropped_connection, seconds_to_wait
from video_sft.errors import VideoError
from video_sft.video._bytes.connections import Connection, Connections
from video_sft.video._bytes.fetcher import Fetcher, Pieces
from video_sft.video._bytes.range_cache import RangeCache
from video_sft.video._bytes.segment import Segment

__all__ = ["HttpFetcher", "hub_url"]

_EXPIRED = frozenset({401, 403, 404, 410})
_HUB = re.compile(
    r"hf://(?:(datasets|spaces|models)/)?([^/@]+/[^/@]+)(?:@(refs/(?:convert|pr)/[^/]+|[^/]+))?/(.+)", re.DOTALL
)
#: Files from servers without ranges are held in memory up to this size, and up to that where none is stated.
_LARGEST_WHOLE = 1 << 30
_LARGEST_UNSTATED = 256 << 20
_MOST_REDIRECTS = 20
#: So much of the body of a redirect is read, for its connection to serve again.
_REDIRECT_BODY = 64 << 10
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


class HttpFetcher(Fetcher):
    """Gets ranges with the HTTP client of `huggingface_hub`, which pools connections and knows the user's proxies.

    The address that the first request is redirected to serves all later ones: the Hub redirects to a signed address on
    a content network, and asking it each time would double the round trips. When that address expires the first one is
    asked again.

    A server that knows no ranges sends the whole file for the first one; it is kept in memory for the rest, and read as
    far as it has come. The token is sent to the Hub only.
    """

    def __init__(self, name: str, url: str, token: str | bool | None, cache: RangeCache | None) -> None:
        super().__init__(name, cache)
        self._url = url
        self._headers = {"Accept-Encoding": "identity"}
        self._hub_headers: dict[str, str] = {}
        if url.startswith(huggingface_hub.constants.ENDPOINT + "/"):
            self._hub_headers = build_hf_headers(token=token)
        self._resolved: str | None = None
        self._seen: tuple[str | None, int] | None = None
        self._sends_whole = False

    def _anew(self) -> None:
        super()._anew()
        self._whole: Segment | None = None
        self._turn = threading.RLock()
        self._connections = Connections()

    @property
    def size(self) -> int | None:
        """Of the file, once the server has told it."""
        return self._seen[1] if self._seen is not None else None

    @property
    def version(self) -> str | None:
        """An ``ETag`` or a time; a weak tag says that two files mean the same, not that their bytes are the same."""
        tag, size = self._seen or (None, 0)
        return f"{tag} {size}" if tag and not tag.startswith("W/") else None

    def stop(self, *, for_good: bool) -> None:
        """Break off all requests; their threads end."""
        self._connections.break_off(for_good=for_good)

    def fetch(self, offset: int, size: int) -> Pieces:
        """Get so many bytes at an offset, as they arrive."""
        with ExitStack() as turn:
            if self._sends_whole:
                turn.enter_context(self._turn)
            whole = self._whole
            if whole is None:
                with self._answer(offset, size) as response:
                    if response.status_code == 206:
                        yield from self._body(response, self._check_range(response, offset, size))
                        return
                    with self._turn:
                        begins = self._whole is None
                        self._whole = whole = self._whole or self._room_for_whole(response)
                    turn.close()
                    if begins:
                        yield from self._receive_whole(response, whole, offset, offset + size)
                        return
        yield from _as_it_comes(whole, offset, offset + size)

    def _body(self, response: Any, size: int) -> Pieces:
        """Give the body of an answer, and no more of it than was asked for."""
        stated = response.headers.get("content-length") == str(size)
        with closing(response.iter_raw()) as pieces:
            for piece in pieces:
                part = piece[:size]
                size -= len(part)
                self.waiting.received(len(part))
                if not size and stated:
                    for _ in pieces:  # nothing comes any more; the connection can then be used again
                        pass
                yield part
                if not size:
                    return

    def _check_range(self, response: Any, offset: int, size: int) -> int:
        """Return how many bytes an answer holds of those asked for."""
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
        return int(match[2]) + 1 - offset

    def _size_by_end(self, url: str) -> int:
        """Ask a server that does not tell sizes for the last byte: where that lies is told."""
        with self._request(url, -1, 1) as response:
            match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
            if response.status_code != 206 or match is None or match[1] != match[2]:
                raise VideoError(self.name, "the server does not tell how large the file is")
            return int(match[2]) + 1

    def _room_for_whole(self, response: Any) -> Segment:
        """Make do with a server that sends the whole file, whatever range it is asked for.

        Returns:
            Place for the file; filled where its size is not stated, since no reader can begin without it.
        """
        self._sends_whole = True
        stated = response.headers.get("content-length", "")
        if stated.isdigit() and "content-encoding" not in response.headers:
            whole, limit = Segment(0, int(stated)), _LARGEST_WHOLE
        else:
            limit = min(_LARGEST_WHOLE, _LARGEST_UNSTATED)
            data = bytearray()
            for piece in response.iter_bytes():
                self.waiting.received(len(piece))
                data += piece
                if len(data) > limit:
                    break
            whole = Segment.of(0, memoryview(data))
        if whole.end > limit:
            raise VideoError(
                self.name,
                f"the server does not send parts of files, and this one has more than {limit:,} bytes; "
                "download it first",
            )
        if not whole.end:
            raise VideoError(self.name, "the file is empty (0 bytes)")
        self._check(response, whole.end)
        return whole

    def _receive_whole(self, response: Any, whole: Segment, offset: int, end: int) -> Pieces:
        """Take in all of the file, giving the part that was asked for as it comes by."""
        try:
            if whole.wanted:
                for piece in response.iter_raw():
                    self.waiting.received(len(piece))
                    start = whole.reached
                    whole.add(piece)
                    part = memoryview(piece)[max(0, offset - start) : max(0, end - start)]
                    if part:
                        yield part
            else:
                yield from _as_it_comes(whole, offset, end)
            if whole.wanted:
                raise TransientError("the connection broke in the middle of an answer")
        except BaseException:
            self._whole = None
            whole.fail(TransientError("the connection broke in the middle of an answer"))
            raise

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
        if status in PASSING_STATUSES:
            wait = seconds_to_wait(response.headers.get("retry-after"))
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
            with (
                self._connections.one(urlsplit(url).netloc) as connection,
                closing(self._send(url, headers, connection)) as response,
            ):
                yield response
        except (TransientError, VideoError):
            raise
        except Exception as error:
            if "Timeout" in type(error).__name__ and self.waiting.read_timeout is not None:
                raise TransientError(
                    f"no byte came for {self.waiting.read_timeout:g} s, "
                    f"the read_timeout of video_sft.limit_waiting ({type(error).__name__})"
                ) from error
            if is_dropped_connection(error):
                raise TransientError(f"{type(error).__name__}: {error}") from error
            raise VideoError(self.name, f"cannot be fetched: {error}") from error

    def _send(self, url: str, headers: dict[str, str], connection: Connection) -> Any:
        """Send a request and follow redirects; the client itself would read their bodies however long they are."""
        client: Any = huggingface_hub.get_session()
        request = client.build_request(
            "GET", url, headers=headers, timeout=self.waiting.read_timeout, extensions={"trace": connection.trace}
        )
        for _ in range(_MOST_REDIRECTS + 1):
            connection.host = request.url.netloc.decode()
            response = client.send(request, stream=True, follow_redirects=False)
            connection.answered(response)
            if response.next_request is None:
                return response
            request, size = response.next_request, 0
            with closing(response), closing(response.iter_raw()) as pieces:
                for piece in pieces:
                    size += len(piece)
                    if size > _REDIRECT_BODY:
                        break
            connection.ended()
        raise VideoError(self.name, f"cannot be fetched: the server redirects more than {_MOST_REDIRECTS} times")

    def _check(self, response: Any, size: int) -> None:
        """Notice a file that is replaced while it is read."""
        tag = response.headers.get("etag") or response.headers.get("last-modified")
        if self._seen is None:
            self._seen = (tag, size)
        elif (tag, size) != self._seen:
            raise VideoError(self.name, "the file changed while it was read; read it again")


def _as_it_comes(whole: Segment, offset: int, end: int) -> Pieces:
    end = min(end, whole.end)
    while offset < end and whole.read(offset, offset + 1):
        yield whole.read(offset, reached := min(end, whole.reached))
        offset = reached
