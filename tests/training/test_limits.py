"""How long rows become: fewer frames first, then smaller ones, never a video cut in its tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from video_sft import Clip
from video_sft.errors import ConfigError, TooLongError
from video_sft.training import Collator

from .families import FAMILIES, FIXED, GRIDS, OMNI, processor_of, tokenizer

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # transformers' own
Row = Callable[..., dict[str, Any]]


def tokens_of(row: dict[str, Any], family: str, **options: Any) -> tuple[int, int, tuple[int, int, int]]:
    """A row's length, its video tokens and its grid (groups of frames, rows, columns)."""
    batch = Collator(processor_of(family), on_error="error", **options)([row])
    ids = batch["input_ids"][0]
    grid = tuple(batch["video_grid_thw"][0].tolist())
    return len(ids), int((ids == tokenizer().convert_tokens_to_ids("<|video_pad|>")).sum()), grid


@pytest.mark.parametrize("family", GRIDS)
def test_frames_are_lowered_before_pixels(family: str, row: Row) -> None:
    made = row("long")
    free, _, (most_frames, rows, columns) = tokens_of(made, family, fps=1)
    seen = free - Collator(processor_of(family), fps=1)([row(None)])["input_ids"].shape[1]
    assert most_frames == 15
    few_frames, few_pixels = [], []
    for limit in (free, free - 1, *(free - seen * left // 24 for left in (8, 16, 21))):
        length, video, (frames, high, wide) = tokens_of(made, family, fps=1, max_tokens=limit)
        assert length <= limit
        assert video == frames * high * wide // 4  # all of what the grid says, so nothing was cut
        if frames > 2:
            assert (high, wide) == (rows, columns)
        few_frames.append(frames)
        few_pixels.append(high * wide)
    assert few_frames == sorted(few_frames, reverse=True)
    assert few_frames[0] == 15 > few_frames[1] > few_frames[3]
    assert few_pixels == sorted(few_pixels, reverse=True)
    assert few_frames[-1] == 2
    assert few_pixels[-1] < rows * columns


def test_lowered_frames_still_span_the_clip(row: Row) -> None:
    made = row("long", 10, 26)
    batch = Collator(processor_of("Qwen3VL"), fps=1, max_tokens=130)([made])
    text = tokenizer().decode(batch["input_ids"][0]).replace("<|video_pad|>", "")
    stamps = [float(part.partition(" seconds>")[0]) for part in text.split("<") if " seconds>" in part]
    assert 2 <= len(stamps) < 8
    assert stamps[0] < 15
    assert stamps[-1] > 21


@pytest.mark.parametrize("family", FIXED)
def test_models_with_frames_of_one_size_get_fewer(family: str, row: Row) -> None:
    free = Collator(processor_of(family), count=12)([row("long")])["input_ids"].shape[1]
    less = Collator(processor_of(family), count=12, max_tokens=free // 2)([row("long")])
    assert free // 3 < less["input_ids"].shape[1] <= free // 2


def test_an_image_gets_smaller(row: Row) -> None:
    made = row(None, image=Image.new("RGB", (200, 160)))
    free = Collator(processor_of("Qwen3VL"), fps=1)([made])
    less = Collator(processor_of("Qwen3VL"), fps=1, max_tokens=40)([made])
    assert less["input_ids"].shape[1] <= 40 < free["input_ids"].shape[1]
    assert less["image_grid_thw"][0].prod() < free["image_grid_thw"][0].prod()


def test_a_text_that_is_too_long_is_said_and_never_cut(row: Row) -> None:
    made = row("long", turns=("what is it? " * 200, "a dot"))
    for video in (made, row(None, turns=("what is it? " * 200, "a dot"))):
        collator = Collator(processor_of("Qwen3VL"), fps=1, max_tokens=300, on_error="error")
        with pytest.raises(TooLongError, match=r"made/.*: (its text alone has )?[\d,]+ tokens.* max_tokens is 300"):
            collator([video])
    collator = Collator(processor_of("Qwen3VL"), fps=1, max_tokens=300)
    assert collator([made, row("long")])["input_ids"].shape[0] == 1
    assert collator.counts["too_long"] == 1


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("limit", [None, 220])
def test_lengths_are_known_without_opening_a_file(
    family: str, limit: int | None, row: Row, opened_files: Callable[..., Any]
) -> None:
    how: dict[str, Any] = {"count": 6} if family in FIXED else {"fps": 2.5}
    collator = Collator(processor_of(family), sound=family in OMNI, max_tokens=limit, on_error="error", **how)
    rows = [
        row("long", 20, 24),
        row("sounding", turns=("who?", "she", "why?", "he left")),
        row("variable", 3.3, 7),
        row(None, image=Image.new("RGB", (90, 60))),
        row(None),
    ]
    facts = [made["video"] and made["video"].metadata for made in rows]
    fresh = [{**made, "video": made["video"] and Clip(made["video"])} for made in rows]
    with opened_files() as names:
        lengths = [collator.length(made, known) for made, known in zip(fresh, facts, strict=True)]
    assert not [name for name in names if name.endswith((".mp4", ".mkv"))]
    assert lengths == [collator([made])["input_ids"].shape[1] for made in rows]


@pytest.mark.parametrize("family", GRIDS)
def test_frames_have_the_size_the_processor_gives_them(family: str, row: Row, videos: dict[str, str]) -> None:
    batch = Collator(processor_of(family), count=4)([row("long")])
    frames = Clip(videos["long"]).frames(count=4).data
    alone = processor_of(family).video_processor(videos=[frames], do_sample_frames=False, return_tensors="pt")
    assert batch["video_grid_thw"].tolist() == alone["video_grid_thw"].tolist()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "one of fps= .* and count="),
        ({"fps": 1, "count": 8}, "one of fps= .* and count="),
        ({"fps": 0}, "fps is 0"),
        ({"count": 0}, "count is 0"),
        ({"count": 8, "max_frames": 4}, "max_frames goes with fps"),
        ({"fps": 1, "max_tokens": 1.5}, r"max_tokens is 1\.5"),
        ({"fps": 1, "missing": "null"}, "missing is 'skip', 'drop_media' or 'error', not 'null'"),
        ({"fps": 1, "on_error": "raise"}, "on_error is 'skip', 'nearest' or 'error', not 'raise'"),
        ({"fps": 1, "sound": True}, "Qwen3VLProcessor takes no sound"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        Collator(processor_of("Qwen3VL"), **options)
