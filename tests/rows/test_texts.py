"""Mending of text in the shared rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_sft._text import cleaned


@pytest.mark.parametrize(
    ("upstream", "mended"),
    [
        ("the man鈥檚 outfit", "the man’s outfit"),
        ("donâ€™t", "don’t"),
        ("a cafÃ© ", "a café"),
        (" café ", "café"),
        ("her shoe？", "her shoe？"),
        ("boy ’ s cute", "boy ’ s cute"),
        ("你好", "你好"),
        ("联通", "联通"),
        ("what does 女 mean", "what does 女 mean"),
        ("牛没木每路", "牛没木每路"),
        ("\tname\n", "name"),
    ],
)
def test_only_what_was_decoded_wrongly_changes(upstream: str, mended: str) -> None:
    assert cleaned(upstream) == mended


@given(st.text(alphabet="abcdefg ’“”", min_size=1))
def test_gbk_mojibake_of_latin_text_is_undone_or_left(text: str) -> None:
    assert cleaned(text) == text.strip()
    try:
        garbled = text.encode("utf-8").decode("gb18030")
    except UnicodeDecodeError:
        return
    assert cleaned(garbled) in (text.strip(), garbled.strip())
