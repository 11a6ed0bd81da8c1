"""The local Hub as a test sees it."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from .asking import Question
from .faults import Fault, Faults
from .limits import Limits, Quota
from .server import Answering, HubServer
from .store import GIT_ATTRIBUTES, Blobs, Commit, RefusedError, Repo

OWNER_TOKEN = "hf_owner"
#: `huggingface_hub` hands open files to its HTTP client by the old argument, and the client says so.
UPLOAD_WARNING = "Use 'content=<...>' to upload raw bytes"


@dataclass(frozen=True)
class Served:
    """One request that came in.

    Attributes:
        method: HTTP method.
        path: path of the request, unquoted, without its query.
        repo: `org/name`, or None where the request is about no repo.
        file: path inside the repo, or None where the request is about no file's content.
        status: what was answered; 0 where the connection was cut.
        received: bytes of the request's body.
        sent: bytes of the answer's body.
    """

    method: str
    path: str
    repo: str | None
    file: str | None
    status: int
    received: int
    sent: int


class LocalHub:
    """A threaded HTTP server on 127.0.0.1 that speaks the Hub's protocol.

    Args:
        folder: where content, and the caches of clients, are kept.
        max_folder_entries: a commit that puts more into one folder is rejected, as the Hub does.
        quotas: how many requests of each kind are answered, such as `REAL_QUOTAS`; none is refused by default.
    """

    def __init__(
        self, folder: Path, *, max_folder_entries: int = 10_000, quotas: Mapping[str, Quota] | None = None
    ) -> None:
        self.folder = folder
        self.max_folder_entries = max_folder_entries
        self.blobs = Blobs(folder / "blobs")
        self.repos: dict[tuple[str, str], Repo] = {}
        self.tokens: dict[str, bool] = {OWNER_TOKEN: True}
        self.faults = Faults()
        self.limits = Limits(quotas or {})
        self._served: list[Served] = []
        self.before_request: Callable[[str, str], None] = lambda method, path: None
        self.lock = threading.RLock()
        self._idle = threading.Condition(self.lock)
        self._answering = 0
        self._server = HubServer(("127.0.0.1", 0), Answering)
        self._server.hub = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> LocalHub:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # -- where it is ---------------------------------------------------------------------------------------------

    @property
    def endpoint(self) -> str:
        """What `HF_ENDPOINT` must be."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def storage(self) -> str:
        """Where large files are kept: another host name, so that clients redirect as they do on the real Hub."""
        return f"http://localhost:{self._server.server_address[1]}"

    @property
    def token(self) -> str:
        """The token that may read and write everything."""
        return OWNER_TOKEN

    def environment(self, *, token: str | None = OWNER_TOKEN, cache: str = "hf") -> dict[str, str]:
        """The environment for a subprocess that shall talk to this Hub, with caches of its own under `cache`."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("HF_") and "proxy" not in name.lower()
        }
        environment |= {
            "HF_ENDPOINT": self.endpoint,
            "HF_HOME": str(self.folder / cache),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
            "NO_PROXY": "*",
        }
        if token is not None:
            environment["HF_TOKEN"] = token
        return environment

    @contextmanager
    def attached(self, *, token: str | None = OWNER_TOKEN, cache: str = "hf") -> Iterator[None]:
        """Make `huggingface_hub` and `datasets` of this process talk to this Hub, with caches of its own."""
        import datasets.config
        import huggingface_hub
        from huggingface_hub import HfFileSystem, constants

        home = self.folder / cache
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            warnings.filterwarnings("ignore", UPLOAD_WARNING, DeprecationWarning)
            for name in [name for name in os.environ if "proxy" in name.lower()]:
                patch.delenv(name)
            patch.setenv("NO_PROXY", "*")
            patch.delenv("HF_TOKEN", raising=False)
            if token is not None:
                patch.setenv("HF_TOKEN", token)
            patch.setattr(constants, "ENDPOINT", self.endpoint)
            patch.setattr(
                constants, "HUGGINGFACE_CO_URL_TEMPLATE", self.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
            )
            patch.setattr(constants, "HF_URL_HOSTS", frozenset({"127.0.0.1"}), raising=False)  # not in 1.0
            patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
            patch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
            patch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
            patch.setattr(huggingface_hub.hf_api.api, "endpoint", self.endpoint)
            patch.setattr(datasets.config, "HF_ENDPOINT", self.endpoint)
            patch.setattr(
                datasets.config, "HUB_DATASETS_URL", self.endpoint + "/datasets/{repo_id}/resolve/{revision}/{path}"
            )
            patch.setattr(datasets.config, "HF_DATASETS_CACHE", home / "datasets")
            patch.setattr(datasets.config, "DOWNLOADED_DATASETS_PATH", home / "datasets" / "downloads")
            patch.setattr(datasets.config, "EXTRACTED_DATASETS_PATH", home / "datasets" / "downloads" / "extracted")
            patch.setattr(sys.modules["huggingface_hub.utils.tqdm"], "HF_HUB_DISABLE_PROGRESS_BARS", True)
            self._forget_clients(HfFileSystem, huggingface_hub)
            try:
                yield
            finally:
                self._forget_clients(HfFileSystem, huggingface_hub)

    @staticmethod
    def _forget_clients(file_system: type, library: object) -> None:
        """Drop cached file systems and connections, which remember the endpoint and the proxies they began with."""
        file_system.clear_instance_cache()  # type: ignore[attr-defined]
        library.close_session()  # type: ignore[attr-defined]

    # -- what is on it -------------------------------------------------------------------------------------------

    def add_repo(
        self,
        name: str,
        files: Mapping[str, bytes | Path] | None = None,
        *,
        kind: str = "dataset",
        private: bool = False,
        gated: bool = False,
        readers: tuple[str, ...] = (),
    ) -> str:
        """Create a repo; return the hash of its last commit, for pinned revisions.

        Args:
            name: `org/name`.
            files: path in the repo to content, or to a local file.
            kind: `dataset` or `model`.
            private: unknown to tokens outside `readers`.
            gated: listed for everyone, its files only for `readers`.
            readers: tokens that may read a private or gated repo; each is added as a token that cannot write.
        """
        with self.lock:
            if (kind, name) in self.repos:
                raise RefusedError(409, "You already created this dataset repo")
            repo = self.repos[kind, name] = Repo(kind, name, private=private, gated=gated, readers=set(readers))
            for token in readers:
                self.tokens.setdefault(token, False)
            attributes = self.blobs.entry(".gitattributes", self.blobs.add(GIT_ATTRIBUTES))
            head = repo.commit("main", "initial commit", {".gitattributes": attributes})
        return self.add_files(name, files, kind=kind).oid if files else head.oid

    def add_files(self, name: str, files: Mapping[str, bytes | Path], *, kind: str = "dataset") -> Commit:
        """Commit files to `main` of a repo without going through a client."""
        entries = {}
        for path, content in files.items():
            content = content.read_bytes() if isinstance(content, Path) else content
            entries[path] = self.blobs.entry(path, self.blobs.add(content))
        with self.lock:
            return self.repos[kind, name].commit("main", "files", dict(entries))

    def add_token(self, token: str, *, write: bool = False) -> None:
        """Make a token known."""
        self.tokens[token] = write

    def repo(self, name: str, *, kind: str = "dataset") -> Repo:
        """A repo, to look at its commits."""
        return self.repos[kind, name]

    def tree(self, name: str, revision: str = "main", *, kind: str = "dataset") -> dict[str, str]:
        """Path to sha256 of every file at `revision`."""
        return {
            path: entry.sha256 for path, entry in sorted(self.repo(name, kind=kind).resolve(revision).files.items())
        }

    def read(self, name: str, path: str, revision: str = "main", *, kind: str = "dataset") -> bytes:
        """The content of one file."""
        entry = self.repo(name, kind=kind).resolve(revision).files[path]
        return self.blobs.path(entry.sha256).read_bytes()

    # -- what goes wrong, and what went through ------------------------------------------------------------------

    def fail(self, method: str, pattern: str, **ways: Any) -> None:
        """Make the next requests that match fail; see `Fault` for the ways."""
        self.faults.add(Fault(method, pattern, **ways))

    def begin(self) -> None:
        """Note that a request came in; the server calls this."""
        with self._idle:
            self._answering += 1

    def count(self, method: str, path: str, question: Question, status: int, received: int, sent: int) -> None:
        """Remember one request; the server calls this."""
        with self._idle:
            self._served.append(Served(method, path, question.repo_name, question.file, status, received, sent))
            self._answering -= 1
            self._idle.notify_all()

    @property
    def served(self) -> list[Served]:
        """All requests so far, once none is under way: a client has its answer before the answer is counted."""
        with self._idle:
            self._idle.wait_for(lambda: not self._answering, timeout=10)
            return list(self._served)

    def forget_served(self) -> None:
        """Count anew."""
        with self.lock:
            self._idle.wait_for(lambda: not self._answering, timeout=10)
            self._served.clear()

    def requests(self, method: str = "*", pattern: str = "*") -> list[Served]:
        """Requests so far whose path, or whose file's path in the repo, matches the shell pattern."""
        return [
            one
            for one in self.served
            if method in ("*", one.method)
            and (fnmatchcase(one.path, pattern) or (one.file is not None and fnmatchcase(one.file, pattern)))
        ]

    def bytes_sent(self, pattern: str = "*") -> int:
        """Bytes of content that clients read from files, or paths, that match."""
        return sum(one.sent for one in self.requests(pattern=pattern))

    def bytes_received(self, pattern: str = "*") -> int:
        """Bytes that clients sent to paths that match."""
        return sum(one.received for one in self.requests(pattern=pattern))
