"""LLaMA-Factory's own loading and encoding of an export. Runs in an environment with LLaMA-Factory.

Usage: python with_llamafactory.py MODELS EXPORT EXPECTED.json
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from tiny_models import KINDS, make, mend_imports, seconds_shown

from expectations import Expected

TEMPLATES = {"qwen2_5_vl": "qwen2_vl", "qwen3_vl": "qwen3_vl_nothink"}


def main(models: Path, export: Path, expected: Path) -> None:
    mend_imports()
    from llamafactory.data import SFTDataCollatorWith4DAttentionMask, get_dataset, get_template_and_fix_tokenizer
    from llamafactory.hparams import get_train_args
    from llamafactory.model import load_tokenizer

    (dataset,) = json.loads((export / "dataset_info.json").read_text())
    names = ids_of(export)
    for kind in KINDS:
        folder = models / kind
        model, data, training, _, _ = get_train_args(
            {
                "model_name_or_path": str(folder if folder.exists() else make(kind, folder)),
                "stage": "sft",
                "do_train": True,
                "finetuning_type": "full",
                "dataset": dataset,
                "dataset_dir": str(export),
                "template": TEMPLATES[kind],
                "cutoff_len": 100_000,
                "output_dir": str(models / "out"),
                "report_to": "none",
                "preprocessing_num_workers": 2,
                "overwrite_cache": True,
                "video_max_pixels": 64 * 64,
            }
        )
        tools = load_tokenizer(model)
        template = get_template_and_fix_tokenizer(tools["tokenizer"], data)
        with contextlib.redirect_stdout(io.StringIO()):  # it prints a row
            rows = get_dataset(template, model, data, training, stage="sft", **tools)["train_dataset"]
        assert len(rows) == len(names), f"{len(names)} rows were written, {len(rows)} read"
        collate = SFTDataCollatorWith4DAttentionMask(
            template=template, model=None, processor=tools["processor"], tokenizer=tools["tokenizer"]
        )
        check = Expected(expected)
        for row in rows:
            text = tools["tokenizer"].decode(row["input_ids"])
            learnt = tools["tokenizer"].decode([label for label in row["labels"] if label >= 0])
            name = next(name for name in names if is_of(check.rows[name], text, learnt))
            names.remove(name)
            batch = collate([dict(row)]) if row["videos"] else {}
            seconds = None
            if row["videos"]:
                grid = batch["video_grid_thw"][0]
                seconds = seconds_shown(batch["pixel_values_videos"], grid, tools["processor"].video_processor)
            check.check(name, question_to_answer=text, learnt=learnt, seconds=seconds)
        check.finish(f"LLaMA-Factory, {kind}, {export.name}")
        names = ids_of(export)
    shutil.rmtree(models / "out", ignore_errors=True)


def is_of(row: dict[str, Any], text: str, learnt: str) -> bool:
    """Return whether an encoded row is this one: LLaMA-Factory keeps no ids, and reads files in any order."""
    return all(each in text for each in row["questions"]) and all(each in learnt for each in row["answers"])


def ids_of(export: Path) -> list[str]:
    """Return the ids of all rows, whatever order the loader reads their files in."""
    shards = sorted(export.rglob("*.jsonl"))
    return [json.loads(line)["id"] for shard in shards for line in shard.read_text().splitlines()]


if __name__ == "__main__":
    main(*(Path(word).absolute() for word in sys.argv[1:]))
