"""The rows each sample is expected to give, kept as JSON lines; `make generate` rewrites them, a test compares."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import video_sft
from video_sft.builders import find_source
from video_sft.sample_media import sample_folder

FOLDER = Path(__file__).parent / "expected"


def built_rows(config: str, cache_dir: str) -> list[dict[str, Any]]:
    """The rows of a config's sample without media, each with its split."""
    folder = sample_folder(find_source(config).name)
    splits: Any = video_sft.load(config, data_dir=folder, cache_dir=cache_dir)
    return [{"split": split, **row} for split, rows in splits.items() for row in rows]


def expected_path(config: str) -> Path:
    return FOLDER / f"{config}.jsonl"


def as_text(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def read_expected(config: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in expected_path(config).read_text(encoding="utf-8").split("\n")[:-1]]
