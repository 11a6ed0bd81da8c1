"""Mending text for the shared rows; the `-source` configs keep it as upstream has it."""

from __future__ import annotations

import re

__all__ = ["cleaned"]

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
