"""`load`: from a config's name to a dataset, with the user's files and videos."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import datasets

from video_sft._base_builder.builder import SourceBuilder
from video_sft._datasets import with_info
from video_sft._given_places import DataDir, place_of_source
from video_sft._media import Location, Media, MediaPools, MissingPolicy, media_by_pool
from video_sft._rows.grouping import check_grouping, group_by_video
from video_sft._rows.skipped_rows import remember_build, skipped_in, tell_skipped
from video_sft._source_files.given_files import Files
from video_sft.builders import builder_class, find_source
from video_sft.errors import ConfigError
from video_sft.sample_media import draw_sample_media, sample_folder

__all__ = ["AnyDataset", "first_split", "load"]

AnyDataset: TypeAlias = (
    "datasets.Dataset | datasets.DatasetDict | datasets.IterableDataset | datasets.IterableDatasetDict"
)
_SPLIT_NAME = re.compile(r"[A-Za-z_]\w*")


def load(
    config: str,
    *,
    split: str | None = None,
    data_dir: DataDir | None = None,
    files: Files | None = None,
    media: Media | Location | Sequence[Location] | None = None,
    missing: MissingPolicy = "null",
    streaming: bool = False,
    on_bad_row: str = "error",
    sample: bool = False,
    cache_dir: Location | None = None,
    num_proc: int | None = None,
    group: str | None = None,
    max_turns: int | None = None,
    group_seed: int = 0,
    repo: str | None = None,
    revision: str | None = None,
    token: str | None = None,
    allow_media: Sequence[str] = (),
    **options: Any,
) -> AnyDataset:
    """Load a config as a `datasets` dataset, with lazily decoded videos where their files are given.

    The rows are built once, each split by itself, and kept in the cache; a change of a split's files, of the options or
    the package builds it anew. Files of splits that are not asked for are not looked at.
    Media are looked up on every load and are no part of the cache.

    Args:
        config: `<source>`, `<source>-<view>` or `<source>-source`; `video_sft.configs()` lists them.
        split: `train`, `validation`, `test`, or a slice such as `train[:100]`; None loads every split that is there.
        data_dir: the folder, zip or fsspec URL with upstream's files, under the names upstream or a known mirror gives
            them, compressed or not; or one file of any name, where a split has one; or such a place by source, as for
            `mix`. None downloads them from their pinned URLs.
        files: files of any name, by split: `{"train": "/data/rows.json"}`; a list of files is read in order. A split
            of several parts wants the part (`{"train/mc": ...}`), a part of several files their roles
            (`{"validation": {"rows": ..., "answers": ...}}`, or `{"validation/answers": ...}`). They go before what
            lies in `data_dir`; without that, nothing else is read or downloaded.
        media: for each pool of the source (`video-sft list` and the cards name them) the place with its files, or
            several of them; a single one will do where the source has one pool. A place is a folder, a zip, a plain
            tar, the first piece of one that was split (`x.zip.partaa`, `x.zip.001`, `x.z01`), a folder of any of
            these, or an fsspec URL; all are read in place. A folder of numbered images is a video;
            `frames://fps=2::/data/frames` states their rate, where the pool has no known one.
        missing: a video that is not there leaves its cell null (`null`), leaves its row out (`skip`), or stops
            (`error`). One line is logged on how many were found: a warning where some were not.
        streaming: return an iterable dataset that reads the files as it goes and caches nothing.
        on_bad_row: `error` stops at a row that cannot be read; `skip` leaves it out, counts it, and logs where it was
            (`video_sft.skipped_rows` lists them).
        sample: load the few invented rows and clips that come with the package.
        cache_dir: where built datasets are kept; the `datasets` cache by default.
        num_proc: how many processes build a split that has several files.
        group: `video` merges the questions on one video, and one clip of it, into one conversation.
        max_turns: the most questions such a conversation has.
        group_seed: orders the questions in it.
        repo: load a config that was published to this Hub repo, `org/name`, instead of upstream's files.
        revision: a branch, tag or commit of `repo`.
        token: for a private or gated repo; the logged-in user's by default.
        allow_media: what the cells of `repo` may name beside its own files: beginnings of paths or URLs.
        **options: the wording of messages and other fields of the builder's config: `prompt_style` (`default`,
            `lmms_eval`, `mvbench`, `videollama`, `sevila`, `llava_next`, `upstream`; `video-sft help wording`),
            `choice_style` (`letter`, `letter_text`, `text`), `question_style` (`plain`, `short`), `choices_seed`
            (shuffles options), `instruction` (`system`, `prepend`, `drop`). A `choice_style` or `question_style` beside
            a `prompt_style` takes another form of it that was published, and is refused where there is none.

    Returns:
        A `DatasetDict`, or a `Dataset` where `split` is given; with `streaming` their iterable forms.

    Raises:
        ConfigError: an unknown config, option or pool, or options that exclude each other.
        MissingFileError: an annotation file is not there; the message says where to get it.
        BuildError: a file is damaged or encrypted, or the cache cannot be written to.
        MissingMediaError: under `missing="error"`, or where a media folder is not there.
        RowError: a row cannot be read.
    """
    check_grouping(group, max_turns)
    if num_proc is not None and (isinstance(num_proc, bool) or not isinstance(num_proc, int) or num_proc < 1):
        raise ConfigError(f"num_proc is {num_proc!r}; it is a positive number of processes")
    split = _split_name(split, streaming)
    upstream = config.endswith("-source")
    if group and (streaming or upstream):
        what = "a -source config" if upstream else "a stream: load it, then call to_iterable_dataset()"
        raise ConfigError(f"group={group!r} merges rows of a whole dataset; it is not for {what}")
    place = None if cache_dir is None else os.fspath(cache_dir)
    if repo is not None:
        others = {**options, "files": files, **({"media": media} if streaming else {})}
        _check_repo_options(data_dir, sample, num_proc, on_bad_row, others)
        dataset = _published(config, repo, split, streaming, revision, token, place, allow_media)
        pools = _pools(find_source(config).name, find_source(config).pools, media, missing)
    else:
        if sample and (data_dir is not None or files is not None):
            raise ConfigError("sample=True loads the embedded rows; it takes no data_dir and no files")
        data_dir = sample_folder(find_source(config).name) if sample else data_dir
        data_dir = place_of_source(find_source(config).name, data_dir)
        make = _Builders(config, data_dir, files, on_bad_row, place, options, sample=sample)
        builder = make(_checked_splits(config, split))
        drawn = _sample_pools(make, place) if sample and not upstream else {}
        pools = _pools(builder.source.name, builder.pools, media, missing, drawn)
        if streaming:
            return _stream(builder, split, pools)
        built = _built(make, builder, split, num_proc)
        dataset = _joined(built, split)
    if streaming:
        return dataset

    def finished(rows: datasets.Dataset, name: str) -> datasets.Dataset:
        if group:
            rows = group_by_video(rows, max_turns=max_turns, seed=group_seed, cache_dir=place)
        rows = rows if pools is None or upstream else pools.attach(rows, f"{config}, {name}")
        rows = rows if upstream else _concatenable(rows)
        if repo is None:
            of_all = isinstance(dataset, datasets.Dataset)
            remember_build(rows, [each.place for each in built if of_all or each.split == name])
        return rows

    if isinstance(dataset, datasets.DatasetDict):
        return datasets.DatasetDict({name: finished(rows, name) for name, rows in dataset.items()})
    return finished(dataset, str(split))


def _concatenable(rows: datasets.Dataset) -> datasets.Dataset:
    """Return rows that keep their clips when concatenated with another source's.

    `DatasetInfo.from_merge` drops the features, and with them our `Video`, unless all infos are equal; so the citation,
    the homepage and the like stay with the builder, and `license` is a column.
    """
    info = datasets.DatasetInfo(features=rows.features)
    return with_info(rows, info)


@dataclass(frozen=True)
class _Built:
    """A split, or a piece of one, as it was built.

    Attributes:
        split: its name.
        place: the folder it was built in, and its name.
        rows: its rows.
    """

    split: str
    place: tuple[str, str]
    rows: datasets.Dataset


@dataclass(frozen=True)
class _Builders:
    """Makes builders of some of a config's splits."""

    config: str
    data_dir: Location | None
    files: Files | None
    on_bad_row: str
    cache_dir: str | None
    options: Mapping[str, Any]
    sample: bool

    def found(self, splits: Sequence[str] | None) -> list[str]:
        """Return which splits are there."""
        return self(splits).present_splits()

    def __call__(self, splits: Sequence[str] | None) -> SourceBuilder:
        cls = builder_class(self.config)
        known = set(cls.BUILDER_CONFIG_CLASS.__dataclass_fields__) - {"name", "version", "data_dir", "data_files"}
        unknown = sorted(set(self.options) - known)
        if unknown:
            raise ConfigError(f"{self.config} has no option {', '.join(unknown)}; it has {', '.join(sorted(known))}")
        builder = cls(
            self.cache_dir,
            config_name=self.config,
            data_dir=None if self.data_dir is None else os.fspath(self.data_dir),
            files=self.files,
            splits=splits,
            on_bad_row=self.on_bad_row,
            **self.options,
        )
        builder.tells_missing = not self.sample
        return builder


def _built(make: _Builders, builder: SourceBuilder, split: str | None, num_proc: int | None) -> list[_Built]:
    """Build each split by itself; return them, or the pieces of them that an expression such as `train[:9]+test` names.

    Args:
        make: makes a builder of one split.
        builder: of the splits wanted.
        split: the expression; None for every split that is there.
        num_proc: see `load`.
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
            tell_skipped(make.config, skipped_in(places[name].cache_dir))
        rows = places[name].as_dataset(split=term)
        pieces.append(_Built(name, (str(places[name].cache_dir), name), rows))
    return pieces


def _joined(built: Sequence[_Built], split: str | None) -> Any:
    """Return splits by name, or what an expression names as one dataset."""
    if split is None:
        return datasets.DatasetDict({each.split: each.rows for each in built})
    if len(built) == 1:
        return built[0].rows
    rows = datasets.concatenate_datasets(
        [_concatenable(each.rows) for each in built], split=datasets.NamedSplit("".join(split.split()))
    )
    return rows.cast(built[0].rows.features) if rows.features != built[0].rows.features else rows


def _stream(builder: SourceBuilder, split: str | None, pools: MediaPools | None) -> Any:
    """Return a stream with media already attached."""
    if pools is not None:
        builder.stream_step = _Attach(pools, str(builder.config.name))
    if split is not None:
        builder.present_splits([name for name in _split_names(split) if name])
    return builder.as_streaming_dataset(split=split)


def first_split(
    config: str,
    *,
    data_dir: DataDir | None = None,
    files: Files | None = None,
    sample: bool = False,
    **options: Any,
) -> str:
    """Return the first split that is there, without building or reading any.

    Args:
        config: as for `load`, and so are the others; the wording and the like are checked.
        data_dir: where upstream's files are.
        files: files by split.
        sample: whether the embedded rows are meant.
        **options: fields of the builder's config.

    Raises:
        ConfigError: an option is not one there is.
        MissingFileError: there is none.
    """
    data_dir = sample_folder(find_source(config).name) if sample else data_dir
    data_dir = place_of_source(find_source(config).name, data_dir)
    found = _Builders(config, data_dir, files, "error", None, options, sample=sample).found(None)
    return found[0]


def _published(
    config: str,
    repo: str,
    split: str | None,
    streaming: bool,
    revision: str | None,
    token: str | None,
    cache_dir: str | None,
    allow_media: Sequence[str],
) -> Any:
    from video_sft.publishing._reading import load_published

    options: dict[str, Any] = {"split": split, "streaming": streaming, "revision": revision, "token": token}
    return load_published(config, repo, **options, cache_dir=cache_dir, allow_media=allow_media)


def _check_repo_options(
    data_dir: DataDir | None, sample: bool, num_proc: int | None, on_bad_row: str, others: Mapping[str, Any]
) -> None:
    """Refuse options that only mean something while rows are built."""
    given = {"data_dir": data_dir, "sample": sample or None, "num_proc": num_proc, **others}
    names = sorted(name for name, value in given.items() if value is not None)
    if on_bad_row != "error":
        names.append("on_bad_row")
    if names:
        raise ConfigError(f"rows of a repo are already built: repo=... does not go with {', '.join(names)}")


class _Attach:
    """Attaches media to the tables of a stream; picklable, for loader workers."""

    def __init__(self, pools: MediaPools, name: str) -> None:
        self._pools = pools
        self._name = name

    def __call__(self, table: Any) -> Any:
        return self._pools.attach_table(table, self._name)


def _pools(
    source: str,
    pools: tuple[str, ...],
    media: Media | Location | Sequence[Location] | None,
    missing: MissingPolicy,
    drawn: Mapping[str, str] | None = None,
) -> MediaPools | None:
    """Return where the media are, None where none are given; `drawn` are the sample's own."""
    chosen = MediaPools({**(drawn or {}), **media_by_pool(source, pools, media)}, missing=missing)
    return None if media is None and not drawn else chosen


def _sample_pools(make: _Builders, cache_dir: str | None) -> dict[str, str]:
    stops: list[tuple[str | None, float]] = []
    for built in _built(make, make(None), None, None):
        for row in built.rows.select_columns(["video_path", "stop_seconds", "evidence"]):
            moments = [moment["stop_seconds"] for moment in row["evidence"]]
            stops.append((row["video_path"], max([row["stop_seconds"] or 0.0, *moments])))
    return draw_sample_media(stops, cache_dir)


def _split_names(split: str) -> set[str]:
    """Return the splits an expression such as `train[:10]+test` speaks of; `all` is every split, an empty name here."""
    return {
        "" if name == "all" else name for name in re.findall(_SPLIT_NAME, re.sub(r"\[[^\]]*\]|\([^)]*\)", "", split))
    }


def _split_name(split: object, streaming: bool) -> str | None:
    """Return a split as text; `datasets.Split.TRAIN` and its like are split names too."""
    if split is None or isinstance(split, datasets.NamedSplit):
        return None if split is None else str(split)
    if not isinstance(split, str) or not split.strip():
        raise ConfigError(f"split is {split!r}; it is a name such as 'train', or a slice of one such as 'train[:100]'")
    if streaming and not split.isidentifier():
        raise ConfigError(f"a stream has whole splits, not {split!r}; load the split and call take() or skip()")
    return split


def _checked_splits(config: str, split: str | None) -> list[str]:
    """Return the splits that an expression speaks of.

    Raises:
        ConfigError: the source has no such split.
    """
    names = _split_names(split or "all")
    there = find_source(config).splits
    absent = sorted(names - {"", *there})
    if absent:
        raise ConfigError(f"{config} has no split {', '.join(absent)}; it has {', '.join(there)}")
    return [name for name in there if "" in names or name in names]
