"""A card's text: prose by hand around blocks that are generated, each between two markers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from video_sft.errors import ConfigError

__all__ = ["SKELETON", "block_names", "fill", "section", "table", "without_markers"]

_SECTIONS = {
    "Load": "load",
    "Splits": "configs",
    "Question types": "question_types",
    "Example rows": "examples",
    "Columns": "schema",
    "Videos": "videos",
    "Where the rows come from": "provenance",
    "Overlap with other sources": "overlaps",
    "Licences": "licenses",
    "Changes": "changes",
    "Citation": "citation",
}
#: A card that nobody has written anything into yet.
SKELETON = "\n# {title}\n\n{about}\n\n<!-- generated: facts -->\n<!-- end: facts -->\n" + "".join(
    f"\n## {heading}\n<!-- generated: {block} -->\n<!-- end: {block} -->\n" for heading, block in _SECTIONS.items()
)

_BLOCK = re.compile(r"(<!-- generated: ([a-z_]+) -->\n).*?(<!-- end: \2 -->)", re.DOTALL)
_MARKER = re.compile(r"^<!-- (?:generated|end): [a-z_]+ -->\n", re.MULTILINE)
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


def without_markers(text: str) -> str:
    """Return a card for readers, without the marks that make it anew."""
    return _MARKER.sub("", text)


def section(text: str, heading: str) -> str | None:
    """Return what a card says under a heading of the second level; None where it has no such heading."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    return found[1].strip() if found else None


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
