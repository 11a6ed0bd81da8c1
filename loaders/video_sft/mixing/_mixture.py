"""`mix`: several sources as one dataset, in exact proportions and one fixed order."""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from datasets import Dataset, DatasetInfo, IterableDataset, NamedSplit

from video_sft._datasets import fingerprint_of
from video_sft._upstream_loading import refuse_slips_of
from video_sft.errors import ConfigError
from video_sft.mixing._eval_lists.lists import EvalList
from video_sft.mixing._options import MixOptions
from video_sft.mixing._order.quotas import StoppingStrategy
from video_sft.mixing._order.schedule import RowNumbers, passes, schedule
from video_sft.mixing._parts import Parts, read_parts
from video_sft.mixing._provenance import MixtureRecord, PartRecord, describe_in, lists_of, recipe_of
from video_sft.mixing._recipe import read_recipe
from video_sft.mixing._selection.clearing import leave_out_listed
from video_sft.mixing._selection.duplicates import leave_out_repeats
from video_sft.mixing._selection.filters import Decontaminate, Selection, keep_licensed
from video_sft.mixing._table import PASS_COLUMN, PartTable, assembled, part_table, row_type, shared_features

__all__ = ["mix", "mixed_rows", "parts_and_options", "selected_rows"]

logger = logging.getLogger("video_sft.mixing")

#: Part of every mixture's fingerprint; raised when the same arguments come to give another order.
ORDER_VERSION = 1


def mix(
    parts: Mapping[str, float] | Mapping[str, Dataset] | Sequence[str] | str | os.PathLike[str],
    *,
    split: str = "train",
    probabilities: Mapping[str, float] | Sequence[float] | None = None,
    temperature: float | None = None,
    seed: int = 0,
    epochs: int = 1,
    num_rows: int | None = None,
    stopping_strategy: StoppingStrategy = "exact",
    max_epochs_per_source: int | Mapping[str, int | None] | None = None,
    shuffle: bool = True,
    group: str | None = None,
    decontaminate: Decontaminate | None = "eval-videos",
    eval_ids: str | None = None,
    eval_sets: Sequence[str] | None = None,
    dedupe: bool = False,
    licenses: Sequence[str] | None = None,
    streaming: bool = False,
    repo: str | None = None,
    **load_options: Any,
) -> Dataset | IterableDataset:
    """Mix several sources into one dataset.

    The order is a function of the parts, the seed and the options, and of nothing else: not of the order in which the
    parts are named, of workers, ranks or the machine. Nothing is copied, no row is read: a mixture is an index over the
    parts' tables, so random access, `mix.skip(n)` to resume, `split_dataset_by_node` and any `DataLoader` just work.

    Args:
        parts: configs and their weights, `{"star": 0.3, "next_qa": 0.7}` (any positive sum; 0 leaves a part out);
            a list of configs; datasets by name; or the path of a recipe (YAML), or the name of a bundled one. Options
            of a recipe hold unless you pass another than the default here.
        split: of each config. Only a mixture of `train` is decontaminated.
        probabilities: the parts' shares, by name or in order, summing to one; for a list of configs or for datasets.
            Without weights, `exact` mixes by the number of rows and the other strategies take equal turns.
        temperature: flattens shares: each becomes its `1 / temperature`-th power. 1 leaves them, infinity equals them.
        seed: of the order.
        epochs: with `exact`, the mixture has `epochs` times the rows of all parts together; with the other strategies,
            a part is exhausted after `epochs` passes.
        num_rows: the rows of the mixture instead; with strategies other than `exact`, at most so many.
        stopping_strategy: `exact` (default): each part has its share of the rows to within one, and of any window of W
            rows to within four. `first_exhausted`, `all_exhausted`, `all_exhausted_without_replacement`: as
            `datasets.interleave_datasets` has them, spread as evenly.
        max_epochs_per_source: passes over one part that are allowed; what it would give beyond them the others give.
        shuffle: give every pass over a part a new order; False keeps the part's own.
        group: as in `load`: `"video"` merges the questions of one video into one conversation.
        decontaminate: leave out of training mixtures the rows whose video (`"eval-videos"`), or whose question on its
            video (`"eval-questions"`), is in an evaluation list: of the sources' validation and test splits, of common
            benchmarks, and your own (see `video_sft.mixing._eval_lists.lists`). `"eval-content"` leaves out the former
            and, of lists with fingerprints, rows whose video shows one of theirs under another id: every video is
            looked into, once. None leaves nothing out.
        eval_ids: folder with your own evaluation lists; default: where `video-sft eval-ids` writes them.
        eval_sets: keep clear of these lists only, such as `["next_qa", "activitynet_qa test", "mvbench"]`: names of
            lists, of sources and benchmarks with all their splits, of your own lists, or `"default"`, `"sources"`,
            `"benchmarks"`, `"own"`. `video-sft eval-ids` shows them.
        dedupe: keep questions that two sources repeat once; the rule is in `video_sft.mixing._selection.duplicates`.
        licenses: leave out rows with another `license`.
        streaming: mix streams, into an `IterableDataset`.
        repo: load the configs from this Hub repo instead of upstream's files.
        **load_options: passed to `video_sft.load`: `data_dir` and `files` as a dict by source, `media` as a dict by
            pool, `sample`, `missing`, `prompt_style`, ...

    Returns:
        A `datasets.Dataset` with the parts' columns and `mix_epoch`, the number of the pass over its part a row comes
        from. With `streaming`, an `IterableDataset` of the same columns.

    Raises:
        ConfigError: an option is wrong, or nothing is left to mix; the message names the culprit.
    """
    given = {name: value for name, value in locals().items() if name != "parts"}  # under the names of the options
    refuse_slips_of(mix, load_options)
    if isinstance(probabilities, np.ndarray):
        probabilities = probabilities.tolist()
    named, options = parts_and_options(parts, MixOptions(**{**given, "probabilities": probabilities}))
    lists = options.eval_lists()
    if options.streaming:
        from video_sft.mixing._stream.mixture import mixed_stream

        return mixed_stream(named, options, lists)
    return mixed_rows(named, selected_rows(named, options, lists), options, lists)


def parts_and_options(parts: Any, options: MixOptions) -> tuple[Parts, MixOptions]:
    """Return what `mix` was given, checked and with a recipe read; nothing is loaded.

    Raises:
        ConfigError: an option or a part is wrong.
    """
    if isinstance(parts, (str, os.PathLike)):
        parts, recipe, where = read_recipe(parts)
        options = options.over(recipe, where)
    return read_parts(parts, options), options


def selected_rows(named: Parts, options: MixOptions, lists: list[EvalList]) -> dict[str, Selection]:
    """Load the parts, and return the rows of each that are mixed, and why the others are not."""
    selections: dict[str, Selection] = {}
    for name in named.wanted:
        dataset: Any = named.dataset(name, options).with_format(None)
        if PASS_COLUMN in dataset.column_names:
            dataset = dataset.remove_columns(PASS_COLUMN)
        selections[name] = selection = Selection(dataset)
        if options.licenses is not None:
            keep_licensed(selection, options.licenses)
    if options.decontaminate is not None:
        leave_out_listed(selections, lists, options.decontaminate, options.load_options.get("cache_dir"))
    if options.dedupe:
        leave_out_repeats(selections)
    return selections


def mixed_rows(named: Parts, selections: dict[str, Selection], options: MixOptions, lists: list[EvalList]) -> Dataset:
    """Return the mixture of selected rows.

    Raises:
        ConfigError: there are none.
    """
    present = [name for name in selections if len(selections[name])]
    if not present:
        told = "; ".join(f"{name}: {len(part.dataset)} rows{_reasons(part)}" for name, part in selections.items())
        evaluated = any("of" in reason for part in selections.values() for reason in part.left_out)
        hint = ". Rows of evaluation splits are kept out of training mixtures; decontaminate=None keeps them"
        raise ConfigError(f"nothing is left to mix ({told}){hint if evaluated else ''}")
    for name in selections:
        if name not in present:
            level = logging.WARNING if selections[name].left_out else logging.INFO
            logger.log(level, "%s has no rows to mix%s", name, _reasons(selections[name]))
    features = shared_features({name: selections[name].dataset.features for name in present})
    sizes = [len(selections[name]) for name in present]
    quota = named.quotas(present, sizes, options)
    blocks = [part_table(selections[name].dataset, selections[name].positions) for name in present]
    repeats = [max(1, -(-int(count) // size)) for count, size in zip(quota.counts, sizes, strict=True)]
    counts = quota.counts.tolist()
    lengths = [int(block.table.num_rows) * count for block, count in zip(blocks, repeats, strict=True)]
    *starts, table_rows = itertools.accumulate(lengths, initial=0)
    given = zip(present, counts, blocks, starts, strict=True)
    draws = [_drawn(name, count, block, start, options) for name, count, block, start in given]
    order = schedule(draws, quota, num_rows=options.num_rows, dtype=row_type(sum(counts), table_rows))
    record = _record(named, selections, blocks, dict(zip(present, repeats, strict=True)), len(order), options, lists)
    info = DatasetInfo(features=features)
    describe_in(info, record)
    split = NamedSplit(options.split.partition("[")[0])
    return assembled(blocks, repeats, order, split=split, info=info, fingerprint=_fingerprint(record, selections))


def _drawn(name: str, count: int, block: PartTable, start: int, options: MixOptions) -> Iterator[RowNumbers]:
    """Yield the rows a part gives, in order, as row numbers of the mixture's table, where its own begin at `start`."""
    size = len(block)
    for rows in passes(size, count, key=f"{options.seed}/{name}", shuffle=options.shuffle):
        if block.rows is not None:
            number, row = np.divmod(rows, np.uint64(size))
            rows = number * np.uint64(block.table.num_rows) + block.rows[row]
        rows += np.uint64(start)
        yield rows


def _record(
    named: Parts,
    selections: dict[str, Selection],
    blocks: list[PartTable],
    passes: dict[str, int],
    rows: int,
    options: MixOptions,
    lists: list[EvalList],
) -> MixtureRecord:
    by_name = dict(zip(passes, blocks, strict=True))
    asked = list(named.wanted if named.weights is not None else passes)
    shares = named.shares(asked, [len(selections[name]) for name in asked], options)
    requested = dict(zip(asked, shares.tolist(), strict=True))
    parts = []
    for name, selection in selections.items():
        block = by_name.get(name)
        first = block.table.column("id")[0].as_py() if block is not None and selection.has("id") else None
        parts.append(
            PartRecord(
                name=name,
                requested=requested.get(name, 0.0),
                read=len(selection.dataset),
                used=len(selection),
                passes=passes.get(name, 0),
                left_out=selection.left_out,
                first=first,
                table_rows=0 if block is None else int(block.table.num_rows),
                on_lists=selection.on_lists,
                not_compared=selection.not_compared,
            )
        )
    return MixtureRecord(recipe_of(named.names, named.weights, options), rows, tuple(parts), **lists_of(lists, options))


def _fingerprint(record: MixtureRecord, selections: dict[str, Selection]) -> str:
    content = [ORDER_VERSION, asdict(record), [fingerprint_of(part.dataset) for part in selections.values()]]
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=8).hexdigest()


def _reasons(selection: Selection) -> str:
    told = ", ".join(f"{count} by {reason}" for reason, count in selection.left_out.items())
    return f" (left out: {told})" if told else ""
