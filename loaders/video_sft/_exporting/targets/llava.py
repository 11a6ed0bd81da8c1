"""LLaVA-NeXT: `video` or `image` with `conversations`, the tag `<image>` for both, and a YAML file that lists them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from video_sft._exporting.conversation import with_system_in_question
from video_sft._exporting.media_jobs import Clips
from video_sft._exporting.targets.target import Export, JsonTarget, ReadyRow, quoted

__all__ = ["Llava"]


class Llava(JsonTarget):
    """Rows for LLaVA-NeXT's `train_mem.py`.

    It knows no limits and no system turn, whose text comes in front of the first question. Frames of a folder are two
    a second to it.
    """

    clips = ("trim", "frames")

    def media_folder(self, clips: Clips) -> str:
        """Return the folder that media lie in: in one of this name it looks for folders of frames, and no files."""
        return "shareVideoGPTV" if clips == "frames" else "media"

    def line(self, row: ReadyRow, export: Export) -> dict[str, Any]:
        """Return a row as it is written; a key with null would be taken for a video."""
        line: dict[str, Any] = {"id": row.id}
        if row.video is not None:
            line["video"] = row.video if isinstance(row.video, str) else row.video[0].rpartition("/")[0]
        elif row.image is not None:
            line["image"] = row.image
        roles = {"user": "human", "assistant": "gpt"}
        turns = with_system_in_question(row.turns)
        line["conversations"] = [{"from": roles[turn.role], "value": turn.tagged("<image>\n")} for turn in turns]
        return line

    def beside(self, export: Export) -> Mapping[str, str]:
        """Return the list of files."""
        listed = {"datasets": [{"json_path": shard, "sampling_strategy": "all"} for shard in export.shards]}
        return {f"{export.name}.yaml": yaml.safe_dump(listed, sort_keys=False)}

    def command(self, export: Export) -> str:
        """Return the training command; `LLAVA_NEXT` is where the repository is checked out."""
        return (
            f"cd {quoted(export.out)} && torchrun --nproc_per_node 8 $LLAVA_NEXT/llava/train/train_mem.py "
            "--model_name_or_path lmms-lab/llava-onevision-qwen2-7b-ov --version qwen_1_5 "
            f"--data_path {export.name}.yaml --video_folder . --image_folder . "
            f"--frames_upbound 32 --output_dir checkpoints/{export.name}"
        )
