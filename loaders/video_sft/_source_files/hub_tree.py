"""A tree of files in a Hub repo that may be gated, read at one commit."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import datasets
from huggingface_hub import HfApi, constants

from video_sft._source_files.found_parts import FoundParts, download_parts, find_parts
from video_sft._source_files.given_files import SourcePlace
from video_sft._sources.part import Located, Part, places_of
from video_sft.errors import MissingFileError, one_line

__all__ = ["HubTree"]

logger = logging.getLogger("video_sft")
_SECONDS_TO_ANSWER = 20.0


@dataclass(frozen=True, kw_only=True)
class HubTree:
    """A dataset repo on the Hub that is read where the user gives no `data_dir`.

    The Hub takes full commit hashes and names of branches, no shortened hashes. Where upstream's full hash is not
    known, `revision` is a branch: it is resolved to a commit first, and every file of a build is read at that commit.

    Attributes:
        repo: `org/name`.
        revision: a full commit hash or a branch.
        steps: what a person has to do to be let in.
    """

    repo: str
    revision: str
    steps: str

    def identity(self) -> str:
        """Return what changes when the tree does: its commit, when the Hub cannot be asked the last one seen."""
        try:
            return self._root(self._commit())
        except Exception:  # noqa: BLE001  (whose errors they are differs between versions of huggingface_hub)
            return self._root(self._last_seen() or self.revision)

    def found_parts(self, parts: Sequence[Part], downloads: datasets.DownloadManager) -> FoundParts:
        """Download the parts' files that the tree has, through the Hub's cache, with the user's token.

        Raises:
            MissingFileError: the Hub cannot be asked, or does not let this user in; the message has the steps.
        """
        found = find_parts(parts, SourcePlace(self.root()))
        present = [_with_urls(part, locations) for part, locations in found.present]
        return FoundParts(download_parts(present, downloads).present, found.absent)

    def root(self) -> str:
        """Return the tree at its present commit, as a root that files are looked for under.

        Raises:
            MissingFileError: the Hub cannot be asked.
        """
        try:
            return self._root(self._commit())
        except Exception as error:
            message = f"the Hub cannot be asked for {self.repo}: {one_line(error)}. {self.steps}"
            raise MissingFileError(message) from error

    def _commit(self) -> str:
        if len(self.revision) == 40:
            return self.revision
        api = HfApi(endpoint=datasets.config.HF_ENDPOINT)
        found = api.repo_info(self.repo, repo_type="dataset", revision=self.revision, timeout=_SECONDS_TO_ANSWER)
        logger.info("%s is read at its commit %s", self.repo, found.sha)
        return str(found.sha)

    def _last_seen(self) -> str | None:
        """Return the commit that files were last downloaded at."""
        folder = f"datasets--{self.repo.replace('/', '--')}"
        snapshots = list((Path(constants.HF_HUB_CACHE) / folder / "snapshots").glob("*"))
        return max(snapshots, key=lambda each: each.stat().st_mtime).name if snapshots else None

    def _root(self, revision: str) -> str:
        return f"hf://datasets/{self.repo}@{revision}"


def _with_urls(part: Part, locations: dict[str, Located]) -> Part:
    files = {role: dataclasses.replace(part.files[role], url=places_of(place)[0]) for role, place in locations.items()}
    return dataclasses.replace(part, files=files)
