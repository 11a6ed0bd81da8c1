"""Training rows kept clear of evaluation lists, by every way there is to compare them."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence

import datasets

from video_sft.errors import ConfigError
from video_sft.mixing._eval_lists.chosen import chosen_lists
from video_sft.mixing._eval_lists.lists import EvalList
from video_sft.mixing._selection.filters import DECONTAMINATIONS, Decontaminate, Selection, leave_out_evaluation
from video_sft.mixing._selection.footage import leave_out_footage

__all__ = ["cleared", "leave_out_listed"]

logger = logging.getLogger("video_sft")


def leave_out_listed(
    parts: Mapping[str, Selection],
    lists: Sequence[EvalList],
    by: Decontaminate,
    cache_dir: str | os.PathLike[str] | None = None,
) -> None:
    """Leave out rows that an evaluation list uses; see `video_sft.mix`."""
    for part in parts.values():
        leave_out_evaluation(part, lists, by)
    if by == "eval-content":
        leave_out_footage(parts, lists, cache_dir)


def cleared(
    rows: datasets.Dataset,
    name: str,
    by: Decontaminate,
    *,
    eval_sets: Sequence[str] | None = None,
    eval_ids: str | os.PathLike[str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
) -> datasets.Dataset:
    """Return rows without those that an evaluation list uses, and log how many were left out and why.

    Args:
        rows: of the shared schema.
        name: what messages call them.
        by: how they are compared.
        eval_sets: names of lists; None is `default`.
        eval_ids: the folder of the user's lists.
        cache_dir: where fingerprints are kept.

    Raises:
        ConfigError: an option is none there is, or rows have no `video_id`.
    """
    if by not in DECONTAMINATIONS:
        raise ConfigError(f"decontaminate is {by!r}; it is one of {', '.join(DECONTAMINATIONS)}")
    if "video_id" not in rows.column_names:
        raise ConfigError(
            f"{name} has no video_id to compare with evaluation lists; load a config of the shared schema"
        )
    part = Selection(rows)
    lists = chosen_lists(eval_sets, eval_ids, with_questions=by == "eval-questions")
    leave_out_listed({name: part}, lists, by, cache_dir)
    if part.positions is None:
        logger.info("%s: no row is in one of %d evaluation lists", name, len(lists))
        return rows
    told = ", ".join(f"{count:,} as {why}" for why, count in part.left_out.items())
    logger.info("%s: %d of %d rows are left out: %s", name, len(rows) - len(part), len(rows), told)
    return rows.select(part.positions)
