"""Text of annotations: mended for the shared rows, and made harmless where people are shown it.

The `-source` configs keep it as upstream has it.
"""

from __future__ import annotations

import re

__all__ = ["cleaned", "markdown_text", "visible"]

_FOREIGN = re.compile(r"[^\x00-\x7f]+")
#: What text may consist of once the misreading is undone. Of the encodings, GBK makes Chinese of two bytes each, and
#: genuine Chinese may happen to be such a misreading of accented Latin: only general punctuation is believed.
_PLAUSIBLE = {
    "gb18030": re.compile(r"[\x20-\x7e]*[\u2010-\u2027\u2030-\u205e][\x20-\x7e\u2010-\u2027\u2030-\u205e]*"),
    "cp1252": re.compile(r"[\x20-\x7e\u00a0-\u017f\u2010-\u2027\u2030-\u205e\u20ac\u2122]+"),
}


def cleaned(text: str) -> str:
    """Return text without outer blanks, and with characters that were decoded wrongly put right.

    UTF-8 read as GBK turns an apostrophe and the `s` after it into two CJK characters (NExT-OE's train file has one:
    U+9225 U+6A9A); read as Windows-1252 it becomes three Latin ones. A run of characters is changed only where undoing
    that misreading gives general punctuation (or, of Windows-1252, Latin text), so genuine Chinese stays as it is.
    """
    if text.isascii():
        return text.strip()
    return _FOREIGN.sub(_mended, text).strip()


def _mended(run: re.Match[str]) -> str:
    text = run.group()
    for encoding, plausible in _PLAUSIBLE.items():
        try:
            candidate = text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
        if len(candidate) < len(text) + (encoding == "gb18030") and plausible.fullmatch(candidate):
            return candidate
    return text


#: Characters that a terminal or a text field acts on instead of showing them: control codes but for tabs and ends of
#: lines, and those that turn the direction of the text around them.
_ACTIVE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_MARKDOWN = re.compile(r"([\\`*\[\]<>|#~$&]|(?<![^\W_])_|_(?![^\W_]))")


def visible(text: str) -> str:
    r"""Return text as a terminal may be handed it: what it would act on is written as Python writes it, `\x1b`."""
    return text if text.isprintable() else _ACTIVE.sub(lambda found: repr(found.group())[1:-1], text)


def markdown_text(text: str) -> str:
    """Return text that Markdown shows as it is, in one line."""
    return _MARKDOWN.sub(r"\\\1", visible(" ".join(text.split())))
