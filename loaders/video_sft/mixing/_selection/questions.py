"""The questions of rows in a form that two wordings of the same question share. Vectorised over Arrow columns.

The words are the same in every prompt style: what a style puts around a question is taken off again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Turns", "question_digest", "question_words", "questions", "turns"]

#: What stands before a question that begins a line of its own with `Question:`; a prepended instruction, say.
_HEAD = r"(?is)^(?:.*?\n)??[ \t]*question[ \t]*:[ \t]*"
#: Where a question ends and its options, or the request for a letter or a short answer, begin: on a line of their own,
#: or (as two prompt styles have it) behind the question.
_TAIL = (
    r"(?is)(?:\s*\n\s*(?:options?\b|choices?\b|answer (?:the|with|a)\b|select\b|please\b|only give\b|best option\b"
    r"|\(?[a-z0-9]\s*[.):]\s)"
    r"|\s+(?:options|choices)\s*:?[ \t]*\n\s*\(?a\s*[.)]\s"
    r"|\s+option a: .*(?:\soption b: |considering the information presented in the frame)"
    r"|\s+answer the question using a single word or phrase\.?\s*$"
    r").*$"
)
#: Nothing but options: what they are to be chosen by is in the system turn.
_OPTIONS_ALONE = r"(?i)^\s*(?:(?:options|choices)\s*:?\s)?\s*\(?a\s*[.)]\s[^\n]*\n\s*\(?b\s*[.)]\s"


@dataclass(frozen=True)
class Turns:
    """Chat turns with text, one entry for each text part: its row, ascending, who says it, and what is said."""

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
    said = turns(messages)
    asked = said.of("user")
    words = pc.replace_substring_regex(asked.texts, _HEAD, "")
    bare = np.flatnonzero(pc.match_substring_regex(words, _OPTIONS_ALONE).to_numpy(zero_copy_only=False))
    if len(bare):
        words = _with_system_texts(words, asked.rows, bare, said.of("system"))
    words = question_words(words)
    wordy = pc.not_equal(words, "")
    return Turns(asked.rows[wordy.to_numpy(zero_copy_only=False)], asked.roles.filter(wordy), words.filter(wordy))


def _with_system_texts(
    words: pa.Array, rows: npt.NDArray[np.int64], places: npt.NDArray[np.int64], system: Turns
) -> pa.Array:
    """Return what is said, with the system text of their rows in some places, as far as they have one."""
    texts = dict(zip(system.rows.tolist(), system.texts.to_pylist(), strict=True))
    mended = words.to_pylist()
    for place in places.tolist():
        mended[place] = texts.get(int(rows[place]), mended[place])
    return pa.array(mended, words.type)


def question_words(texts: pa.Array) -> pa.Array:
    """Return the lower-case words of questions, without what marks them as such and without their options."""
    words = pc.replace_substring_regex(pc.replace_substring_regex(texts, _HEAD, ""), _TAIL, "")
    words = pc.replace_substring_regex(pc.utf8_lower(words), r"[^\p{L}\p{N}]+", " ")
    return pc.utf8_trim_whitespace(words)


def question_digest(video_id: str, words: str, size: int) -> bytes:
    """Return what stands for a question in the evaluation lists: `size` bytes of a hash of video and words."""
    return hashlib.blake2b(f"{video_id}\n{words}".encode(), digest_size=size).digest()
