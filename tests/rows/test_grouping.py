"""Questions on one video as one conversation."""

from __future__ import annotations

from typing import Any

import pytest

import video_sft
from video_sft._rows.grouping import group_by_video

WHOLE = [config for config in video_sft.configs() if "-" not in config]


def question(row: Any) -> tuple[str, ...]:
    return tuple(part["text"] for message in row["messages"] for part in message["content"] if part["type"] == "text")


@pytest.mark.parametrize("config", WHOLE)
@pytest.mark.parametrize("max_turns", [None, 1, 2])
def test_every_question_is_asked_once(config: str, max_turns: int | None, session_cache: str) -> None:
    options: Any = {"sample": True, "cache_dir": session_cache}
    plain: Any = video_sft.load(config, **options)
    grouped: Any = video_sft.load(config, group="video", max_turns=max_turns, **options)
    for split, rows in plain.items():
        merged = grouped[split]
        assert merged.features == video_sft.features()
        assert len(set(merged["id"])) == len(merged) <= len(rows)
        asked = sorted(text for row in rows for text in question(row))
        again = sorted(text for row in merged for text in question(row))
        systems = [row["messages"][0]["role"] == "system" for row in rows]
        assert again == asked if not any(systems) else set(again) == set(asked)
        for row in merged:
            media = [part["type"] for message in row["messages"] for part in message["content"]]
            has_video = "video" in media
            video_sft.validate_messages(row["messages"], video=has_video, image="image" in media)
            turns = sum(message["role"] == "user" for message in row["messages"])
            alone = "+" not in row["id"]
            assert max_turns is None or alone or turns <= max_turns


def test_a_merged_row_keeps_the_clip_and_says_what_it_is(session_cache: str) -> None:
    rows: Any = video_sft.load("next_qa", sample=True, split="train", group="video", cache_dir=session_cache)
    assert [row["video_id"] for row in rows] == ["vidor/2990010001", "vidor/10990010002"]
    first = rows[0]
    assert first["id"].endswith("+3")
    assert (first["task"], first["answer_format"], first["question_type"]) == ("reasoning", "open_ended", None)
    assert first["choices"] == []
    assert first["answer"] == first["messages"][-1]["content"][0]["text"]
    assert first["video"].frames(count=2).data.shape[0] == 2


def test_the_seed_orders_the_questions_and_nothing_else(session_cache: str) -> None:
    options: Any = {"sample": True, "split": "train", "group": "video", "cache_dir": session_cache}
    orders = [video_sft.load("next_qa", group_seed=seed, **options)[0]["messages"] for seed in (0, 0, 1, 2, 3)]  # type: ignore[index]
    assert orders[0] == orders[1]
    assert len({str(order) for order in orders}) > 2


def test_evidence_and_clips_are_kept_apart(session_cache: str) -> None:
    rows: Any = video_sft.load("next_gqa", sample=True, split="validation", cache_dir=session_cache)
    twice = [dict(rows[0]), {**rows[0], "id": "b"}, {**rows[0], "id": "c", "start_seconds": 1.0, "stop_seconds": 2.0}]
    import datasets

    merged = group_by_video(datasets.Dataset.from_list(twice, features=video_sft.features()), cache_dir=session_cache)
    assert [len(row["evidence"]) for row in merged] == [2 * len(rows[0]["evidence"]), len(rows[0]["evidence"])]
    assert [row["start_seconds"] for row in merged] == [None, 1.0]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"group": "clip"}, "it is 'video' or None"),
        ({"group": "video", "max_turns": 0}, "positive"),
        ({"group": "video", "max_turns": "3"}, "positive"),
        ({"max_turns": 3}, "needs group"),
        ({"group": "video", "streaming": True}, "to_iterable_dataset"),
    ],
)
def test_what_cannot_be_grouped_is_said(options: Any, problem: str, session_cache: str) -> None:
    with pytest.raises(video_sft.ConfigError, match=problem):
        video_sft.load("next_qa", sample=True, cache_dir=session_cache, **options)
    with pytest.raises(video_sft.ConfigError, match="-source"):
        video_sft.load("next_qa-source", sample=True, group="video", cache_dir=session_cache)
