"""The reader of published repos, with this package's lazy clips."""

from __future__ import annotations

import functools
import glob
import json
import logging
import os
import re
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

import datasets
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from video_sft._base_builder.source_columns import upstream_schema
from video_sft._config_name import is_upstream
from video_sft._datasets import AnyDataset
from video_sft._media import MediaPools, MissingPolicy
from video_sft._rows.schema import features
from video_sft.builders import configs, find_source
from video_sft.errors import ConfigError, one_line
from video_sft.publishing._cells import has_media
from video_sft.publishing._column_types import LISTED_VIDEOS, native_types
from video_sft.publishing._layout import VIDEO_FOLDER, path_of_cell, pool_of, was_cut
from video_sft.publishing._upload.repository import HubRepo
from video_sft.video._bytes.media_bytes import REFUSED
from video_sft.video._fragment import clip_url, split_fragment

__all__ = ["load_published"]

logger = logging.getLogger("video_sft")
_LIMITS = ("start_seconds", "stop_seconds")
_MEDIA = ("video", "image")


def load_published(
    config: str,
    repo: str | os.PathLike[str],
    *,
    split: str | None = None,
    streaming: bool = False,
    revision: str | None = None,
    token: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    allow_media: Sequence[str] = (),
    missing: MissingPolicy = "null",
) -> AnyDataset:
    """Load a config from a repo that `publish` made: the rows that were built, with clips that read remote ranges.

    Only Parquet is downloaded. A video is opened when its frames are asked for, and then only the bytes they need come
    over the network. Of a folder that the repo was downloaded to, the videos in it are read, and nothing else. Whoever
    wrote the rows chose what their cells name, so clips open what lies in the same repo and nothing else: no file of
    this machine, no other server.

    Args:
        config: the config's name.
        repo: `org/name`, or a folder with a repo's files under the paths they have there.
        split: as for `datasets.load_dataset`; None loads all.
        streaming: read rows as they are asked for, and cache nothing.
        revision: a branch, tag or commit of the repo; None is its default branch.
        token: for the rows of a private or gated repo; None is the logged-in user's. Clips of downloaded rows are
            opened as the logged-in user (`hf auth login`, or `HF_TOKEN`), for a token has no place in a dataset.
        cache_dir: where rows are cached.
        allow_media: what cells may name beside the repo's own files: beginnings of paths or URLs, such as
            `hf://datasets/org/videos` or `/data/videos`.
        missing: what becomes of rows whose video is not in the zips, in a repo that has its videos in zips.

    Raises:
        ConfigError: the repo has no such config; the message names those it has.
    """
    repo = os.path.abspath(repo) if os.path.isdir(repo) else os.fspath(repo)
    in_folder = os.path.isdir(repo)
    root = repo if in_folder else f"hf://datasets/{repo}@{(revision or 'main').replace('/', '%2F')}"
    allowed = _Allowed(_pattern(repo, allow_media), root, in_folder)
    options = {"split": split, "streaming": streaming, "revision": revision, "token": token, "cache_dir": cache_dir}
    find_packed = functools.partial(_with_packed, config, HubRepo(repo, revision=revision, token=token), missing)
    try:
        return find_packed(_loaded(config, repo, allowed, options))
    except (OSError, ValueError) as error:
        # Those of Arrow have no number; those of a network are of classes of their own.
        damaged = isinstance(error, (json.JSONDecodeError, pa.ArrowInvalid)) or (
            type(error) is OSError and not error.errno
        )
        if streaming or not damaged or not _discard(config, repo, cache_dir, error):
            raise
    return find_packed(_loaded(config, repo, allowed, options))


def _of_folder(config: str, repo: str, options: Mapping[str, Any]) -> Any:
    """Load the Parquet files of a folder by name and time: by its card, `datasets` gives rows as they once were."""
    files: dict[str, list[str]] = {}
    folder = Path(repo)
    for path in sorted(folder.glob(f"{glob.escape(config)}/*.parquet")):
        files.setdefault(path.name.partition("-")[0], []).append(str(path))
    if not files:
        there = ", ".join(sorted({path.parent.name for path in folder.glob("*/*-*-of-*.parquet")})) or "none"
        raise ConfigError(f"{folder} has no config {config!r}; it has {there}")
    stated = datasets.Features.from_arrow_schema(pq.read_schema(next(iter(files.values()))[0]))
    chosen = {name: options[name] for name in ("split", "streaming", "cache_dir")}
    return datasets.load_dataset("parquet", data_files=files, features=_columns(config, stated), **chosen)


def _with_packed(config: str, repo: HubRepo, missing: MissingPolicy, rows: Any) -> Any:
    """Return rows with the videos that lie in zips of the repo, where their cells are all empty."""
    parts = rows if isinstance(rows, dict) else {"": rows}
    if is_upstream(config) or not any(_is_empty(part) for part in parts.values()):
        return rows
    places = _packed_places(repo, find_source(config).pools)
    if not places:
        return rows
    pools = MediaPools(places, missing=missing)
    found = {name: _attached(part, pools, config) if _is_empty(part) else part for name, part in parts.items()}
    return type(rows)(found) if isinstance(rows, dict) else found[""]


def _is_empty(rows: Any) -> bool:
    if isinstance(rows, datasets.IterableDataset):  # of which nobody knows yet
        return has_media(rows.features)
    return has_media(rows.features) and rows.data.column("video").null_count == len(rows.data) > 0


def _attached(rows: Any, pools: MediaPools, config: str) -> Any:
    if isinstance(rows, datasets.Dataset):
        return pools.attach(rows, config)
    attach = functools.partial(pools.attach_table, name=config)
    return rows.with_format("arrow").map(attach, batched=True).with_format(None).cast(rows.features)


def _packed_places(repo: HubRepo, pools: Collection[str]) -> dict[str, list[str]]:
    """Return the zips of each pool that has some, the newest first, for that one holds what has changed."""
    zips = [path for path in _files_beside(repo) if path.endswith(".zip") and pool_of(path) in pools]
    if not zips:
        return {}
    root = repo.name if os.path.isdir(repo.name) else f"hf://datasets/{repo.name}@{repo.head()}"
    found: dict[str, list[str]] = {}
    for path in sorted(zips, reverse=True):
        found.setdefault(str(pool_of(path)), []).append(f"{root}/{path}")
    return found


def _files_beside(repo: HubRepo) -> list[str]:
    """Return the paths of files that lie in the repo's folder of videos itself; none where nobody can be asked."""
    if os.path.isdir(repo.name):
        folder = os.path.join(repo.name, VIDEO_FOLDER)
        return [f"{VIDEO_FOLDER}/{name}" for name in os.listdir(folder)] if os.path.isdir(folder) else []
    return [file.path for file in repo.files(VIDEO_FOLDER, below=False)] if repo.is_reachable() else []


def _discard(config: str, repo: str, cache_dir: str | os.PathLike[str] | None, error: Exception) -> bool:
    """Delete what `datasets` keeps of a repo's config, which cannot be read; return whether there was any."""
    kept = Path(cache_dir or datasets.config.HF_DATASETS_CACHE).expanduser() / repo.replace("/", "___")
    folders = [path for path in kept.glob("*") if re.fullmatch(rf"{re.escape(config)}(-[0-9a-f]+)?", path.name)]
    for folder in folders:
        logger.warning("%s: what is kept of it in %s is damaged and made anew: %s", config, folder, one_line(error))
        shutil.rmtree(folder)
    return bool(folders)


def _loaded(config: str, repo: str, allowed: _Allowed, options: Mapping[str, Any]) -> AnyDataset:
    try:
        read = _of_folder if allowed.folder else _of_repo
        rows = read(config, repo, options)
    except ValueError as error:
        if "BuilderConfig" not in str(error):
            raise
        raise ConfigError(f"{repo} has no config {config!r}: {error}") from error
    if isinstance(rows, (datasets.DatasetDict, datasets.IterableDatasetDict)):
        return cast("AnyDataset", type(rows)({name: _with_clips(part, allowed) for name, part in rows.items()}))
    return cast("AnyDataset", _with_clips(rows, allowed))


def _of_repo(config: str, repo: str, options: Mapping[str, Any]) -> Any:
    among = {name: options[name] for name in ("revision", "token", "cache_dir")}
    stated = datasets.load_dataset_builder(repo, config, **among).info.features
    return datasets.load_dataset(repo, config, features=_columns(config, stated), **options)


def _columns(config: str, stated: datasets.Features | None) -> datasets.Features | None:
    """Return the columns to read a config by, of those that are stated, which the viewer is a reason for."""
    own = upstream_schema(find_source(config)) if is_upstream(config) and config in configs() else None
    return stated and native_types(stated, own)


@dataclass(frozen=True)
class _Allowed:
    """The places that cells may name, and where they are.

    Attributes:
        pattern: of their beginnings.
        root: where the repo is: a folder, or on the Hub. What cells of a repo that was renamed or copied name is there.
        folder: whether it is a folder, whose videos are read instead of those on the Hub.
    """

    pattern: str
    root: str
    folder: bool = False

    def place(self, cell: str) -> str | None:
        """Return where a video is that a cell names; None where it may not be opened."""
        parts = re.split(r"[/\\]", unquote(cell))
        named = re.match(self.pattern, cell) is not None and ".." not in parts and "::" not in cell
        path = path_of_cell(cell)
        here = None if path is None else f"{self.root}/{path}"
        if named and (here is None or not self.folder or not os.path.isfile(here)):
            return cell
        return here


def _pattern(repo: str, more: Sequence[str]) -> str:
    """Return a pattern of the places that cells may name."""
    if isinstance(more, str) or not all(isinstance(each, str) and each for each in more):
        raise ConfigError(f"allow_media is {more!r}; it is a list of beginnings such as ['hf://datasets/org/videos']")
    own = [] if os.path.isdir(repo) else [rf"hf://datasets/{re.escape(repo)}(?:@[^/]+)?"]
    return rf"^(?:{'|'.join([*own, *(re.escape(each.rstrip('/')) for each in more)]) or '(?!)'})/"


def _with_clips(rows: Any, allowed: _Allowed) -> Any:
    """Give video cells their clip's limits, and the column its lazy clips."""
    if not has_media(rows.features):
        return rows
    listed = [LISTED_VIDEOS] if LISTED_VIDEOS in rows.features else []
    kept = {name: feature for name, feature in rows.features.items() if name not in listed}
    shape = datasets.Features({**kept, **{name: features()[name] for name in _MEDIA}})
    if isinstance(rows, datasets.IterableDataset):
        placed = functools.partial(_placed, allowed=allowed)
        # The features come last: datasets 4.8 takes tables of a `map` that was given features for rows already decoded.
        return rows.with_format("arrow").map(placed, batched=True, remove_columns=listed).with_format(None).cast(shape)
    rows = rows.remove_columns(listed)
    unlimited = all(rows.data.column(name).null_count == len(rows.data) for name in _LIMITS)
    if unlimited and all(_all_allowed(rows.data.column(name), allowed) for name in _MEDIA):
        return rows.cast_column("video", shape["video"])
    # Only the paths are written anew; the other columns stay in the files they were downloaded to.
    paths = rows.select_columns([*_MEDIA, *_LIMITS]).with_format("arrow")
    kept = datasets.Features({name: shape[name] for name in _MEDIA})
    options = {"batched": True, "features": kept, "remove_columns": list(_LIMITS), "fn_kwargs": {"allowed": allowed}}
    cells = paths.map(_placed_cells, **options).with_format(None)
    joined = datasets.concatenate_datasets([rows.remove_columns(list(_MEDIA)), cells], axis=1)
    return joined.select_columns(rows.column_names).cast_column("video", shape["video"])


def _all_allowed(cells: pa.ChunkedArray, allowed: _Allowed) -> bool:
    """Return whether cells that name a place, rather than hold their media, name none but those allowed."""
    for chunk in cells.chunks:
        outside = pc.and_(chunk.is_valid(), pc.and_(chunk.field("bytes").is_null(), chunk.field("path").is_valid()))
        places = chunk.field("path").filter(outside).unique()
        if not all(allowed.place(place) == place for place in places.to_pylist()):
            return False
    return True


def _placed(table: pa.Table, allowed: _Allowed) -> pa.Table:
    """Return a batch whose video cells have their limits, and whose media cells open no place but those allowed."""
    for name in _MEDIA:
        rows = table.select([name, *_LIMITS]).to_pylist()
        cells = [row[name] and {**row[name], "path": _path(row, name, allowed)} for row in rows]
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, pa.array(cells, type=datasets.Video().pa_type))
    return table


def _placed_cells(table: pa.Table, allowed: _Allowed) -> pa.Table:
    return _placed(table, allowed).select(list(_MEDIA))


def _path(row: dict[str, Any], name: str, allowed: _Allowed) -> str | None:
    path: str | None = row[name]["path"]
    held = row[name]["bytes"] is not None
    place = path if held or path is None else allowed.place(path)
    if path is not None and place is None:
        return f"{REFUSED}{split_fragment(path)[0]}"
    if name == "image" or was_cut(path or "") or not (place or held):
        return place
    return clip_url(place or "", row["start_seconds"], row["stop_seconds"])
