"""The maker of evaluation lists from a user's annotation files, behind `video-sft eval-ids`."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from datasets import Dataset

from video_sft._given_places import DataDir, places_of_sources
from video_sft._loading import load
from video_sft._media import Location, MediaPlaces
from video_sft._places import is_remote, sha256_of
from video_sft._probing.row_media import RowMedium, media_in
from video_sft._source_files.found_parts import FoundParts
from video_sft._sources.part import places_of
from video_sft.builders import builder_class, find_source, sources
from video_sft.errors import ConfigError, VideoSftError
from video_sft.mixing._eval_lists.footage import FootageCounts, with_footage
from video_sft.mixing._eval_lists.lists import EvalList, eval_list, user_folder, write_lists

__all__ = ["SourceOutcome", "read_eval_splits"]

logger = logging.getLogger("video_sft.mixing")


@dataclass(frozen=True)
class SourceOutcome:
    """What became of one source's evaluation splits.

    Attributes:
        source: its name.
        place: the folder that was looked at; None where there is none.
        lists: of the splits that were read.
        skipped: why the others were not, by split; the empty name stands for all of them.
        named: whether the source was asked for by name.
        footage: how many videos of each split have fingerprints, where media were given.
    """

    source: str
    place: str | None
    lists: tuple[EvalList, ...]
    skipped: Mapping[str, str]
    named: bool
    footage: Mapping[str, FootageCounts] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether there is nothing of a source that was asked for, or a split of it could not be read."""
        return (self.named and not self.lists) or any(why.startswith(_UNREADABLE) for why in self.skipped.values())


_UNREADABLE = "cannot be read: "


def read_eval_splits(
    data_dir: DataDir,
    *,
    only: Sequence[str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    media: MediaPlaces | Location | Sequence[Location] | None = None,
) -> list[SourceOutcome]:
    """Read the validation and test splits that are there, write their lists, and say what became of every source.

    Files are given by source, or as one folder with a folder for each. Every source that has some is read, or `only`
    those named, and its lists are written where `mix` looks, or to another folder. With `media`, as for `load`, lists
    have fingerprints of the videos that are there.

    Raises:
        ConfigError: there is no such source, or `data_dir` is no folder.
    """
    places = _places(data_dir, only or ())
    named = set(only or ()) | (set(data_dir) if isinstance(data_dir, Mapping) else set())
    outcomes = []
    for source in sources():
        asked = not only or source in only
        outcome = _outcome(source, places.get(source), media, named=source in named, asked=asked)
        if outcome.lists:
            write_lists(outcome.lists, user_folder() if folder is None else folder)
        outcomes.append(outcome)
    return outcomes


def _places(data_dir: DataDir, only: Sequence[str]) -> dict[str, str]:
    """Return the places that are there; of a single source asked for, the place given is its own."""
    for source in only:
        find_source(source)
    found = places_of_sources(data_dir, sources())
    if isinstance(data_dir, Mapping) or found:
        return found
    if len(only) == 1:
        return {only[0]: os.fspath(data_dir)}
    if not os.path.isdir(data_dir) and not is_remote(os.fspath(data_dir)):
        raise ConfigError(
            f"{os.fspath(data_dir)} is not a folder with a folder for each source; SOURCE=PLACE names one"
        )
    return {}


def _outcome(source: str, place: str | None, media: Any, *, named: bool, asked: bool) -> SourceOutcome:
    splits = [split for split in find_source(source).splits if split != "train"]
    if not splits:
        return SourceOutcome(source, place, (), {"": "has no validation or test split"}, named)
    if not asked:
        return SourceOutcome(source, place, (), {"": "not asked for"}, named=False)
    if place is None:
        return SourceOutcome(source, None, (), {"": f"no folder {source} was found"}, named)
    lists, skipped = [], {}
    told: dict[str, FootageCounts] = {}
    try:
        found = builder_class(source)(config_name=source, data_dir=place, splits=splits).found_parts()
    except (VideoSftError, OSError) as error:
        return SourceOutcome(source, place, (), {"": f"{_UNREADABLE}{error}"}, named)
    for split in splits:
        missing = [part.files["rows"].name for part, _ in found.absent if part.split == split and "rows" in part.files]
        if missing:
            skipped[split] = f"no {' and no '.join(missing)} in {place}"
        if split not in found.splits():
            continue
        try:
            entry, counts = _list_of(source, split, place, found, media)
            lists.append(entry)
            told |= {split: counts} if counts else {}
        except (VideoSftError, OSError) as error:
            skipped[split] = f"{_UNREADABLE}{error}"
    return SourceOutcome(source, place, tuple(lists), skipped, named, told)


def _list_of(
    source: str, split: str, place: str, found: FoundParts, media: Any
) -> tuple[EvalList, FootageCounts | None]:
    rows = load(source, split=split, data_dir=place, media=media)
    if not isinstance(rows, Dataset):
        raise TypeError(f"load returned a {type(rows).__name__} for one split")
    files = {
        part.files["rows"].name: sha256_of(places_of(locations["rows"])[0])
        for part, locations in found.present
        if part.split == split and "rows" in locations
    }
    entry = eval_list(rows, source=source, split=split, files=files)
    logger.info("%s: %d videos, %d questions", entry.name, len(entry.videos), len(entry.questions))
    if media is None:
        return entry, None
    columns = rows.select_columns(["video_id", "video", "start_seconds", "stop_seconds"]).with_format("arrow")[:]
    by_video: dict[str, set[RowMedium]] = {}
    for video, each in zip(columns["video_id"].to_pylist(), media_in(columns.drop_columns("video_id")), strict=True):
        if video is not None and each is not None:
            by_video.setdefault(video, set()).add(each)
    return with_footage(entry, by_video)
