"""qwen-vl-utils' own reading of an export. Runs in an environment with qwen-vl-utils.

Usage: python with_qwen.py MODELS EXPORT EXPECTED.json
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from tiny_models import mend_imports

from expectations import Expected


def main(models: Path, export: Path, expected: Path) -> None:
    os.environ.update(VIDEO_MAX_TOKEN_NUM="16", VIDEO_MIN_TOKEN_NUM="4")
    os.chdir(export)
    mend_imports()
    from qwen_vl_utils import process_vision_info

    check = Expected(expected)
    for shard in sorted(export.glob("*.jsonl")):
        for line in shard.read_text().splitlines():
            row = json.loads(line)
            images, videos, _ = process_vision_info(row["messages"], return_video_kwargs=True)
            assert (images is not None) == (check.rows[row["id"]]["media"] == "image"), row["id"]
            seconds = None
            if videos is not None:
                seconds = [round(float(frame.float().mean()) / 8, 2) for frame in videos[0]]
            check.check(
                row["id"],
                question_to_answer=" ".join(texts(row, "user")),
                learnt=" ".join(texts(row, "assistant")),
                seconds=seconds,
            )
    check.finish(f"qwen-vl-utils, {export.name}")


def texts(row: dict[str, Any], role: str) -> list[str]:
    messages = [message for message in row["messages"] if message["role"] == role]
    return [part["text"] for message in messages for part in message["content"] if part["type"] == "text"]


if __name__ == "__main__":
    main(*(Path(word).absolute() for word in sys.argv[1:]))
