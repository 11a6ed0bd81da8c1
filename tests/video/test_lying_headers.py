"""Headers that lie, and damage in the middle: a reason that names the file, or right frames; never much memory."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from tests.video.made_videos import decode_fully, encode, fully, patch, sound_alone
from tests.video.test_broken_files import broken_files

from video_sft.errors import VideoError
from video_sft.video import Clip


def sized(data: bytes, entry: bytes, width: int, height: int) -> bytes:
    """Another picture size in the sample entry of an MP4."""
    at = data.index(entry) + 4 + 24
    return data[:at] + struct.pack(">HH", width, height) + data[at + 4 :]


def sized_matroska(data: bytes, width: int, height: int, old: tuple[int, int] = (320, 256)) -> bytes:
    """Another picture size in a Matroska track whose own takes two bytes a number."""
    for element, before, after in ((b"\xb0\x82", old[0], width), (b"\xba\x82", old[1], height)):
        assert data.count(element + struct.pack(">H", before)) == 1
        data = data.replace(element + struct.pack(">H", before), element + struct.pack(">H", after))
    return data


def huge_parameters(size: int) -> bytes:
    """A sequence parameter set of H.264 for 65,536 x 65,536 pixels, filled up to a length."""

    def number(value: int) -> str:
        digits = f"{value + 1:b}"
        return "0" * (len(digits) - 1) + digits

    bits = number(0) + number(0) + number(2) + number(1) + "0" + number(4095) + number(4095) + "11" + "00" + "1"
    bits += "0" * (-len(bits) % 8)
    made = bytes([0x67, 66, 0, 62]) + int(bits, 2).to_bytes(len(bits) // 8, "big")
    return made + bytes(size - len(made))


def with_huge_parameters(data: bytes) -> bytes:
    """Put them in the place of each set in an MP4's ``avcC`` or in a bare stream."""
    if b"avcC" in data:
        at = data.index(b"avcC") + 4 + 6
        size = int.from_bytes(data[at : at + 2], "big")
        return data[: at + 2] + huge_parameters(size) + data[at + 2 + size :]
    first, *others = data.split(b"\0\0\1")
    units = [huge_parameters(len(unit)) if unit[:1] == b"\x67" else unit for unit in others]
    return b"\0\0\1".join([first, *units])


def damaged(data: bytes) -> bytes:
    """Noise over a twentieth of the file, from its middle on."""
    middle, length = len(data) // 2, len(data) // 20
    return data[:middle] + np.random.default_rng(0).bytes(length) + data[middle + length :]


def late(data: bytes, moment: int) -> bytes:
    """Show the frame before the second key frame long after that one, so many ticks late."""
    count = struct.unpack_from(">I", data, data.index(b"ctts") + 8)[0]
    runs = np.frombuffer(data, ">u4", 2 * count, data.index(b"ctts") + 12).reshape(-1, 2)
    run = int(np.flatnonzero(np.cumsum(runs[:, 0]) >= 12)[0])
    return patch(data, b"ctts", 8 + 8 * run + 4, moment)


Bend = Callable[[bytes], bytes]

#: Name of the broken file, the kind it is made from, and how.
BENT: dict[str, tuple[str, Bend]] = {
    "entry.mp4": ("plain", lambda data: sized(data, b"avc1", 65_535, 65_535)),
    "entry_hevc.mp4": ("hevc", lambda data: sized(data, b"hev1", 65_535, 65_535)),
    "entry_prores.mov": ("prores", lambda data: sized(data, b"apch", 65_535, 65_535)),
    "entry_fragmented.mp4": ("fragmented", lambda data: sized(data, b"avc1", 65_535, 65_535)),
    "parameters.mp4": ("plain", with_huge_parameters),
    "parameters.h264": ("raw_h264", with_huge_parameters),
    "parameters.ts": ("ts", with_huge_parameters),
    "largest.mkv": ("wide_h264", lambda data: sized_matroska(data, 65_535, 65_535)),
    "large.mkv": ("wide_h264", lambda data: sized_matroska(data, 16_000, 16_000)),
    "largest.webm": ("wide_vp9", lambda data: sized_matroska(data, 65_535, 65_535)),
    "largest_ffv1.mkv": ("wide_ffv1", lambda data: sized_matroska(data, 65_535, 65_535)),
    "large_ffv1.mkv": ("wide_ffv1", lambda data: sized_matroska(data, 16_000, 16_000)),
    "no_clock.mkv": ("mkv", lambda data: data.replace(b"\x2a\xd7\xb1\x83\x0f\x42\x40", b"\x2a\xd7\xb1\x83\0\0\0")),
    "no_height.webm": ("wide_vp9", lambda data: data.replace(b"\xba\x82\x01\0", b"\xec\x82\x01\0")),
    "stsz.mp4": ("plain", lambda data: patch(data, b"stsz", 8, -(2**31))),
    "stsz_one_size.mp4": ("plain", lambda data: patch(data, b"stsz", 4, 1, -(2**31))),
    "stts.mp4": ("plain", lambda data: patch(data, b"stts", 4, 1, -(2**31), 512)),
    "stts_long.mp4": ("plain", lambda data: patch(data, b"stts", 12, -1)),
    "late.mp4": ("plain", lambda data: late(data, 512 * 40 + 100)),
    "late_by_whole_frames.mp4": ("plain", lambda data: late(data, 512 * 40)),
    "damaged.mp4": ("plain", damaged),
    "damaged.mkv": ("mkv", damaged),
    "damaged.ts": ("ts", damaged),
    "damaged.avi": ("mpeg4_avi", damaged),
    "damaged.flv": ("flv", damaged),
    "damaged_hevc.mp4": ("hevc", damaged),
    "damaged.webm": ("vp9", damaged),
    "damaged.gif": ("gif", damaged),
}
#: Files that hold no frame at all, whatever their name says: `broken_files` and sound alone.
HOPELESS = (  # noqa: SIM905
    "zero_bytes text random one_byte only_ftyp cut_in_moov cut_before_moov html zip sound"
).split()


def read_limited(paths: list[Path]) -> list[dict[str, Any]]:
    """What came of each file in a process with 4 GB; fails where one ends it, or never ends."""
    command = [sys.executable, str(Path(__file__).with_name("read_with_little_memory.py")), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def outcomes(videos: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What came of each file."""
    folder = tmp_path_factory.mktemp("broken")
    wide = {"width": 320, "height": 256, "count": 12}
    kinds = videos | {
        "wide_h264": encode(folder / "wide_h264.mkv", **wide),
        "wide_vp9": encode(folder / "wide.webm", codec="libvpx-vp9", **wide),
        "wide_ffv1": encode(folder / "wide_ffv1.mkv", codec="ffv1", **wide),
    }
    content = {name: bend(kinds[kind].read_bytes()) for name, (kind, bend) in BENT.items()}
    broken = {name.replace(" ", "_"): data for name, data in broken_files(videos["plain"]).items()}
    broken["sound"] = sound_alone(folder / "tone.mp4").read_bytes()
    content |= {f"{name}.mp4": broken[name] for name in HOPELESS}
    for name, data in content.items():
        (folder / name).write_bytes(data)
    found = read_limited([folder / name for name in content])
    return {Path(outcome["path"]).name: outcome for outcome in found}


@pytest.mark.parametrize("name", [*BENT, *(f"{name}.mp4" for name in HOPELESS)])
def test_memory_is_bounded_and_reasons_name_the_file(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    outcome = outcomes[name]
    assert outcome["megabytes"] < 500
    if outcome["frames"] is None:
        assert outcome["file"] == outcome["path"]
        assert len(outcome["reason"]) > 10


@pytest.mark.parametrize("name", HOPELESS)
def test_what_is_no_video_is_refused(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    assert outcomes[f"{name}.mp4"]["reason"]


@pytest.mark.parametrize("name", [name for name in BENT if name.startswith("parameters") or "ffv1" in name])
def test_absurd_sizes_that_hold_for_the_pictures_are_refused(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    assert outcomes[name]["reason"]


#: Several frames have the same time here, so that the decoder has to tell which comes first.
DECODED_FOR_THEIR_TIMES = {"late_by_whole_frames.mp4"}


@pytest.mark.parametrize("name", [name for name in BENT if not name.startswith("damaged")])
def test_frames_that_do_come_are_those_of_a_full_decode(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    path, numbers = outcomes[name]["path"], outcomes[name]["frames"]
    if numbers is not None:
        frames, times = decode_fully(Path(path))
        if name not in DECODED_FOR_THEIR_TIMES:  # a header that lies of times puts frames in another order
            frames = frames[np.argsort(times, kind="stable")]
        assert np.array_equal(Clip(path).frames(indices=numbers).data, frames[numbers])


@pytest.mark.parametrize("name", [name for name in BENT if name.startswith("damaged")])
def test_damage_leaves_the_frames_before_it_alone(
    outcomes: dict[str, dict[str, Any]], videos: dict[str, Path], name: str
) -> None:
    path, whole = outcomes[name]["path"], fully(videos[BENT[name][0]])[0]
    clip = Clip(path)
    assert np.array_equal(clip.frames(indices=[0, 3]).data, whole[[0, 3]])
    standing_in = clip.frames(count=8, on_error="nearest")
    assert len(standing_in) == 8
    assert standing_in.indices.tolist() == sorted(standing_in.indices.tolist())


def test_a_result_there_is_no_memory_for(plain: Path) -> None:
    program = (
        "import resource, sys; from video_sft import Clip; resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30)); "
        "Clip(sys.argv[1]).frames(count=40, size=(8000, 16000))"
    )
    command = [sys.executable, "-c", program, str(plain)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert f"VideoError: {plain}: there is no memory for 40 frames of 16000 x 8000" in done.stderr


def test_a_time_weeks_away_does_not_make_millions_of_frames(videos: dict[str, Path], tmp_path: Path) -> None:
    data = videos["flv"].read_bytes()
    last = data.rindex(b"\x09", 0, len(data) - 200)
    size = int.from_bytes(data[last + 1 : last + 4], "big")
    assert data[last + 11 + size : last + 15 + size] == (size + 11).to_bytes(4, "big")  # a tag of video, whole
    path = tmp_path / "late.flv"
    path.write_bytes(data[: last + 4] + b"\xff\xff\xff\x7f" + data[last + 8 :])
    with pytest.raises(VideoError, match=r"late\.flv: 1 frames a second .* may be wrong"):
        Clip(path).frames(fps=1, size=16)
    assert len(Clip(path).frames(fps=1, max_frames=4, size=16)) == 4
    with pytest.raises(VideoError, match="may be wrong"):
        Clip(path).frames(fps=1e12, size=16)


@pytest.mark.skipif("libsvtav1" not in av.codecs_available, reason="there is nothing to encode AV1 with")
def test_reading_ends_where_decoders_are_closed_at_work(tmp_path: Path) -> None:
    """A file that ends too early stops the reading of packets while threads of the AV1 decoder are still busy."""
    whole = encode(tmp_path / "whole.mp4", codec="libsvtav1", options={"preset": "12"}, count=20).read_bytes()
    paths = [tmp_path / f"{number}.mp4" for number in range(1, 18)]
    for number, path in enumerate(paths, 1):
        path.write_bytes(patch(whole, b"stsz", 12 + 4 * number, 1 << 30))
    for outcome in read_limited(paths * 3):
        assert "cut short" in outcome["reason"]
