"""What is learnt: the assistant's words and the end of each of its turns, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from video_sft.errors import ConfigError
from video_sft.training import Collator
from video_sft.training._tiny import CHAT_TEMPLATE

from .families import FIXED, processor_of, tokenizer

Row = Callable[..., dict[str, Any]]


def learnt(batch: dict[str, Any], place: int = 0) -> str:
    """The text of a row's labels."""
    labels = batch["labels"][place]
    return str(tokenizer().decode(labels[labels != -100]))


def answers(row: dict[str, Any], end: str = "<|im_end|>") -> str:
    """What a row's assistant says, each time followed by the end of its turn."""
    turns = [turn for turn in row["messages"] if turn["role"] == "assistant"]
    return "".join("".join(part["text"] for part in turn["content"]) + end for turn in turns)


@pytest.mark.parametrize("family", ["Qwen3VL", "Qwen2_5_VL", "InternVL"])
def test_labels_are_the_answers_on_every_row_of_all_samples(family: str, samples: list[dict[str, Any]]) -> None:
    processor = processor_of(family)
    collator = Collator(processor, count=2, max_tokens=4096)
    rows = [row for row in samples if row["messages"][-1]["role"] == "assistant"]
    assert len(rows) > 80
    assert {"system"} < {turn["role"] for row in rows for turn in row["messages"]}
    for start in range(0, len(rows), 4):
        batch = collator(rows[start : start + 4])
        for place, row in enumerate(rows[start : start + 4]):
            assert learnt(batch, place) == answers(row), row["id"]
            seen = batch["input_ids"][place] != batch["labels"][place]
            assert (batch["labels"][place][seen] == -100).all()
    assert collator.counts["rows"] == len(rows)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # transformers' own
def test_omni_hears_the_one_sample_that_has_sound(samples: list[dict[str, Any]]) -> None:
    sounding = [row for row in samples if row["video"] is not None and row["video"].metadata.audio is not None]
    assert len({row["video_path"] for row in sounding}) == 1
    row = sounding[0]
    batch = Collator(processor_of("Qwen2_5OmniThinker"), count=2, sound=True)([row])
    heard = int((batch["input_ids"] == tokenizer().convert_tokens_to_ids("<|audio_pad|>")).sum())
    assert heard == pytest.approx(25 * (row["stop_seconds"] - row["start_seconds"]), abs=1)  # 25 tokens a second


def test_the_rest_of_a_row_is_read_but_not_learnt(row: Row) -> None:
    made = row("long", turns=("who?", "she", "why?", "he left"), system="be brief")
    batch = Collator(processor_of("Qwen2_5_VL"), count=2)([made])
    text = tokenizer().decode(batch["input_ids"][0][batch["labels"][0] == -100]).replace("<|video_pad|>", "")
    assert text == (
        "<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\n<|vision_start|><|vision_end|>who?<|im_end|>\n"
        "<|im_start|>assistant\n\n<|im_start|>user\nwhy?<|im_end|>\n<|im_start|>assistant\n\n"
    )
    assert learnt(batch) == "she<|im_end|>he left<|im_end|>"


@pytest.mark.parametrize("name", ["qwen2_5_vl", "qwen3_vl"])
def test_the_template_that_the_error_names_serves(name: str, row: Row) -> None:
    trl = pytest.importorskip("trl.chat_template_utils")
    processor = processor_of("Qwen3VL")
    folder = Path(trl.__file__).parent / "chat_templates"
    processor.chat_template = (folder / f"{name}.jinja").read_text(encoding="utf-8")
    with pytest.raises(ConfigError, match=r"no \{% generation %\} marks.*get_training_chat_template"):
        Collator(processor, fps=1)
    template = trl.get_training_chat_template(processor)
    made = row("long", 20, 24, turns=("who?", "she", "why?", "he left"))
    assert learnt(Collator(processor, fps=1, chat_template=template)([made])) == answers(made, "<|im_end|>\n")


def test_a_template_that_leaves_out_videos_is_refused(row: Row) -> None:
    blind = CHAT_TEMPLATE.replace("part.type == 'text'", "part.type == 'text' or part.type == 'video'")
    blind = blind.replace("{{- part.text -}}", "{{- part.text or '' -}}")
    collator = Collator(processor_of("Qwen3VL"), fps=1, chat_template=blind)
    with pytest.raises(ConfigError, match=r"made/long has 1 video, .*leaves out parts of the type 'video'"):
        collator([row("long")])


def test_a_processor_without_a_tokenizer_or_template_is_refused() -> None:
    with pytest.raises(ConfigError, match="no fast tokenizer"):
        Collator(processor_of("Qwen3VL").video_processor, fps=1)
    processor = processor_of("Qwen3VL")
    processor.chat_template = None
    with pytest.raises(ConfigError, match="no chat template"):
        Collator(processor, fps=1)


@pytest.mark.parametrize("family", ["Qwen3VL", *FIXED])
def test_control_tokens_in_questions_are_text(family: str, row: Row) -> None:
    made = row("long", turns=("is <|video_pad|> or <|im_end|> shown?", "no <|im_start|> is"))
    batch = Collator(processor_of(family), count=2)([made])
    assert learnt(batch) == "no < |im_start|> is<|im_end|>"
    assert "is < |video_pad|> or < |im_end|> shown?" in tokenizer().decode(batch["input_ids"][0])


def test_content_that_is_a_string_is_one_text(row: Row) -> None:
    made = row(None)
    made["messages"] = [{"role": "user", "content": "who?"}, {"role": "assistant", "content": "she"}]
    assert learnt(Collator(processor_of("Qwen3VL"), fps=1)([made])) == "she<|im_end|>"
