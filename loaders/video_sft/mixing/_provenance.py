"""The record of a mixture's making, kept in `mix.info.description`, so that it survives most operations.

`DatasetInfo` has no field for a package's own data, and attributes of a dataset are lost with the next `select`. The
description is copied by `select`, `skip`, `shuffle`, `filter`, `map` and `save_to_disk`, and a person can read it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml
from datasets import DatasetInfo

from video_sft.mixing._eval_lists.chosen import chosen_lists, unlisted
from video_sft.mixing._eval_lists.lists import EvalList
from video_sft.mixing._options import MixOptions

__all__ = ["MixtureRecord", "PartRecord", "describe_in", "lists_of", "recipe_of", "record_in"]

_MARK = "# video-sft mixture"


@dataclass(frozen=True)
class PartRecord:
    """One part of a mixture.

    Attributes:
        name: config name, or the name the user gave.
        requested: the share asked for, of 1.
        read: rows it has.
        used: rows left after what `left_out` lists.
        passes: how often it is passed over, the last one perhaps not to the end.
        left_out: rows by reason.
        first: id of its first row in the mixture's table, to recognise the table by.
        table_rows: rows its table has in the mixture's, for each pass.
        on_lists: rows it has on the videos, or with the questions, of each evaluation list.
        not_compared: rows whose video could not be compared by content, by the reason.
    """

    name: str
    requested: float
    read: int
    used: int
    passes: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    first: str | None = None
    table_rows: int = 0
    on_lists: Mapping[str, int] = field(default_factory=dict)
    not_compared: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class MixtureRecord:
    """How a mixture was made.

    Attributes:
        options: the arguments of `mix` that decide the order, as in a recipe file.
        rows: scheduled rows.
        parts: its parts in the order of the table.
        eval_lists: the evaluation lists it was kept clear of, and the digest of each.
        eval_missing: evaluation splits and benchmarks there is no list of; empty where lists were chosen by name.
        eval_origins: what each of those lists was made from.
        eval_footage: how many videos of each of them were compared by content too, where that was asked for.
    """

    options: Mapping[str, Any]
    rows: int
    parts: tuple[PartRecord, ...]
    eval_lists: Mapping[str, str] = field(default_factory=dict)
    eval_missing: Sequence[str] = ()
    eval_origins: Mapping[str, str] = field(default_factory=dict)
    eval_footage: Mapping[str, int] = field(default_factory=dict)

    def drawn(self, times: npt.NDArray[np.int64]) -> Iterator[tuple[PartRecord, int, npt.NDArray[np.int64]]]:
        """Yield for each part that has rows where it begins in the mixture's table, and how often each row is drawn.

        Args:
            times: how often each row of the table is drawn, where a part's rows come once for each pass.
        """
        start = 0
        for part in self.parts:
            stop = start + part.passes * part.table_rows
            if part.table_rows:
                yield part, start, times[start:stop].reshape(part.passes, part.table_rows).sum(axis=0)
            start = stop


def lists_of(lists: Sequence[EvalList], options: MixOptions) -> dict[str, Any]:
    """Return what a record says of the evaluation lists a mixture was kept clear of."""
    missing: list[str] = []
    by_content = options.decontaminate == "eval-content"
    if lists and options.eval_sets is None:
        missing += unlisted(lists)
        missing += [entry.name for entry in chosen_lists(None, options.eval_ids) if entry not in lists]
    return {
        "eval_lists": {entry.name: entry.digest() for entry in lists},
        "eval_origins": {entry.name: entry.made_from for entry in lists},
        "eval_missing": tuple(dict.fromkeys(missing)),
        "eval_footage": {entry.name: len(entry.fingerprints) for entry in lists if by_content},
    }


def recipe_of(names: Sequence[str], weights: Mapping[str, float] | None, options: MixOptions) -> dict[str, Any]:
    """Return what decided a mixture's order, in the terms of a recipe: parts, and the options that are no defaults."""
    chosen = {key: value for key, value in asdict(options).items() if value != getattr(MixOptions(), key)}
    for name in ("load_options", "probabilities"):
        chosen.pop(name, None)
    recipe = {"parts": list(names) if weights is None else dict(weights), **chosen}
    plain: dict[str, Any] = json.loads(json.dumps(recipe, default=str))
    return plain


def describe_in(info: DatasetInfo, record: MixtureRecord) -> None:
    """Write the record into a dataset's info."""
    content = asdict(record)
    content |= {"parts": [asdict(part) for part in record.parts], "eval_missing": list(record.eval_missing)}
    names = ", ".join(part.name for part in record.parts)
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=10_000)
    info.description = f"A mixture of {names}, made by video_sft.mix.\n\n{_MARK}\n{text}"


def record_in(info: DatasetInfo) -> MixtureRecord | None:
    """Read the record back; None where the dataset did not come from `mix`."""
    _, mark, text = (info.description or "").partition(f"{_MARK}\n")
    if not mark:
        return None
    try:
        content = yaml.safe_load(text)
        parts = tuple(PartRecord(**part) for part in content.pop("parts"))
        return MixtureRecord(parts=parts, **content)
    except (yaml.YAMLError, TypeError, KeyError, AttributeError):
        return None
