"""One rank of a training run, as `torchrun` starts it: `python rank.py ROWS_FOLDER OUT_FOLDER`; used by a test."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from video_sft.training import Collator, tiny_model, trainer_arguments
from video_sft.training._tiny import import_torchvision

import_torchvision()  # before anything that a spawned worker unpickles asks for it

RANK = os.environ["RANK"]


class Noting(Collator):
    """A collator that writes down, in whatever process it works, which rows it was given."""

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        with (Path(sys.argv[2]) / f"rank-{RANK}.txt").open("a", encoding="utf-8") as file:
            file.writelines(f"{row['id']}\n" for row in rows)
        return super().__call__(rows)


def main() -> None:
    import datasets
    from transformers import Trainer, TrainingArguments

    torch.set_num_threads(1)
    torch.multiprocessing.set_start_method("spawn")
    rows: Any = datasets.load_from_disk(sys.argv[1])
    model, processor = tiny_model(["what is it? a yellow dot"])
    collator = Noting(processor, count=2, pad_media=True)
    arguments = TrainingArguments(
        sys.argv[2],
        per_device_train_batch_size=2,
        num_train_epochs=1,
        dataloader_num_workers=1 if RANK == "0" else 0,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        **trainer_arguments(rows),
    )
    trainer = Trainer(model, arguments, train_dataset=rows, data_collator=collator)
    trainer.train()
    weights = float(sum(weight.double().sum() for weight in trainer.model.parameters()))
    result = {"counts": collator.counts, "steps": trainer.state.global_step, "weights": weights}
    (Path(sys.argv[2]) / f"rank-{RANK}.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
