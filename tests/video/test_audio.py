"""The sound of a clip is a stretch of the whole sound, to the sample."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from tests.video.zoo import encode

from video_sft.errors import VideoError
from video_sft.video import Clip

#: Decoders that add noise, or begin with a little of it after a seek, differ by this much.
CLOSE = 1e-3


def full_sound(path: Path, rate: int | None) -> tuple[np.ndarray, int, float]:
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        rate = rate or stream.rate
        resampler, parts, start = av.AudioResampler(format="fltp", layout="mono", rate=rate), [], None
        for frame in container.decode(stream):
            start = float(frame.pts * frame.time_base) if start is None else start
            frame.pts = None
            parts += resampler.resample(frame)
        parts += resampler.resample(None)
        assert start is not None
        return np.concatenate([part.to_ndarray() for part in parts], axis=1)[0], rate, start


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sounds")
    wanted = {"aac": "mp4", "libopus": "webm", "libmp3lame": "mkv", "flac": "mkv"}
    made = {}
    for codec, ending in wanted.items():
        video = "libvpx-vp9" if ending == "webm" else "libx264"
        path = folder / f"{codec}.{ending}"
        made[codec] = encode(path, codec=video, audio_codec=codec, count=75, options={"g": "12"})
    return made


@pytest.mark.parametrize("rate", [16_000, 44_100, None])
@pytest.mark.parametrize("codec", ["aac", "libopus", "libmp3lame", "flac"])
def test_any_stretch(sounds: dict[str, Path], codec: str, rate: int | None) -> None:
    whole, own, begins = full_sound(sounds[codec], rate)
    for start, stop in [(0.0, 0.5), (0.731, 1.117), (1.5, 2.9), (2.0, 2.001)]:
        sound = Clip(sounds[codec], start, stop).audio(sampling_rate=rate)
        assert sound.sampling_rate == own
        assert len(sound.data) == round(stop * own) - round(start * own)
        assert sound.pts_seconds == pytest.approx(start, abs=1 / own)
        offset = round(start * own) - round(begins * own)
        expected = whole[max(0, offset) : offset + len(sound.data)]
        assert np.abs(sound.data[max(0, -offset) :][: len(expected)] - expected).max() < CLOSE


def test_stretches_join_without_a_seam(sounds: dict[str, Path]) -> None:
    clip = Clip(sounds["flac"])
    parts = [clip.clip(n / 7, (n + 1) / 7).audio().data for n in range(7)]
    assert np.abs(np.concatenate(parts) - clip.clip(0, 1).audio().data).max() < 1e-6


def test_channels_and_length(shared: Path) -> None:
    clip = Clip(shared / "videos" / "flower.mp4", 1.0, 2.0)
    assert clip.audio(mono=False).data.shape == (2, 16_000)
    assert clip.audio().data.dtype == np.float32
    assert clip.audio(sampling_rate=None).sampling_rate == 48_000
    assert clip.audio().duration_seconds == 1.0


def test_beyond_the_end_of_the_sound_is_silence(sounds: dict[str, Path]) -> None:
    sound = Clip(sounds["flac"], 2.5, 4.0).audio()
    assert len(sound.data) == 24_000
    assert np.abs(sound.data[:7_000]).max() > 0.1
    assert not sound.data[8_500:].any()


def test_a_file_without_sound_says_so(plain: Path) -> None:
    with pytest.raises(VideoError, match=r"plain\.mp4: there is no audio"):
        Clip(plain).audio()
    assert Clip(plain).metadata.audio is None


def test_impossible_rates_are_refused(plain: Path) -> None:
    with pytest.raises(ValueError, match="sampling_rate"):
        Clip(plain).audio(sampling_rate=0)
