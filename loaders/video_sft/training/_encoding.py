"""One row as tensors: its media read, its text and media put through the processor, and its labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from video_sft.errors import ConfigError
from video_sft.training._planning import SILENT_SECONDS, Plan, Planner
from video_sft.training._processor import ProcessorCalls, RenderedText
from video_sft.training._row import Row
from video_sft.training._sampling import Sampling
from video_sft.training._stamps import seconds_apart, stamps_of, times_shown
from video_sft.training._video_part import VideoPart
from video_sft.video import VideoMetadata

__all__ = ["IGNORED", "Encoder", "NoAnswerError"]

#: The label of what is not learnt.
IGNORED = -100
#: A processor may give a few more tokens than planned where frames come from other moments than asked for.
_ATTEMPTS = 4


class NoAnswerError(ConfigError):
    """A row has no words of the assistant, so there is nothing to learn from it."""


class Encoder:
    """Turns rows into what a model takes.

    Args:
        calls: to the processor.
        sampling: which moments of a video, and how many tokens at most.
        nearest: frames that do not decode are replaced by their neighbours.
    """

    def __init__(self, calls: ProcessorCalls, sampling: Sampling, *, nearest: bool) -> None:
        self._calls, self._sampling, self._nearest = calls, sampling, nearest
        self._planner = Planner(calls, sampling)
        self._replaced = 0

    def encode(self, row: Row) -> dict[str, Any]:
        """Return a row's tensors, each with a first dimension of one, and its ``labels``.

        Raises:
            VideoError: its video cannot be read.
            OSError: its image cannot be.
            TooLongError: it has too many tokens.
            NoAnswerError: the assistant says nothing in it.
            ConfigError: the template or the processor does not do with it.
        """
        rendered = self._rendered(row)
        image = None if row.image is None else row.image.convert("RGB")
        part = None if row.clip is None else VideoPart.of(row.clip)
        most = self._sampling.max_tokens
        for _ in range(_ATTEMPTS):
            plan = self._planner.plan(rendered.text, part, image and image.size[::-1], max_tokens=most)
            encoded = self._calls.encode(rendered.text, **self._media(row, part, image, plan))
            length = encoded["input_ids"].shape[-1]
            if most is None or self._sampling.max_tokens is None or length <= self._sampling.max_tokens:
                break
            most -= length - self._sampling.max_tokens
        encoded["labels"] = _labels(encoded["input_ids"], rendered, row.name)
        return encoded

    def length(self, row: Row, facts: VideoMetadata | None = None) -> int:
        """Return how many tokens `encode` gives a row.

        Args:
            row: its video is not opened where facts are given.
            facts: of its video's file.

        Raises:
            VideoError: as for `encode`, like the other errors.
        """
        rendered = self._rendered(row)
        part = None if row.clip is None else VideoPart.of(row.clip, facts)
        image_size = None if row.image is None else row.image.size[::-1]
        return self._planner.plan(rendered.text, part, image_size, with_length=True).length or 0

    def _rendered(self, row: Row) -> RenderedText:
        rendered = self._calls.render(row.messages, row.kinds, row.name)
        if not any(rendered.answered):
            raise NoAnswerError(
                f"{row.name} has no words of the assistant to learn from; leave out rows whose answer is withheld, "
                "rows.filter(lambda row: row['answer'] is not None)"
            )
        return rendered

    def take_replaced(self) -> int:
        """Return how many frames others stood in for since this was last asked."""
        number, self._replaced = self._replaced, 0
        return number

    def end_of_turn(self, row: Row) -> dict[str, Any]:
        """Return the row's text alone, of which nothing but how its last turn ends is learnt.

        That is right whatever the row's video shows: it stands for a batch of which nothing else is left.
        """
        alone = row.without_media()
        rendered = self._calls.render(alone.messages, (), alone.name)
        encoded = self._calls.encode(rendered.text)
        most = min(self._sampling.max_tokens or encoded["input_ids"].shape[-1], encoded["input_ids"].shape[-1])
        encoded = {name: value[:, -most:] for name, value in encoded.items()}
        labels = torch.full_like(encoded["input_ids"], IGNORED)
        answered = [place for place, is_answer in enumerate(rendered.answered, -len(rendered.ids)) if is_answer]
        place = answered[-1] if answered and -answered[-1] <= most else -1
        labels[0, place] = encoded["input_ids"][0, place]
        encoded["labels"] = labels
        return encoded

    def filler(self, kind: str) -> dict[str, Any]:
        """Return the smallest ``image`` or ``video`` there is, black, as a turn of which nothing is learnt."""
        messages = [{"role": "user", "content": [{"type": kind}]}]
        text = self._calls.render(messages, (kind,), f"a {kind} to fill up with").text
        step = (self._calls.video_step if kind == "video" else self._calls.image_step) or 32
        if kind == "video":
            count = self._calls.frames_at_least
            part = VideoPart("", 0.0, 1.0, float(count), step, step, False)
            times = [number / count for number in range(count)]
            media = {
                "video": torch.zeros((count, 3, step, step), dtype=torch.uint8),
                "metadata": stamps_of(times, part, "file"),
                "seconds_apart": 1.0 / count,
                "keep_video_size": self._calls.video_step is not None,
            }
            if self._calls.sampling_rate:
                media["sound"] = np.zeros(round(SILENT_SECONDS * self._calls.sampling_rate), np.float32)
        else:
            picture = torch.zeros((3, step, step), dtype=torch.uint8)
            media = {"image": picture, "keep_image_size": self._calls.image_step is not None}
        encoded = self._calls.encode(text, **media)
        encoded["labels"] = torch.full_like(encoded["input_ids"], IGNORED)
        return encoded

    def _media(self, row: Row, part: VideoPart | None, image: Any, plan: Plan) -> dict[str, Any]:
        """Read what the plan says, as `ProcessorCalls.encode` takes it."""
        media: dict[str, Any] = {}
        if image is not None:
            if plan.image_size is not None:
                image = image.resize(plan.image_size[::-1])
            media |= {"image": image, "keep_image_size": plan.image_size is not None}
        if part is None or row.clip is None:
            return media
        frames = row.clip.frames(
            times=plan.times,
            size=plan.video_size,
            layout="NCHW",
            on_error="nearest" if self._nearest else "raise",
        )
        self._replaced += len(frames.replaced)
        shown = times_shown(plan.times, frames)
        media |= {
            "video": torch.from_numpy(frames.data),
            "metadata": stamps_of(shown, part, self._sampling.time),
            "seconds_apart": seconds_apart(plan.times, part),
            "keep_video_size": plan.video_size is not None,
        }
        if plan.samples is not None:
            heard = row.clip.clip(part.begin_seconds, part.end_seconds)
            media["sound"] = (
                heard.audio(sampling_rate=self._calls.sampling_rate).data
                if part.has_sound
                else np.zeros(plan.samples, np.float32)
            )
        return media


def _labels(ids: torch.Tensor, rendered: RenderedText, name: str) -> torch.Tensor:
    """Return the labels: the tokens of the assistant's words, and `IGNORED` for all others.

    The processor has put many tokens into the place of each placeholder; what comes before the first and after the
    last of them is as it was rendered.

    Raises:
        ConfigError: the assistant speaks between two media, or its words have other tokens there than by themselves.
    """
    expanded: Sequence[int] = ids[0].tolist()
    labels = torch.full_like(ids, IGNORED)
    ahead = _in_common(expanded, rendered.ids)
    behind = _in_common(expanded[::-1], rendered.ids[::-1])
    moved = len(expanded) - len(rendered.ids)
    for place, is_answer in enumerate(rendered.answered):
        if not is_answer:
            continue
        if place >= len(rendered.ids) - behind:
            place += moved
        elif place >= ahead:
            raise ConfigError(
                f"{name}: the assistant's words cannot be found among the processor's tokens. Its tokenizer, its chat "
                "template and its placeholders have to be of one model, and media have to come before the first answer"
            )
        labels[0, place] = ids[0, place]
    return labels


def _in_common(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens two lists have in common at their beginning."""
    return next(
        (place for place, (left, right) in enumerate(zip(one, other, strict=False)) if left != right),
        min(len(one), len(other)),
    )
