"""Training goes on behind the last row that was used, with any number of workers, rows a batch and ranks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import pytest
from torch.utils.data import DataLoader

import video_sft
from video_sft.errors import ConfigError
from video_sft.training import Collator, MixturePlace, tiny_model

pytest.importorskip("accelerate")
transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning:transformers", "ignore::DeprecationWarning:torch")


class Noting(Collator):
    """A collator that writes down, in whatever process it works, which rows it was given."""

    file: Path

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps([row["id"] for row in rows]) + "\n")
        return super().__call__(rows)


def make_mix(cache: str, streaming: bool, **options: Any) -> Any:
    parts: dict[str, Any] = {"star": 0.5, "next_qa": 0.5}
    return video_sft.mix(parts, streaming=streaming, sample=True, cache_dir=None if streaming else cache, **options)


def train(place: MixturePlace, folder: Path, *, batch: int, steps: int, resume: str | None = None, **more: Any) -> Any:
    model, processor = tiny_model(["what is it? a yellow dot"])
    collator = Noting(processor, count=2)
    collator.file = folder / "rows.txt"
    arguments = transformers.TrainingArguments(
        str(folder),
        per_device_train_batch_size=batch,
        max_steps=steps,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        **{"save_strategy": "no", **place.arguments, **more},
    )
    callbacks = [place.callback()]
    trainer = transformers.Trainer(
        model, arguments, train_dataset=place.rows, data_collator=collator, callbacks=callbacks
    )
    trainer.train(resume_from_checkpoint=resume)
    return trainer


def seen(folder: Path) -> list[str]:
    return [row for line in (folder / "rows.txt").read_text().splitlines() for row in json.loads(line)]


@pytest.mark.parametrize("streaming", [False, True], ids=["table", "stream"])
def test_a_run_goes_on_where_its_checkpoint_was(
    streaming: bool, session_cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make_mix(session_cache, streaming, num_rows=24)
    order = [row["id"] for row in whole]
    first = MixturePlace(whole, batch_size=2)
    train(first, tmp_path, batch=2, steps=3, gradient_accumulation_steps=2, save_strategy="steps", save_steps=3)
    assert seen(tmp_path)[:12] == order[:12]
    (tmp_path / "rows.txt").unlink()

    checkpoint = tmp_path / "checkpoint-3"
    again = MixturePlace(make_mix(session_cache, streaming, num_rows=24), checkpoint, batch_size=3)
    assert (again.rows_used, again.rows_left) == (12, 12)
    opened = []
    plain = video_sft.Clip.frames
    monkeypatch.setattr(video_sft.Clip, "frames", lambda clip, **options: opened.append(clip) or plain(clip, **options))
    train(again, tmp_path, batch=3, steps=7, resume=str(checkpoint))
    assert seen(tmp_path) == order[12:]
    assert len(opened) == 12


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.parametrize("workers", [0, 2])
def test_batches_of_a_stream_come_in_the_mixtures_order_on_every_rank(session_cache: str, workers: int) -> None:
    whole = make_mix(session_cache, True, num_rows=24)
    order = [row["id"] for row in whole]
    rows = MixturePlace(whole, batch_size=2).rows
    ranks = [
        [[row["id"] for row in batch] for batch in DataLoader(rank, batch_size=2, num_workers=workers, collate_fn=list)]
        for rank in (rows.shard(num_shards=2, index=index) for index in range(2))  # as accelerate divides it
    ]
    assert [row for both in zip(*ranks, strict=True) for batch in both for row in batch] == order


def test_what_would_lead_to_another_place_is_refused(session_cache: str, tmp_path: Path) -> None:
    whole = make_mix(session_cache, True, num_rows=24)
    place = MixturePlace(whole, batch_size=2)
    for wrong, reason in (
        ({"batch": 4, "steps": 2}, "a batch has 4 rows; MixturePlace got batch_size=2"),
        ({"batch": 2, "steps": 13}, "has 24 rows left, and max_steps=13 asks for 26.*max_steps=12"),
        ({"batch": 2, "steps": 2, "ignore_data_skip": False}, "place.arguments"),
    ):
        with pytest.raises(ConfigError, match=reason):
            train(place, tmp_path, **wrong)  # type: ignore[arg-type]
    train(place, tmp_path, batch=2, steps=1, save_strategy="steps", save_steps=1)
    checkpoint = tmp_path / "checkpoint-1"
    with pytest.raises(ConfigError, match="goes on at step 1: give MixturePlace the same checkpoint"):
        train(place, tmp_path, batch=2, steps=2, resume=str(checkpoint))
    with pytest.raises(ConfigError, match="of another mixture"):
        MixturePlace(make_mix(session_cache, True, num_rows=24, seed=1), checkpoint, batch_size=2)
    with pytest.raises(ConfigError, match=r"has no video_sft_place\.json"):
        MixturePlace(whole, tmp_path, batch_size=2)
    with pytest.raises(ConfigError, match="other streams do not say where they are"):
        MixturePlace(datasets.Dataset.from_dict({"id": ["a"]}).to_iterable_dataset(), batch_size=2)
