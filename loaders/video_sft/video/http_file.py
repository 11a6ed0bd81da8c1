"""Ranges of a file behind HTTP, the Hub's included."""

from __future__ import annotations

import re
from typing import Any

import huggingface_hub
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

from video_sft.errors import VideoError
from video_sft.video.ranged import TransientError

__all__ = ["HttpFetcher", "hub_url"]

_TIMEOUT_SECONDS = 30
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_EXPIRED = frozenset({401, 403, 404, 410})
_HUB = re.compile(
    r"hf://(?:(datasets|spaces|models)/)?([^/@]+/[^/@]+)(?:@(refs/(?:convert|pr)/[^/]+|[^/]+))?/(.+)", re.DOTALL
)
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


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

    Args:
        name: the path the user knows.
        url: the HTTP address.
        token: for the Hub; sent to the Hub only.
    """

    def __init__(self, name: str, url: str, token: str | bool | None) -> None:
        self.name = name
        self._url = url
        self._headers = {"Accept-Encoding": "identity"}
        self._hub_headers: dict[str, str] = {}
        if url.startswith(huggingface_hub.constants.ENDPOINT + "/"):
            self._hub_headers = build_hf_headers(token=token)
        self._resolved: str | None = None
        self._version: tuple[str | None, int] | None = None

    def first(self, size: int) -> tuple[bytes, int]:
        """Get the first so many bytes, and the file's size."""
        data = self._get(0, size)
        assert self._version is not None
        return data, self._version[1]

    def fetch(self, offset: int, size: int) -> bytes:
        """Get exactly so many bytes at an offset."""
        data = self._get(offset, size)
        if len(data) != size:
            raise TransientError(f"{len(data):,} bytes came instead of {size:,}")
        return data

    def _get(self, offset: int, size: int) -> bytes:
        response = self._request(self._resolved or self._url, offset, size)
        if response.status_code in _EXPIRED and self._resolved is not None:
            self._resolved = None
            response = self._request(self._url, offset, size)
        status = response.status_code
        if status in _PASSING:
            raise TransientError(f"the server answered {status}")
        if status == 416 and offset == 0:
            raise VideoError(self.name, "the file is empty (0 bytes)")
        if status not in (200, 206):
            raise VideoError(self.name, f"the server answered {status} {response.reason_phrase}")
        data: bytes = response.content
        if status == 200:
            return self._whole(data, response, offset, size)
        match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        if match is None or int(match[1]) != offset:
            raise VideoError(self.name, "the server answered with another range than it was asked for")
        self._check(response, int(match[3]))
        if len(data) != int(match[2]) - offset + 1:
            raise TransientError("the connection broke in the middle of an answer")
        return data

    def _whole(self, data: bytes, response: Any, offset: int, size: int) -> bytes:
        """Make do with a server that sends the whole file, whatever range it is asked for."""
        self._check(response, len(data))
        return data[offset : offset + size]

    def _request(self, url: str, offset: int, size: int) -> Any:
        headers = self._headers | {"Range": f"bytes={offset}-{offset + size - 1}"}
        if url.startswith(huggingface_hub.constants.ENDPOINT + "/"):
            headers |= self._hub_headers
        try:
            response = huggingface_hub.get_session().get(
                url, headers=headers, timeout=_TIMEOUT_SECONDS, follow_redirects=True
            )
        except Exception as error:
            if _is_passing(error):
                raise TransientError(f"{type(error).__name__}: {error}") from error
            raise VideoError(self.name, f"cannot be fetched: {error}") from error
        if response.status_code in (200, 206):
            self._resolved = str(response.url)
        return response

    def _check(self, response: Any, size: int) -> None:
        """Notice a file that is replaced while it is read."""
        version = (response.headers.get("etag"), size)
        if self._version is None:
            self._version = version
        elif version != self._version:
            raise VideoError(self.name, "the file changed while it was read; read it again")


def _is_passing(error: Exception) -> bool:
    """Tell a dropped connection from a wrong address; the client's exceptions differ by its version."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"TransportError", "ConnectionError", "TimeoutException", "Timeout"}) and not (
        names & {"UnsupportedProtocol", "InvalidURL"}
    )
