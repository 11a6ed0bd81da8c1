"""What a row asks, in a form that two wordings of the same question share. Vectorised over Arrow columns."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Turns", "question_digest", "question_words", "questions", "turns"]

#: Where a question ends and its options, or the request for a letter or a short answer, begin.
_TAIL = (
    r"(?is)\s*\n\s*(options?\b|choices?\b|answer (the|with)\b|select\b|please\b|only give\b|best option\b"
    r"|\(?[a-z0-9]\s*[.):]\s).*$"
)
#: What some wordings put before a question.
_HEAD = r"(?i)^\s*question\s*:"


@dataclass(frozen=True)
class Turns:
    """Chat turns with text, one entry for each text part.

    Attributes:
        rows: the row of each, ascending.
        roles: `system`, `user` or `assistant`.
        texts: what is said.
    """

    rows: npt.NDArray[np.int64]
    roles: pa.Array
    texts: pa.Array

    def of(self, role: str) -> Turns:
        """Return the turns of one role."""
        mask = pc.equal(self.roles, role)
        return Turns(self.rows[mask.to_numpy(zero_copy_only=False)], self.roles.filter(mask), self.texts.filter(mask))


def turns(messages: pa.ChunkedArray | pa.Array) -> Turns:
    """Take the text parts out of a `messages` column."""
    column = messages.combine_chunks() if isinstance(messages, pa.ChunkedArray) else messages
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks)
    row_of_message = pc.list_parent_indices(column)
    said = pc.list_flatten(column)
    contents = said.field("content")
    message_of_part = pc.list_parent_indices(contents)
    texts = pc.list_flatten(contents).field("text")
    spoken = pc.is_valid(texts)
    message_of_part = message_of_part.filter(spoken)
    rows = row_of_message.take(message_of_part).to_numpy(zero_copy_only=False).astype(np.int64)
    return Turns(rows, said.field("role").take(message_of_part), texts.filter(spoken))


def questions(messages: pa.ChunkedArray | pa.Array) -> Turns:
    """Return what the user says in each row, as lower-case words; turns without a word in them are left out."""
    asked = turns(messages).of("user")
    words = question_words(asked.texts)
    wordy = pc.not_equal(words, "")
    return Turns(asked.rows[wordy.to_numpy(zero_copy_only=False)], asked.roles.filter(wordy), words.filter(wordy))


def question_words(texts: pa.Array) -> pa.Array:
    """Return the lower-case words of questions, without what marks them as such and without their options."""
    words = pc.replace_substring_regex(pc.replace_substring_regex(texts, _HEAD, ""), _TAIL, "")
    words = pc.replace_substring_regex(pc.utf8_lower(words), r"[^\p{L}\p{N}]+", " ")
    return pc.utf8_trim_whitespace(words)


def question_digest(video_id: str, words: str, size: int) -> bytes:
    """Return what stands for a question in the evaluation lists: `size` bytes of a hash of video and words."""
    return hashlib.blake2b(f"{video_id}\n{words}".encode(), digest_size=size).digest()
