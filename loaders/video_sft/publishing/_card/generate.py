"""Making the generated parts of `dataset_cards/` anew: `python -m video_sft.publishing._card.generate`."""

from __future__ import annotations

from pathlib import Path

from video_sft.builders import own_sources
from video_sft.errors import MissingFileError
from video_sft.publishing._card.blocks import blocks
from video_sft.publishing._card.facts import stated_facts
from video_sft.publishing._card.files import checkout_folder
from video_sft.publishing._card.metadata import card_name, metadata
from video_sft.publishing._card.text import SKELETON, fill

__all__ = ["generate_cards", "generated_card"]

_BY_HAND = "What it is, in a few sentences by hand."


def generated_card(names: list[str], text: str | None) -> str:
    """Return a card with its generated parts made anew; a new one where there is none.

    Args:
        names: the sources it describes.
        text: the card as it is.
    """
    facts = stated_facts(names)
    return fill(text or SKELETON.format(title=facts.title, about=_BY_HAND), metadata(facts), blocks(facts))


def generate_cards(folder: Path) -> list[Path]:
    """Write every card of a folder anew, and return those that changed."""
    changed = []
    for names in [*([name] for name in own_sources()), own_sources()]:
        place = folder / card_name(stated_facts(names))
        text = place.read_text(encoding="utf-8") if place.is_file() else None
        card = generated_card(names, text)
        if card != text:
            place.write_text(card, encoding="utf-8")
            changed.append(place)
    return changed


if __name__ == "__main__":
    found = checkout_folder()
    if found is None:
        raise MissingFileError("cards are generated in a checkout of the project, and this is an installed package")
    generate_cards(found)
