"""Qwen's own tools: parts with limits for qwen-vl-utils, or conversations for the fine-tuning scripts of Qwen-VL."""

from __future__ import annotations

from typing import Any

from video_sft._exporting.conversation import with_system_in_question
from video_sft._exporting.targets.target import Export, JsonTarget, ReadyRow, quoted

__all__ = ["Qwen"]


class Qwen(JsonTarget):
    """Rows that Qwen's tools read.

    With `keys` and `frames` a row has `messages` whose parts `qwen_vl_utils.process_vision_info` understands. The
    fine-tuning scripts (`qwen-vl-finetune`) know neither limits nor frames: with `trim` rows are as these want them,
    `video` and `conversations`, a system text in front of the first question.
    """

    def line(self, row: ReadyRow, export: Export) -> dict[str, Any]:
        """Return a row as it is written; a key with null would be taken for a video."""
        media = {name: path for name, path in (("video", row.video), ("image", row.image)) if path is not None}
        if export.clips == "trim":
            roles = {"user": "human", "assistant": "gpt"}
            turns = with_system_in_question(row.turns)
            said = [{"from": roles[turn.role], "value": turn.tagged(f"<{turn.media}>\n")} for turn in turns]
            return {"id": row.id, **media, "conversations": said}
        part: dict[str, Any] = {"type": next(iter(media), "text"), **media}
        if row.limits is not None:
            part |= {"video_start": row.limits[0], "video_end": row.limits[1]}
        if export.clips == "frames" and row.video is not None:
            part |= {"sample_fps": export.fps, "raw_fps": export.fps}
        messages = []
        for turn in row.turns:
            text = [{"type": "text", "text": turn.text}] if turn.text else []
            messages.append({"role": turn.role, "content": [part, *text] if turn.media else text})
        return {"id": row.id, "messages": messages}

    def command(self, export: Export) -> str:
        """Return the training command, or how rows are read."""
        out = quoted(export.out)
        if export.clips != "trim":
            read = "rows = [json.loads(line) for shard in sorted(glob.glob('{}-*.jsonl')) for line in open(shard)]"
            return (
                f"cd {out} && python\n"
                ">>> import glob, json, qwen_vl_utils\n"
                f">>> {read.format(export.name)}\n"
                ">>> images, videos = qwen_vl_utils.process_vision_info(rows[0]['messages'])"
            )
        names = [f"{export.name}_{number}" for number in range(len(export.shards))]
        entries = "\n".join(
            f'data_dict["{name}"] = {{"annotation_path": "{export.out.absolute() / shard}", '
            f'"data_path": "{export.out.absolute()}"}}'
            for name, shard in zip(names, export.shards, strict=True)
        )
        return (
            f"# at the end of qwen-vl-finetune/qwenvl/data/__init__.py:\n{entries}\n# in qwen-vl-finetune:\n"
            "torchrun --nproc_per_node 8 qwenvl/train/train_qwen.py --model_name_or_path Qwen/Qwen2.5-VL-3B-Instruct "
            f"--tune_mm_llm True --dataset_use {','.join(names)} --output_dir checkpoints"
        )
