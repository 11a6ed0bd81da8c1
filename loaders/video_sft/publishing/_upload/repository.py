"""A dataset repo on the Hub: what publishing asks of it, repeated where a failure may pass."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, utils
from huggingface_hub.errors import (
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile, RepoFolder

from video_sft._retrying import PASSING_STATUSES, Retries, is_dropped_connection, seconds_to_wait
from video_sft.errors import ConfigError, VideoSftError, one_line

__all__ = ["HubFile", "HubRepo", "Operation", "PublishError"]

logger = logging.getLogger("video_sft")
Operation = CommitOperationAdd | CommitOperationDelete
T = TypeVar("T")
_ATTEMPTS = 6


class PublishError(VideoSftError):
    """The Hub did not take what was published; the message says what it answered and what may help."""


@dataclass(frozen=True)
class HubFile:
    """A file that is in the repo; where the Hub keeps it as a plain git file, it has no SHA-256 but git's own hash."""

    path: str
    size: int
    sha256: str | None
    git_oid: str


class HubRepo:
    """A dataset repo `org/name`, and the branch of it to read and commit to."""

    def __init__(self, name: str, *, revision: str | None = None, token: str | None = None) -> None:
        self.name = name
        self.branch = revision or "main"
        self._api = HfApi(token=token, library_name="video-sft")
        self._place: dict[str, Any] = {"repo_id": name, "repo_type": "dataset"}

    @property
    def url(self) -> str:
        """Where a person looks at it."""
        return f"{self._api.endpoint}/datasets/{self.name}"

    def create(self, *, private: bool) -> None:
        """Make sure that the repo and the branch are there.

        Raises:
            ConfigError: the repo is public and a private one is wanted.
            PublishError: the token may not create or see it.
        """
        with _explained(f"{self.name} cannot be created"):
            _repeated(lambda: self._api.create_repo(**self._place, private=private, exist_ok=True), what="Creating")
            if private and not self._info("private").private:
                raise ConfigError(f"{self.name} is there and public; make it private on the Hub first")
            if self.branch != "main":
                _repeated(
                    lambda: self._api.create_branch(**self._place, branch=self.branch, exist_ok=True), what="Branching"
                )

    def head(self) -> str | None:
        """Return the newest commit of the branch; None where there is no repo or branch."""
        try:
            return str(self._info("sha", revision=self.branch).sha)
        except (RepositoryNotFoundError, RevisionNotFoundError):
            return None

    def _info(self, what: Literal["private", "sha"], revision: str | None = None) -> Any:
        """Return one fact about the repo; all of them would come with a list of all its files."""
        return _repeated(
            lambda: self._api.dataset_info(self.name, revision=revision, expand=[what]), what="Reading the repo's state"
        )

    def files(self, folder: str | None = None) -> Iterator[HubFile]:
        """Yield the files in a folder and below, page by page; nothing where the folder or the repo is not there."""
        try:
            for entry in _repeated(lambda: self._begun(folder), what="Listing files"):
                if isinstance(entry, RepoFile):
                    yield HubFile(entry.path, entry.size, entry.lfs.sha256 if entry.lfs else None, entry.blob_id)
        except (RemoteEntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError):
            return

    def _begun(self, folder: str | None) -> Iterator[RepoFile | RepoFolder]:
        """Ask for the first page now, so that the asking can be repeated; for the others, clients see to that."""
        tree = iter(self._api.list_repo_tree(**self._place, path_in_repo=folder, recursive=True, revision=self.branch))
        return itertools.chain(list(itertools.islice(tree, 1)), tree)

    def last_change(self, folders: Iterable[str]) -> str | None:
        """Return the newest commit that changed one of the folders; None where none of them is there."""
        paths = list(folders)
        found = _repeated(
            lambda: self._api.get_paths_info(**self._place, paths=paths, revision=self.branch, expand=True),
            what="Reading the videos' commits",
        )
        commits = [entry.last_commit for entry in found if isinstance(entry, RepoFolder) and entry.last_commit]
        newest = max(commits, key=lambda commit: commit.date, default=None)
        return None if newest is None else str(newest.oid)

    def read_text(self, path: str, commit: str | None) -> str | None:
        """Return the text of a small file at a commit as `head` returns it; None where it is not there.

        Naming the commit matters: of a branch, the client would give a file of its cache while the Hub does not answer.
        """
        if commit is None:
            return None
        try:
            local = _repeated(
                lambda: self._api.hf_hub_download(**self._place, filename=path, revision=commit), what=f"Reading {path}"
            )
        except RemoteEntryNotFoundError:
            return None
        with open(local, encoding="utf-8", newline="") as file:
            return file.read()

    def upload(self, additions: Sequence[CommitOperationAdd]) -> None:
        """Send the content of files that a later `commit` adds, and forget it; content that is there is not sent."""
        with _explained(f"{self.name} did not take {additions[0].path_in_repo}"):
            _repeated(
                lambda: self._api.preupload_lfs_files(**self._place, additions=additions, revision=self.branch),
                what=f"Uploading {additions[0].path_in_repo}",
            )

    def commit(self, operations: Sequence[Operation], message: str, *, parent: str | None = None) -> str:
        """Commit files to the branch in one step and return the commit's hash.

        Where nothing differs from what is there, no commit is made and the branch's newest one is returned.

        Raises:
            PublishError: the Hub did not take it; or the branch's newest commit is another one than `parent`.
        """
        before = self.head()
        with _explained(f"{self.name} rejected the commit {message!r}"):
            given: dict[str, Any] = {"commit_message": message, "revision": self.branch, "parent_commit": parent}
            return _repeated(
                lambda: str(self._api.create_commit(**self._place, operations=operations, **given).oid),
                what=f"The commit {message!r}",
                done=lambda: self._landed(before, message),
            )

    def _landed(self, before: str | None, message: str) -> str | None:
        """Return the branch's newest commit if it is the one whose answer was lost."""
        newest = self._api.list_repo_commits(**self._place, revision=self.branch)[0]
        return str(newest.commit_id) if newest.commit_id != before and newest.title == message else None


def _repeated(action: Callable[[], T], *, what: str, done: Callable[[], T | None] = lambda: None) -> T:
    """Do something on the Hub, and do it again after a failure that may pass, unless there were too many.

    `done` is asked after a failure: the result, if it was done all the same and only the answer was lost. The client
    itself repeats some requests only, and not the same ones in all its versions.
    """
    retries = Retries(_ATTEMPTS, first_pause=1.0)
    while True:
        try:
            return action()
        except Exception as error:
            pause = retries.pause_after(asked) if (asked := _asked_pause(error)) is not None else None
            if pause is None:
                raise
            logger.warning("%s failed (%s); trying again in %.0f s", what, one_line(error), pause)
        time.sleep(pause)
        found = done()
        if found is not None:
            return found


def _asked_pause(error: BaseException | None) -> float | None:
    """Return the seconds that the Hub says to wait; None where the failure is not one that may pass."""
    while error is not None:
        if isinstance(error, HfHubHTTPError):
            if error.response.status_code not in PASSING_STATUSES:
                return None
            headers = error.response.headers
            limits: Any = getattr(utils, "parse_ratelimit_headers", lambda headers: None)(headers)  # there from 1.2 on
            spent = limits is not None and not limits.remaining
            return float(limits.reset_in_seconds) if spent else seconds_to_wait(headers.get("Retry-After"))
        if isinstance(error, (ConnectionError, TimeoutError)) or is_dropped_connection(error):
            return 0.0
        error = error.__cause__  # uploads wrap the HTTP error in a `RuntimeError`
    return None


_REMEDIES = {
    401: "Log in with `hf auth login`, or pass a token",
    403: "The token may not write here: take one with write access to this organisation",
    412: "Somebody else committed at the same time: run the same command again",
    429: "The Hub asks for fewer requests: run the same command again later, it goes on where it stopped",
}


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Turn the Hub's refusals into an error that says what was tried and what helps."""
    try:
        yield
    except Exception as error:
        refusal: BaseException | None = error
        while refusal is not None and not isinstance(refusal, HfHubHTTPError):
            refusal = refusal.__cause__
        if refusal is None:
            raise
        status = refusal.response.status_code
        answer = refusal.server_message or str(refusal).strip().partition("\n")[0]
        remedy = _REMEDIES.get(status, "Run the same command again: it goes on where it stopped")
        raise PublishError(f"{what}: {status}, {answer}. {remedy}") from error
