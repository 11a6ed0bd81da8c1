"""A card's text: prose by hand around blocks that are generated, each between two markers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from video_sft.errors import ConfigError

__all__ = ["SKELETON", "block_names", "fill"]

_SECTIONS = {
    "Load": "load",
    "Splits": "configs",
    "Question types": "question_types",
    "Columns": "schema",
    "Where the rows come from": "provenance",
    "Overlap with other sources": "overlaps",
    "Licences": "licenses",
    "Citation": "citation",
}
#: A card that nobody has written anything into yet.
SKELETON = "\n# {title}\n\n{about}\n\n<!-- generated: facts -->\n<!-- end: facts -->\n" + "".join(
    f"\n## {heading}\n<!-- generated: {block} -->\n<!-- end: {block} -->\n" for heading, block in _SECTIONS.items()
)

_BLOCK = re.compile(r"(<!-- generated: ([a-z_]+) -->\n).*?(<!-- end: \2 -->)", re.DOTALL)
_FRONT_MATTER = re.compile(r"\A---\n(?:.*?\n)?---\n", re.DOTALL)


def block_names(text: str) -> list[str]:
    """Return the names of the generated blocks of a card, in order."""
    return [match[2] for match in _BLOCK.finditer(text)]


def fill(text: str, metadata: str, blocks: Mapping[str, str]) -> str:
    """Return a card with its metadata and its generated blocks made anew, and the prose as it was.

    Raises:
        ConfigError: the card has a block that nothing generates.
    """
    unknown = [name for name in block_names(text) if name not in blocks]
    if unknown:
        raise ConfigError(f"a card asks for blocks nothing generates: {', '.join(unknown)}; known: {', '.join(blocks)}")
    body = _BLOCK.sub(lambda match: f"{match[1]}{blocks[match[2]].strip()}\n{match[3]}", _FRONT_MATTER.sub("", text))
    return f"---\n{metadata.strip()}\n---\n{body}"
