"""One request to the local Hub, what it is about, and the shape of an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from .store import RefusedError, Repo

if TYPE_CHECKING:
    from .hub import LocalHub

FILE = re.compile(r"/(?P<kind>datasets/)?(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)")
BATCH = re.compile(r"/(?P<kind>datasets/)?(?P<repo>[^/]+/[^/]+)\.git/info/lfs/objects/batch")
REPO = re.compile(r"/api/(?P<kind>model|dataset)s/(?P<repo>[^/]+/[^/]+)(?:/(?P<action>[^/]+)(?:/(?P<rest>.+))?)?")


@dataclass
class Answer:
    """Status, headers and body; a `Path` body is sent from disk, with ranges."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def error(cls, refusal: RefusedError, headers: Mapping[str, str] | None = None) -> Answer:
        """The way the Hub words an error."""
        worded = {"X-Error-Message": refusal.message, **(headers or {})}
        if refusal.code:
            worded["X-Error-Code"] = refusal.code
        return cls({"error": refusal.message}, refusal.status, worded)


class Question:
    """One request, and what it is about."""

    def __init__(
        self,
        hub: LocalHub,
        method: str,
        raw_path: str,
        query: dict[str, list[str]],
        token: str | None,
        headers: Mapping[str, str],
        chunks: Iterator[bytes],
    ) -> None:
        self.hub = hub
        self.method = method
        self.path = raw_path
        self.query = query
        self.token = token
        self.headers = headers
        self.chunks = chunks
        found = FILE.fullmatch(raw_path) or BATCH.fullmatch(raw_path) or REPO.fullmatch(raw_path)
        parts = found.groupdict() if found else {}
        self.kind = "dataset" if (parts.get("kind") or "").startswith("dataset") else "model"
        self.repo_name: str | None = parts.get("repo") or query.get("repo", [None])[0]
        self.revision = unquote(parts.get("revision") or "main")
        self.file: str | None = unquote(parts["file"]) if parts.get("file") else query.get("file", [None])[0]
        self.action: str | None = parts.get("action")
        self.rest: str = parts.get("rest") or ""

    def body(self) -> bytes:
        """All of the request's body."""
        return b"".join(self.chunks)

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body())

    def repo(self) -> Repo:
        """The repo asked about, if this token may know of it."""
        repo = self.hub.repos.get((self.kind, self.repo_name or ""))
        hidden = repo is not None and repo.private and not self.may_read(repo)
        if repo is None or hidden:
            raise RefusedError(404 if self.token else 401, "Repository not found", "RepoNotFound")
        return repo

    def may_read(self, repo: Repo) -> bool:
        """Whether the token reads a private or gated repo."""
        return self.token is not None and (self.token in repo.readers or self.hub.tokens.get(self.token, False))

    def check_write(self) -> None:
        """Refuse who may not write."""
        if self.token is None or self.token not in self.hub.tokens:
            raise RefusedError(401, "Invalid username or password.")
        if not self.hub.tokens[self.token]:
            raise RefusedError(403, "You don't have the rights to write to this repo")
