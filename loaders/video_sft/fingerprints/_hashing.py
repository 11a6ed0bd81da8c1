"""The fingerprint of a video: 64 signs of low frequencies in each of five pictures from fixed places of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from video_sft.errors import VideoError
from video_sft.video import Clip

__all__ = ["BITS", "fingerprint"]

#: How long a fingerprint is.
BITS = 320
#: Where the pictures are taken, as shares of the video's length: a few frames have none of their borders there.
_PLACES = (0.11, 0.31, 0.51, 0.71, 0.91)
#: Each is the mean of the frames shown at these seconds around its place: copies of other rates show others.
_AROUND = (-0.2, 0.0, 0.2)
#: Frames are read in this size, whatever shape they have, and reduced to the second one.
_READ, _SIDE = 256, 32
#: Rows and columns that are darker than this (of 255) all along, alike on both sides, are no part of the picture.
_BLACK = 10.0
#: A frequency counts from this amplitude on (in grey levels, orthonormal): noise of coding stays below it.
_AMPLITUDE = 4.0
#: A picture with fewer such frequencies, of 64, shows next to nothing; so many of the five have to show something.
_FEWEST_FREQUENCIES, _FEWEST_PICTURES = 16, 3
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)

Picture = npt.NDArray[np.float32]


def fingerprint(video: object, *, num_threads: int | None = None) -> str | None:
    """Return the fingerprint of a video or of a clip of it: 320 bits, nearly all of which other encodings share.

    Five pictures from fixed places, in shares of the length, are looked at, each the mean of three frames a fifth of a
    second apart; of each, the signs of 64 low frequencies of its brightness. Size, shape, bit rate, codec, container,
    colour, and bars on both sides (letterbox, pillarbox) matter little. Measured on ten clips in sixteen encodings each
    (H.264, HEVC, VP9, MPEG-4): of the 320 bits, other sizes and codecs change 3 at most, other frame rates, or 144
    lines at a quarter of the quality, 12; bars, 3 % cut off at the edges, or 5 frames a second mostly less than 24, a
    logo on a dark picture up to 46. Of other footage 123 bits and more differ. `SAME_BITS` is between the two.

    What it does not find: a part of a longer video, unless it leaves out no more than about a hundredth of the length
    (give the part, `Clip(video, start, stop)`, to compare it with another file of that part); a mirrored or turned
    copy; one with a large part cropped, covered, or replaced. What it takes for the same and is not: what one still
    camera saw one take after the other, and slides of one template that stand all along, may differ by less than
    `SAME_BITS`.

    Args:
        video: whatever `video_sft.Clip` takes, or a clip; only the frames it needs are read. A video of fewer than
            five frames gives some of them several times.
        num_threads: to decode with; None is one for each processor, up to four.

    Returns:
        80 hexadecimal digits; None where three of the five pictures or more show next to nothing (black, one colour):
        such videos would all be alike.

    Raises:
        VideoError: it is broken or holds no video, or the clip is not within it.
    """
    clip = video if isinstance(video, Clip) else Clip(video)
    try:
        pictures = _pictures(clip, num_threads)
    except _EarlierEndError:  # a header may promise more than there is, which reading has shown
        pictures = _pictures(clip, num_threads)
    amplitudes = _frequencies(_without_bars(pictures))
    if np.count_nonzero((np.abs(amplitudes) > _AMPLITUDE).sum(axis=1) >= _FEWEST_FREQUENCIES) < _FEWEST_PICTURES:
        return None
    return np.packbits(amplitudes > _AMPLITUDE).tobytes().hex()


class _EarlierEndError(VideoError):
    """The video ends before a moment that was to be looked at."""


def _pictures(clip: Clip, num_threads: int | None) -> Picture:
    """Read the pictures of a clip, in grey."""
    name, facts = clip.path or "a video given as bytes", clip.metadata
    begin, end = facts.within(clip.start_seconds, clip.stop_seconds)
    if not end > begin:
        raise VideoError(name, f"it ends at {facts.end_seconds:g} s, before the clip")
    places = begin + (end - begin) * np.array(_PLACES)
    times = np.clip(places[:, None] + np.array(_AROUND), begin, end).ravel()
    try:
        frames = clip.frames(times=times.tolist(), size=(_READ, _READ), num_threads=num_threads).data
    except ValueError as error:
        raise _EarlierEndError(name, str(error)) from error
    return np.asarray((frames @ _LUMA).reshape(len(_PLACES), len(_AROUND), _READ, _READ).mean(axis=1))


def _without_bars(pictures: Picture) -> Picture:
    """Cut off what is black in all pictures, equally much on opposite sides."""
    for axis in (1, 2):
        lit = np.flatnonzero(np.quantile(pictures, 0.98, axis=3 - axis).max(axis=0) > _BLACK)
        bar = min(lit[0], pictures.shape[axis] - 1 - lit[-1]) if len(lit) else 0
        if 0 < bar < pictures.shape[axis] // 3:
            pictures = pictures[:, bar:-bar] if axis == 1 else pictures[:, :, bar:-bar]
    return pictures


def _frequencies(pictures: Picture) -> Picture:
    """Return the amplitudes of the 64 lowest frequencies of each picture but its mean, high and low ones mixed."""
    small = _means(pictures.shape[1]) @ pictures @ _means(pictures.shape[2]).T
    numbers = np.arange(_SIDE)
    waves = np.sqrt(2 / _SIDE) * np.cos(np.pi * (2 * numbers + 1) * numbers[:, None] / (2 * _SIDE))
    waves[0] /= np.sqrt(2)
    rows, columns = np.divmod(np.arange(_SIDE**2), _SIDE)
    lowest = np.lexsort((columns, rows, rows**2 + columns**2))[1:65].reshape(16, 4).T.ravel()
    amplitudes = (waves @ small @ waves.T).reshape(len(pictures), -1)
    return np.asarray(amplitudes[:, lowest], np.float32)


def _means(pixels: int) -> Picture:
    """Return the weights by which a line of pixels becomes one of `_SIDE`, each the mean of what it covers."""
    edges = np.linspace(0, pixels, _SIDE + 1)
    numbers = np.arange(pixels)
    covered = np.minimum(edges[1:, None], numbers + 1) - np.maximum(edges[:-1, None], numbers)
    return np.asarray(np.maximum(covered, 0) * _SIDE / pixels, np.float32)
