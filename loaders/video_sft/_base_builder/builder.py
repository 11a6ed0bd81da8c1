"""The `datasets` builder every source's thin class inherits from."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import itertools
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import datasets
import pyarrow as pa

from video_sft._annotations import Problems, SourceRow
from video_sft._base_builder.built_folder import begin_build, clear_killed_builds, what_is_damaged
from video_sft._base_builder.cached_builder import CachedBuilder, without_cycle_collection
from video_sft._base_builder.config import SourceConfig
from video_sft._base_builder.source_columns import to_upstream_table, upstream_schema
from video_sft._config_name import is_upstream, view_of
from video_sft._datasets import Key
from video_sft._near_names import check_splits
from video_sft._rows.schema import SCHEMA_VERSION, features, to_table
from video_sft._rows.skipped_rows import save_problems
from video_sft._source_files.found_parts import FoundParts, download_parts, find_parts, fingerprint_parts
from video_sft._source_files.given_files import Files, SourcePlace
from video_sft._source_files.missing_files import listed, missing_files_message
from video_sft._sources.open_part import OpenPart
from video_sft._sources.own_code import OwnCode, code_digest
from video_sft._sources.part import Located, Part, RemoteFile, splits_of
from video_sft._sources.record import Record
from video_sft._sources.registry import is_own, register
from video_sft._sources.source import Source, usable_records
from video_sft.errors import ConfigError, MissingFileError
from video_sft.video import Video

__all__ = ["SourceBuilder", "SourceConfig"]

logger = logging.getLogger("video_sft")
_BATCH_ROWS = 4096
#: Stands for the upstream row of a record that is only waiting for its batch: rows may be many times their records.
_FORGOTTEN = SourceRow({}, "", ("row", 0, -1))
#: The code that decides what a row is: when it changes, datasets built by it are built anew.
_ROW_CODE = (
    "_annotations",
    "_base_builder",
    "_config_name.py",
    "_places.py",
    "_rows",
    "_source_files",
    "_sources",
    "_suffixes.py",
    "_text.py",
    "builders",
)


@functools.cache
def _code_digest() -> str:
    places = [Path(__file__).resolve().parents[1] / name for name in _ROW_CODE]
    return code_digest(file for place in places for file in (place.glob("*.py") if place.is_dir() else [place]))


class SourceBuilder(CachedBuilder):
    """Builds one source's configs from its upstream files.

    A subclass states `source` and nothing else. The cache key holds the content of the files, the options, the schema
    and the code that reads them, so a rebuilt dataset is never a stale one: the package's own, and of a class from
    outside its module and what that imports from beside itself (`video_sft._sources.own_code`).

    A class with a `source` of its own is known to `load` and everything else from its definition on, wherever that is.
    One that is defined inside a function is not, so that stand-ins in tests stay there; `class Mine(SourceBuilder,
    known=True)` says otherwise, and `known=False` keeps any class to itself.

    Example:
        >>> builder = NextQa(config_name="next_qa-open_ended", data_dir="/data/next_qa")
        >>> builder.download_and_prepare()
        >>> rows = builder.as_dataset(split="validation")
    """

    BUILDER_CONFIG_CLASS = SourceConfig
    #: Rows in one piece of the Arrow file. `datasets` takes 10 where there is a video column, for the bytes it may
    #: hold; ours holds paths, and hundreds of thousands of pieces cost time and memory on every load.
    DEFAULT_WRITER_BATCH_SIZE = _BATCH_ROWS
    source: ClassVar[Source]
    #: What a stream's tables go through last, e.g. to have media attached; built datasets are attached to afterwards.
    stream_step: Callable[[pa.Table], pa.Table] | None = None
    #: Whether a split of which some files are missing is worth a warning; a sample is partial on purpose.
    tells_missing: bool = True
    #: Of a class outside the package, what is hashed of it.
    _outside: ClassVar[OwnCode | None] = None

    def __init_subclass__(cls, *, known: bool | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        source = getattr(cls, "source", None)
        if source is None:  # a base for others
            return
        if not isinstance(source, Source):
            raise ConfigError(f"{cls.__qualname__}.source is a {type(source).__name__}; it has to be a Source")
        if not source.parts and cls.parts is SourceBuilder.parts:
            raise ConfigError(f"source {source.name!r}: parts is empty; there is nothing to read")
        cls.BUILDER_CONFIGS = [cls.BUILDER_CONFIG_CLASS(name=name, version="1.0.0") for name in source.configs]
        cls.DEFAULT_CONFIG_NAME = source.name
        cls._outside = None if is_own(cls) else OwnCode.of(cls)
        local = "<locals>" in cls.__qualname__
        if "source" in vars(cls) and (not local if known is None else known):
            register(cls)

    def __init__(
        self,
        cache_dir: str | None = None,
        *,
        data_dir: str | None = None,
        files: Files | None = None,
        splits: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        """Take what `datasets.DatasetBuilder` takes, and the fields of `SourceConfig` as keywords.

        Args:
            cache_dir: where built datasets are kept.
            data_dir: upstream's files: a folder, a zip or an fsspec URL; or one file. None downloads them.
            files: files by split and role, under whatever names they have; see `video_sft.load`.
            splits: build these alone: no file of the others is looked at, nor part of the cache's key.
            **kwargs: passed on.
        """
        if getattr(self, "source", None) is None:
            name = type(self).__qualname__
            raise ConfigError(f"{name} states no source: write `source = Source(...)` into the class")
        self.place, self.splits, known = SourcePlace.of(data_dir, files), splits, self.source.splits
        check_splits(self.source.name, splits or (), known)
        self._known = self._all_parts(kwargs)
        self._view = view_of(str(kwargs.get("config_name") or self.source.name))
        outside = () if self._outside is None else (self._outside.digest(),)
        read = "".join([SCHEMA_VERSION, _code_digest(), *outside, *self._fingerprints()])
        key = hashlib.sha256(read.encode()).hexdigest()[:16]
        kwargs.setdefault("dataset_name", self.source.name)  # not the module's: two packages may have a `data.py`
        super().__init__(cache_dir, hash=key, data_dir=self.place.data_dir, **kwargs)
        self.info.features = self.declared_features()
        with contextlib.suppress(OSError):  # which building tells
            if self._cached.is_dir() and what_is_damaged(self._cached, info_alone=True) is None:
                self.take_stored_info()
        self.config.style  # noqa: B018  (an unknown style is an error now, not in the middle of a build)
        Problems(self.config.on_bad_row)

    def _fingerprints(self) -> list[str]:
        """Return strings that change whenever a file that would be read does."""
        if self.place.is_given:
            return fingerprint_parts(self.found_parts())
        files = (file for part in self.wanted_parts for file in part.files.values())
        return sorted(f"{file.name} {file.url} {file.sha256}" for file in files)

    @classmethod
    def _all_parts(cls, options: Mapping[str, Any]) -> tuple[Part, ...]:
        """Return the files of all configs of the source, with those that options of the config declare."""
        return cls.source.parts

    @property
    def wanted_parts(self) -> list[Part]:
        """The parts of the config and of the splits that are to be built."""
        parts = [part for part in self._known if part.in_view(self._view)]
        return [part for part in parts if self.splits is None or part.split in self.splits]

    @property
    def parts(self) -> tuple[Part, ...]:
        """The files of all configs of the source, with those the options declare."""
        return self._known

    @property
    def pools(self) -> tuple[str, ...]:
        """The media pools the rows point into."""
        return self.source.pools

    @property
    def _wants_upstream(self) -> bool:
        return is_upstream(str(self.config.name))

    def declared_features(self) -> datasets.Features:
        """Return the columns: the shared ones, or upstream's own."""
        return upstream_schema(self.source) if self._wants_upstream else features()

    def _info(self) -> datasets.DatasetInfo:
        return datasets.DatasetInfo(
            description=inspect.getdoc(type(self)) or "",
            citation=self.source.citation,
            homepage=self.source.homepage,
            license=self.source.license,
            features=self.declared_features(),
        )

    def found_parts(self, downloads: datasets.DownloadManager | None = None) -> FoundParts:
        """Return which of the wanted parts are there; without `data_dir` and `files`, after downloading them."""
        if self.place.is_given:
            return find_parts(self.wanted_parts, self.place, self._known)
        return self._downloaded_parts(downloads or datasets.DownloadManager())

    def _downloaded_parts(self, downloads: datasets.DownloadManager) -> FoundParts:
        return download_parts(self.wanted_parts, downloads)

    def present_splits(self, wanted: Sequence[str] = ()) -> list[str]:
        """Return which of the builder's splits are there; those that can be downloaded are taken to be.

        Raises:
            MissingFileError: files of the splits wanted, or of all, are missing; the message says which.
        """
        if not self.place.is_given:
            return list(splits_of(self.wanted_parts))
        found = self.found_parts()
        there = found.splits()
        absent = [(part, files) for part, files in found.absent if part.split in set(wanted) - set(there)]
        if absent or not there:
            raise self._missing(absent or found.absent)
        return there

    def _missing(self, absent: Sequence[tuple[Part, Sequence[RemoteFile]]]) -> MissingFileError:
        return MissingFileError(missing_files_message(str(self.config.name), absent, self.place))

    def _split_generators(self, dl_manager: datasets.DownloadManager) -> list[datasets.SplitGenerator]:
        if self.is_building:
            begin_build(Path(self.folder_in_work))
            clear_killed_builds(self.source_folder, self._cached)
        found = self.found_parts(dl_manager)
        if not found.present:
            raise self._missing(found.absent)
        generators = []
        for split in found.splits():
            names = [file.name for part, files in found.absent if part.split == split for file in files]
            if names and self.tells_missing and self.place.expects_all:
                told = "%s, %s: these files are missing and left out: %s"
                logger.warning(told, self.config.name, split, listed(names))
            parts = [pair for pair in found.present if pair[0].split == split]
            generators.append(datasets.SplitGenerator(name=split, gen_kwargs={"parts": parts}))
        return generators

    def _generate_tables(self, parts: list[tuple[Part, dict[str, Located]]]) -> Iterator[tuple[Key, pa.Table]]:
        shard = -1  # counts the parts that give rows: before datasets 5.1 a number left out is an error
        for part, locations in parts:
            problems = Problems(self.config.on_bad_row)
            opened = OpenPart(part, locations, problems, self._wants_upstream, self.config.own_options)
            opened.verbatim = self.config.style.written
            records = self._records(opened)
            for index in itertools.count():
                with without_cycle_collection():
                    table = self._next_table(records, opened.problems)
                if table is None:
                    break
                shard += index == 0
                yield Key(shard, index), table
            save_problems(opened.problems, self.config.name, part.name, self.folder_in_work)

    def _records(self, opened: OpenPart) -> Iterator[Record]:
        view, in_view = self._view, self.source.in_view
        for record in usable_records(self.source, opened):
            if view is None or in_view is None or in_view(record, view):
                if not opened.upstream:
                    record.row = _FORGOTTEN
                yield record

    def _next_table(self, records: Iterator[Record], problems: Problems) -> pa.Table | None:
        size = self.source.batch_rows if self._wants_upstream else _BATCH_ROWS
        batch = list(itertools.islice(records, size))
        if not batch:
            return None
        self._check_names(batch)
        if self._wants_upstream:
            return to_upstream_table(batch, self.source, problems)
        table = to_table(batch, source=self.source.name, license=self.source.license, style=self.config.style)
        return table if self.stream_step is None else self.stream_step(table)

    def _check_names(self, batch: list[Record]) -> None:
        """Stop at tasks and pools the source does not declare: lists, cards and `media` would know nothing of them."""
        pools = {record.media.pool for record in batch if record.media is not None}
        tasks = {record.task for record in batch}
        for kind, met, stated in (("task", tasks, self.source.tasks), ("pool", pools, self.pools)):
            if unknown := sorted(met - set(stated)):
                raise ConfigError(
                    f"source {self.source.name!r} has rows of the {kind} {', '.join(unknown)}, which is none of its "
                    f"{kind}s ({', '.join(stated) or 'it has none'}); add it to Source.{kind}s, or mend its parse"
                )

    def _as_dataset(self, split: Any = datasets.Split.TRAIN, in_memory: bool = False) -> datasets.Dataset:
        built = super()._as_dataset(split, in_memory)
        return built if self._wants_upstream else built.cast_column("video", Video())
