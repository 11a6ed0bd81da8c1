"""What a load left out: written beside the built dataset, told again whenever it is loaded."""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import datasets

from video_sft.annotations import Problems
from video_sft.errors import RowError

__all__ = ["SkippedRow", "save_problems", "skipped_in", "skipped_rows", "tell_skipped"]

logger = logging.getLogger("video_sft")
_PREFIX = "skipped-"


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
    for note in problems.notes:
        logger.info("%s, %s: %s", config, part, note)
    if not problems.skipped:
        return
    skipped = [_skipped(error) for error in problems.skipped]
    tell_skipped(f"{config}, {part}", skipped)
    if os.path.isdir(folder):
        path = Path(folder) / f"{_PREFIX}{part.replace('/', '-')}.json"
        path.write_text(json.dumps([asdict(row) for row in skipped]), encoding="utf-8")


def skipped_in(folder: str | os.PathLike[str], split: str | None = None) -> list[SkippedRow]:
    """Return the rows left out of the dataset built in a folder."""
    pattern = f"{_PREFIX}{split or ''}*.json"
    return [SkippedRow(**row) for path in sorted(Path(folder).glob(pattern)) for row in json.loads(path.read_text())]


def skipped_rows(dataset: datasets.Dataset | datasets.DatasetDict) -> list[SkippedRow]:
    """Return the rows that `on_bad_row="skip"` left out of a loaded dataset.

    Args:
        dataset: what `video_sft.load` returned, before other datasets are mixed in. A streamed dataset has no file
            to remember them in; what it leaves out is logged when its end is reached.
    """
    whole = isinstance(dataset, datasets.DatasetDict)
    parts = dataset.values() if whole else [dataset]
    places = {(os.path.dirname(file["filename"]), str(part.split)) for part in parts for file in part.cache_files}
    if whole:
        places = {(folder, "") for folder, _ in places}  # a split of which no row could be read has no file of its own
    return [row for folder, split in sorted(places) for row in skipped_in(folder, split)]


def tell_skipped(what: str, skipped: Iterable[SkippedRow]) -> None:
    """Log one line on how many rows were left out, of which kinds, and where the first ones stand."""
    rows = list(skipped)
    if not rows:
        return
    kinds = Counter(f"{row.field or 'row'}: {row.problem[:80]}" for row in rows)
    reasons = "; ".join(f"{count} x {kind}" for kind, count in kinds.most_common(5))
    first = ", ".join(f"{row.file} {row.position}" for row in rows[:3])
    logger.warning("%s: left out %d rows that could not be read (%s). First: %s", what, len(rows), reasons, first)


def _skipped(error: RowError) -> SkippedRow:
    return SkippedRow(error.file, error.position, error.field, error.problem)
