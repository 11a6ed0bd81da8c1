"""The sound of a clip is a stretch of the whole sound, to the sample."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from tests.video.made_videos import encode
from tests.video.video_server import VideoServer

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


#: What is done to the time of a packet of sound, by its number: milliseconds added.
MOVED: dict[str, Callable[[int], float]] = {
    "jitter": lambda number: number % 5 * 4,
    "gap": lambda number: 3000 * (number > 60),
    "overlap": lambda number: -200 * (number > 60),
    "reset": lambda number: -900 * (number > 60),
    "drift": lambda number: number * 0.1,
}


def moved(source: Path, path: Path, by: Callable[[int], float]) -> Path:
    """Copy the sound of a file with other times."""
    with av.open(str(source)) as given, av.open(str(path), "w") as made:
        stream = given.streams.audio[0]
        copy = made.add_stream_from_template(stream)
        last = -(1 << 40)
        for number, packet in enumerate(given.demux(stream)):
            if packet.dts is None:
                continue
            packet.pts = packet.dts = last = max(last + 1, packet.dts + round(by(number) / 1000 / packet.time_base))
            packet.stream = copy
            made.mux(packet)
    return path


def check_cuts(video: Path | bytes, *, close: float = CLOSE) -> None:
    """Every cut is a stretch of the whole."""
    for options in ({"sampling_rate": None, "mono": False}, {}):
        whole = Clip(video).audio(**options)
        rate = whole.sampling_rate
        for part in range(1, 9):
            start = round(whole.pts_seconds + whole.duration_seconds * part / 9, 3)
            cut = Clip(video, start, start + 0.2).audio(**options).data
            offset = round(start * rate) - round(whole.pts_seconds * rate)
            expected = whole.data[..., offset : offset + cut.shape[-1]]
            assert np.abs(cut[..., : expected.shape[-1]] - expected).max() < close


@pytest.mark.parametrize("way", MOVED)
@pytest.mark.parametrize("ending", ["mp4", "mkv", "flv", "ts"])
def test_times_that_jump(sounds: dict[str, Path], tmp_path: Path, ending: str, way: str) -> None:
    check_cuts(moved(sounds["aac"], tmp_path / f"moved.{ending}", MOVED[way]))


@pytest.mark.parametrize(("ending", "codec", "picture"), [("mpg", "mp2", "mpeg2video"), ("avi", "libmp3lame", "mpeg4")])
def test_containers_that_are_not_entered_in_the_middle(tmp_path: Path, ending: str, codec: str, picture: str) -> None:
    path = encode(tmp_path / f"a.{ending}", codec=picture, audio_codec=codec, count=75)
    check_cuts(path)
    check_cuts(path.read_bytes().replace(b"idx1", b"JUNK"))  # cameras that lose power leave no index


def test_a_recording_that_begins_anew(tmp_path: Path, sounds: dict[str, Path]) -> None:
    path = moved(sounds["aac"], tmp_path / "once.ts", lambda number: 0)
    once = Clip(path).audio()
    twice = path.read_bytes() * 2
    assert Clip(twice).audio().duration_seconds == pytest.approx(2 * once.duration_seconds, abs=0.1)
    check_cuts(twice)


@pytest.mark.parametrize("options", [{}, {"sampling_rate": None, "mono": False}])
def test_a_wrong_time_makes_no_hours_of_silence(
    tmp_path: Path, sounds: dict[str, Path], options: dict[str, Any]
) -> None:
    path = moved(sounds["aac"], tmp_path / "late.flv", lambda number: 40_000_000 * (number > 60))
    assert Clip(path).audio(**options).duration_seconds == pytest.approx(3.0, abs=0.2)


def test_sound_without_a_rate(tmp_path: Path) -> None:
    """A stream that is announced, and of which not one packet can be decoded."""
    path = encode(tmp_path / "a.ts", codec="mpeg2video", audio_codec="aac", count=10)
    data = bytearray(path.read_bytes())
    for at in range(0, len(data), 188):
        if int.from_bytes(data[at + 1 : at + 3], "big") & 0x1FFF == 0x101:
            data[at + 30 : at + 188] = bytes(158)
    for options in ({}, {"sampling_rate": None, "mono": False}):
        with pytest.raises(VideoError, match="audio"):
            Clip(bytes(data)).audio(**options)


def test_a_cut_of_a_remote_file_reads_a_part_of_it(tmp_path: Path) -> None:
    options = {"g": "10", "crf": "1", "bf": "2"}
    path = encode(tmp_path / "a.mp4", count=400, width=256, height=160, options=options, audio_codec="aac")
    assert path.stat().st_size > 2 << 20
    with VideoServer(tmp_path) as server:
        sound = Clip(server.url(path.name), 4.0, 4.2).audio().data
        assert server.sent < path.stat().st_size / 2
    assert np.array_equal(sound, Clip(path, 4.0, 4.2).audio().data)
