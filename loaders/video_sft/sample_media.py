"""Clips and images for the embedded samples: drawn when first needed, the same ones every time.

Nothing is downloaded and nothing binary is in the package; a clip shows what the rows say of it, as far as drawn shapes
can, with its own name and the running second, so that a person sees at once whether the right frame came out; a path
without a scene has a moving dot. One clip has sound, to try what listens.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import math
from collections.abc import Iterable
from pathlib import Path

import av
import datasets
import numpy as np
from PIL import Image, ImageDraw

from video_sft._files import cache_error, is_intact, writing_cached
from video_sft._places import safe_relative
from video_sft._sample_drawing.painting import paint, scenes
from video_sft._sources.own_code import module_file
from video_sft._sources.registry import own_names
from video_sft.errors import ConfigError

__all__ = ["draw_sample_media", "has_sample", "sample_folder"]

logger = logging.getLogger("video_sft")
_WIDTH, _HEIGHT, _FPS = 192, 144, 10
_SHORTEST_SECONDS = 6.0
_IMAGES = (".jpg", ".jpeg", ".png")
_CODECS = {".webm": ("libvpx", "yuv420p"), ".gif": ("gif", "rgb8")}
#: Part of the folder's name, so that clips drawn by another version are not taken for these.
_VERSION = "5"
#: The clips with sound: a tone that goes up with every second. All others are silent, as many real ones are.
_SOUNDING = ("charades/0BB7X.mp4",)
_SAMPLING_RATE, _LOWEST_HZ, _HZ_A_SECOND = 16_000, 220, 55


def sample_folder(source: str) -> str:
    """Return the folder of a source's embedded annotation files, in upstream's layout.

    A source of another package has them in `samples/<source>` beside its module.

    Raises:
        ConfigError: there is no such source, or it has no sample.
    """
    folder = _sample_folder(source)
    if folder is None or not folder.is_dir():
        where = f"{folder} is not there" if folder else "its module is no file that a folder could be beside"
        raise ConfigError(f"{source} comes without a sample: {where}; give data_dir, or put a few invented rows there")
    return str(folder)


def has_sample(source: str) -> bool:
    """Return whether a source comes with embedded annotation files."""
    folder = _sample_folder(source)
    return folder is not None and folder.is_dir()


def _sample_folder(source: str) -> Path | None:
    if source in own_names():
        return Path(__file__).parent / "samples" / source
    from video_sft.builders import builder_class  # of which the package's own samples need none

    file = module_file(builder_class(source))
    return None if file is None else file.parent / "samples" / source


def draw_sample_media(stops: Iterable[tuple[str | None, float]], cache_dir: str | None = None) -> dict[str, str]:
    """Draw the clip or image of every sample row that has none yet, and return the pools to attach them from.

    Args:
        stops: of each row its `video_path`, and the last second of it the row speaks of.
        cache_dir: where to keep the files; the `datasets` cache by default.
    """
    root = Path(cache_dir or datasets.config.HF_DATASETS_CACHE) / f"video_sft_samples-{_VERSION}"
    lengths: dict[str, float] = {}
    for path, stop in stops:
        if path is not None:
            lengths[path] = max(lengths.get(path, _SHORTEST_SECONDS), stop + 1.0)
    damaged = 0
    for path, seconds in lengths.items():
        place = root / safe_relative(path)
        suffix = place.suffix.lower()
        if suffix not in _IMAGES:
            place = place.with_name(f"{place.stem}{suffix or '.mp4'}")
        if not is_intact(place):
            damaged += place.exists()
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                with writing_cached(place) as unfinished:
                    _draw(unfinished, path, math.ceil(seconds))
            except OSError as error:
                raise cache_error(f"drawing the sample's {path} stopped", error, root) from error
    if damaged:
        logger.warning("%d of the sample's clips and images in %s were damaged and are drawn anew", damaged, root)
    return {pool: str(root / pool) for pool in sorted({path.partition("/")[0] for path in lengths})}


def _draw(place: Path, path: str, seconds: int) -> None:
    if place.suffix.lower() in _IMAGES:
        _picture(path, 0.0).save(place)
        return
    codec, pixels = _CODECS.get(Path(path).suffix.lower(), ("libx264", "yuv420p"))
    with av.open(str(place), "w") as container:
        stream = container.add_stream(codec, rate=_FPS)
        stream.width, stream.height, stream.pix_fmt = _WIDTH, _HEIGHT, pixels
        if path in _SOUNDING:
            _add_sound(container, seconds)
        for number in range(seconds * _FPS):
            picture = _picture(path, number / _FPS)
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode(None))


def _add_sound(container: av.container.OutputContainer, seconds: int) -> None:
    stream = container.add_stream("aac", rate=_SAMPLING_RATE, layout="mono")
    times = np.arange(seconds * _SAMPLING_RATE) / _SAMPLING_RATE
    turns = np.cumsum(_LOWEST_HZ + _HZ_A_SECOND * np.floor(times)) / _SAMPLING_RATE
    tone = av.AudioFrame.from_ndarray(
        (np.sin(2 * np.pi * turns) * 0.3)[None].astype(np.float32), format="fltp", layout="mono"
    )
    tone.sample_rate, tone.pts = _SAMPLING_RATE, 0
    container.mux(stream.encode(tone))
    container.mux(stream.encode(None))


def _picture(path: str, seconds: float) -> Image.Image:
    """Return one frame: the scene that the sample's text speaks of, or else a dot on a colour of the path's own."""
    scene = scenes().get(path)
    picture = _dot(path, seconds) if scene is None else paint(scene, seconds, _WIDTH, _HEIGHT)
    name, clock = _caption(path.partition("/")[2][-28:]), _caption(f"{seconds:4.1f} s")
    picture.paste(name, (2, 2))
    picture.paste(clock, (2, _HEIGHT - 2 - clock.height))
    return picture


@functools.lru_cache(maxsize=1024)
def _caption(text: str) -> Image.Image:
    """Return words in white on dark; all clips have the same seconds, and all frames of a clip its name."""
    left, top, right, bottom = (round(side) for side in ImageDraw.Draw(Image.new("RGB", (1, 1))).textbbox((0, 0), text))
    caption = Image.new("RGB", (right - left + 4, bottom - top + 4), (32, 36, 42))
    ImageDraw.Draw(caption).text((2 - left, 2 - top), text, fill=(255, 255, 255))
    return caption


def _dot(path: str, seconds: float) -> Image.Image:
    seed = np.frombuffer(hashlib.blake2b(path.encode(), digest_size=4).digest(), dtype=np.uint8).tolist()
    background = tuple(40 + value // 3 for value in seed[:3])
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), background)
    angle = seconds * 1.2 + seed[3]
    x, y = _WIDTH / 2 + 60 * math.cos(angle), _HEIGHT / 2 + 40 * math.sin(angle)
    ImageDraw.Draw(picture).ellipse((x - 12, y - 12, x + 12, y + 12), fill=(250, 220, 90))
    return picture
