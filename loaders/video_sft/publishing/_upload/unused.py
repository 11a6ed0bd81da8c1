"""Videos in a repo that no row needs once some configs go without theirs."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pyarrow as pa

from video_sft.builders import find_source
from video_sft.errors import one_line
from video_sft.publishing._card.metadata import PublishedCard
from video_sft.publishing._layout import MANIFEST, VIDEO_FOLDER, is_rows_path, path_of_cell, pool_of
from video_sft.publishing._links import linked_cells
from video_sft.publishing._upload.refusals import PublishError
from video_sft.publishing._upload.repository import HubRepo

__all__ = ["needless_beside", "videos_without"]


def videos_without(repo: HubRepo, card: PublishedCard, configs: Collection[str]) -> list[str]:
    """Return the videos of some configs that no other config uses, and the zips of pools that no other has packed.

    Args:
        repo: as it is before these configs go.
        card: of the repo.
        configs: whose rows go, or are published without videos.
    """
    packed = {name for name in card.configs if card.configs[name].packed}
    if not any(card.videos_commit(name) or name in packed for name in configs):
        return []
    there = {file.path for file in repo.files(VIDEO_FOLDER)}
    rows = [file.path for file in repo.files() if is_rows_path(file.path)]
    theirs = _linked(repo, (path for path in rows if path.partition("/")[0] in configs))
    if theirs:
        theirs -= _linked(repo, (path for path in rows if path.partition("/")[0] not in configs))
    pools = _pools(packed & set(configs)) - _pools(packed - set(configs))
    zips = {path for path in there if path.endswith(".zip") and pool_of(path) in pools}
    return sorted(theirs & there | zips)


def needless_beside(left: Collection[str]) -> list[str]:
    """Return the files beside the videos that are about none of those left: the manifest, and licences of pools."""
    pools = {pool_of(path) for path in left} - {None}
    beside = [path for path in left if path.rpartition("/")[0] == VIDEO_FOLDER and pool_of(path) is None]
    return [
        path
        for path in sorted(beside)
        if not any(path == MANIFEST or path.startswith(f"{VIDEO_FOLDER}/{pool}-") for pool in pools)
    ]


def _linked(repo: HubRepo, paths: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        try:
            with repo.opened(path) as file:
                cells = linked_cells(file)
        except pa.ArrowInvalid as error:
            raise PublishError(
                f"{path} in {repo.name} cannot be read, so that nobody knows which videos its rows use: "
                f"{one_line(error)}. Publish that config anew, or delete the file"
            ) from error
        found |= {place for cell in cells if (place := path_of_cell(cell)) is not None}
    return found


def _pools(configs: Iterable[str]) -> set[str]:
    return {pool for name in configs for pool in find_source(name).pools}
