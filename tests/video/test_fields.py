"""Streams say themselves whether their pictures can be fields."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from tests.video.zoo import X264, encode

from video_sft.video._headers.fields import has_only_frames


def said(path: Path) -> bool:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return has_only_frames(stream.codec.canonical_name, bytes(stream.codec_context.extradata or b""))


@pytest.mark.parametrize("kind", ["plain", "ts", "flv", "avi_reordered", "ten_bit", "odd_444", "mpeg2_ts", "mpeg_ps"])
def test_streams_of_frames(zoo: dict[str, Path], kind: str) -> None:
    assert said(zoo[kind])


@pytest.mark.parametrize("kind", ["interlaced", "interlaced_ts", "hevc", "vp9", "gif", "mpeg4"])
def test_streams_that_may_have_fields_or_do_not_say(zoo: dict[str, Path], kind: str) -> None:
    assert not said(zoo[kind])


@pytest.mark.parametrize("parameters", ["cqm=jvt", "bframes=0", "8x8dct=0:cabac=0", "qp=0", "cqm=jvt:bframes=0:ref=1"])
@pytest.mark.parametrize("interlaced", [False, True])
def test_whatever_else_the_parameters_say(tmp_path: Path, parameters: str, interlaced: bool) -> None:
    options = {**X264, "x264-params": parameters + ":interlaced=1" * interlaced}
    for pixel_format in ("yuv420p", "yuv444p"):
        made = encode(tmp_path / f"{pixel_format}.ts", options=options, count=3, pixel_format=pixel_format)
        assert said(made) != interlaced


def test_two_sets_must_agree(zoo: dict[str, Path]) -> None:
    both = b""
    for kind, expected in (("ts", True), ("interlaced_ts", False)):
        with av.open(str(zoo[kind])) as container:
            both += bytes(container.streams.video[0].codec_context.extradata)
        assert has_only_frames("h264", both) is expected


def test_mpeg2_with_fields(tmp_path: Path) -> None:
    made = encode(tmp_path / "fields.ts", codec="mpeg2video", options={"flags": "+ildct+ilme"}, count=3)
    assert not said(made)


def test_garbage_says_nothing() -> None:
    rng = np.random.default_rng(3)
    for codec in ("h264", "mpeg2video"):
        for head in (b"", b"\1", b"\0\0\1\x67\x64\0\x0a", b"\0\0\1\xb5"):
            assert not has_only_frames(codec, head)
            for length in range(60):
                has_only_frames(codec, head + rng.bytes(length))
