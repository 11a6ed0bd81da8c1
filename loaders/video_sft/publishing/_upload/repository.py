"""One dataset repo on the Hub: what publishing asks of it, with patience."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import (
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile, RepoFolder

from video_sft.errors import ConfigError, VideoSftError
from video_sft.publishing._upload.retries import patiently

__all__ = ["HubFile", "HubRepo", "Operation", "PublishError"]

logger = logging.getLogger("video_sft")
Operation = CommitOperationAdd | CommitOperationDelete


class PublishError(VideoSftError):
    """The Hub did not take what was published; the message says what it answered and what may help."""


@dataclass(frozen=True)
class HubFile:
    """A file that is in the repo already.

    Attributes:
        path: where.
        size: in bytes.
        sha256: of its content; None where the Hub keeps it as a plain git file.
        git_oid: git's hash of its content where `sha256` is None.
    """

    path: str
    size: int
    sha256: str | None
    git_oid: str


class HubRepo:
    """A dataset repo.

    Args:
        name: `org/name`.
        revision: the branch to read and commit to; None is the default branch.
        token: None is the logged-in user's.
    """

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
            patiently(lambda: self._api.create_repo(**self._place, private=private, exist_ok=True), what="Creating")
            if private and not self._info("private").private:
                raise ConfigError(f"{self.name} is there and public; make it private on the Hub first")
            if self.branch != "main":
                patiently(
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
        return patiently(
            lambda: self._api.dataset_info(self.name, revision=revision, expand=[what]), what="Reading the repo's state"
        )

    def files(self, folder: str | None = None) -> Iterator[HubFile]:
        """Yield the files in a folder and below, page by page; nothing where the folder or the repo is not there."""
        try:
            for entry in patiently(lambda: self._begun(folder), what="Listing files"):
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
        found = patiently(
            lambda: self._api.get_paths_info(**self._place, paths=paths, revision=self.branch, expand=True),
            what="Reading the videos' commits",
        )
        commits = [entry.last_commit for entry in found if isinstance(entry, RepoFolder) and entry.last_commit]
        newest = max(commits, key=lambda commit: commit.date, default=None)
        return None if newest is None else str(newest.oid)

    def read_text(self, path: str, commit: str | None) -> str | None:
        """Return the text of a small file; None where it is not there.

        Args:
            path: in the repo.
            commit: as `head` returns it. Naming the commit matters: of a branch, the client would give a file of its
                cache while the Hub does not answer.
        """
        if commit is None:
            return None
        try:
            local = patiently(
                lambda: self._api.hf_hub_download(**self._place, filename=path, revision=commit),
                what=f"Reading {path}",
            )
        except RemoteEntryNotFoundError:
            return None
        with open(local, encoding="utf-8", newline="") as file:
            return file.read()

    def upload(self, additions: Sequence[CommitOperationAdd]) -> None:
        """Send the content of files that a later `commit` adds, and forget it; content that is there is not sent."""
        with _explained(f"{self.name} did not take {additions[0].path_in_repo}"):
            patiently(
                lambda: self._api.preupload_lfs_files(**self._place, additions=additions, revision=self.branch),
                what=f"Uploading {additions[0].path_in_repo}",
            )

    def commit(self, operations: Sequence[Operation], message: str, *, parent: str | None = None) -> str:
        """Commit files to the branch in one step and return the commit's hash.

        Where nothing differs from what is there, no commit is made and the branch's newest one is returned.

        Args:
            operations: what to add and delete.
            message: one line.
            parent: refuse if the branch's newest commit is another one.

        Raises:
            PublishError: the Hub did not take it.
        """
        before = self.head()
        with _explained(f"{self.name} rejected the commit {message!r}"):
            return patiently(
                lambda: str(
                    self._api.create_commit(
                        **self._place,
                        operations=operations,
                        commit_message=message,
                        revision=self.branch,
                        parent_commit=parent,
                    ).oid
                ),
                what=f"The commit {message!r}",
                done=lambda: self._landed(before, message),
            )

    def _landed(self, before: str | None, message: str) -> str | None:
        """Return the branch's newest commit if it is the one whose answer was lost."""
        newest = self._api.list_repo_commits(**self._place, revision=self.branch)[0]
        return str(newest.commit_id) if newest.commit_id != before and newest.title == message else None


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
