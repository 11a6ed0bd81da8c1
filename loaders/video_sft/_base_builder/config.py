"""The options of a build: the fields every config has."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import datasets

from video_sft._rows.messages import MessageStyle

__all__ = ["SourceConfig"]


@dataclass
class SourceConfig(datasets.BuilderConfig):  # type: ignore[misc]
    """What can be chosen when building; see `video_sft._rows.messages.MessageStyle` for the wording.

    Attributes:
        on_bad_row: `error` stops at a row that cannot be read, `skip` leaves it out and counts it.
        prompt_style: whose published wording questions and answers have; see `video_sft._rows.prompt_styles`.
        choice_style: how multiple-choice questions ask and are answered; None is the prompt style's way.
        question_style: what follows open questions; None is the prompt style's way.
        choices_seed: shuffles the options of each row; None keeps upstream's order.
        instruction: where upstream's task instructions go.
    """

    on_bad_row: str = "error"
    prompt_style: str = "default"
    choice_style: str | None = None
    question_style: str | None = None
    choices_seed: int | None = None
    instruction: str = "system"

    @property
    def style(self) -> MessageStyle:
        """The wording, checked."""
        return MessageStyle(**{field.name: getattr(self, field.name) for field in fields(MessageStyle)})

    @property
    def own_options(self) -> dict[str, Any]:
        """What can be chosen for this source alone: the fields a subclass adds."""
        common = {field.name for field in fields(SourceConfig)}
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name not in common}
