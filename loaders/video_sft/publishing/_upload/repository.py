"""A dataset repo on the Hub: what publishing asks of it, repeated where a failure may pass."""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, HfFileSystem, constants
from huggingface_hub.errors import (
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile, RepoFolder
from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

from video_sft._retrying import is_dropped_connection
from video_sft.errors import ConfigError
from video_sft.publishing._upload.refusals import explained, repeated

__all__ = ["HubFile", "HubRepo", "Operation"]

Operation = CommitOperationAdd | CommitOperationDelete
#: Files that one call of the client's `upload_folder` gets. By Xet it spreads them over commits of 200 to 1,000 itself,
#: by how long they take; otherwise they are one commit.
_FILES_BY_XET, _FILES_OTHERWISE = 10_000, 200
#: Changes in one commit, whose contents are there before.
_CHANGES_PER_COMMIT = 1_000


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
        self._had_bars = False

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
        with explained(f"{self.name} cannot be created"):
            repeated(lambda: self._api.create_repo(**self._place, private=private, exist_ok=True), what="Creating")
            if private and not self._info("private").private:
                raise ConfigError(f"{self.name} is there and public; make it private on the Hub first")
            if self.branch != "main":
                repeated(
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
        return repeated(
            lambda: self._api.dataset_info(self.name, revision=revision, expand=[what]), what="Reading the repo's state"
        )

    def files(self, folder: str | None = None, *, below: bool = True) -> Iterator[HubFile]:
        """Yield the files in a folder and below, page by page; nothing where the folder or the repo is not there."""
        if self._unasked:
            return
        try:
            for entry in repeated(lambda: self._begun(folder, below=below), what="Listing files"):
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
        found = repeated(
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
            local = repeated(
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
        with explained(f"{self.name} did not give {path}"):
            return Path(repeated(lambda: self._api.hf_hub_download(**self._place, **given), what=f"Getting {path}"))

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Keep the client from showing a bar for each file; `upload_folder` shows those of its pipeline."""
        self._had_bars = not are_progress_bars_disabled() and constants.HF_HUB_DISABLE_PROGRESS_BARS is None
        if self._had_bars:
            disable_progress_bars()
        try:
            yield
        finally:
            if self._had_bars:
                enable_progress_bars()

    @property
    def files_at_once(self) -> int:
        """The most files that `upload_folder` takes in one call."""
        return _FILES_BY_XET if _has_pipeline() else _FILES_OTHERWISE

    def upload_folder(self, folder: Path, message: str) -> None:
        """Send a folder's files to their paths in the repo; those that are there are passed over."""
        given: dict[str, Any] = {"folder_path": folder, "commit_message": message, "revision": self.branch}
        shown = self._had_bars and _has_pipeline()
        if shown:
            enable_progress_bars()
        try:
            with explained(f"{self.name} did not take all of {message!r}"):
                repeated(lambda: self._api.upload_folder(**self._place, **given), what=message)
        finally:
            if shown:
                disable_progress_bars()

    def upload(self, additions: Sequence[CommitOperationAdd]) -> None:
        """Send the content of files that a later `commit` adds, and forget it; content that is there is not sent."""
        with explained(f"{self.name} did not take {additions[0].path_in_repo}"):
            repeated(
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
        with explained(f"{self.name} rejected the commit {message!r}"):
            given: dict[str, Any] = {"commit_message": message, "revision": self.branch, "parent_commit": parent}
            return repeated(
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


def _has_pipeline() -> bool:
    """Return whether the client spreads a folder over commits itself, which it does where it has Xet."""
    parts = ("huggingface_hub._upload_pipeline", "hf_xet")
    return not constants.HF_HUB_DISABLE_XET and all(importlib.util.find_spec(part) for part in parts)
