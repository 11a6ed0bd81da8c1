"""The settings that keep a trainer from changing a mixture's order or dividing it twice."""

from __future__ import annotations

from typing import Any

from datasets import Dataset, IterableDataset

from video_sft.errors import ConfigError
from video_sft.mixing._sharding import was_sharded

__all__ = ["trainer_arguments"]


def trainer_arguments(dataset: Dataset | IterableDataset) -> dict[str, Any]:
    """Return what `transformers.TrainingArguments` and `trl.SFTConfig` need for a mixture and a `Collator`.

    The mixture's order is kept (its proportions hold for any stretch of it), rows reach the collator with all their
    columns, and each rank reads its own batches, so that videos are decoded where they are used. With several ranks
    each gets every so many-th batch of the whole: all rows once, but for the first ones again where they do not divide
    evenly at the end.

    Args:
        dataset: what will be `train_dataset`, whole: trainers divide it among the ranks by themselves.

    Raises:
        ConfigError: it is one rank's rows already.

    Example:
        >>> arguments = SFTConfig("out", per_device_train_batch_size=4, **trainer_arguments(mixed))
    """
    if was_sharded(dataset):
        raise ConfigError(
            "the dataset is one rank's rows already, and trainers divide what they get among the ranks: most rows "
            "would never be seen. Give them the whole mixture; shard(...) is for loops of your own"
        )
    return {
        "remove_unused_columns": False,
        "train_sampling_strategy": "sequential",
        "accelerator_config": {"dispatch_batches": False, "split_batches": False},
    }
