"""Rows whose media are missing or broken: left out and counted, read without them, or an error, as the options say."""

from __future__ import annotations

import io
import logging
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from video_sft import Clip
from video_sft.errors import ConfigError, MissingMediaError, VideoError
from video_sft.training import Collator

from .families import model_of, processor_of, tokenizer
from .test_labels import learnt

Row = Callable[..., dict[str, Any]]


def test_a_missing_video_is_skipped_and_counted(row: Row, caplog: pytest.LogCaptureFixture) -> None:
    collator = Collator(processor_of("Qwen3VL"), fps=1)
    with caplog.at_level(logging.WARNING, "video_sft.training"):
        batch = collator([row("long"), row(None, part="video"), row(None, part="image")])
    assert batch["input_ids"].shape[0] == 1
    assert collator.counts["missing"] == 2
    assert collator.counts["rows"] == 1
    assert "made/None speaks of a video that is not attached" in caplog.text


def test_a_missing_video_leaves_no_part_behind(row: Row) -> None:
    made = row(None, part="video")
    batch = Collator(processor_of("Qwen3VL"), fps=1, missing="drop_media")([made])
    text = tokenizer().decode(batch["input_ids"][0])
    assert "vision" not in text
    assert "video" not in text
    assert learnt(batch) == "a yellow dot<|im_end|>"
    assert made["messages"][0]["content"][0]["type"] == "video"


def test_a_missing_video_may_be_an_error(row: Row) -> None:
    with pytest.raises(MissingMediaError, match=r"media=.*missing='skip'.*drop_media"):
        Collator(processor_of("Qwen3VL"), fps=1, missing="error")([row(None, part="video")])


@pytest.mark.parametrize("video", ["broken", "absent"])
def test_a_video_that_cannot_be_read(video: str, row: Row) -> None:
    rows = [row(video), row("long")]
    for on_error in ("skip", "nearest"):
        collator = Collator(processor_of("Qwen3VL"), fps=1, on_error=on_error)
        assert collator(rows)["input_ids"].shape[0] == 1
        assert collator.counts["unreadable"] == 1
    with pytest.raises(VideoError, match=rf"{video}\.mp4: .*made/{video}"):
        Collator(processor_of("Qwen3VL"), fps=1, on_error="error")(rows)


def test_a_clip_beyond_the_videos_end_cannot_be_read(row: Row) -> None:
    with pytest.raises(VideoError, match="from 40 s to 30 s"):
        Collator(processor_of("Qwen3VL"), fps=1, on_error="error")([row("long", 40, 50)])


def test_an_image_that_cannot_be_read(row: Row) -> None:
    content = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(content, "PNG")
    made = row(None, image={"bytes": content.getvalue()[:900], "path": None})
    collator = Collator(processor_of("Qwen3VL"), fps=1)
    assert collator([made, row(None)])["input_ids"].shape[0] == 1
    assert collator.counts["unreadable"] == 1
    with pytest.raises(VideoError, match="its image cannot be read"):
        Collator(processor_of("Qwen3VL"), fps=1, on_error="error")([made])


def test_an_image_of_a_shape_that_the_model_does_not_take(row: Row) -> None:
    made = row(None, image=Image.new("RGB", (1, 300)))
    collator = Collator(processor_of("Qwen3VL"), fps=1)
    assert collator([made, row(None)])["input_ids"].shape[0] == 1
    assert collator.counts["unreadable"] == 1
    with pytest.raises(VideoError, match=r"too long and narrow for the model.*aspect ratio"):
        Collator(processor_of("Qwen3VL"), fps=1, on_error="error")([made])


def test_frames_that_do_not_decode_have_their_neighbours_in_their_place(row: Row, videos: dict[str, str]) -> None:
    data = bytearray(Path(videos["silent"]).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = b"\xff" * 400
    made = {**row("silent"), "video": Clip({"bytes": bytes(data), "path": None})}
    collator = Collator(processor_of("Qwen3VL"), fps=10, on_error="nearest")
    whole = Collator(processor_of("Qwen3VL"), fps=10)([row("silent")])
    batch = collator([made])
    assert batch["pixel_values_videos"].shape == whole["pixel_values_videos"].shape
    assert collator.counts["replaced_frames"] > 0
    assert collator.counts["unreadable"] == 0


def test_a_batch_of_which_nothing_is_left_teaches_the_end_of_a_turn(row: Row) -> None:
    for made in (row("broken"), row(None, part="video"), row("long", turns=("why? " * 300, "a dot"))):
        collator = Collator(processor_of("Qwen3VL"), fps=1, max_tokens=100)
        batch = collator([made])
        assert learnt(batch) == "<|im_end|>"
        assert set(batch) == {"input_ids", "attention_mask", "mm_token_type_ids", "labels"}
        assert batch["input_ids"].shape[1] <= 100
        assert collator.counts["stand_ins"] == 1
        assert torch.isfinite(model_of("Qwen3VL")(**batch).loss)


def test_a_row_without_an_answer_is_left_out(row: Row) -> None:
    collator = Collator(processor_of("Qwen3VL"), fps=1)
    assert collator([row("long", turns=("what is it?",)), row("long")])["input_ids"].shape[0] == 1
    assert collator.counts["no_answer"] == 1
    with pytest.raises(ConfigError, match="no words of the assistant"):
        Collator(processor_of("Qwen3VL"), fps=1, on_error="error")([row("long", turns=("what is it?",))])


def test_rows_that_are_none_are_errors_whatever_the_options(row: Row) -> None:
    collator = Collator(processor_of("Qwen3VL"), fps=1)
    with pytest.raises(ConfigError, match="has no messages"):
        collator([{"id": "x/1", "input_ids": [1, 2]}])
    with pytest.raises(ConfigError, match="0 parts of the type 'video' in its messages, and one video"):
        collator([{**row(None), "video": row("long")["video"]}])


def test_it_pickles_with_its_counts(row: Row) -> None:
    collator = Collator(processor_of("Qwen3VL"), fps=1)
    collator([row("long"), row("broken")])
    copy = pickle.loads(pickle.dumps(collator))
    assert copy.counts == collator.counts
    copy([row("long")])
    assert copy.counts["rows"] == 2
    assert collator.counts["rows"] == 1
