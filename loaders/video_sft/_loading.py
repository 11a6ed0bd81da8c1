"""`load`: from a config's name to a dataset, of upstream's files or of a published repo."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import datasets

from video_sft._datasets import AnyDataset
from video_sft._given_places import DataDir, place_of_source
from video_sft._media import Location, MediaPlaces, MissingPolicy
from video_sft._source_files.given_files import Files
from video_sft._upstream_loading import RowOptions, load_upstream, split_name
from video_sft.builders import find_source
from video_sft.errors import ConfigError
from video_sft.publishing._reading import load_published

__all__ = ["load"]


def load(
    config: str,
    *,
    split: str | None = None,
    data_dir: DataDir | None = None,
    files: Files | None = None,
    media: MediaPlaces | Location | Sequence[Location] | None = None,
    missing: MissingPolicy = "null",
    streaming: bool = False,
    on_bad_row: str = "error",
    sample: bool = False,
    cache_dir: Location | None = None,
    num_proc: int | None = None,
    group: str | None = None,
    max_turns: int | None = None,
    group_seed: int = 0,
    repo: Location | None = None,
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
        repo: load a config that was published to this Hub repo, `org/name`, instead of upstream's files; or a folder it
            was downloaded to, whose videos are then read without a network.
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
    wanted = RowOptions(
        config=config,
        streaming=streaming,
        media=media,
        missing=missing,
        group=group,
        max_turns=max_turns,
        group_seed=group_seed,
        cache_dir=None if cache_dir is None else os.fspath(cache_dir),
    )
    data_dir = place_of_source(find_source(config).name, data_dir)
    built = {"data_dir": data_dir, "files": files, "num_proc": num_proc, **options}
    if repo is None:
        return load_upstream(wanted, split=split, on_bad_row=on_bad_row, sample=sample, **built)
    _check_repo_options(sample, on_bad_row, {**built, **({"media": media} if streaming else {})})
    dataset = load_published(
        config,
        repo,
        split=split_name(split, streaming),
        streaming=streaming,
        revision=revision,
        token=token,
        cache_dir=wanted.cache_dir,
        allow_media=allow_media,
        missing="null" if media is not None else missing,
    )
    pools = wanted.pools(find_source(config).pools)
    if isinstance(dataset, datasets.DatasetDict):
        return datasets.DatasetDict({name: wanted.finished(rows, name, pools) for name, rows in dataset.items()})
    return wanted.finished(dataset, str(split), pools) if isinstance(dataset, datasets.Dataset) else dataset


def _check_repo_options(sample: bool, on_bad_row: str, others: Mapping[str, Any]) -> None:
    """Refuse options that only mean something while rows are built."""
    given = {"sample": sample or None, **others, "on_bad_row": None if on_bad_row == "error" else on_bad_row}
    if names := sorted(name for name, value in given.items() if value is not None):
        raise ConfigError(f"rows of a repo are already built: repo=... does not go with {', '.join(names)}")
