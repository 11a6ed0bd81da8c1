"""A folder of numbered images as a video: what some sources publish instead of files, such as ShareGPTVideo and OVIS.

`frames://fps=2::/data/train_300k/v_abc` names such a folder with the rate its frames were taken at; it may lie in a zip
or a plain tar (`frames://fps=2::tar://train_300k/v_abc::/data/chunk_0.tar`). There is no file system of that name: a
reader that does not know it refuses it, rather than take one image for the video.
"""

from __future__ import annotations

import functools
import io
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from video_sft.errors import VideoError
from video_sft.video._bytes.archive_index import BadArchiveError, member_name
from video_sft.video._bytes.media_bytes import MediaBytes, archive_at, is_local
from video_sft.video._decoding.orientation import UPRIGHT
from video_sft.video._decoding.pictures import FrameForm, Painter, empty_pictures
from video_sft.video._decoding.sizing import output_size
from video_sft.video._fragment import cut_url, split_cut
from video_sft.video._frames import Frames, Replacement, VideoMetadata
from video_sft.video._headers.libav import MAX_PIXELS
from video_sft.video._sampling import Choice
from video_sft.video._timeline import ImpossibleTimeError, Timeline

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "DEFAULT_FPS", "FrameFolder", "frame_folder", "frames_url", "is_frame", "natural", "split_frames", "with_rate",
]  # fmt: skip

#: Where nothing says at which rate the frames of a folder were taken: their seconds are then their numbers.
DEFAULT_FPS = 1.0

_HOP = re.compile(r"frames://(?:fps=([^:]*))?::(.*)", re.DOTALL)
_IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
_DIGITS = re.compile(r"(\d+)")


def is_frame(name: str) -> bool:
    """Return whether a file's name is that of a frame: an image with a number, and not hidden."""
    return name.lower().endswith(_IMAGES) and not name.startswith(".") and _DIGITS.search(name) is not None


def frames_url(folder: str, fps: float | None) -> str:
    """Return the location of a folder of frames.

    Args:
        folder: its path, or its location in an archive.
        fps: frames a second; None leaves the rate open (see `DEFAULT_FPS`).

    Raises:
        ValueError: the rate is not a number above zero.
    """
    return f"frames://{'' if fps is None else f'fps={_rate(fps)}'}::{folder}"


def split_frames(location: str) -> tuple[str, float | None]:
    """Take the location of a folder of frames apart into the folder and its rate; other locations have none.

    Raises:
        ValueError: the rate is not a number above zero.
    """
    match = _HOP.fullmatch(location)
    if match is None:
        return location, None
    return match[2], None if match[1] is None else float(_rate(match[1]))


def with_rate(source: MediaBytes, fps: float) -> MediaBytes:
    """Return a folder of frames with another rate.

    Raises:
        ValueError: the rate is not a number above zero, or the video is no folder.
    """
    if source.path is None or source.data is not None:
        raise ValueError("fps is the rate of a folder of frames; bytes have a rate of their own")
    path, offset = split_cut(source.path)
    return replace(source, path=cut_url(frames_url(split_frames(path)[0], fps), offset))


def _rate(fps: float | str) -> str:
    try:
        rate = Fraction(fps)
    except (ValueError, TypeError, OverflowError, ZeroDivisionError):
        rate = Fraction(0)
    if isinstance(fps, bool) or rate <= 0:
        raise ValueError(f"the rate of a folder of frames is a number of frames a second above 0, not {fps!r}")
    return f"{float(rate):.12g}"


def frame_folder(source: MediaBytes) -> FrameFolder | None:
    """Return the folder of frames that a source names; None where it names a file, or nothing."""
    path = source.path
    if path is None or source.data is not None:
        return None
    try:
        inside, offset = split_cut(path)
        folder, fps = split_frames(inside)
    except ValueError as error:
        raise VideoError(path, str(error)) from error
    if folder == inside and not (is_local(inside) and os.path.isdir(inside.removeprefix("file://"))):
        return None
    rate = Fraction(DEFAULT_FPS if fps is None else fps).limit_denominator(1_000_000)
    return FrameFolder(path, _places_of_frames(path, folder), rate, source.token, offset_seconds=offset)


def _places_of_frames(name: str, folder: str) -> list[str]:
    """Return where a folder's images are, in the order of their numbers.

    Raises:
        VideoError: there is no such folder, or no image in it.
    """
    from video_sft._places import is_remote, join  # it loads Arrow, which files do not need

    archive = archive_at(folder)
    try:
        if archive is not None:
            kind, inside, source = archive
            start = member_name(inside).rstrip("/") + "/"
            found = [path[len(start) :] for path in source.members(kind) if path.startswith(start)]
        elif is_remote(folder) and not folder.startswith("file://"):
            raise VideoError(name, "folders of frames are read on this machine only, or out of a zip; download it")
        else:
            with os.scandir(folder.removeprefix("file://")) as entries:
                found = [entry.name for entry in entries]
    except FileNotFoundError as error:
        raise VideoError(name, "no such folder") from error
    except (OSError, BadArchiveError) as error:
        raise VideoError(name, f"cannot be listed: {error}") from error
    images = [each for each in found if each.lower().endswith(_IMAGES) and not each.startswith(".") and "/" not in each]
    if not images:
        raise VideoError(name, "there is no image in this folder; a folder of frames holds .jpg, .png or the like")
    return [join(folder, image) for image in sorted(images, key=natural)]


def natural(name: str) -> tuple[Any, ...]:
    """Return what sorts names as people do: `frame9` before `frame10`."""
    return tuple(int(part) if part.isdigit() else part for part in _DIGITS.split(name)), name


class FrameFolder:
    """The frames of a video, each in a file of its own, shown one after the other for the same time.

    Only the images that are asked for are opened.
    """

    def __init__(
        self, name: str, places: Sequence[str], fps: Fraction, token: str | bool | None, *, offset_seconds: float = 0.0
    ) -> None:
        self.name = name
        self.places = places
        self._token = token
        self.timeline = Timeline(np.arange(len(places), dtype=np.int64), len(places), 1 / fps, offset_seconds)

    @functools.cached_property
    def metadata(self) -> VideoMetadata:
        """Facts about the whole: the size is that of the first image."""
        with self._opened(0) as image:
            width, height = image.size
            if image.getexif().get(_ORIENTATION, 1) >= 5:
                width, height = height, width
            codec = (image.format or "").lower()
        return VideoMetadata(
            duration_seconds=float(len(self.timeline) * self.timeline.time_base),
            begin_seconds=self.timeline.begin_seconds,
            fps=float(1 / self.timeline.time_base),
            num_frames=len(self.timeline),
            width=width,
            height=height,
            rotation=0,
            codec=codec,
            container="frames",
            audio=None,
        )

    def frames(
        self, choice: Choice, start: float | None, stop: float | None, *, nearest: bool, wanted: FrameForm
    ) -> Frames:
        """Decode the chosen frames of a part of it; see `Clip.frames`."""
        timeline = self.timeline
        try:
            begin, end = timeline.range_of(start, stop)
            chosen = choice.numbers(timeline, begin, end, start, stop)
        except ImpossibleTimeError as error:
            raise VideoError(self.name, str(error)) from error
        numbers = np.unique(chosen).tolist()
        rows: dict[int, list[int]] = {number: [] for number in numbers}
        for row, number in enumerate(chosen.tolist()):
            rows[number].append(row)

        def decoded(number: int) -> tuple[int, Image.Image]:
            return self._decodable(_outwards(number, begin, end) if nearest else iter([number]))

        first = decoded(numbers[0])  # its size is that of all
        height, width = output_size(wanted.size, first[1].height, first[1].width)
        data = empty_pictures(self.name, len(chosen), height, width, layout=wanted.layout, dtype=wanted.dtype)

        def paint(number: int) -> int:
            given, picture = first if number == numbers[0] else decoded(number)
            Painter(data, wanted.layout, UPRIGHT).paint(av.VideoFrame.from_ndarray(np.asarray(picture)), rows[number])
            return given

        with ThreadPoolExecutor(max(1, min(wanted.num_threads, len(numbers))), "video-sft-images") as pool:
            given = dict(zip(numbers, pool.map(paint, numbers), strict=True))
        taken = np.array([given[number] for number in chosen.tolist()], np.int64)
        replaced = tuple(
            Replacement(row, number, instead)
            for row, (number, instead) in enumerate(zip(chosen.tolist(), taken.tolist(), strict=True))
            if number != instead
        )
        return Frames(data, timeline.seconds(taken), timeline.durations(taken), taken, replaced)

    def _decodable(self, numbers: Iterator[int]) -> tuple[int, Image.Image]:
        """Decode the first frame of some that can be; tell of the first where none can."""
        problems: list[VideoError] = []
        for number in numbers:
            try:
                return number, self._picture(number)
            except VideoError as error:
                problems.append(error)
        raise problems[0]

    def _picture(self, number: int) -> Image.Image:
        from PIL import ImageOps

        with self._opened(number) as image:
            if image.width * image.height > MAX_PIXELS:
                size = f"{image.width} x {image.height}"
                raise VideoError(self.places[number], f"{size} pixels are beyond the limit of {MAX_PIXELS:,} pixels")
            try:
                upright = ImageOps.exif_transpose(image)
                return (image if upright is None else upright).convert("RGB")
            except _image_errors() as error:
                raise VideoError(self.places[number], f"frame {number}: cannot be decoded: {error}") from error

    def _opened(self, number: int) -> Image.Image:
        from PIL import Image

        place = self.places[number]
        with closing(MediaBytes(place, token=self._token).open()) as file:
            data = file.read_at(0, file.size)
        try:
            return Image.open(io.BytesIO(data))
        except _image_errors() as error:
            raise VideoError(place, f"frame {number}: is no image that can be read: {error}") from error


_ORIENTATION = 0x0112


def _image_errors() -> tuple[type[BaseException], ...]:
    from PIL.Image import DecompressionBombError, DecompressionBombWarning

    return OSError, ValueError, SyntaxError, EOFError, MemoryError, DecompressionBombError, DecompressionBombWarning


def _outwards(number: int, begin: int, end: int) -> Iterator[int]:
    """Yield the numbers of a range from the nearest to a number to the furthest."""
    yield number
    for distance in range(1, end - begin):
        yield from (other for other in (number - distance, number + distance) if begin <= other < end)
