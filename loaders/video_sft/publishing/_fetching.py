"""`fetch_videos`: one config of a repo in a folder, with its videos and no others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from video_sft._parallel import done_in_threads
from video_sft.builders import find_source
from video_sft.errors import ConfigError
from video_sft.publishing._card.metadata import PublishedCard
from video_sft.publishing._layout import LICENSE, VIDEO_FOLDER, is_rows_path, path_of_cell, pool_of, rows_glob
from video_sft.publishing._links import linked_cells
from video_sft.publishing._upload.repository import HubRepo

__all__ = ["fetch_videos"]

_THREADS = 8


def fetch_videos(
    config: str,
    *,
    repo: str,
    out: str | os.PathLike[str],
    split: str | None = None,
    revision: str | None = None,
    token: str | None = None,
) -> Path:
    """Download a config of a repo with the videos its rows refer to, and none of the others.

    `load(config, repo=out)` then reads rows and videos without a network. What is in the folder already is not
    downloaded again, so a call that was stopped goes on where it was, and several configs may share a folder.

    Args:
        config: its name.
        repo: `org/name`.
        out: the folder; the files get the paths they have in the repo.
        split: one split's rows and videos; None is all of them.
        revision: a branch, tag or commit; None is the default branch.
        token: None is the logged-in user's.

    Returns:
        The folder.

    Raises:
        ConfigError: the repo has no such config or split.
        PublishError: the Hub did not give something.
    """
    hub, folder = HubRepo(repo, revision=revision, token=token), Path(out)
    head = hub.head()
    files = [file.path for file in hub.files()]
    begins = rows_glob(config, split).removesuffix("*.parquet") if split else f"{config}/"
    rows = [path for path in files if is_rows_path(path) and path.startswith(begins)]
    if head is None or not rows:
        there = ", ".join(sorted({path.partition("/")[0] for path in files if is_rows_path(path)})) or "none"
        raise ConfigError(
            f"{repo} has no config {config!r}{f' with a split {split!r}' if split else ''}; it has {there}"
        )
    beside = [path for path in files if path in ("README.md", LICENSE) or _is_beside(path)]
    with hub.quiet():
        cells: set[str] = set()
        for path in [*beside, *rows]:
            file = hub.download(path, folder, head)
            cells |= linked_cells(file) if path in rows else set()
        wanted = dict(_videos(cells, repo, head))
        known = PublishedCard(repo, hub.read_text("README.md", head)).configs.get(config)
        if known is not None and known.packed:
            pools = find_source(config).pools
            wanted |= {path: head for path in files if path.endswith(".zip") and pool_of(path) in pools}

        def get(path: str) -> Path:
            return hub.download(path, folder, wanted[path])

        told = {"total": len(wanted), "title": "fetching videos", "unit": "videos"}
        for _ in done_in_threads(get, sorted(wanted), num_threads=_THREADS, **told):  # type: ignore[arg-type]
            pass
    return folder


def _videos(cells: set[str], repo: str, head: str) -> Iterator[tuple[str, str]]:
    """Yield the paths of videos and the commits cells pin them to; one of a repo's former name says nothing here."""
    for cell in cells:
        path = path_of_cell(cell)
        if path is not None:
            own = cell.startswith(f"hf://datasets/{repo}@")
            yield path, cell.partition("@")[2].partition("/")[0] if own else head


def _is_beside(path: str) -> bool:
    return path.rpartition("/")[0] == VIDEO_FOLDER and pool_of(path) is None
