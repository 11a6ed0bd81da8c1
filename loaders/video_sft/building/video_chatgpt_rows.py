"""The rows of Video-ChatGPT's and VideoGPT+'s files: native question and answer, or LLaVA-style conversations.

LLaVA-style rows are `{"id", "video", "conversations": [{"from": "human" or "gpt", "value": text}]}`. The media token
stands before or after the first question: upstream's converter puts it after in even rows and before in odd ones
(https://github.com/mbzuai-oryx/Video-ChatGPT/blob/main/scripts/convert_instruction_json_to_training_format.py), and its
trainer moves it to the front wherever it is.
"""

from __future__ import annotations

import re

from datasets import List, Value

from video_sft.annotations import Row
from video_sft.records import Media, Turn
from video_sft.texts import cleaned

__all__ = ["LLAVA_FEATURES", "activitynet_media", "llava_media", "llava_turns", "native_turn"]

#: The columns of LLaVA-style rows.
LLAVA_FEATURES = {
    "id": Value("string"),
    "video": Value("string"),
    "conversations": List({"from": Value("string"), "value": Value("string")}),
}
#: What stands for the video in a text; LLaVA-NeXT writes `<image>` for videos too.
_MEDIA_TOKEN = re.compile("<(?:video|image)>")
#: Left over from prompting GPT-3.5, mostly on a line of its own behind the answer
#: (https://github.com/mbzuai-oryx/Video-ChatGPT/issues/69); with the quotes or brackets around it and the punctuation
#: behind it.
_NOISE_WORD = "QA_GT_caption_based_noisy"
_NOISE = re.compile(
    rf"""(?:\[{_NOISE_WORD}\]|\({_NOISE_WORD}\)|"{_NOISE_WORD}"|'{_NOISE_WORD}'|`{_NOISE_WORD}`|{_NOISE_WORD})[:,.;]?"""
)
_ACTIVITYNET_ID = re.compile(r"[A-Za-z0-9_-]{11}", re.ASCII)
#: What a row's `video` may end in; `.pkl` names precomputed features of the video.
_SUFFIX = re.compile(r"\.(?P<suffix>mp4|mkv|webm|avi|mov|pkl)", re.ASCII | re.IGNORECASE)


def native_turn(row: Row) -> Turn:
    """Return the exchange of a row with `q` and `a`."""
    return Turn(_spoken(row, "q", row.text("q"), media_token=True), _spoken(row, "a", row.text("a")))


def llava_turns(row: Row) -> list[Turn]:
    """Return the exchanges of a row with `conversations`.

    Raises:
        RowError: human and gpt do not take turns, a text is empty, or the media token is in a place of its own.
    """
    values = []
    for number, child in enumerate(row.children("conversations")):
        expected = ("human", "gpt")[number % 2]
        if child.text("from").strip() != expected:
            child.fail("from", f"expected {expected}, found {child.value['from']!r}")
        values.append(_spoken(child, "value", child.text("value"), media_token=number == 0))
    if not values or len(values) % 2:
        row.fail("conversations", f"{len(values)} values; each question should have an answer")
    return [Turn(question, answer) for question, answer in zip(values[::2], values[1::2], strict=True)]


def _spoken(row: Row, field: str, text: str, *, media_token: bool = False) -> str:
    """Return a text as it is to be trained on: without noise, and without the one media token a row has."""
    if _NOISE_WORD in text:
        text = _joined(_NOISE.split(text), "\n")
    if media_token:
        text = _joined(_MEDIA_TOKEN.split(text, maxsplit=1), " ")
    if _MEDIA_TOKEN.search(text):
        row.fail(field, "there is a media token in it beside the one the first question has")
    text = cleaned(text)
    if not text:
        row.fail(field, "there is no text in it beside upstream's noise and the media token")
    return text


def _joined(pieces: list[str], between: str) -> str:
    return between.join(piece.strip() for piece in pieces if piece and not piece.isspace())


def activitynet_media(row: Row, field: str) -> Media:
    """Return the ActivityNet video a field names: with or without `v_`, a folder in front, a suffix behind.

    `v_` is stripped and added once: the video `v_UmAH95xls` is called `v_v_UmAH95xls`.

    Raises:
        RowError: there is no YouTube id of 11 characters in it.
    """
    name = row.path(field).rpartition("/")[2]
    stem, suffix = _without_suffix(name)
    video = stem[2:] if len(stem) == 13 and stem.startswith("v_") else stem
    if not _ACTIVITYNET_ID.fullmatch(video):
        row.fail(field, f"{name!r} is not like v_k_ZXmr8pmrs: v_ and a YouTube id of 11 characters")
    return Media("activitynet", f"v_{video}", f"v_{video}.{suffix}")


def llava_media(row: Row) -> Media:
    """Return the video of a LLaVA-style row: what `video` names or, where that is missing, `id`.

    Raises:
        RowError: it is not an ActivityNet video, or `video` and `id` name different ones.
    """
    field = "id" if row.value.get("video") is None and "id" in row.value else "video"
    media = activitynet_media(row, field)
    other = row.value.get("id")
    names_video = isinstance(other, str) and len(other) == 13 and other.startswith("v_")
    if names_video and other != media.id:
        row.fail("id", f"{other!r} is another video than {media.id!r}")
    return media


def _without_suffix(name: str) -> tuple[str, str]:
    stem, dot, last = name.rpartition(".")
    match = _SUFFIX.fullmatch(dot + last)
    if not match:
        return name, "mp4"
    suffix = match["suffix"].lower()
    return stem, "mp4" if suffix == "pkl" else suffix
