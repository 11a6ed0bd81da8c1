"""STAR's rows, invented."""

from __future__ import annotations

import copy
from typing import Any

import video_sft
from video_sft.sample_media import sample_folder

QUESTION = {
    "question_id": "Interaction_T1_13",
    "question": "Which object was tidied up by the person?",
    "video_id": "6H78U",
    "start": 11.1,
    "end": 19.6,
    "answer": "The clothes.",
    "question_program": [{"function": "Situations", "value_input": []}],
    "choices": [
        {"choice_id": 0, "choice": "The bag.", "choice_program": [{"function": "Equal", "value_input": ["bag"]}]},
        {"choice_id": 1, "choice": "The clothes.", "choice_program": []},
    ],
    "situations": {},
}


def question(**changes: Any) -> dict[str, Any]:
    """Return a good row with some fields changed."""
    return {**copy.deepcopy(QUESTION), **changes}


def sample(config: str, **options: Any) -> Any:
    """Stream the embedded sample."""
    return video_sft.load(config, data_dir=sample_folder("star"), streaming=True, **options)
