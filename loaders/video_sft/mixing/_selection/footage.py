"""Rows whose video shows an evaluation video, whatever either of them is called."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from video_sft._suffixes import SUFFIXES
from video_sft.errors import ConfigError
from video_sft.mixing._eval_lists.footage import FootageIndex, footage_of_rows, why_not
from video_sft.mixing._eval_lists.lists import EvalList
from video_sft.mixing._selection.filters import Selection

__all__ = ["leave_out_footage"]

logger = logging.getLogger("video_sft.mixing")
_COLUMNS = ("video", "start_seconds", "stop_seconds")
#: Paths of images for certain.
_IMAGE = rf"(?i)\.({'|'.join(suffix for suffix in SUFFIXES['image'] if suffix not in SUFFIXES['video'])})$"


def leave_out_footage(
    parts: Mapping[str, Selection], lists: Sequence[EvalList], cache_dir: str | os.PathLike[str] | None = None
) -> None:
    """Leave out rows whose video, or the part of it they are about, shows a video of a list.

    Rows whose video cannot be looked at stay, and are counted (`Selection.not_compared`) and told.

    Raises:
        ConfigError: no list has fingerprints, or not one row has a video at hand: nothing could be compared.
    """
    if not lists:
        return
    index = FootageIndex(lists)
    if not len(index):
        raise ConfigError(
            "decontaminate='eval-content' compares videos by what they show, and none of the evaluation lists chosen "
            "has fingerprints of its videos. `video-sft eval-ids add NAME FOLDER_OF_VIDEOS` makes a list that has"
        )
    able = {name: part for name, part in parts.items() if len(part) and (part.has("video") or part.has("video_id"))}
    footage = footage_of_rows([_media(part) for part in able.values()], cache_dir)
    matches = index.find(one for of_part in footage for each in of_part if each for one in each.fingerprints)
    compared = 0
    for (name, part), of_part in zip(able.items(), footage, strict=True):
        about = _rows_about_videos(part)
        problems = [why_not(each) if on_video else None for each, on_video in zip(of_part, about, strict=True)]
        part.not_compared = dict(Counter(why for why in problems if why))
        compared += sum(each is not None and bool(each.fingerprints) for each in of_part)
        if part.not_compared:
            told = "; ".join(f"{count:,} since {why}" for why, count in part.not_compared.items())
            logger.warning("%s: rows that could not be compared by content, and stay: %s", name, told)
        reasons = {}
        for number, entry in enumerate(lists):
            hits = {one for one, by_list in matches.items() if number in by_list}
            if not hits:
                continue
            mask = np.array([each is not None and not hits.isdisjoint(each.fingerprints) for each in of_part], bool)
            if mask.any():
                part.on_lists[entry.name] = part.on_lists.get(entry.name, 0) + int(mask.sum())
                reasons[f"footage of {entry.name}"] = mask
        part.drop(reasons)
    if not compared and any(part.not_compared for part in able.values()):
        raise ConfigError(
            "decontaminate='eval-content' looks into videos, and not one of these rows has a video that could be "
            "looked at. Give them (media={POOL: PLACE}), or compare ids alone (decontaminate='eval-videos')"
        )


def _media(part: Selection) -> pa.Table:
    columns = {name: part.values(name) for name in _COLUMNS if part.has(name)}
    return pa.table(columns if "video" in columns else {"video": pa.nulls(len(part))})


def _rows_about_videos(part: Selection) -> npt.NDArray[np.bool_]:
    """Return which rows are about a video, at hand or not: those with a cell, and those that name one."""
    about = np.zeros(len(part), bool)
    for name in ("video", "video_id"):
        if part.has(name):
            about |= np.array(pc.is_valid(part.values(name)).to_numpy(), bool)
    if part.has("image"):
        about &= np.array(pc.is_null(part.values("image")).to_numpy(), bool)
    if part.has("video_path"):
        images = pc.match_substring_regex(part.values("video_path"), _IMAGE)
        about &= ~np.array(pc.fill_null(images, False).to_numpy(), bool)
    return about
