"""LLaMA-Factory: ShareGPT rows with string contents, and the `dataset_info.json` that names their columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from video_sft._exporting.targets.target import Export, JsonTarget, ReadyRow, quoted, tagged_line

__all__ = ["LlamaFactory"]


class LlamaFactory(JsonTarget):
    """Rows for `llamafactory-cli train --dataset_dir`.

    It takes as many `<video>` in the text as there are entries in `videos`, and knows no limits. A dataset of several
    files is a folder.
    """

    clips = ("trim", "frames")
    inferred = True

    def line(self, row: ReadyRow, export: Export) -> dict[str, Any]:
        """Return a row as it is written."""
        return tagged_line(row, export)

    def shard(self, export: Export, number: int, of: int) -> str:
        """Return the name of a file of rows, relative to the export."""
        name = super().shard(export, number, of)
        return name if of == 1 else f"{export.name}/{name}"

    def beside(self, export: Export) -> Mapping[str, str]:
        """Return `dataset_info.json`."""
        columns = {"messages": "messages"} | {
            f"{kind}s": f"{kind}s" for kind in ("video", "image") if kind in export.filled
        }
        tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
        entry = {
            "file_name": export.shards[0] if len(export.shards) == 1 else export.name,
            "formatting": "sharegpt",
            "columns": columns,
            "tags": {**tags, "system_tag": "system"},
        }
        return {"dataset_info.json": json.dumps({export.name: entry}, indent=2) + "\n"}

    def command(self, export: Export) -> str:
        """Return the training command."""
        out = quoted(export.out)
        return (
            "llamafactory-cli train --stage sft --do_train --model_name_or_path Qwen/Qwen2.5-VL-3B-Instruct "
            f"--template qwen2_vl --finetuning_type lora --dataset_dir {out} --media_dir {out} --dataset {export.name} "
            f"--video_fps {export.fps:g} --cutoff_len 16384 --output_dir saves/{export.name}"
        )
