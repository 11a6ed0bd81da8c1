"""Parts to mix: rows of the shared schema made on the spot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import datasets
import pytest
from datasets import Dataset

from video_sft._rows.schema import features


def row(name: str, number: int, **changes: Any) -> dict[str, Any]:
    """A row of the shared schema, with as much of it filled in as mixing looks at."""
    question = changes.pop("question", f"what happens in scene {number}")
    turns = [question] if isinstance(question, str) else question
    messages = []
    for place, words in enumerate(turns):
        media = [{"type": "video", "text": None}] if place == 0 else []
        messages.append({"role": "user", "content": [*media, {"type": "text", "text": words}]})
        messages.append({"role": "assistant", "content": [{"type": "text", "text": f"answer {place}"}]})
    filled = {
        "id": f"{name}/{number}",
        "source": name.partition("-")[0],
        "task": "vqa",
        "answer_format": "open_ended",
        "messages": messages,
        "video_id": f"pool/{name}-{number // 3}",
        "choices": [],
        "evidence": [],
        "license": "MIT",
    }
    return {**dict.fromkeys(features()), **filled, **changes}


@pytest.fixture(scope="session")
def part() -> Callable[..., Dataset]:
    """Make a part: `part("star", 10)`, or `part("star", [{"question": ...}, ...])` for rows that differ."""

    def make(name: str, rows: int | Sequence[dict[str, Any]], **changes: Any) -> Dataset:
        each = [{}] * rows if isinstance(rows, int) else rows
        if not each:
            return Dataset.from_dict({column: [] for column in features()}, features=features())
        return Dataset.from_list(
            [row(name, i, **{**changes, **own}) for i, own in enumerate(each)], features=features()
        )

    return make


@pytest.fixture(scope="session")
def ids() -> Callable[..., Dataset]:
    """Make a part that has nothing but ids: `ids("a", 10)`; quick to make in thousands of sizes."""

    def make(name: str, rows: int) -> Dataset:
        columns = datasets.Features({"id": datasets.Value("string")})
        return Dataset.from_dict({"id": [f"{name}/{number}" for number in range(rows)]}, features=columns)

    return make
