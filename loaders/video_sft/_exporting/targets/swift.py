"""ms-swift: `messages` with tags in the text, paths in `videos` and `images`, limits in `chat_template_kwargs`."""

from __future__ import annotations

from typing import Any

from video_sft._exporting.targets.target import Export, JsonTarget, ReadyRow, quoted, tagged_line

__all__ = ["Swift"]


class Swift(JsonTarget):
    """Rows for `swift sft --dataset`.

    ms-swift hands `chat_template_kwargs` of a row to `qwen_vl_utils.fetch_video` with its video (Qwen-VL, Omni and MiMo
    templates, ms-swift 4.6). `ROOT_IMAGE_DIR` is where relative paths begin; lists of frames are looked up from the
    working directory alone.
    """

    inferred = True

    def line(self, row: ReadyRow, export: Export) -> dict[str, Any]:
        """Return a row as it is written."""
        line = tagged_line(row, export)
        if "limits" in export.filled:
            line["chat_template_kwargs"] = row.limits and {"video_start": row.limits[0], "video_end": row.limits[1]}
        return line

    def command(self, export: Export) -> str:
        """Return the training command."""
        out, name = quoted(export.out), export.name
        train = "swift sft --model Qwen/Qwen2.5-VL-3B-Instruct"
        if export.clips == "frames":
            return f"cd {out} && FPS={export.fps:g} {train} --dataset {name}-*.jsonl"
        return f"ROOT_IMAGE_DIR={out} {train} --dataset {out}/{name}-*.jsonl"
