"""The rows of Video-ChatGPT's and VideoGPT+'s files: native question and answer, or LLaVA-style conversations.

LLaVA-style rows are `{"id", "video", "conversations": [{"from": "human" or "gpt", "value": text}]}`. The media token
stands before or after the first question: upstream's converter puts it after in even rows and before in odd ones
(https://github.com/mbzuai-oryx/Video-ChatGPT/blob/main/scripts/convert_instruction_json_to_training_format.py), and its
trainer moves it to the front wherever it is. Files made by other hands call the speakers `user` and `assistant`, begin
with a system text, repeat the token for each frame or each turn, or end with a question.
"""

from __future__ import annotations

import re

from datasets import List, Value

from video_sft._annotations import Problems, SourceRow
from video_sft._sources.record import Conversation, Media, Turn
from video_sft._text import cleaned
from video_sft.builders._row_fields import blank_field, unusable
from video_sft.errors import RowError

__all__ = ["LLAVA_FEATURES", "activitynet_media", "llava_conversation", "llava_media", "native_conversation"]

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
_ROLES = {"human": "human", "user": "human", "gpt": "gpt", "assistant": "gpt", "model": "gpt", "system": "system"}
_ACTIVITYNET_ID = re.compile(r"[A-Za-z0-9_-]{11}", re.ASCII)
#: What a row's `video` may end in; `.pkl` names precomputed features of the video.
_SUFFIX = re.compile(r"\.(?P<suffix>mp4|mkv|webm|avi|mov|pkl)", re.ASCII | re.IGNORECASE)


def native_conversation(row: SourceRow, problems: Problems) -> tuple[Conversation, RowError | None]:
    """Return the exchange of a row with `q` and `a`, and why it is unusable, if it is."""
    question, answer = _spoken(row, "q", problems, tokens=1), _spoken(row, "a", problems)
    return Conversation([Turn(question, answer)]), blank_field(row, q=question, a=answer)


def llava_conversation(row: SourceRow, problems: Problems) -> tuple[Conversation, RowError | None]:
    """Return the exchanges of a row with `conversations`, and why they are unusable, if they are.

    A first question may be the media token alone. Other exchanges that lack one of their texts, and a question at the
    end that has no answer, are left out and counted.

    Raises:
        RowError: human and gpt do not take turns, or say something that is no text.
    """
    messages = list(row.children("conversations"))
    instruction = ""
    if messages and _role(messages[0]) == "system":
        instruction = cleaned(_said(messages.pop(0)))
    spoken: list[str] = []
    for number, message in enumerate(messages):
        expected = ("human", "gpt")[number % 2]
        if _role(message) != expected:
            message.fail("from", f"expected {expected}, found {message.value.get('from', message.value.get('role'))!r}")
        field = "value" if "value" in message.value else "content"
        spoken.append(_spoken(message, field, problems, tokens=int(number == 0)))
    if len(spoken) % 2:
        problems.mend("Conversations that end with a question, which is left out")
    pairs = list(zip(spoken[::2], spoken[1::2], strict=False))
    turns = [Turn(asked, answer) for number, (asked, answer) in enumerate(pairs) if answer and (asked or not number)]
    if not turns:
        return Conversation(()), unusable(row, "conversations", "no question in it has an answer")
    if len(turns) < len(pairs):
        problems.mend("Exchanges without a question or an answer, which are left out", len(pairs) - len(turns))
    return Conversation(turns, instruction), None


def _role(message: SourceRow) -> str:
    said = message.text("from" if "from" in message.value or "role" not in message.value else "role")
    return _ROLES.get(said.strip().casefold(), said)


def _said(message: SourceRow) -> str:
    return message.text_or_blank("value" if "value" in message.value else "content")


def _spoken(row: SourceRow, field: str, problems: Problems, *, tokens: int = 0) -> str:
    """Return a text as it is to be trained on: without noise, and without media tokens.

    Texts with more than so many tokens are counted: the row has one video, whatever they say.
    """
    text = row.text_or_blank(field)
    if _NOISE_WORD in text:
        text = _joined(_NOISE.split(text), "\n")
    if "<" in text:
        pieces = _MEDIA_TOKEN.split(text)
        if len(pieces) - 1 > tokens:
            problems.mend("Texts with a media token beside the one of the first question, which is taken out")
        text = _joined(pieces, " ")
    return cleaned(text)


def _joined(pieces: list[str], between: str) -> str:
    return between.join(piece.strip() for piece in pieces if piece and not piece.isspace())


def activitynet_media(row: SourceRow, field: str) -> Media:
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


def llava_media(row: SourceRow) -> Media:
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
