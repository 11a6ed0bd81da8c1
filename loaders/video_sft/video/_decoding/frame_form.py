"""The form that a caller wants frames in."""

from __future__ import annotations

from dataclasses import dataclass

from video_sft.video._decoding.pictures import Dtype, Layout
from video_sft.video._decoding.sizing import Size

__all__ = ["FrameForm"]


@dataclass(frozen=True)
class FrameForm:
    """In what form frames are wanted, and with how many threads; see `Clip.frames`."""

    size: Size
    layout: Layout
    dtype: Dtype
    num_threads: int
    square_pixels: bool = False
