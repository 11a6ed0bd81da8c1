"""A row's messages as turns of plain text, as trainers take them that know media by a tag in the text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from video_sft.errors import ConfigError

__all__ = ["Modality", "PlainTurn", "spaced_tags", "turns_of", "with_system_in_question"]

Modality: TypeAlias = Literal["video", "image"]
#: Words that trainers replace wherever they stand: media tags, ms-swift's others, and models' own tokens.
_TAGS = re.compile(
    r"<(/?(?:video|image|audio|img|bbox|ref-object|cot-process|start-image)|\|\w+\|)>", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True)
class PlainTurn:
    """One turn of a conversation.

    Attributes:
        role: `system`, `user` or `assistant`.
        text: what is said.
        media: what is shown before it, if anything.
    """

    role: str
    text: str
    media: Modality | None = None

    def tagged(self, tag: str) -> str:
        """Return the text with a tag in front where something is shown."""
        return tag + self.text if self.media else self.text


def turns_of(messages: Sequence[Mapping[str, Any]], where: str) -> list[PlainTurn]:
    """Return the turns of a row.

    Args:
        messages: as rows of the shared schema have them; a content may also be a string.
        where: what errors call the row.

    Raises:
        ConfigError: a part is none that rows have.
    """
    turns = []
    for message in messages:
        content = message["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        media = [part["type"] for part in parts if part["type"] != "text"]
        if media not in ([], ["video"], ["image"]) or (media and parts[0]["type"] == "text"):
            raise ConfigError(
                f"{where}: a turn has {', '.join(media)} parts; one video or one image in front of the text is taken"
            )
        text = "\n".join(part["text"] for part in parts if part["type"] == "text")
        turns.append(PlainTurn(message["role"], text, media[0] if media else None))
    if sum(turn.media is not None for turn in turns) > 1:
        raise ConfigError(f"{where}: its turns show several videos or images; a row has one")
    return turns


def spaced_tags(text: str) -> str:
    """Return text in which trainers find no tag: `<video>` becomes `<video >`, the same to a reader."""
    return _TAGS.sub(r"<\1 >", text) if "<" in text else text


def with_system_in_question(turns: Sequence[PlainTurn]) -> list[PlainTurn]:
    """Return turns for trainers that know no system turn: its text stands before the first question."""
    if turns[0].role != "system":
        return list(turns)
    system, question, *others = turns
    text = f"{system.text}\n{question.text}" if question.text else system.text
    return [PlainTurn(question.role, text, question.media), *others]
