"""Making evaluation lists from a user's annotation files: what `video-sft eval-ids` does."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import fsspec
from datasets import Dataset

from video_sft.builders import builder_class, find_source, sources
from video_sft.building.source import places_of
from video_sft.errors import ConfigError
from video_sft.loading import load
from video_sft.mixing.eval_ids import EvalList, eval_list, user_folder, write_lists

__all__ = ["make_eval_lists"]

logger = logging.getLogger("video_sft.mixing")


def make_eval_lists(
    data_dir: str | os.PathLike[str] | Mapping[str, str | os.PathLike[str]],
    *,
    only: Sequence[str] | None = None,
    folder: str | os.PathLike[str] | None = None,
) -> list[EvalList]:
    """Read the validation and test splits that are there and write their lists.

    Args:
        data_dir: upstream's files by source, as for `load`; or one folder with a folder for each source.
        only: the sources to read; None for every one that has files.
        folder: where to write; None for `user_folder()`, where `mix` looks.

    Returns:
        The lists, one for each split read.

    Raises:
        ConfigError: there is no such source, or no evaluation split in any of the folders.
    """
    places = _places(data_dir, only)
    lists = [entry for source, place in places.items() for entry in _lists_of(source, place)]
    if not lists:
        raise ConfigError(f"no validation or test files of {', '.join(only or sources())} in {data_dir}")
    write_lists(lists, user_folder() if folder is None else folder)
    return lists


def _places(
    data_dir: str | os.PathLike[str] | Mapping[str, str | os.PathLike[str]], only: Sequence[str] | None
) -> dict[str, str]:
    for source in only or ():
        find_source(source)
    if isinstance(data_dir, Mapping):
        given = {source: os.fspath(place) for source, place in data_dir.items()}
        for source in given:
            find_source(source)
    else:
        candidates = {source: Path(data_dir) / source for source in sources()}
        given = {source: str(place) for source, place in candidates.items() if place.is_dir()}
        if not given and only is not None and len(only) == 1:
            given = {only[0]: os.fspath(data_dir)}
    return {source: place for source, place in given.items() if only is None or source in only}


def _lists_of(source: str, place: str) -> list[EvalList]:
    wanted = [split for split in find_source(source).splits if split != "train"]
    found = builder_class(source)(config_name=source, data_dir=place, splits=wanted).found_parts()
    lists = []
    for split in found.splits():
        rows = load(source, split=split, data_dir=place)
        if not isinstance(rows, Dataset):
            raise TypeError(f"load returned a {type(rows).__name__} for one split")
        files = {
            part.files["rows"].name: _sha256(places_of(locations["rows"])[0])
            for part, locations in found.present
            if part.split == split and "rows" in locations
        }
        entry = eval_list(rows, source=source, split=split, files=files)
        logger.info("%s: %d videos, %d questions", entry.name, len(entry.videos), len(entry.questions))
        lists.append(entry)
    return lists


def _sha256(location: str) -> str:
    digest = hashlib.sha256()
    with fsspec.open(location, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
