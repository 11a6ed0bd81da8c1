"""`lengths`: how many tokens each row has for a model, without reading a frame."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import datasets
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from PIL import Image

from video_sft._datasets import indices_of, stored_batches, tqdm, with_column
from video_sft._probing.file_facts import facts_of
from video_sft._probing.medium_facts import Facts, Medium, MediumFacts
from video_sft._probing.probe import tell_unreadable
from video_sft._probing.row_media import MEDIA_COLUMNS, RowMedium, medium_of
from video_sft.errors import ConfigError, VideoError
from video_sft.video import VideoMetadata

__all__ = ["lengths"]

_COLUMNS = ("id", "messages", "video", "image", "video_path", "start_seconds", "stop_seconds")
_BATCH = 1_000


def lengths(
    rows: datasets.Dataset,
    processor: Any,
    *,
    column: str = "length",
    num_threads: int | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    **options: Any,
) -> datasets.Dataset:
    """Add the number of tokens each row has in a batch of `video_sft.training.Collator`.

    It is worked out from the facts about the row's file (see `probe`): files that were probed before are not opened,
    others once. Each different row is worked out once, however often a mixture has it. For samplers that group rows of
    like length (`TrainingArguments(train_sampling_strategy="group_by_length")`), and for packing.

    Args:
        rows: a dataset of the shared schema, such as a mixture, which stays the index that it is.
        processor: the model's, of `transformers`.
        column: what the new column is called; one of that name is replaced.
        num_threads: files that are opened at the same time; None is one for each processor, up to four.
        cache_dir: where facts are kept; the `datasets` cache by default.
        **options: as for `video_sft.training.Collator`: `fps` or `count`, `max_frames`, `max_tokens`, `sound`,
            `chat_template`, `missing` ...

    Returns:
        The same rows with the column, int32; null for rows that the collator leaves out.

    Raises:
        ConfigError: these are no rows of the shared schema, or an option is not possible.
        VideoSftError: what the collator raises where its options say `error`.

    Example:
        >>> mixed = video_sft.mix({"star": 0.5, "next_qa": 0.5}, num_rows=1000)
        >>> mixed = video_sft.lengths(mixed, processor, fps=2, max_frames=32)
        >>> max(mixed["length"])
    """
    from video_sft.training._collator import Collator

    if not isinstance(rows, datasets.Dataset) or "messages" not in rows.column_names:
        raise ConfigError("lengths takes a Dataset of the shared schema, with messages; a stream has to be read first")
    collator = Collator(processor, **options)
    if column in rows.column_names:
        rows = rows.remove_columns(column)
    order = indices_of(rows)
    numbers = np.arange(len(rows)) if order is None else np.unique(order.to_numpy()).astype(np.int64)
    facts = _facts(rows, numbers, num_threads, cache_dir)
    found = np.full(rows.data.num_rows, -1, dtype=np.int32)
    with tqdm(desc="counting tokens", total=len(numbers), unit=" rows", leave=False, delay=1.0) as progress:
        for number, (row, medium) in zip(numbers.tolist(), _rows(rows, numbers, _COLUMNS), strict=True):
            length = collator.length(*_for_collator(row, medium, facts))
            found[number] = -1 if length is None else length
            progress.update()
    return with_column(rows, column, pa.array(found, mask=found < 0))


def _rows(
    rows: datasets.Dataset, numbers: npt.NDArray[np.int64], columns: Sequence[str]
) -> Iterator[tuple[dict[str, Any], RowMedium | None]]:
    known: dict[str, RowMedium] = {}
    wanted = [name for name in columns if name in rows.column_names]
    for batch in stored_batches(rows, wanted, _BATCH, numbers):
        for row in batch.to_pylist():
            yield row, medium_of(row, known)


def _facts(
    rows: datasets.Dataset,
    numbers: npt.NDArray[np.int64],
    num_threads: int | None,
    cache_dir: str | os.PathLike[str] | None,
) -> dict[Medium, Facts]:
    wanted = (medium.medium for _, medium in _rows(rows, numbers, MEDIA_COLUMNS) if medium)
    facts = facts_of(wanted, num_threads=num_threads, cache_dir=cache_dir)
    tell_unreadable([each for each in facts.values() if isinstance(each, VideoError)], len(facts))
    return facts


def _for_collator(
    row: dict[str, Any], medium: RowMedium | None, facts: Mapping[Medium, Facts]
) -> tuple[dict[str, Any], VideoMetadata | None]:
    """Return a row as the collator takes it, and the facts about its video; an image is as large as the row's."""
    known = facts.get(medium.medium) if medium else None
    if not isinstance(known, MediumFacts):  # there is none, or the collator says what is wrong with it
        return row, None
    if known.metadata is None:
        row["image"] = Image.new("L", (known.width, known.height))
    return row, known.metadata
