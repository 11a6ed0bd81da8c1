"""Both trainers run on a mixture, in its order, with nothing but the collator and the arguments made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import pytest

import video_sft
from video_sft.errors import ConfigError
from video_sft.training import Collator, tiny_model, trainer_arguments

from . import families  # noqa: F401 - skips where transformers is missing, and lets torchvision be imported

pytest.importorskip("accelerate")
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning:transformers"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:trl"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:torch"),
]


class Watched(Collator):
    """A collator that remembers which rows it was given."""

    seen: Sequence[str] = ()

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        self.seen = [*self.seen, *(row["id"] for row in rows)]
        return super().__call__(rows)


@pytest.mark.parametrize("kind", ["Trainer", "SFTTrainer"])
def test_a_trainer_runs_on_a_mixture(kind: str, mixed: datasets.Dataset, tmp_path: Path) -> None:
    library, settings = {"Trainer": ("transformers", "TrainingArguments"), "SFTTrainer": ("trl", "SFTConfig")}[kind]
    module = pytest.importorskip(library)
    model, processor = tiny_model(part["text"] or "" for turn in mixed["messages"] for part in turn[0]["content"])
    run: dict[str, Any] = {
        "output_dir": str(tmp_path),
        "per_device_train_batch_size": 4,
        "num_train_epochs": 2,
        "learning_rate": 1e-2,
        "lr_scheduler_type": "constant",
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": [],
        "use_cpu": True,
        "disable_tqdm": True,
    }

    collator = Watched(processor, fps=1, max_frames=4, max_tokens=300)
    arguments = getattr(module, settings)(**run, **trainer_arguments(mixed))
    make_trainer = getattr(module, kind)
    trainer = make_trainer(model, arguments, train_dataset=mixed, data_collator=collator, processing_class=processor)
    trainer.train()

    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 12
    assert sum(losses[6:]) < sum(losses[:6])
    assert collator.seen == [*mixed["id"], *mixed["id"]]
    assert collator.counts["rows"] == 48


def test_one_ranks_rows_are_refused(mixed: datasets.Dataset, tmp_path: Path) -> None:
    part: Any = video_sft.shard(mixed, 1, 2)
    part.skip(3).save_to_disk(str(tmp_path / "part"))
    stream = video_sft.shard(mixed.to_iterable_dataset(num_shards=2), 0, 2)
    for divided in (part, part.select(range(2)), datasets.load_from_disk(str(tmp_path / "part")), stream):
        with pytest.raises(ConfigError, match=r"one rank's rows already.*the whole mixture"):
            trainer_arguments(divided)
    for whole in (mixed, mixed.skip(3), mixed.to_iterable_dataset(), video_sft.shard(mixed, 0, 1)):
        assert trainer_arguments(whole)["remove_unused_columns"] is False


def test_a_sharded_mixture_is_described_like_the_whole(mixed: datasets.Dataset) -> None:
    part: Any = video_sft.shard(mixed, 1, 2)
    assert [source.name for source in video_sft.describe(part).sources] == [
        source.name for source in video_sft.describe(mixed).sources
    ]
