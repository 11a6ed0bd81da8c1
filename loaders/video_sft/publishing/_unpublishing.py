"""`unpublish`: configs out of a repo, with the videos that no other config uses."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete

from video_sft._files import unfinished_folder
from video_sft.errors import ConfigError
from video_sft.publishing._card.metadata import NOTEBOOK, PublishedCard
from video_sft.publishing._layout import LICENSE, MANIFEST, is_rows_path
from video_sft.publishing._upload.licences import is_ours, licence_text
from video_sft.publishing._upload.manifest import manifest_of
from video_sft.publishing._upload.repository import HubRepo, Operation
from video_sft.publishing._upload.unused import needless_beside, videos_without

__all__ = ["UnpublishReport", "unpublish"]


@dataclass(frozen=True)
class UnpublishReport:
    """What was taken out of a repo, or would be.

    Attributes:
        name: `org/name`.
        configs: those that stay.
        deleted: paths of the files that were deleted: rows and videos, and what lay beside them.
        commit: the newest commit; None for a dry run.
    """

    name: str
    configs: tuple[str, ...]
    deleted: tuple[str, ...]
    commit: str | None = None


def unpublish(
    configs: str | Sequence[str],
    *,
    repo: str,
    revision: str | None = None,
    token: str | None = None,
    dry_run: bool = False,
) -> UnpublishReport:
    """Delete configs from a repo: their rows, and those of their videos that no other config there uses.

    The card, the notebook, the licence and the manifest follow. The branch's history still has what was deleted: for
    videos that have to be gone, call `HfApi.super_squash_history` and then `relink`, for it changes all commits.

    Args:
        configs: names of configs.
        repo: `org/name`.
        revision: the branch; None is the default branch.
        token: None is the logged-in user's.
        dry_run: find out what would be deleted, and delete nothing.

    Raises:
        ConfigError: the repo has no such config.
        PublishError: the Hub did not take something.
    """
    names = {configs} if isinstance(configs, str) else set(configs)
    hub = HubRepo(repo, revision=revision, token=token)
    head = hub.head()
    files = [file.path for file in hub.files()]
    card = PublishedCard(hub.name, hub.read_text("README.md", head))
    there = set(card.configs)
    if not names or names - there:
        known = ", ".join(sorted(there)) or "none"
        raise ConfigError(
            f"{repo} has no config {', '.join(sorted(names - there)) or 'that was named'}; it has {known}"
        )
    gone = videos_without(hub, card, names)
    manifest = manifest_of(hub.read_text(MANIFEST, head))
    manifest.forget(gone)
    card.configs = {name: report for name, report in card.configs.items() if name not in names}
    card.videos = manifest.totals()
    rows = [path for path in files if is_rows_path(path) and path.partition("/")[0] in names]
    left = set(files) - set(gone) - set(rows)
    beside = [] if there - names else [path for path in ("README.md", NOTEBOOK, LICENSE) if path in left]
    beside += needless_beside(left)
    deleted = [*gone, *rows, *sorted(beside)]
    kept = tuple(sorted(there - names))
    if dry_run:
        return UnpublishReport(repo, kept, tuple(deleted))
    with unfinished_folder(Path(tempfile.gettempdir()), mode=0o700) as folder, hub.quiet():
        added: list[Operation] = []
        if card.configs:
            added += [
                CommitOperationAdd("README.md", card.render([]).encode()),
                CommitOperationAdd(NOTEBOOK, card.notebook([])),
            ]
            if is_ours(hub.read_text(LICENSE, head)):
                added.append(CommitOperationAdd(LICENSE, licence_text(card.facts([]).sources)))
        written = manifest.write(folder / "manifest.csv")
        if written is not None and gone:
            added.append(CommitOperationAdd(MANIFEST, str(written)))
        deletions = [CommitOperationDelete(path) for path in deleted]
        rest = hub.commit_most([deletions], "Delete videos and rows")
        commit = hub.commit([*rest, *added], f"Unpublish {', '.join(sorted(names))}")
    return UnpublishReport(repo, kept, tuple(deleted), commit)
