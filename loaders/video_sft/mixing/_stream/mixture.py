"""Mixtures of streams: the shares, sizes and order of `mix`, over parts that are read as they come."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from datasets import DatasetInfo, Features, IterableDataset, NamedSplit, Value

from video_sft._datasets import examples_of, new_reader, stream_of, with_known_features
from video_sft.errors import ConfigError
from video_sft.mixing._eval_lists.lists import EvalList
from video_sft.mixing._options import MixOptions
from video_sft.mixing._order.schedule import turns
from video_sft.mixing._parts import Parts
from video_sft.mixing._provenance import MixtureRecord, PartRecord, describe_in, lists_of, recipe_of
from video_sft.mixing._selection.filters import RowTest
from video_sft.mixing._stream.examples import MixedExamples
from video_sft.mixing._stream.part import StreamPart
from video_sft.mixing._table import PASS_COLUMN, shared_features

__all__ = ["mixed_stream"]

logger = logging.getLogger("video_sft.mixing")


def mixed_stream(named: Parts, options: MixOptions, lists: Sequence[EvalList]) -> IterableDataset:
    """Mix streams; see `video_sft.mix` for the options.

    How many rows each part gives is settled here, and so is their order: the mixture has the same rows on any number of
    workers and ranks. Where that depends on how many rows a part has, the number comes from the part's metadata (Hub
    repos state it; with `exact` it is taken as it is, before rows are left out) or from reading the part once.

    Rows left out (decontamination, licences) are left out as they come, and a part that has none left is dropped with
    a warning. Every pass shuffles a part's files, and its rows in blocks of a thousand.
    """
    test = RowTest(lists, options.decontaminate, options.licenses)
    stays = None if test.idle else test
    streams = {name: _stream(named, name, options) for name in named.wanted}
    sizes = {name: _size(name, stream, stays, named, options) for name, stream in streams.items()}
    present = [name for name in streams if sizes[name]]
    if not present:
        raise ConfigError(f"nothing is left to mix: no rows in {', '.join(streams)}")
    features = shared_features({name: streams[name].features for name in present})
    rows = [sizes[name] for name in present]
    shares = named.shares(present, rows, options)
    quota = named.quotas(present, rows, options)
    counts, together = quota.counts, True
    if options.stopping_strategy != "exact":  # the order ends where its strategy says
        counts = np.bincount(turns(quota)[: options.num_rows], minlength=len(counts))
        together = options.stopping_strategy != "all_exhausted_without_replacement"
        together &= options.max_epochs_per_source is None
    parts = [
        StreamPart(name, examples_of(streams[name]), int(count), float(rate), stays)
        for name, count, rate in zip(present, counts, quota.rates, strict=True)
    ]
    examples = MixedExamples(parts, key=str(options.seed), shuffle=options.shuffle, together=together)
    info = DatasetInfo(features=Features({**features, PASS_COLUMN: Value("int32")}))
    shared = zip(present, shares.tolist(), strict=True)
    records = tuple(PartRecord(name, share, read=sizes[name], used=sizes[name], passes=0) for name, share in shared)
    recipe = recipe_of(named.names, named.weights, options)
    describe_in(info, MixtureRecord(recipe, int(counts.sum()), records, **lists_of(lists, options)))
    return stream_of(examples, info, NamedSplit(options.split.partition("[")[0]))


def _stream(named: Parts, name: str, options: MixOptions) -> IterableDataset:
    stream = named.dataset(name, options)
    if not isinstance(stream, IterableDataset):
        raise ConfigError(f"{name!r} is a {type(stream).__name__}, not a stream")
    stream = with_known_features(stream)
    if stream.features is None:
        raise ConfigError(f"{name!r} has no rows to tell its columns from; give its features")
    return stream.remove_columns(PASS_COLUMN) if PASS_COLUMN in stream.features else stream


def _size(name: str, stream: IterableDataset, stays: RowTest | None, named: Parts, options: MixOptions) -> int:
    """Return how many rows a part has, as far as it matters: 1 stands for any number where it does not."""
    exact = options.stopping_strategy == "exact"
    split = (stream.info.splits or {}).get(str(stream.split)) if exact or stays is None else None
    if split is not None and split.num_examples:
        return int(split.num_examples)
    rows = new_reader(examples_of(stream))
    if exact and options.num_rows and named.weights is not None and options.max_epochs_per_source is None:
        return int(any(True for _ in rows))
    logger.info("counting the rows of %s, which its metadata do not state", name)
    return sum(1 for _, row in rows if stays is None or stays(row))
