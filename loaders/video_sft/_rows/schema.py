"""The shared row: one schema for every source, and its Arrow form.

Every config but `<source>-source` has exactly these columns and types, so any two of them concatenate.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Features, Image, List, Value

from video_sft._rows.messages import Message, MessageStyle, render
from video_sft._sources.record import Record
from video_sft.video import Video

__all__ = ["ANSWER_FORMATS", "COLUMNS", "SCHEMA_VERSION", "TASKS", "VIEWS", "clip_name", "features", "to_table"]

#: Raised when the meaning of a column changes; part of every cache key.
SCHEMA_VERSION = "1"

TASKS = ("conversation", "classification", "detailed_caption", "simple_caption", "reasoning", "vqa")
ANSWER_FORMATS = ("open_ended", "multiple_choice")
#: What may follow a source's name in a config's; `human` is the human-annotated part.
VIEWS = (*TASKS, *ANSWER_FORMATS, "human")


def features() -> Features:
    """Return the columns of every shared row, in order.

    Returns:
        A fresh `datasets.Features`; `video` decodes to a lazy `video_sft.Clip`, `image` to a Pillow image.
    """
    text = Value("string")
    span = {"start_seconds": Value("float64"), "stop_seconds": Value("float64")}
    return Features(
        {
            **dict.fromkeys(("id", "source", "task", "answer_format", "question_type"), text),
            "messages": List({"role": text, "content": List({"type": text, "text": text})}),
            "video": Video(),
            "image": Image(),
            **dict.fromkeys(("video_id", "video_path"), text),
            **span,
            "choices": List(text),
            "answer": text,
            "answer_index": Value("int32"),
            "evidence": List(span),
            "license": text,
        }
    )


COLUMNS = tuple(features())


def clip_name(video_id: str, video_path: str | None) -> str:
    """Return what a file is called that holds a clip of its video; an empty string where it is the video itself.

    A scene of ActivityNet's `v_k_ZXmr8pmrs` has that video's `video_id`, and a `video_path` such as
    `sharegptvideo/v_k_ZXmr8pmrs-Scene-001`: rows with one `video_id` are about the same frames only where this agrees
    too.
    """
    name, whole = (video_path or "").rpartition("/")[2], video_id.rpartition("/")[2]
    return "" if name == whole or name.rpartition(".")[0] == whole else name


def to_table(records: Sequence[Record], *, source: str, license: str, style: MessageStyle) -> pa.Table:
    """Return a batch of one source's records as a table of shared rows, without media files attached."""
    ids = [f"{source}/{record.key}" for record in records]
    rendered = [render(record, row_id, style) for record, row_id in zip(records, ids, strict=True)]
    media = [record.media for record in records]
    size, schema = len(records), _schema()
    columns: dict[str, Any] = {
        "id": ids,
        "source": pa.repeat(source, size),
        "task": [record.task for record in records],
        "answer_format": [answer.answer_format for answer in rendered],
        "question_type": [record.question_type for record in records],
        "messages": _messages([answer.messages for answer in rendered]),
        "video": pa.nulls(size, schema.field("video").type),
        "image": pa.nulls(size, schema.field("image").type),
        "video_id": [item and item.video_id for item in media],
        "video_path": [item and item.video_path for item in media],
        "start_seconds": [item and item.start_seconds for item in media],
        "stop_seconds": [item and item.stop_seconds for item in media],
        "choices": _lists([answer.choices for answer in rendered], schema.field("choices").type),
        "answer": [answer.answer for answer in rendered],
        "answer_index": [answer.answer_index for answer in rendered],
        "evidence": _evidence([record.evidence for record in records], schema.field("evidence").type),
        "license": pa.repeat(license, size),
    }
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, type=schema.field(name).type)
        for name, column in columns.items()
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


@functools.cache
def _schema() -> pa.Schema:
    return features().arrow_schema


def _lists(rows: Sequence[Sequence[str]], shape: pa.DataType) -> pa.Array:
    return pa.ListArray.from_arrays(_ends(rows), pa.array(list(itertools.chain.from_iterable(rows)), shape.value_type))


def _evidence(rows: Sequence[Sequence[tuple[float, float]]], shape: pa.DataType) -> pa.Array:
    moments = list(itertools.chain.from_iterable(rows))
    spans = [pa.array([moment[place] for moment in moments], pa.float64()) for place in range(2)]
    return pa.ListArray.from_arrays(_ends(rows), pa.StructArray.from_arrays(spans, fields=list(shape.value_type)))


def _ends(rows: Sequence[Sequence[object]]) -> pa.Array:
    """Return where each row's list ends among the values of all of them, with a zero in front."""
    return pa.array(np.cumsum([0, *map(len, rows)], dtype=np.int32))


def _messages(rows: Sequence[Sequence[Message]]) -> pa.Array:
    """Build the nested `messages` column from flat lists: many times faster than from one dict per part."""
    roles: list[str] = []
    types: list[str] = []
    texts: list[str | None] = []
    row_ends, part_ends = [0], [0]
    for messages in rows:
        for role, parts in messages:
            roles.append(role)
            for kind, text in parts:
                types.append(kind)
                texts.append(text)
            part_ends.append(len(types))
        row_ends.append(len(roles))
    text = pa.string()
    parts_array = pa.StructArray.from_arrays([pa.array(types, text), pa.array(texts, text)], ["type", "text"])
    content = pa.ListArray.from_arrays(np.asarray(part_ends, dtype=np.int32), parts_array)
    turns = pa.StructArray.from_arrays([pa.array(roles, text), content], ["role", "content"])
    return pa.ListArray.from_arrays(np.asarray(row_ends, dtype=np.int32), turns)
