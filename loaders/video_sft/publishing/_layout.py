"""The layout of a published repo: rows by config and split, videos by pool and shard."""

from __future__ import annotations

import functools
import hashlib
import re

__all__ = [
    "CUT_SUFFIX",
    "LICENSE",
    "MANIFEST",
    "VIDEO_FOLDER",
    "cell_path",
    "is_rows_path",
    "pack_path",
    "path_of_cell",
    "pool_of",
    "rows_glob",
    "rows_path",
    "video_path",
    "was_cut",
]

VIDEO_FOLDER = "videos"
#: Beside the pools' folders, for the last change of those tells rows what commit they are pinned to.
MANIFEST = f"{VIDEO_FOLDER}/manifest.csv"
LICENSE = "LICENSE"
#: Ends the pool's name where a video was cut to one row before it was published, so that readers do not cut it again.
CUT_SUFFIX = "-clips"
_VIDEO = re.compile(rf"{VIDEO_FOLDER}/(?:([^/]+)/[0-9a-f]{{2}}/[^/]+|([^/]+)-\d{{5}}\.zip)", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z0-9._-]+")
_LONGEST_NAME = 120
#: What names a video of a repo: on the Hub, whatever the repo's name and commit, or in a folder of this machine.
_CELL = re.compile(
    rf"(?:hf://datasets/[^/@]+/[^/@]+(?:@[^/]+)?|(?:/|[A-Za-z]:).*)[\\/]({VIDEO_FOLDER}/[\w.-]+/[0-9a-f]{{2}}/[\w.-]+)",
    re.ASCII,
)


def rows_path(config: str, split: str, index: int, count: int) -> str:
    """Return the path of one Parquet shard."""
    return f"{config}/{split}-{index:05d}-of-{count:05d}.parquet"


def rows_glob(config: str, split: str) -> str:
    """Return the pattern that a card gives for the shards of a split."""
    return f"{config}/{split}-*.parquet"


@functools.lru_cache(maxsize=4096)
def video_path(pool: str, key: str, suffix: str) -> str:
    """Return the path of a video: the same for the same item, whoever publishes it, and unlike that of any other.

    The Hub wants fewer than 10,000 entries in a folder; 256 shards hold two million. The suffix is that of the file at
    hand, since pools hold other containers than annotations say.
    """
    digest = hashlib.sha256(key.encode()).hexdigest()
    name = key.replace("/", "__")
    if "__" in key or not _PLAIN.fullmatch(name) or name.startswith(".") or len(name) > _LONGEST_NAME:
        name = f"{re.sub(r'[^A-Za-z0-9._-]', '_', name).lstrip('.')[:_LONGEST_NAME]}-{digest[:12]}"
    return f"{VIDEO_FOLDER}/{pool}/{digest[:2]}/{name}{suffix.lower()}"


def cell_path(repo: str, commit: str, path: str) -> str:
    """Return what a row holds for a file of the repo: the form the Hub's viewer plays."""
    return f"hf://datasets/{repo}@{commit}/{path}"


def path_of_cell(cell: str) -> str | None:
    """Return the path in its repo of the video that a cell names, whatever the repo and commit; None for another."""
    found = _CELL.fullmatch(cell)
    return found[1] if found and ".." not in found[1].split("/") else None


def pack_path(pool: str, number: int) -> str:
    """Return the path of one of a pool's zips."""
    return f"{VIDEO_FOLDER}/{pool}-{number:05d}.zip"


def pool_of(path: str) -> str | None:
    """Return the pool of a video, or of a zip of videos, by its path in the repo; None for any other file."""
    found = _VIDEO.fullmatch(path)
    return (found[1] or found[2]).removesuffix(CUT_SUFFIX) if found else None


def is_rows_path(path: str) -> bool:
    """Return whether a file of a repo has rows."""
    return path.endswith(".parquet") and path.count("/") == 1 and not path.startswith(f"{VIDEO_FOLDER}/")


def was_cut(path: str) -> bool:
    """Return whether a published video's path says that it was cut to its row already."""
    own = path_of_cell(path)
    folders = own.partition("/")[2] if own else path.partition(f"/{VIDEO_FOLDER}/")[2] or path
    return folders.partition("/")[0].endswith(CUT_SUFFIX)
