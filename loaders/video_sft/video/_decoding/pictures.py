"""The way of a decoded frame to its place in the result: colours, size and rotation in as few passes as can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter

from video_sft.errors import VideoError
from video_sft.video._decoding.orientation import UPRIGHT, Orientation, orientation_of
from video_sft.video._decoding.sizing import Size
from video_sft.video._headers.libav import MAX_PIXELS

__all__ = ["Dtype", "FrameForm", "Layout", "OtherSizeError", "Painter", "empty_pictures"]

Layout = Literal["NHWC", "NCHW"]
Dtype = Literal["uint8", "float16", "float32"]
_LAYOUTS, _DTYPES = get_args(Layout), get_args(Dtype)

#: libav's numbers of colour matrices it does not convert, with the one most like it; of others as if none was stated.
_STAND_INS, _UNSPECIFIED = {10: 9}, 2

#: More than this in one result is taken for a mistake; it is said before memory is touched.
_MAX_BYTES = 16 << 30


@dataclass(frozen=True)
class FrameForm:
    """The form frames are wanted in, and with how many threads; see `Clip.frames`."""

    size: Size
    layout: Layout
    dtype: Dtype
    num_threads: int
    square_pixels: bool = False


def empty_pictures(
    name: str, count: int, height: int, width: int, *, layout: Layout = "NHWC", dtype: Dtype = "uint8"
) -> npt.NDArray[Any]:
    """Allocate the result.

    Raises:
        ValueError: the layout or dtype is not one there is.
        VideoError: the frames are too large or too many.
    """
    if layout not in _LAYOUTS or dtype not in _DTYPES:
        raise ValueError(f"layout is one of {_LAYOUTS} and dtype one of {_DTYPES}, not {layout!r} and {dtype!r}")
    if height * width > MAX_PIXELS:
        raise VideoError(name, f"frames of {width} x {height} pixels are beyond the limit of {MAX_PIXELS:,} pixels")
    size = count * height * width * 3 * np.dtype(dtype).itemsize
    if size > _MAX_BYTES:
        raise VideoError(
            name,
            f"{count:,} frames of {width} x {height} would take {size / 2**30:.1f} GiB; ask for fewer, or give a size",
        )
    shape = (count, height, width, 3) if layout == "NHWC" else (count, 3, height, width)
    try:
        return np.empty(shape, dtype)
    except MemoryError as error:
        raise VideoError(name, f"there is no memory for {count:,} frames of {width} x {height}") from error


class OtherSizeError(Exception):
    """A frame has another size, as stored, than its stream is said to have."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(width, height)
        self.width, self.height = width, height


class Painter:
    """Writes frames into the rows of one result of `empty_pictures`; each thread has its own.

    Frames that do not say so themselves are shown in the orientation given. None as the stated (width, height) takes
    any.
    """

    def __init__(
        self, result: npt.NDArray[Any], layout: Layout, orientation: Orientation, stated: tuple[int, int] | None = None
    ) -> None:
        self._rows = result if layout == "NHWC" else result.transpose(0, 2, 3, 1)
        self._orientation = self._shown = orientation
        self._turned = 0
        self._stated = stated
        self._reformatter = VideoReformatter()

    def paint(self, frame: Any, positions: list[int]) -> None:
        """Convert a frame and write it to the given rows.

        Raises:
            OtherSizeError: the frame has another size than stated.
        """
        if self._stated is not None and (frame.width, frame.height) != self._stated:
            raise OtherSizeError(frame.width, frame.height)
        height, width = self._rows.shape[1:3]
        if self._orientation is UPRIGHT and frame.rotation != self._turned:
            self._turned, self._shown = frame.rotation, orientation_of(frame)
        if self._shown.lies:
            height, width = width, height
        try:
            picture = self._reformatter.reformat(frame, width, height, "rgb24", threads=1)
        except av.FFmpegError:
            frame.colorspace = _STAND_INS.get(frame.colorspace, _UNSPECIFIED)
            picture = self._reformatter.reformat(frame, width, height, "rgb24", threads=1)
        plane = picture.planes[0]
        lines = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        pixels = lines[:height, : width * 3].reshape(height, width, 3)
        row = self._rows[positions[0]]
        np.copyto(row, self._shown.applied(pixels), casting="unsafe")
        if row.dtype != np.uint8:
            row /= 255
        for position in positions[1:]:
            self._rows[position] = row
