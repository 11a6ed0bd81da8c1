"""Recognising a multiple-choice question that upstream wrote out as text.

Only one form counts, all others stay open-ended::

    Question: what did the dog do after the cushion?     the question; `Question:` and `Options:` may be absent
    Options:
    (A) drink again                                      one option a line, from A on without a gap, nothing behind
    (B) shake its body                                   `A. ...` and `A) ...` count too, one style throughout

with an answer that names exactly one of them: `(B)`, `B`, `B. shake its body`, `Answer: (B) shake its body` or the
option's text. Where a letter and a text stand together, the text has to be that option's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from video_sft._text import cleaned

__all__ = ["ListedOptions", "listed_options"]

_FIRST_OPTION = re.compile(r"(?:^|\n)[ \t]*(?:(\(A\))[ \t]*|(A\.)[ \t]+|(A\))[ \t]+)(?=\S)")
_OPTION = {
    "(A)": re.compile(r"[ \t]*\(([A-Z])\)[ \t]*(\S.*)"),
    "A.": re.compile(r"[ \t]*([A-Z])\.[ \t]+(\S.*)"),
    "A)": re.compile(r"[ \t]*([A-Z])\)[ \t]+(\S.*)"),
}
_QUESTION = re.compile(r"\A\s*question\s*:\s*", re.IGNORECASE)
_OPTIONS = re.compile(r"(?:^|(?<=\s))(?:options|choices)\s*:?\s*$", re.IGNORECASE)
_ANSWER = re.compile(r"\s*(?:the\s+)?(?:(?:correct|right|best)\s+)?(?:answer|option)\s*(?:is\s*:?|:)\s*", re.IGNORECASE)
_LETTER = re.compile(r"(?:\(([A-Z])\)[.:]?|([A-Z])(?:[.):]|(?=\s*$)))\s*")


@dataclass(frozen=True)
class ListedOptions:
    """A question with the options and the answer taken out of their text; the question may be empty."""

    question: str
    choices: Sequence[str]
    answer_index: int


def listed_options(question: str, answer: str) -> ListedOptions | None:
    """Return the parts of a written-out multiple-choice question, or None where its form leaves any doubt."""
    first = _FIRST_OPTION.search(question)
    if first is None:
        return None
    choices = _choices(question[first.start() :], str(first.group(first.lastindex or 1)))
    if choices is None:
        return None
    index = _named(answer, choices)
    if index is None:
        return None
    asked = _OPTIONS.sub("", _QUESTION.sub("", question[: first.start()]))
    return ListedOptions(cleaned(asked), choices, index)


def _choices(text: str, style: str) -> list[str] | None:
    choices: list[str] = []
    for line in text.strip().split("\n"):
        option = _OPTION[style].fullmatch(line.rstrip())
        if option is None or ord(option.group(1)) - ord("A") != len(choices):
            return None
        choices.append(cleaned(option.group(2)))
    return choices if len(choices) >= 2 else None


def _named(answer: str, choices: Sequence[str]) -> int | None:
    """Return the index of the one option an answer names, by letter, by text, or by both where they agree."""
    lead = _ANSWER.match(answer)
    said = answer[lead.end() :] if lead else answer.lstrip()
    plain = [_plain(choice) for choice in choices]
    letter = _LETTER.match(said)
    if letter is not None:
        index = ord(letter.group(1) or letter.group(2)) - ord("A")
        rest = _plain(said[letter.end() :])
        if index < len(choices) and rest in ("", plain[index]):
            return index
    whole = _plain(said)
    return plain.index(whole) if plain.count(whole) == 1 else None


def _plain(text: str) -> str:
    return " ".join(cleaned(text).casefold().split()).rstrip(".").rstrip()
