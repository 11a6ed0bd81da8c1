"""The files of cards: beside the package in a checkout, in `share/` where it was installed, or beside a source."""

from __future__ import annotations

import inspect
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from video_sft._sources.own_code import module_file
from video_sft._sources.registry import own_names
from video_sft.builders import builder_class
from video_sft.errors import MissingFileError
from video_sft.publishing._card.text import SKELETON

__all__ = ["CARD_FOLDER", "checkout_folder", "read_card_file", "source_card"]

CARD_FOLDER = "dataset_cards"


def checkout_folder() -> Path | None:
    """Return the folder of the cards in a checkout of the project; None where this is an installed package."""
    folder = Path(__file__).resolve().parents[4] / CARD_FOLDER
    return folder if folder.is_dir() else None


def read_card_file(name: str) -> str:
    """Return the text of a card or of the notebook.

    Raises:
        MissingFileError: there is none of that name.
    """
    folder = checkout_folder()
    place = folder / name if folder is not None else _installed(name)
    if place is None or not place.is_file():
        raise MissingFileError(f"{CARD_FOLDER}/{name} is not there: every source has a card; reinstall the package")
    return place.read_text(encoding="utf-8")


def source_card(source: str) -> str:
    """Return the text of a source's card, whose generated parts may be old.

    A source of another package may have one in `dataset_cards/<source>.md` beside its module; without it a card is made
    of the docstring of its builder class and the generated parts.

    Raises:
        MissingFileError: a source of this package has none.
    """
    name = f"{source}.md"
    if source in own_names():
        return read_card_file(name)
    cls = builder_class(source)
    file = module_file(cls)
    card = None if file is None else file.parent / CARD_FOLDER / name
    if card is not None and card.is_file():
        return card.read_text(encoding="utf-8")
    return SKELETON.format(title=cls.source.title, about=inspect.cleandoc(vars(cls).get("__doc__") or ""))


def _installed(name: str) -> Path | None:
    """Return where pip put the file; it records each file it installs, wherever `share/` is."""
    try:
        recorded = files("video-sft") or []
    except PackageNotFoundError:
        return None
    found = [file for file in recorded if file.parts[-2:] == (CARD_FOLDER, name)]
    return Path(str(found[0].locate())) if found else None
