"""A dataset repo on the Hub: what publishing asks of it, repeated where a failure may pass."""

from __future__ import annotations

import importlib.util
import itertools
import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, HfFileSystem, constants, utils
from huggingface_hub.errors import (
    HfHubHTTPError,
    OfflineModeIsEnabled,
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
#: Files that one call of the client's `upload_folder` gets. By Xet it spreads them over commits of 200 to 1,000 itself,
#: by how long they take; otherwise they are one commit.
_FILES_BY_XET, _FILES_OTHERWISE = 10_000, 250
#: Changes in one commit, whose contents are there before.
_CHANGES_PER_COMMIT = 1_000
_SECONDS = {"second": 1, "minute": 60, "hour": 3600}


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
        self._unasked = False

    @property
    def url(self) -> str:
        """Where a person looks at it."""
        return f"{self._api.endpoint}/datasets/{self.name}"

    def is_reachable(self) -> bool:
        """Ask once whether the Hub answers; where it does not, the repo is taken for one that is not there."""
        try:
            self._api.dataset_info(self.name, expand=["sha"])
        except RepositoryNotFoundError:
            pass
        except Exception as error:
            offline = isinstance(error, (OfflineModeIsEnabled, ConnectionError, TimeoutError))
            if not offline and not is_dropped_connection(error):
                raise
            self._unasked = True
        return not self._unasked

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
        if self._unasked:
            return None
        try:
            return str(self._info("sha", revision=self.branch).sha)
        except (RepositoryNotFoundError, RevisionNotFoundError):
            return None

    def _info(self, what: Literal["private", "sha"], revision: str | None = None) -> Any:
        """Return one fact about the repo; all of them would come with a list of all its files."""
        return _repeated(
            lambda: self._api.dataset_info(self.name, revision=revision, expand=[what]), what="Reading the repo's state"
        )

    def files(self, folder: str | None = None, *, below: bool = True) -> Iterator[HubFile]:
        """Yield the files in a folder and below, page by page; nothing where the folder or the repo is not there."""
        if self._unasked:
            return
        try:
            for entry in _repeated(lambda: self._begun(folder, below=below), what="Listing files"):
                if isinstance(entry, RepoFile):
                    yield HubFile(entry.path, entry.size, entry.lfs.sha256 if entry.lfs else None, entry.blob_id)
        except (RemoteEntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError):
            return

    def _begun(self, folder: str | None, *, below: bool) -> Iterator[RepoFile | RepoFolder]:
        """Ask for the first page now, so that the asking can be repeated; for the others, clients see to that."""
        tree = iter(self._api.list_repo_tree(**self._place, path_in_repo=folder, recursive=below, revision=self.branch))
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

    @contextmanager
    def opened(self, path: str) -> Iterator[Any]:
        """Open a file of the branch for reading parts of it."""
        system = HfFileSystem(endpoint=self._api.endpoint, token=self._api.token, skip_instance_cache=True)
        with system.open(f"datasets/{self.name}@{self.branch.replace('/', '%2F')}/{path}", "rb") as file:
            yield file

    def download(self, path: str, folder: Path, revision: str | None = None) -> Path:
        """Bring a file into a folder, under its path in the repo; one that is there and the same is left alone."""
        given: dict[str, Any] = {"filename": path, "revision": revision or self.branch, "local_dir": folder}
        with _explained(f"{self.name} did not give {path}"):
            return Path(_repeated(lambda: self._api.hf_hub_download(**self._place, **given), what=f"Getting {path}"))

    @property
    def files_at_once(self) -> int:
        """The most files that `upload_folder` takes in one call."""
        adaptive = importlib.util.find_spec("huggingface_hub._upload_pipeline") and importlib.util.find_spec("hf_xet")
        return _FILES_BY_XET if adaptive and not constants.HF_HUB_DISABLE_XET else _FILES_OTHERWISE

    def upload_folder(self, folder: Path, message: str) -> None:
        """Send a folder's files to their paths in the repo; those that are there are passed over."""
        given: dict[str, Any] = {"folder_path": folder, "commit_message": message, "revision": self.branch}
        with _explained(f"{self.name} did not take all of {message!r}"):
            _repeated(lambda: self._api.upload_folder(**self._place, **given), what=message)

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

    def commit_most(self, groups: Iterable[Sequence[Operation]], message: str) -> list[Operation]:
        """Commit what does not fit into one commit with the card and its like, and return the rest.

        That is nothing, most times. Where there are more changes, the groups stay together as far as they fit. The card
        comes last: what it names is there when it names it.
        """
        batch: list[Operation] = []
        for operations in groups:
            for start in range(0, len(operations), _CHANGES_PER_COMMIT):
                piece = operations[start : start + _CHANGES_PER_COMMIT]
                if len(batch) + len(piece) > _CHANGES_PER_COMMIT:
                    self.commit(batch, message)
                    batch = []
                batch += piece
        return batch

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
            if limits is not None and not limits.remaining:
                return float(limits.reset_in_seconds)
            return seconds_to_wait(headers.get("Retry-After")) or _told_pause(error.server_message or "")
        if isinstance(error, (ConnectionError, TimeoutError)) or is_dropped_connection(error):
            return 0.0
        error = error.__cause__  # uploads wrap the HTTP error in a `RuntimeError`
    return None


def _told_pause(answer: str) -> float:
    """Return the seconds that a sentence says to wait, as that on too many commits in an hour does; 0 for none."""
    told = re.search(r"\bin (?:about )?(\d+|an?) (second|minute|hour)s?\b", answer)
    return 0.0 if told is None else float(_SECONDS[told[2]] * (int(told[1]) if told[1].isdigit() else 1))


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
