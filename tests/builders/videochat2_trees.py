"""Trees of VideoChat2-IT files, made for a test."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from video_sft._annotations import Problems
from video_sft._sources.open_part import OpenPart
from video_sft._sources.record import Record
from video_sft._sources.source import usable_records
from video_sft.builders.videochat2 import SOURCE


def qa(question: str, answer: str, instruction: str | None = None) -> dict[str, str]:
    instructed = {} if instruction is None else {"i": instruction}
    return {**instructed, "q": question, "a": answer}


def video_row(path: Any, *exchanges: Mapping[str, str], **fields: Any) -> dict[str, Any]:
    return {"video": path, "QA": list(exchanges or [qa("What is it?", "A kettle.")]), **fields}


def image_row(path: Any, *exchanges: Mapping[str, str]) -> dict[str, Any]:
    return {"image": path, "QA": list(exchanges or [qa("What is it?", "A kettle.")])}


def write_tree(root: Path, files: Mapping[str, Any]) -> Path:
    """Write files by their path in the tree; bytes as they are, anything else as JSON."""
    for name, content in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return root


def records(
    root: Path, place: str, rows: Sequence[Any] | bytes, *, upstream: bool = False, problems: Problems | None = None
) -> list[Record]:
    """What the source makes of one sub-dataset's file with these rows."""
    part = next(part for part in SOURCE.parts if part.kind == place)
    name = part.files["rows"].name
    write_tree(root, {name: rows})
    opened = OpenPart(part, {"rows": str(root / name)}, problems or Problems(), upstream)
    return list(usable_records(SOURCE, opened))
