"""A dataset's row, as the collator takes it: turns a template can write, and the media they speak of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from datasets import Image

from video_sft.errors import ConfigError, MissingMediaError
from video_sft.video import Clip

__all__ = ["Missing", "Row", "read_row", "row_name"]

#: What becomes of a row that speaks of a video or image which it does not have.
Missing = Literal["skip", "drop_media", "error"]
_MEDIA = ("video", "image")


@dataclass(frozen=True)
class Row:
    """A row with what its turns speak of.

    Attributes:
        name: its id, for messages.
        messages: turns without null values.
        kinds: ``video`` and ``image`` parts of the turns, in order.
        clip: its video, cut to its limits.
        image: a Pillow image.
    """

    name: str
    messages: Sequence[Mapping[str, Any]]
    kinds: tuple[str, ...]
    clip: Clip | None = None
    image: Any = None

    def without_media(self) -> Row:
        """Return the row with its text alone."""
        return Row(self.name, _without_media(self.messages), ())


def read_row(row: Mapping[str, Any], *, missing: Missing, escape: Callable[[str], str]) -> Row:
    """Read a row of the shared schema.

    Args:
        row: with `messages`, and `video` or `image`; `start_seconds` and `stop_seconds` apply where the clip has no
            limits of its own.
        missing: ``drop_media`` leaves out the parts of media that are not there.
        escape: breaks up what a tokenizer would take for control tokens.

    Raises:
        MissingMediaError: the turns speak of a video or image that is not there.
        ConfigError: the row has no turns, or other media than they speak of.
    """
    name = row_name(row)
    if not row.get("messages"):
        raise ConfigError(f"{name} has no messages; the collator takes rows of the shared schema, unchanged")
    messages: Sequence[Mapping[str, Any]] = [_turn(turn, escape) for turn in row["messages"]]
    kinds = tuple(part["type"] for part in _parts(messages) if part["type"] in _MEDIA)
    attached = {kind: row.get(kind) for kind in _MEDIA if row.get(kind) is not None}
    for kind in _MEDIA:
        parts = kinds.count(kind)
        if parts > 1 or (kind in attached and not parts):
            raise ConfigError(f"{name} has {parts} parts of the type {kind!r} in its messages, and one {kind}")
    absent = [kind for kind in kinds if kind not in attached]
    if absent and missing != "drop_media":
        raise MissingMediaError(
            f"{name} speaks of a {absent[0]} that is not attached ({row.get('video_path') or 'no path'}). Say where it "
            "is with media=, leave such rows out with load(..., missing='skip'), or train on their text with "
            "Collator(missing='drop_media')"
        )
    if absent:
        messages, kinds = _without_media(messages, absent), tuple(kind for kind in kinds if kind in attached)
    clip = _clip(attached["video"], row) if "video" in attached else None
    image = attached.get("image")
    if image is not None and not hasattr(image, "convert"):
        image = Image().decode_example(image)
    return Row(name, messages, kinds, clip, image)


def row_name(row: Mapping[str, Any]) -> str:
    """Return what messages call a row."""
    return str(row.get("id") or "a row without an id")


def _turn(turn: Mapping[str, Any], escape: Callable[[str], str]) -> dict[str, Any]:
    content = turn["content"]
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    parts = []
    for part in content:
        kept = {key: value for key, value in part.items() if value is not None}
        if "text" in kept:
            kept["text"] = escape(kept["text"])
        parts.append(kept)
    return {"role": turn["role"], "content": parts}


def _parts(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [part for turn in messages for part in turn["content"]]


def _without_media(messages: Sequence[Mapping[str, Any]], kinds: Sequence[str] = _MEDIA) -> list[Mapping[str, Any]]:
    return [{**turn, "content": [part for part in turn["content"] if part["type"] not in kinds]} for turn in messages]


def _clip(cell: Any, row: Mapping[str, Any]) -> Clip:
    clip = cell if isinstance(cell, Clip) else Clip.from_storage(cell)
    if clip.start_seconds is None and clip.stop_seconds is None:
        return clip.part(row.get("start_seconds"), row.get("stop_seconds"))
    return clip
