"""Records of every shape, and their turns in a prompt style."""

from __future__ import annotations

from typing import Any

from tests.rows.test_messages import MEDIA, ROW, texts

import video_sft
from video_sft._rows.messages import MessageStyle
from video_sft._rows.prompt_styles import PROMPT_STYLES
from video_sft._rows.schema import to_table
from video_sft._sources.record import Body, Caption, Conversation, Media, MultipleChoice, OpenQuestion, Record, Turn

#: NExT-QA's questions have neither capital nor mark, STAR's have both.
NEXT = MultipleChoice("how do the men play the drum", ["roll the handle", "tap their feet", "hit it"], 2)


STAR = MultipleChoice("Which object was thrown by the person?", ["The clothes.", "The bag."], 1)


OPEN = OpenQuestion("what is the man in RED doing", "dancing")


CAPTION = Caption("A dog.", instruction="Describe the clip.")


TALK = Conversation([Turn("Who is it?", "A man."), Turn("Where?", "At home.")], "Look at the clip.")


STYLES = list(PROMPT_STYLES)


def row_of(source: str, body: Body, *, media: Media | None = MEDIA, **style: Any) -> dict[str, Any]:
    record = Record(key="k", task="detailed_caption", body=body, media=media, row=ROW)
    table = to_table([record], source=source, license="MIT", style=MessageStyle(**style))
    row: dict[str, Any] = table.to_pylist()[0]
    video_sft.validate_messages(row["messages"], video=media is not None, image=False)
    return row


def said(source: str, body: Body, **style: Any) -> list[tuple[str, str]]:
    """Return the turns as (role, text), without the media part."""
    return [(role, str(parts[-1])) for role, parts in texts(row_of(source, body, **style))]
