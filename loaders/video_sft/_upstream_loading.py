"""Upstream's files as datasets: built split by split into the cache, or streamed, with the user's media attached."""

from __future__ import annotations

import functools
import itertools
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, TypeAlias

import datasets

from video_sft._base_builder.builder import SourceBuilder
from video_sft._config_name import is_upstream
from video_sft._datasets import AnyDataset, with_info
from video_sft._given_places import DataDir, place_of_source
from video_sft._media import Location, MediaPlaces, MediaPools, MissingPolicy, media_by_pool
from video_sft._near_names import check_splits, did_you_mean, refuse_slips
from video_sft._rows.grouping import check_grouping, group_by_video
from video_sft._rows.skipped_rows import remember_build, skipped_in, tell_skipped
from video_sft._source_files.given_files import Files
from video_sft.builders import builder_class, find_source
from video_sft.errors import ConfigError
from video_sft.sample_media import draw_sample_media, sample_folder

__all__ = ["RowOptions", "first_split", "load_upstream", "refuse_slips_of", "split_name", "splits_there"]

#: The keywords of `load` that are no builder's.
_LOADING = {
    *("split", "data_dir", "files", "media", "missing", "streaming", "on_bad_row", "sample", "cache_dir", "num_proc"),
    *("group", "max_turns", "group_seed", "repo", "revision", "token", "allow_media"),
}
_SPLIT_NAME = re.compile(r"[A-Za-z_]\w*")
#: Makes a builder of some splits; None for all of them.
_MakeBuilder: TypeAlias = Callable[[Sequence[str] | None], SourceBuilder]


@dataclass(frozen=True, kw_only=True)
class RowOptions:
    """What becomes of rows that are built, wherever they were built; see `video_sft.load`.

    Raises:
        ConfigError: options that exclude each other, or a group there is none of.
    """

    config: str
    streaming: bool = False
    media: MediaPlaces | Location | Sequence[Location] | None = None
    missing: MissingPolicy = "null"
    group: str | None = None
    max_turns: int | None = None
    group_seed: int = 0
    cache_dir: str | None = None

    def __post_init__(self) -> None:
        check_grouping(self.group, self.max_turns)
        if self.group and (self.streaming or self.upstream):
            what = "a -source config" if self.upstream else "a stream: load it, then call to_iterable_dataset()"
            raise ConfigError(f"group={self.group!r} merges rows of a whole dataset; it is not for {what}")

    @classmethod
    def apart(cls, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return those of some keywords of `video_sft.load` that are fields here, and the others."""
        names = {field.name for field in fields(cls)} & options.keys()
        return {name: options[name] for name in names}, {k: v for k, v in options.items() if k not in names}

    @property
    def upstream(self) -> bool:
        """Whether the rows have upstream's own columns, which are left as they are."""
        return is_upstream(self.config)

    def pools(self, pools: tuple[str, ...], drawn: Mapping[str, str] | None = None) -> MediaPools | None:
        """Return where the media are, None where none are given; `drawn` are the sample's own."""
        by_pool = media_by_pool(find_source(self.config).name, pools, self.media)
        chosen = MediaPools({**(drawn or {}), **by_pool}, missing=self.missing)
        return None if self.media is None and not drawn else chosen

    def finished(self, rows: datasets.Dataset, name: str, pools: MediaPools | None) -> datasets.Dataset:
        """Return the rows of a split grouped, with their media, and able to be concatenated with another source's."""
        if self.upstream:
            return rows
        if self.group:
            rows = group_by_video(rows, max_turns=self.max_turns, seed=self.group_seed, cache_dir=self.cache_dir)
        return _concatenable(rows if pools is None else pools.attach(rows, f"{self.config}, {name}"))


def load_upstream(
    wanted: RowOptions,
    *,
    split: str | None = None,
    data_dir: Location | None = None,
    files: Files | None = None,
    on_bad_row: str = "error",
    sample: bool = False,
    num_proc: int | None = None,
    **options: Any,
) -> AnyDataset:
    """Do what `video_sft.load` does without a `repo`."""
    if num_proc is not None and (isinstance(num_proc, bool) or not isinstance(num_proc, int) or num_proc < 1):
        raise ConfigError(f"num_proc is {num_proc!r}; it is a positive number of processes")
    split, config = split_name(split, wanted.streaming), wanted.config
    if sample and (data_dir is not None or files is not None):
        raise ConfigError("sample=True loads the embedded rows; it takes no data_dir and no files")
    data_dir = sample_folder(find_source(config).name) if sample else data_dir
    make = _builders(config, data_dir, files, options, on_bad_row=on_bad_row, cache_dir=wanted.cache_dir, sample=sample)
    builder = make(_checked_splits(config, split))
    drawn = _sample_pools(make, wanted.cache_dir) if sample and not wanted.upstream else {}
    pools = wanted.pools(builder.pools, drawn)
    if wanted.streaming:
        return _stream(builder, split, pools)
    built = _built(make, builder, split, num_proc)

    def finished(rows: datasets.Dataset, name: str, pieces: Sequence[_Built]) -> datasets.Dataset:
        rows = wanted.finished(rows, name, pools)
        remember_build(rows, [(each.folder, each.split) for each in pieces])
        return rows

    if split is None:
        return datasets.DatasetDict({each.split: finished(each.rows, each.split, [each]) for each in built})
    return finished(_joined(built, split), split, built)


def _concatenable(rows: datasets.Dataset) -> datasets.Dataset:
    """Return rows that keep their clips when concatenated with another source's.

    `DatasetInfo.from_merge` drops the features, and with them our `Video`, unless all infos are equal; so the citation,
    the homepage and the like stay with the builder, and `license` is a column.
    """
    return with_info(rows, datasets.DatasetInfo(features=rows.features))


class _Built(NamedTuple):
    """A split, or a piece of one; and the folder it was built in."""

    split: str
    folder: str
    rows: datasets.Dataset


def _builders(
    config: str, place: Location | None, files: Files | None, options: Mapping[str, Any], *, sample: bool, **common: Any
) -> _MakeBuilder:
    """Return what makes builders of some of a config's splits."""
    cls = builder_class(config)
    known = _wording(cls)
    if unknown := sorted(set(options) - known):
        hint = did_you_mean(unknown[0], known | _LOADING)
        raise ConfigError(f"{config} has no option {', '.join(unknown)}; it has {', '.join(sorted(known))}.{hint}")

    def make(splits: Sequence[str] | None) -> SourceBuilder:
        data_dir = None if place is None else os.fspath(place)
        builder = cls(config_name=config, data_dir=data_dir, files=files, splits=splits, **common, **options)
        builder.tells_missing = not sample
        return builder

    return make


def _wording(cls: type[SourceBuilder]) -> set[str]:
    return set(cls.BUILDER_CONFIG_CLASS.__dataclass_fields__) - {"name", "version", "data_dir", "data_files"}


def refuse_slips_of(function: Callable[..., object], given: Iterable[str]) -> None:
    """Refuse a keyword that a function hands on to `load` and that is a misspelt one of its own.

    Raises:
        ConfigError: it is none that `load` or a builder has; the message has the one that may be meant.
    """
    refuse_slips(function, given, _LOADING | _wording(SourceBuilder))


def _built(make: _MakeBuilder, builder: SourceBuilder, split: str | None, num_proc: int | None) -> list[_Built]:
    """Build each split by itself; return them, or the pieces of them that an expression such as `train[:9]+test` names.

    `make` makes a builder of one split; `builder` is of all that are wanted.
    """
    terms = ["all"] if split is None else re.split(r"\s*\+\s*", split)
    there = builder.present_splits([name for name in _split_names(split or "all") if name])
    places: dict[str, SourceBuilder] = {}
    pieces = []
    for term in itertools.chain.from_iterable(there if each.strip() == "all" else [each] for each in terms):
        name = "".join(_split_names(term))
        if name not in places:
            places[name] = builder if builder.splits == [name] else make([name])
            places[name].download_and_prepare(num_proc=num_proc)
            tell_skipped(str(builder.config.name), skipped_in(places[name].cache_dir))
        pieces.append(_Built(name, str(places[name].cache_dir), places[name].as_dataset(split=term)))
    return pieces


def _joined(built: Sequence[_Built], split: str) -> datasets.Dataset:
    """Return what an expression names as one dataset."""
    if len(built) == 1:
        return built[0].rows
    name = datasets.NamedSplit("".join(split.split()))
    rows = datasets.concatenate_datasets([_concatenable(each.rows) for each in built], split=name)
    return rows.cast(built[0].rows.features) if rows.features != built[0].rows.features else rows


def _stream(builder: SourceBuilder, split: str | None, pools: MediaPools | None) -> Any:
    """Return a stream with media already attached."""
    if pools is not None:
        builder.stream_step = functools.partial(pools.attach_table, name=str(builder.config.name))
    if split is not None:
        builder.present_splits([name for name in _split_names(split) if name])
    return builder.as_streaming_dataset(split=split)


def first_split(config: str, **options: Any) -> str:
    """Return the first split that is there; see `splits_there`."""
    return splits_there(config, **options)[0]


def splits_there(
    config: str, *, data_dir: DataDir | None = None, files: Files | None = None, sample: bool = False, **options: Any
) -> list[str]:
    """Return the splits that are there, without building or reading any; the arguments are those of `load`.

    Raises:
        ConfigError: an option is not one there is.
        MissingFileError: there is none.
    """
    source = find_source(config).name
    data_dir = sample_folder(source) if sample else place_of_source(source, data_dir)
    return list(_builders(config, data_dir, files, options, sample=sample)(None).present_splits())


def _sample_pools(make: _MakeBuilder, cache_dir: str | None) -> dict[str, str]:
    stops: list[tuple[str | None, float]] = []
    for built in _built(make, make(None), None, None):
        for row in built.rows.select_columns(["video_path", "stop_seconds", "evidence"]):
            moments = [moment["stop_seconds"] for moment in row["evidence"]]
            stops.append((row["video_path"], max([row["stop_seconds"] or 0.0, *moments])))
    return draw_sample_media(stops, cache_dir)


def _split_names(split: str) -> set[str]:
    """Return the splits an expression such as `train[:10]+test` speaks of; `all` is every split, an empty name here."""
    names = re.findall(_SPLIT_NAME, re.sub(r"\[[^\]]*\]|\([^)]*\)", "", split))
    return {"" if name == "all" else name for name in names}


def split_name(split: object, streaming: bool) -> str | None:
    """Return a split as text; `datasets.Split.TRAIN` and its like are split names too."""
    if split is None or isinstance(split, datasets.NamedSplit):
        return None if split is None else str(split)
    if not isinstance(split, str) or not split.strip():
        raise ConfigError(f"split is {split!r}; it is a name such as 'train', or a slice of one such as 'train[:100]'")
    if streaming and not split.isidentifier():
        raise ConfigError(f"a stream has whole splits, not {split!r}; load the split and call take() or skip()")
    return split


def _checked_splits(config: str, split: str | None) -> list[str]:
    """Return the splits that an expression speaks of; one that the source does not have is a `ConfigError`."""
    names = _split_names(split or "all")
    there = find_source(config).splits
    check_splits(config, names - {""}, there)
    return [name for name in there if "" in names or name in names]
