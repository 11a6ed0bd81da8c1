"""`load`: from a config's name to a dataset, with the user's files and videos."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

import datasets

from video_sft.builders import builder_class, find_source, sources
from video_sft.building.builder import SourceBuilder
from video_sft.building.files import missing_files_message
from video_sft.errors import ConfigError, MissingFileError
from video_sft.media import Location, Media, MediaPools, MissingPolicy
from video_sft.reports import skipped_in, tell_skipped
from video_sft.sample_media import draw_sample_media, sample_folder

__all__ = ["AnyDataset", "load"]

AnyDataset: TypeAlias = (
    "datasets.Dataset | datasets.DatasetDict | datasets.IterableDataset | datasets.IterableDatasetDict"
)
_SPLIT_NAME = re.compile(r"[A-Za-z_]\w*")


def load(
    config: str,
    *,
    split: str | None = None,
    data_dir: Location | None = None,
    media: Media | Location | None = None,
    missing: MissingPolicy = "null",
    streaming: bool = False,
    on_bad_row: str = "error",
    sample: bool = False,
    cache_dir: Location | None = None,
    num_proc: int | None = None,
    **options: Any,
) -> AnyDataset:
    """Load a config as a `datasets` dataset, with lazily decoded videos where their files are given.

    The rows are built once and kept in the cache; a change of the files, the options or the package builds them anew.
    Media are looked up on every load and are no part of the cache.

    Args:
        config: `<source>`, `<source>-<view>` or `<source>-source`; `video_sft.configs()` lists them.
        split: `train`, `validation`, `test`, or a slice such as `train[:100]`; None loads every split that is there.
        data_dir: the folder, zip or fsspec URL with upstream's files. None downloads them from their pinned URLs.
        media: for each pool of the source (`video_sft.sources` and the cards name them) the folder, zip or fsspec URL
            with its files, or several of them; a single one will do where the source has one pool.
        missing: a video that is not there leaves its cell null (`null`), leaves its row out (`skip`), or stops
            (`error`). One line is logged on how many were found.
        streaming: return an iterable dataset that reads the files as it goes and caches nothing.
        on_bad_row: `error` stops at a row that cannot be read; `skip` leaves it out, counts it, and logs where it was
            (`video_sft.skipped_rows` lists them).
        sample: load the few invented rows and clips that come with the package.
        cache_dir: where built datasets are kept; the `datasets` cache by default.
        num_proc: how many processes build a split that has several files.
        **options: the wording of messages and other fields of the builder's config: `choice_style` (`letter`,
            `letter_text`, `text`), `question_style` (`plain`, `short`), `choices_seed` (shuffles options),
            `instruction` (`system`, `prepend`, `drop`).

    Returns:
        A `DatasetDict`, or a `Dataset` where `split` is given; with `streaming` their iterable forms.

    Raises:
        ConfigError: an unknown config, option or pool.
        MissingFileError: an annotation file is not there; the message says where to get it.
        MissingMediaError: under `missing="error"`, or where a media folder is not there.
        RowError: a row cannot be read.
    """
    if sample and data_dir is not None:
        raise ConfigError("sample=True loads the embedded rows; it takes no data_dir")
    if sample:
        data_dir = sample_folder(find_source(config).name)
    builder = _builder(config, data_dir, on_bad_row, cache_dir, options)
    pools = _pools(builder, media, missing)
    if sample and not config.endswith("-source"):
        drawn = _sample_pools(builder, None if cache_dir is None else os.fspath(cache_dir))
        pools = MediaPools({**drawn, **_by_pool(builder, media)}, missing=missing)
    _check_split(builder, split)
    if streaming:
        if pools is not None:
            builder.stream_step = _Attach(pools, config)
        return builder.as_streaming_dataset(split=split)
    builder.download_and_prepare(num_proc=num_proc)
    dataset = builder.as_dataset(split=split)
    tell_skipped(config, skipped_in(builder.cache_dir))
    if pools is None:
        return dataset
    if isinstance(dataset, datasets.DatasetDict):
        return datasets.DatasetDict({name: pools.attach(part, f"{config}, {name}") for name, part in dataset.items()})
    return pools.attach(dataset, f"{config}, {split}")


class _Attach:
    """Attaches media to the tables of a stream; picklable, for loader workers."""

    def __init__(self, pools: MediaPools, name: str) -> None:
        self._pools = pools
        self._name = name

    def __call__(self, table: Any) -> Any:
        return self._pools.attach_table(table, self._name)


def _builder(
    config: str, data_dir: Location | None, on_bad_row: str, cache_dir: Location | None, options: Mapping[str, Any]
) -> SourceBuilder:
    cls = builder_class(config)
    known = set(cls.BUILDER_CONFIG_CLASS.__dataclass_fields__) - {"name", "version", "data_dir", "data_files"}
    unknown = sorted(set(options) - known)
    if unknown:
        raise ConfigError(f"{config} has no option {', '.join(unknown)}; it has {', '.join(sorted(known))}")
    return cls(
        None if cache_dir is None else os.fspath(cache_dir),
        config_name=config,
        data_dir=None if data_dir is None else os.fspath(data_dir),
        on_bad_row=on_bad_row,
        **options,
    )


def _by_pool(builder: SourceBuilder, media: Media | Location | None) -> Media:
    """Return media by pool, checked: a name no source knows is a slip worth stopping for."""
    pools = builder.pools
    if media is None:
        return {}
    if not isinstance(media, Mapping):
        if len(pools) != 1:
            raise ConfigError(f"{builder.source.name} has several pools; give media by pool: {', '.join(pools)}")
        return {pools[0]: media}
    known = {pool for name in sources() for pool in find_source(name).pools} | set(pools)
    unknown = sorted(set(media) - known)
    if unknown:
        raise ConfigError(f"no pool is called {', '.join(unknown)}; {builder.source.name} has {', '.join(pools)}")
    return {pool: place for pool, place in media.items() if pool in pools}


def _pools(builder: SourceBuilder, media: Media | Location | None, missing: MissingPolicy) -> MediaPools | None:
    chosen = MediaPools(_by_pool(builder, media), missing=missing)
    return None if media is None or builder.config.name.endswith("-source") else chosen


def _sample_pools(builder: SourceBuilder, cache_dir: str | None) -> dict[str, str]:
    builder.download_and_prepare()
    return draw_sample_media(builder.as_dataset().values(), cache_dir)


def _check_split(builder: SourceBuilder, split: str | None) -> None:
    """Say which file is missing when a split is asked for that the files at hand do not have."""
    if split is None:
        return
    names = {name for name in re.findall(_SPLIT_NAME, re.sub(r"\[[^\]]*\]", "", split)) if name != "all"}
    absent = sorted(names - set(builder.source.splits))
    if absent:
        there = ", ".join(builder.source.splits)
        raise ConfigError(f"{builder.config.name} has no split {', '.join(absent)}; it has {there}")
    if builder.config.data_dir is None:
        return
    found = builder.found_parts()
    wanting = [(part, files) for part, files in found.absent if part.split in names - set(found.splits())]
    if wanting:
        raise MissingFileError(missing_files_message(builder.config.name, wanting, builder.config.data_dir))
