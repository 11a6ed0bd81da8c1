"""The things that can be looked at: a config, a mixture's recipe, a folder of rows or of videos; and their splits."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import datasets

from video_sft._config_name import is_upstream, source_of, upstream_config
from video_sft._loading import load
from video_sft._media.media_listing import Notes, list_files
from video_sft._suffixes import SUFFIXES, name_of, suffix_of
from video_sft._upstream_loading import splits_there
from video_sft._viewing.mixed_rows import MixedRows
from video_sft._viewing.row_set import RowSet
from video_sft.builders import builder_class
from video_sft.errors import ConfigError, MissingFileError
from video_sft.mixing._outcomes import outcomes
from video_sft.video import Video
from video_sft.video._reading.frame_folder import is_frame, natural

__all__ = ["Opened", "open_config", "open_folder", "open_recipe"]

#: Loads a config of one source in one split, with the options that everything here was opened with.
LoadConfig = Callable[[str, str], datasets.Dataset]


class Opened:
    """What is looked at, split by split; a split is loaded when it is first asked for.

    Attributes:
        title: what it is called.
        splits: the names of its splits.
        mixture: what `describe` takes, where it is one.
    """

    def __init__(self, title: str, splits: Mapping[str, Callable[[], RowSet]], load_config: LoadConfig | None) -> None:
        self.title = title
        self.splits = tuple(splits)
        self.mixture: datasets.Dataset | None = None
        self._makers = dict(splits)
        self._sets: dict[str, RowSet] = {}
        self._others: dict[tuple[str, str], RowSet] = {}
        self._load_config = load_config
        self._lock = threading.Lock()

    def rows(self, split: str) -> RowSet:
        """Return the rows of a split.

        Raises:
            ConfigError: there is no such split.
        """
        if split not in self._makers:
            raise ConfigError(f"{self.title} has no split {split!r}; it has {', '.join(self.splits)}")
        with self._lock:
            if split not in self._sets:
                self._sets[split] = self._makers[split]()
            return self._sets[split]

    def row(self, split: str, number: int) -> dict[str, Any]:
        """Return a row for people: that of the shared schema, also where upstream's own is looked at.

        Raises:
            ConfigError: there is no such split.
            IndexError: there is no such row.
        """
        rows = self.rows(split)
        (row,) = rows.read([number])
        if rows.shared or "row_id" not in row:
            return row
        return self._partner(source_of(str(row["row_id"]).partition("/")[0]), split, "id", row["row_id"]) or row

    def upstream(self, split: str, number: int) -> dict[str, Any] | None:
        """Return upstream's own fields of a row; None where they are not to be had."""
        rows = self.rows(split)
        (row,) = rows.read([number])
        if not rows.shared:
            return row if "row_id" in row else None
        if self._load_config is None or not row.get("source"):
            return None
        return self._partner(upstream_config(row["source"]), split, "row_id", row["id"])

    def _partner(self, config: str, split: str, column: str, value: str) -> dict[str, Any] | None:
        """Return the row of another config that has a value in a column."""
        if self._load_config is None:
            return None
        with self._lock:
            if (config, split) not in self._others:
                self._others[config, split] = RowSet(self._load_config(config, split))
        others = self._others[config, split]
        number = others.number_of(column, value)
        return None if number is None else others.read([number])[0]


def open_config(config: str, *, split: str | None = None, repo: str | None = None, **options: Any) -> Opened:
    """Open a config; the options are those of `video_sft.load`.

    Raises:
        ConfigError: there is no such config, split or option.
        MissingFileError: its files are not there.
    """
    if split is not None:
        splits = [split]
    elif repo is not None:
        splits = list(datasets.get_dataset_split_names(repo, config))
    else:
        splits = splits_there(config, **{name: value for name, value in options.items() if name != "media"})

    def loaded(name: str, part: str) -> datasets.Dataset:
        given: dict[str, Any] = {**options, "split": part, "repo": repo}
        if is_upstream(name):
            given.pop("media", None)
            return _with_words(name, given)
        return load(name, **given)

    makers = {name: _later(lambda name: RowSet(loaded(config, name)), name) for name in splits}
    return Opened(config if repo is None else f"{config} of {repo}", makers, loaded)


def _with_words(config: str, options: Mapping[str, Any]) -> datasets.Dataset:
    """Load upstream's own fields, with words in place of class ids where the source has lists of them."""
    known = {field.name for field in fields(builder_class(config).BUILDER_CONFIG_CLASS)}
    if options.get("repo") is None and "class_names" in known:
        try:
            return load(config, **{**options, "class_names": True})
        except MissingFileError:
            pass
    return load(config, **options)


def open_recipe(recipe: str, *, load_options: Mapping[str, Any], **options: Any) -> Opened:
    """Open all rows of a mixture's parts, with what becomes of each; the options are those of `video_sft.mix`.

    Raises:
        ConfigError: see `mix`.
    """
    found = outcomes(recipe, load_options=load_options, **options)
    split = found.options.split

    def loaded(name: str, part: str) -> datasets.Dataset:
        given = dict(found.options.load_options)
        if is_upstream(name):
            given.pop("media", None)
        alone: Any = replace(found.options, split=part, group=None, load_options=given)
        return found.parts.dataset(name, alone)

    opened = Opened(Path(recipe).stem, {split: lambda: MixedRows.of(found.outcomes)}, loaded)
    opened.mixture = found.mixture
    return opened


def open_folder(folder: str) -> Opened:
    """Open a folder that `datasets` saved, one of Parquet files, or one of videos.

    Raises:
        MissingFileError: it is not there, or holds none of these.
    """
    place = Path(folder)
    if any((place / name).is_file() for name in ("dataset_dict.json", "state.json", "dataset_info.json")):
        saved = datasets.load_from_disk(folder)
        parts = dict(saved) if isinstance(saved, datasets.DatasetDict) else {str(saved.split or "rows"): saved}
        return Opened(place.name, {name: _later(RowSet, rows) for name, rows in parts.items()}, None)
    files = [place] if place.suffix == ".parquet" else sorted(place.rglob("*.parquet"))
    if files:
        by_split: dict[str, list[str]] = {}
        for file in files:
            inside = "" if file.parent == place or file == place else f"{file.parent.relative_to(place).as_posix()}/"
            by_split.setdefault(f"{inside}{file.stem.partition('-')[0]}", []).append(str(file))
        return Opened(place.name, {name: _later(_of_parquet, paths) for name, paths in by_split.items()}, None)
    videos = _of_videos(folder)
    if not len(videos):
        raise MissingFileError(
            f"{folder} holds neither a dataset saved by `datasets` (`video-sft build`), nor Parquet files, nor videos"
        )
    return Opened(place.name, {"videos": lambda: RowSet(videos)}, None)


def _later(make: Callable[[Any], RowSet], of: Any) -> Callable[[], RowSet]:
    return lambda: make(of)


def _of_parquet(paths: list[str]) -> RowSet:
    rows: Any = datasets.Dataset.from_parquet(paths)
    return RowSet(rows)


def _of_videos(folder: str) -> datasets.Dataset:
    """Return a row for each video below a folder; a folder of frames is one."""
    paths = sorted(set(_videos(folder)), key=natural)
    cells = [{"bytes": None, "path": os.path.join(os.path.abspath(folder), path)} for path in paths]
    shape = datasets.Features({"id": datasets.Value("string"), "video": Video()})
    encoded: Any = datasets.Dataset.from_dict({"id": paths, "video": cells}, features=shape)
    return encoded


def _videos(folder: str) -> Iterator[str]:
    known = frozenset(SUFFIXES["video"])
    for path in list_files(folder, Notes(), frames=True):
        if suffix_of(path) in known:
            yield path
        elif is_frame(name_of(path)):
            yield os.path.dirname(path) or "."
