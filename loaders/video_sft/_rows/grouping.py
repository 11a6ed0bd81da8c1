"""Several questions on one video as one conversation, so that its frames are read and encoded once."""

from __future__ import annotations

import hashlib
import itertools
import logging
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from tqdm.auto import tqdm

from video_sft._datasets import fingerprint_of, without_indices
from video_sft._files import cache_error, is_intact, writing_cached
from video_sft._rows.schema import clip_name
from video_sft.errors import ConfigError

__all__ = ["check_grouping", "group_by_video"]

logger = logging.getLogger("video_sft")
#: Part of the cached file's name; raised when the merged rows change.
_VERSION = "3"
_ROWS_PER_BATCH = 2000


def check_grouping(group: str | None, max_turns: int | None) -> None:
    """Refuse what `load` cannot group by."""
    if group not in (None, "video"):
        raise ConfigError(f"group is {group!r}; it is 'video' or None")
    whole = isinstance(max_turns, int) and not isinstance(max_turns, bool)
    if max_turns is not None and (group is None or not whole or max_turns < 1):
        raise ConfigError(f"max_turns is {max_turns!r}; it is a positive number, and needs group='video'")


def group_by_video(
    dataset: datasets.Dataset, *, max_turns: int | None = None, seed: int = 0, cache_dir: str | None = None
) -> datasets.Dataset:
    """Merge the rows of one video, and one clip of it, into conversations.

    Rows are merged where their video, the file that has it or a clip of it, their start and stop and their system turn
    are the same. A row without media, one whose answer is withheld, or one that asks without words, stays as it is. A
    merged row has the first row's id with `+<others>` behind it, and the columns of a conversation: `open_ended`, no
    choices, the last answer; `task` and `question_type` where all rows agree (otherwise `conversation` and null); the
    evidence of all.

    Args:
        dataset: rows of the shared schema.
        max_turns: the most exchanges a conversation has; a row that alone has more stays whole. None sets no limit.
        seed: orders the questions of a video, together with their ids; conversations stay in the order of first rows.
        cache_dir: where the merged rows are kept, memory-mapped; the `datasets` cache by default.
    """
    dataset = without_indices(dataset)
    if not len(dataset):
        return dataset
    digest = hashlib.blake2b(f"{_VERSION} {fingerprint_of(dataset)} {max_turns} {seed}".encode(), digest_size=12)
    folder = Path(cache_dir or datasets.config.HF_DATASETS_CACHE) / "video_sft_grouped"
    path = folder / f"{digest.hexdigest()}.arrow"
    if not is_intact(path):
        if path.exists():
            logger.warning("the rows merged by video in %s are damaged; they are merged anew", path)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with writing_cached(path) as unfinished:
                _write(unfinished, dataset, max_turns, seed)
        except OSError as error:
            raise cache_error("merging rows by video stopped", error, folder) from error
    info = datasets.DatasetInfo(features=dataset.features, license=dataset.info.license)
    grouped = datasets.Dataset.from_file(str(path), info=info, split=dataset.split)
    return grouped.cast_column("video", dataset.features["video"])


def _write(path: Path, dataset: datasets.Dataset, max_turns: int | None, seed: int) -> None:
    table = dataset.data.table
    schema = dataset.features.arrow_schema
    groups = _groups(table, max_turns, seed)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
        for batch in _batches(groups):
            rows = iter(table.take(pa.array(np.concatenate(batch))).to_pylist())
            merged = [_merged(list(itertools.islice(rows, len(members)))) for members in batch]
            writer.write_table(pa.Table.from_pylist(merged, schema=schema))


def _batches(groups: Sequence[npt.NDArray[np.int64]]) -> Iterator[list[npt.NDArray[np.int64]]]:
    batch: list[npt.NDArray[np.int64]] = []
    held = 0
    for members in tqdm(groups, desc="Merging rows by video", unit=" conversations", leave=False, disable=None):
        batch.append(members)
        held += len(members)
        if held >= _ROWS_PER_BATCH:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _groups(table: pa.Table, max_turns: int | None, seed: int) -> list[npt.NDArray[np.int64]]:
    """Return the row numbers of each conversation, in the order of its turns."""
    by_clip: dict[tuple[Any, ...], list[int]] = {}
    turns = array("q")
    columns = ["id", "video_id", "video_path", "start_seconds", "stop_seconds", "messages"]
    ids: list[str] = []
    for chunk in table.select(columns).to_batches(max_chunksize=_ROWS_PER_BATCH):
        cells = (column.to_pylist() for column in chunk.columns)
        for key, video, path, start, stop, messages in zip(*cells, strict=True):
            system = messages[0]["content"][0]["text"] if messages[0]["role"] == "system" else None
            wordless = any(message["content"][-1]["type"] != "text" for message in messages)
            alone = video is None or wordless or messages[-1]["role"] != "assistant"
            clip = (len(ids),) if alone else (video, clip_name(video, path), start, stop, system)
            by_clip.setdefault(clip, []).append(len(ids))
            turns.append(sum(message["role"] == "user" for message in messages))
            ids.append(key)

    def weight(number: int) -> bytes:
        return hashlib.blake2b(f"{seed}/{ids[number]}".encode(), digest_size=8).digest()

    ordered = (members if len(members) == 1 else sorted(members, key=weight) for members in by_clip.values())
    found = [piece for members in ordered for piece in _cut(members, turns, max_turns)]
    return sorted(found, key=lambda members: int(members.min()))


def _cut(members: Sequence[int], turns: Sequence[int], limit: int | None) -> list[npt.NDArray[np.int64]]:
    pieces: list[list[int]] = []
    held = 0
    for number in members:
        if not pieces or (limit is not None and held + turns[number] > limit):
            pieces.append([])
            held = 0
        pieces[-1].append(number)
        held += turns[number]
    return [np.array(piece, dtype=np.int64) for piece in pieces]


def _merged(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return one row for several: the first one's turns, then the others' without their system turn and media part."""
    if len(rows) == 1:
        return rows[0]
    messages = list(rows[0]["messages"])
    for row in rows[1:]:
        for message in row["messages"]:
            if message["role"] != "system":
                parts = [part for part in message["content"] if part["type"] == "text"]
                messages.append({"role": message["role"], "content": parts})
    tasks, kinds = {row["task"] for row in rows}, {row["question_type"] for row in rows}
    return {
        **rows[0],
        "id": f"{rows[0]['id']}+{len(rows) - 1}",
        "task": tasks.pop() if len(tasks) == 1 else "conversation",
        "answer_format": "open_ended",
        "question_type": kinds.pop() if len(kinds) == 1 else None,
        "messages": messages,
        "choices": [],
        "answer": rows[-1]["answer"],
        "answer_index": None,
        "evidence": [moment for row in rows for moment in row["evidence"]],
    }
