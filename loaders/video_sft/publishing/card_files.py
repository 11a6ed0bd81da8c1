"""Where the cards are: beside the package in a checkout, in `share/` where the package was installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from video_sft.errors import MissingFileError

__all__ = ["CARD_FOLDER", "checkout_folder", "read_card_file"]

CARD_FOLDER = "dataset_cards"


def checkout_folder() -> Path | None:
    """Return the folder of the cards in a checkout of the project; None where this is an installed package."""
    folder = Path(__file__).resolve().parents[3] / CARD_FOLDER
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


def _installed(name: str) -> Path | None:
    """Return where pip put the file; it records each file it installs, wherever `share/` is."""
    try:
        recorded = files("video-sft") or []
    except PackageNotFoundError:
        return None
    found = [file for file in recorded if file.parts[-2:] == (CARD_FOLDER, name)]
    return Path(str(found[0].locate())) if found else None
