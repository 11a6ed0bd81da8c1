"""Fingerprints: near each other for encodings of the same footage, far apart for other footage."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.fingerprints.made_footage import film, picture, still

from video_sft import Clip
from video_sft.errors import ConfigError, VideoError
from video_sft.fingerprints import BITS, SAME_BITS, FingerprintIndex, differing_bits, fingerprint

#: How encodings may differ, and in how many bits their fingerprints may then.
ENCODINGS: list[tuple[str, dict[str, Any], int]] = [
    ("small.mp4", {"size": (96, 72), "options": {"crf": "32"}}, 7),
    ("other.avi", {"codec": "mpeg4", "size": (160, 120), "options": {"b": "300000"}}, 7),
    ("other.webm", {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}}, 7),
    ("other.mkv", {"codec": "libx265", "options": {"x265-params": "log-level=none", "preset": "ultrafast"}}, 7),
    ("squashed.mp4", {"size": (144, 144)}, 7),
    ("slower.mp4", {"rate": 10}, SAME_BITS),
    ("faster.mkv", {"rate": 30}, SAME_BITS),
    ("bars.mp4", {"bar": 24}, SAME_BITS),
]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> str:
    found = fingerprint(film(tmp_path_factory.mktemp("known") / "known.mp4", 1))
    assert found is not None
    return found


@pytest.mark.parametrize(("name", "how", "most"), ENCODINGS, ids=[name for name, _, _ in ENCODINGS])
def test_another_encoding_has_nearly_the_same(
    known: str, tmp_path: Path, name: str, how: dict[str, Any], most: int
) -> None:
    found = fingerprint(film(tmp_path / name, 1, **how))
    assert found is not None
    assert differing_bits(known, found) <= most


def test_other_footage_has_another(known: str, tmp_path: Path) -> None:
    for seed in range(2, 6):
        other = fingerprint(film(tmp_path / f"{seed}.mp4", seed, size=(96, 72)))
        assert other is not None
        assert differing_bits(known, other) >= 84


def test_real_videos_are_told_apart_and_two_files_of_one_are_not(shared: Path) -> None:
    names = [
        "flower.mp4",
        "flower.webm",
        "nasa_13013.mp4",
        "flipping_a_pancake.mkv",
        "mllm_demo_2.avi",
        "av1_video.mkv",
    ]
    found = {name: fingerprint(shared / "videos" / name) for name in names}
    for one, other in itertools.combinations(names, 2):
        first, second = found[one], found[other]
        assert first is not None
        assert second is not None
        differ = differing_bits(first, second)
        assert differ <= 7 if one.startswith("flower") and other.startswith("flower") else differ >= 84


def test_a_part_is_found_in_a_file_of_its_own_and_not_in_the_whole(known: str, tmp_path: Path) -> None:
    whole = film(tmp_path / "whole.mp4", 1)
    own = fingerprint(film(tmp_path / "own.mp4", 1, start=2.0, seconds=3.0, size=(96, 72)))
    part = fingerprint(Clip(whole, 2.0, 5.0))
    assert own is not None
    assert part is not None
    assert differing_bits(own, part) <= SAME_BITS < differing_bits(own, known)
    with pytest.raises(VideoError):
        fingerprint(Clip(whole, 60.0, 70.0))


def test_what_shows_nothing_has_none(tmp_path: Path) -> None:
    black, ramp = np.zeros((64, 96, 3), np.uint8), np.linspace(90, 140, 96).astype(np.uint8)[None, :, None]
    assert fingerprint(still(tmp_path / "black.mp4", black)) is None
    assert fingerprint(still(tmp_path / "green.mp4", black + np.uint8((0, 150, 40)))) is None
    assert fingerprint(still(tmp_path / "ramp.mp4", np.broadcast_to(ramp, (64, 96, 3)))) is None


def test_a_still_picture_and_a_few_frames_have_one(tmp_path: Path) -> None:
    pixels = picture(3, 0.0, 96, 64)
    long, short, single = (fingerprint(still(tmp_path / f"{count}.mp4", pixels, count)) for count in (30, 2, 1))
    assert long is not None
    assert short is not None
    assert single is not None
    assert differing_bits(long, short) <= 7
    assert differing_bits(long, single) <= 7


def _near_by_hand(one: np.ndarray, other: np.ndarray, bits: int) -> list[tuple[int, int, int]]:
    differing = np.unpackbits(one[:, None] ^ other[None], axis=2).sum(axis=2)
    return [(int(row), int(column), int(differing[row, column])) for row, column in np.argwhere(differing <= bits)]


@pytest.mark.parametrize("bits", [0, 7, SAME_BITS, 63])
@pytest.mark.parametrize("numpy_2", [True, False])
def test_the_index_finds_every_pair_and_no_other(bits: int, numpy_2: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not numpy_2:
        monkeypatch.delattr(np, "bitwise_count", raising=False)
    draws = np.random.default_rng(bits)
    known = draws.integers(0, 256, (300, BITS // 8), dtype=np.uint8)
    known[200:] = known[:100]  # as many rows have one video
    asked = draws.integers(0, 256, (60, BITS // 8), dtype=np.uint8)
    asked[:50] = known[:50]
    for row in range(50):
        flipped = draws.choice(BITS, int(draws.integers(0, bits + 4)), replace=False)
        changed = np.unpackbits(asked[row])
        changed[flipped] ^= 1
        asked[row] = np.packbits(changed)
    asked[50] = asked[0]
    index = FingerprintIndex([row.tobytes().hex() for row in known], bits=bits)
    rows, columns, differing = index.near([row.tobytes().hex() for row in asked])
    found = list(zip(rows.tolist(), columns.tolist(), differing.tolist(), strict=True))
    assert found == _near_by_hand(asked, known, bits)
    assert len(index) == 300


def test_nothing_is_near_nothing() -> None:
    assert [len(each) for each in FingerprintIndex([]).near(["0" * 80])] == [0, 0, 0]
    assert [len(each) for each in FingerprintIndex(["0" * 80]).near([])] == [0, 0, 0]


@pytest.mark.parametrize("wrong", ["", "0" * 79, "g" * 80, None])
def test_what_is_no_fingerprint_is_said(wrong: Any) -> None:
    with pytest.raises(ConfigError, match="no fingerprint"):
        differing_bits("0" * 80, wrong)
    with pytest.raises(ConfigError, match="up to 63"):
        FingerprintIndex([], bits=64)


def test_it_needs_nothing_of_datasets(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 1, seconds=1.0)
    program = (
        "import sys; from video_sft.fingerprints import fingerprint; print(len(fingerprint(sys.argv[1])), "
        "[name for name in ('datasets', 'pyarrow', 'PIL') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["80", "[]"]
