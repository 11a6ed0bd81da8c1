"""Rows that a load left out: written beside the built dataset, told again whenever it is loaded."""

from __future__ import annotations

import glob
import json
import logging
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

import datasets

from video_sft._annotations import Problems
from video_sft.errors import ConfigError

__all__ = ["SkippedRow", "remember_build", "save_problems", "skipped_in", "skipped_rows", "tell_skipped"]

logger = logging.getLogger("video_sft")
_PREFIX = "skipped-"
_MOST_DAMAGED = 5
#: Where the datasets in use were built. `DatasetInfo` has no place for it that survives concatenation.
_BUILT_IN: WeakKeyDictionary[datasets.Dataset, frozenset[tuple[str, str]]] = WeakKeyDictionary()


@dataclass(frozen=True)
class SkippedRow:
    """One row that was left out because it could not be read.

    Attributes:
        file: the annotation file.
        position: where in it.
        field: the field at fault, or None for the row as a whole.
        problem: what is wrong with it.
    """

    file: str
    position: str
    field: str | None
    problem: str


def save_problems(problems: Problems, config: str, part: str, folder: str) -> None:
    """Tell what a part left out and, where a dataset is being built, write it into its folder."""
    for line in problems.lines():
        logger.info("%s, %s: %s", config, part, line)
    for error in problems.damage[:_MOST_DAMAGED]:
        what = f"{error.file}, {error.position}: {error.problem}"
        logger.warning("%s, %s: %s. The rows were read all the same", config, part, what)
    if not problems.skipped:
        return
    skipped = [SkippedRow(error.file, error.position, error.field, error.problem) for error in problems.skipped]
    tell_skipped(f"{config}, {part}", skipped)
    if os.path.isdir(folder):
        path = Path(folder) / f"{_PREFIX}{part.replace('/', '-')}.json"
        path.write_text(json.dumps([asdict(row) for row in skipped]), encoding="utf-8")


def skipped_in(folder: str | os.PathLike[str], split: str | None = None) -> list[SkippedRow]:
    """Return the rows left out of the dataset built in a folder."""
    pattern = f"{_PREFIX}{glob.escape(split or '')}*.json"
    return [SkippedRow(**row) for path in sorted(Path(folder).glob(pattern)) for row in json.loads(path.read_text())]


def skipped_rows(dataset: datasets.Dataset | datasets.DatasetDict) -> list[SkippedRow]:
    """Return the rows that `on_bad_row="skip"` left out of a loaded dataset.

    Args:
        dataset: what `video_sft.load` returned; what is made of it by `map`, `select` and the like is not remembered.

    Raises:
        ConfigError: it is something else, or a stream: what that leaves out is logged when its end is reached.
    """
    parts = list(dataset.values()) if isinstance(dataset, dict) else [dataset]
    if not parts or not all(part in _BUILT_IN for part in parts if isinstance(part, datasets.Dataset)):
        raise ConfigError("only a dataset that video_sft.load returned is remembered with the rows it leaves out")
    if not all(isinstance(part, datasets.Dataset) for part in parts):
        raise ConfigError("a stream logs the rows it leaves out when its end is reached; load without streaming=True")
    places = sorted({place for part in parts for place in _BUILT_IN[part]})
    return [row for folder, split in places for row in skipped_in(folder, split)]


def remember_build(dataset: datasets.Dataset, places: Iterable[tuple[str, str]]) -> None:
    """Note where a dataset was built, folder and split by split, for `skipped_rows`."""
    _BUILT_IN[dataset] = frozenset(places)


def tell_skipped(what: str, skipped: Iterable[SkippedRow]) -> None:
    """Log one line on how many rows were left out, of which kinds, and where the first ones stand."""
    rows = list(skipped)
    if not rows:
        return
    kinds = Counter(f"{row.field or 'row'}: {row.problem[:80]}" for row in rows)
    reasons = "; ".join(f"{count} x {kind}" for kind, count in kinds.most_common(5))
    first = ", ".join(f"{row.file} {row.position}" for row in rows[:3])
    logger.warning("%s: left out %d rows that could not be read (%s). First: %s", what, len(rows), reasons, first)
