"""Plans of rows: the moments and sizes of their media and their length, worked out without opening a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from video_sft.errors import TooLongError
from video_sft.training._processor import ProcessorCalls
from video_sft.training._sampling import Sampling
from video_sft.training._stamps import seconds_apart, stamps_of
from video_sft.training._video_part import VideoPart
from video_sft.video import PixelBudget

__all__ = ["SILENT_SECONDS", "Plan", "Planner"]

#: Frames are not lowered below this before pixels are.
_FEW_FRAMES = 4
#: How long the sound is that stands for a file's without any: models take videos with sound or without, not both.
SILENT_SECONDS = 0.1


@dataclass(frozen=True)
class Plan:
    """What a row's media become.

    Attributes:
        times: the moments of the video to show, in seconds of the file; none where there is no video.
        video_size: (height, width) to decode frames in; None: as large as they are, the processor resizes them.
        image_size: (height, width) to resize the image to; None leaves that to the processor.
        samples: of sound that come with the video; None is no sound.
        length: tokens of the row; None where nobody asked.
    """

    times: tuple[float, ...] = ()
    video_size: tuple[int, int] | None = None
    image_size: tuple[int, int] | None = None
    samples: int | None = None
    length: int | None = None


class Planner:
    """Plans rows for one processor and one way of sampling.

    Args:
        calls: to the processor.
        sampling: which moments, and how many tokens at most.
    """

    def __init__(self, calls: ProcessorCalls, sampling: Sampling) -> None:
        self._calls = calls
        self._sampling = sampling

    def plan(
        self,
        text: str,
        part: VideoPart | None = None,
        image_size: tuple[int, int] | None = None,
        *,
        max_tokens: int | None = None,
        with_length: bool = False,
    ) -> Plan:
        """Plan a row.

        Where it is longer than it may be, it first gets fewer frames, down to four, then smaller ones, then fewer
        again; an image gets smaller. Frames are not made larger where there are fewer of them.

        Args:
            text: the conversation as the template writes it.
            part: its video.
            image_size: (height, width) of its image.
            max_tokens: instead of the sampling's own.
            with_length: count the tokens also where nothing limits them.

        Raises:
            TooLongError: it is too long with its media as small as they can be. Text is never cut.
        """
        most = self._sampling.max_tokens if max_tokens is None else max_tokens
        plan = self._wanted(part)
        if most is None and not with_length:
            return plan
        plan = self._measured(plan, text, part, image_size)
        if most is None or self._fits(plan, most):
            return plan

        def fits(smaller: Plan) -> bool:
            return self._fits(self._measured(smaller, text, part, image_size), most)

        for shrink in (self._fewer_frames, self._smaller_frames, self._fewest_frames, self._smaller_image):
            plan = shrink(plan, part, image_size, fits)
            plan = self._measured(plan, text, part, image_size)
            if self._fits(plan, most):
                return plan
        raise TooLongError(
            f"{plan.length:,} tokens even with its media as small as they can be, and max_tokens is {most:,}"
            if plan.times or image_size
            else f"its text alone has {plan.length:,} tokens, and max_tokens is {most:,}"
        )

    def _fits(self, plan: Plan, most: int) -> bool:
        return plan.length is not None and plan.length <= most

    def _wanted(self, part: VideoPart | None) -> Plan:
        """Return the plan of a row that may be as long as it likes."""
        if part is None:
            return Plan()
        times = self._sampling.times(part, self._calls.frames_at_least)
        size = self._calls.video_size(len(times), part.height, part.width)
        samples = None
        if self._sampling.sound:
            rate = self._calls.sampling_rate
            begin, end = (part.begin_seconds, part.end_seconds) if part.has_sound else (0.0, SILENT_SECONDS)
            samples = round(end * rate) - round(begin * rate)
        return Plan(tuple(times.tolist()), size, None, samples)

    def _measured(self, plan: Plan, text: str, part: VideoPart | None, image_size: tuple[int, int] | None) -> Plan:
        """Return the plan with the length it gives the row."""
        media: dict[str, Any] = {}
        if part is not None:
            size = plan.video_size or (part.height, part.width)
            media |= {
                "video": self._calls.frames_without_content(len(plan.times), *size),
                "metadata": stamps_of(plan.times, part, self._sampling.time),
                "seconds_apart": seconds_apart(plan.times, part),
                "keep_video_size": plan.video_size is not None,
            }
        if image_size is not None:
            media |= {
                "image": self._calls.image_without_content(*(plan.image_size or image_size)),
                "keep_image_size": plan.image_size is not None,
            }
        return replace(plan, length=self._calls.length(text, samples=plan.samples, **media))

    def _with_frames(self, plan: Plan, part: VideoPart, count: int) -> Plan:
        return replace(plan, times=tuple(self._sampling.times(part, self._calls.frames_at_least, count).tolist()))

    def _fewer_frames(self, plan: Plan, part: VideoPart | None, _: Any, fits: Callable[[Plan], bool]) -> Plan:
        return self._lowered(plan, part, fits, max(_FEW_FRAMES, self._calls.frames_at_least))

    def _fewest_frames(self, plan: Plan, part: VideoPart | None, _: Any, fits: Callable[[Plan], bool]) -> Plan:
        return self._lowered(plan, part, fits, self._calls.frames_at_least)

    def _lowered(self, plan: Plan, part: VideoPart | None, fits: Callable[[Plan], bool], fewest: int) -> Plan:
        """Return the plan with as many frames as fit, in the groups in which the model takes them."""
        if part is None or len(plan.times) <= fewest:
            return plan
        group = self._calls.frames_at_least
        groups = _largest(
            lambda groups: fits(self._with_frames(plan, part, groups * group)),
            -(-fewest // group),
            (len(plan.times) - 1) // group,
        )
        return self._with_frames(plan, part, groups * group)

    def _smaller_frames(self, plan: Plan, part: VideoPart | None, _: Any, fits: Callable[[Plan], bool]) -> Plan:
        if part is None or plan.video_size is None or self._calls.video_step is None:
            return plan
        step, size = self._calls.video_step, plan.video_size

        def smaller(squares: int) -> Plan:
            return replace(plan, video_size=PixelBudget(squares * step**2, multiple_of=step).fit(*size))

        return smaller(_largest(lambda squares: fits(smaller(squares)), 1, size[0] * size[1] // step**2))

    def _smaller_image(
        self, plan: Plan, _: Any, image_size: tuple[int, int] | None, fits: Callable[[Plan], bool]
    ) -> Plan:
        if image_size is None or self._calls.image_step is None:
            return plan
        step = self._calls.image_step

        def smaller(squares: int) -> Plan:
            return replace(plan, image_size=PixelBudget(squares * step**2, multiple_of=step).fit(*image_size))

        rows, columns = (-(-side // step) for side in image_size)
        return smaller(_largest(lambda squares: fits(smaller(squares)), 1, rows * columns))


def _largest(fits: Callable[[int], bool], low: int, high: int) -> int:
    """Return the largest number from `low` to `high` that fits, or `low` where none does."""
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low
