"""The place in a mixture that a training run has come to, kept in its checkpoints."""

from __future__ import annotations

import functools
import json
import math
import os
from pathlib import Path
from typing import Any

from datasets import Dataset, IterableDataset

from video_sft._datasets import fingerprint_of
from video_sft._files import writing_whole
from video_sft.errors import ConfigError
from video_sft.mixing._sharding import mixture_behind, shard
from video_sft.training._trainer import trainer_arguments

__all__ = ["MixturePlace"]

_FILE = "video_sft_place.json"


class MixturePlace:
    """The place in a mixture that a `Trainer` has come to: written into every checkpoint, and found again in it.

    Training goes on behind the last row that was used, with the same number of ranks, loader workers and rows a batch
    or another. No row in front of it is decoded, as `Trainer` by itself does with streams. Make the mixture long enough
    for the whole run (`epochs=` or `num_rows=` of `video_sft.mix`), and give the trainer `max_steps`.

    Args:
        mix: the whole mixture, made as in the first run; map-style or a stream.
        checkpoint: the folder to go on from; None begins at the first row.
        batch_size: `per_device_train_batch_size`. Workers of a loader then give whole batches of a stream in turn.

    Attributes:
        rows: what to give as `train_dataset`.
        rows_used: rows of the mixture in front of it.

    Raises:
        ConfigError: the checkpoint has no place, or that of another mixture.

    Example:
        >>> place = MixturePlace(mixed, "out/checkpoint-500", batch_size=4)
        >>> arguments = SFTConfig("out", max_steps=2000, per_device_train_batch_size=4, **place.arguments)
        >>> trainer = SFTTrainer(model, arguments, train_dataset=place.rows, callbacks=[place.callback()], ...)
        >>> trainer.train(resume_from_checkpoint="out/checkpoint-500")
    """

    def __init__(
        self,
        mix: Dataset | IterableDataset,
        checkpoint: str | os.PathLike[str] | None = None,
        *,
        batch_size: int,
    ) -> None:
        self._identity, rows = _identity_and_rows(mix)
        self._batch_size = batch_size
        self.rows_used = 0 if checkpoint is None else _rows_used(Path(checkpoint), self._identity)
        self.rows_left = max(0, rows - self.rows_used)
        left = mix.skip(self.rows_used)
        self.rows = shard(left, 0, 1, batch_size=batch_size) if isinstance(mix, IterableDataset) else left

    @property
    def arguments(self) -> dict[str, Any]:
        """What `TrainingArguments` need besides `max_steps`: `trainer_arguments`, and that no batch is skipped."""
        return {**trainer_arguments(self.rows), "ignore_data_skip": True}

    def callback(self) -> Any:
        """Return the `transformers.TrainerCallback` that writes the place into checkpoints.

        Raises:
            ConfigError: when training begins, if the trainer would not go through the mixture as is written down.
        """
        return _callback_class()(self)

    def check(self, args: Any, step: int) -> None:
        """Stop where the place would be a wrong one; called when training begins."""
        left = (args.max_steps - step) * _rows_per_step(args)
        if args.train_batch_size != self._batch_size:
            raise ConfigError(
                f"a batch has {args.train_batch_size} rows; MixturePlace got batch_size={self._batch_size}"
            )
        if step and not self.rows_used:
            raise ConfigError(f"training goes on at step {step}: give MixturePlace the same checkpoint as the trainer")
        if not args.ignore_data_skip:
            raise ConfigError("the trainer would skip rows that are left out already: use **place.arguments")
        if args.max_steps <= 0 or left > self.rows_left:
            raise ConfigError(
                f"the mixture has {self.rows_left:,} rows left, and max_steps={args.max_steps} asks for "
                f"{max(0, left):,}; the trainer would begin again somewhere in it. Give max_steps="
                f"{step + self.rows_left // _rows_per_step(args)}, or mix with more epochs= or num_rows="
            )

    def write(self, folder: Path, rows: int) -> None:
        """Write the place after so many rows more into a checkpoint's folder."""
        place = {"mixture": self._identity, "rows_used": self.rows_used + rows}
        with writing_whole(folder / _FILE) as unfinished:
            Path(unfinished).write_text(json.dumps(place), encoding="utf-8")


def _identity_and_rows(mix: Dataset | IterableDataset) -> tuple[str, int]:
    if isinstance(mix, Dataset):
        return fingerprint_of(mix), len(mix)
    examples, skipped = mixture_behind(mix)
    if examples is None or skipped:
        raise ConfigError("a place is kept of mixtures and map-style datasets; other streams do not say where they are")
    return examples.identity, examples.rows


def _rows_used(checkpoint: Path, identity: str) -> int:
    file = checkpoint / _FILE
    try:
        place = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{checkpoint} has no {_FILE}: it was written without MixturePlace(...).callback()") from None
    if place["mixture"] != identity:
        raise ConfigError(
            f"{file} is of another mixture: other parts, weights, files, options or seed. Make the mixture as in the "
            "run that wrote it, or begin without a checkpoint"
        )
    return int(place["rows_used"])


def _rows_per_step(args: Any) -> int:
    return math.prod((args.train_batch_size, args.gradient_accumulation_steps, args.world_size))


@functools.cache
def _callback_class() -> Any:
    from transformers import TrainerCallback

    class PlaceCallback(TrainerCallback):  # type: ignore[misc]
        """Writes a mixture's place into checkpoints."""

        def __init__(self, place: MixturePlace) -> None:
            self._place = place
            self._first_step = 0

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self._first_step = state.global_step
            self._place.check(args, state.global_step)

        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.is_world_process_zero:
                folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
                self._place.write(folder, (state.global_step - self._first_step) * _rows_per_step(args))

    return PlaceCallback
