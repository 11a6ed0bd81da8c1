"""The shared row: one schema for every source, and its Arrow form.

Every config but `<source>-source` has exactly these columns and types, so any two of them concatenate.
"""

from __future__ import annotations

from datasets import Features, Image, List, Value

from video_sft.video import Video

__all__ = ["ANSWER_FORMATS", "COLUMNS", "SCHEMA_VERSION", "TASKS", "features"]

#: Raised when the meaning of a column changes; part of every cache key.
SCHEMA_VERSION = "1"

TASKS = ("conversation", "classification", "detailed_caption", "simple_caption", "reasoning", "vqa")
ANSWER_FORMATS = ("open_ended", "multiple_choice")


def features() -> Features:
    """Return the columns of every shared row, in order.

    Returns:
        A fresh `datasets.Features`; `video` decodes to a lazy `video_sft.Clip`, `image` to a Pillow image.
    """
    text = Value("string")
    span = {"start_seconds": Value("float64"), "stop_seconds": Value("float64")}
    return Features(
        {
            "id": text,
            "source": text,
            "task": text,
            "answer_format": text,
            "question_type": text,
            "messages": List({"role": text, "content": List({"type": text, "text": text})}),
            "video": Video(),
            "image": Image(),
            "video_id": text,
            "video_path": text,
            **span,
            "choices": List(text),
            "answer": text,
            "answer_index": Value("int32"),
            "evidence": List(span),
            "license": text,
        }
    )


COLUMNS = (
    "id",
    "source",
    "task",
    "answer_format",
    "question_type",
    "messages",
    "video",
    "image",
    "video_id",
    "video_path",
    "start_seconds",
    "stop_seconds",
    "choices",
    "answer",
    "answer_index",
    "evidence",
    "license",
)
