"""`load`: from a config's name to a dataset, of upstream's files or of a published repo."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import datasets

from video_sft._datasets import AnyDataset
from video_sft._given_places import DataDir, place_of_source
from video_sft._media import Location, MediaPlaces, MissingPolicy
from video_sft._source_files.given_files import Files
from video_sft._upstream_loading import RowOptions, load_upstream, split_name
from video_sft.builders import find_source
from video_sft.errors import ConfigError
from video_sft.publishing._reading import load_published

if TYPE_CHECKING:
    from video_sft.mixing._selection.filters import Decontaminate

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
    decontaminate: Decontaminate | None = None,
    eval_sets: Sequence[str] | None = None,
    eval_ids: Location | None = None,
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
            these, or an fsspec URL; all are read in place. Or it is a folder that `prepare` has made, which serves all
            pools: a row gets the file with its part of the video, in seconds of the original. A folder of numbered
            images is a video; `frames://fps=2::/data/frames` states their rate, where the pool has no known one.
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
        decontaminate: leave out of the `train` split the rows that an evaluation list uses: by video (`eval-videos`),
            by question (`eval-questions`), or by video and by what it shows (`eval-content`), as `mix` does; one line
            is logged on how many. None keeps all.
        eval_sets: the names of these lists, as for `mix`.
        eval_ids: the folder of your own lists, as for `mix`.
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
    if decontaminate is not None:
        _check_clearing(split, streaming)
    elif eval_sets is not None or eval_ids is not None:
        raise ConfigError("eval_sets and eval_ids choose what decontaminate leaves out, and decontaminate is None")
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
    clearing = {"eval_sets": eval_sets, "eval_ids": eval_ids, "cache_dir": cache_dir}
    if repo is None:
        loaded = load_upstream(wanted, split=split, on_bad_row=on_bad_row, sample=sample, **built)
        return loaded if decontaminate is None else _cleared(loaded, config, decontaminate, clearing)
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
        dataset = datasets.DatasetDict({name: wanted.finished(rows, name, pools) for name, rows in dataset.items()})
    elif isinstance(dataset, datasets.Dataset):
        dataset = wanted.finished(dataset, str(split), pools)
    return dataset if decontaminate is None else _cleared(dataset, config, decontaminate, clearing)


def _check_clearing(split: str | None, streaming: bool) -> None:
    if streaming:
        raise ConfigError("decontaminate goes through all rows; load with streaming=False, or mix a stream")
    if split is not None and str(split).partition("[")[0] != "train":
        raise ConfigError(f"decontaminate keeps training rows clear of evaluation, and the split is {str(split)!r}")


def _cleared(loaded: AnyDataset, config: str, by: Decontaminate, clearing: Mapping[str, Any]) -> AnyDataset:
    """Keep the `train` split clear of evaluation lists."""
    from video_sft.mixing._selection.clearing import cleared  # most loads are done without mixing

    if not isinstance(loaded, datasets.DatasetDict):
        return cleared(loaded, f"{config}, train", by, **clearing)
    kept = {name: cleared(rows, f"{config}, train", by, **clearing) for name, rows in loaded.items() if name == "train"}
    return datasets.DatasetDict({**loaded, **kept})


def _check_repo_options(sample: bool, on_bad_row: str, others: Mapping[str, Any]) -> None:
    """Refuse options that only mean something while rows are built."""
    given = {"sample": sample or None, **others, "on_bad_row": None if on_bad_row == "error" else on_bad_row}
    if names := sorted(name for name, value in given.items() if value is not None):
        raise ConfigError(f"rows of a repo are already built: repo=... does not go with {', '.join(names)}")
