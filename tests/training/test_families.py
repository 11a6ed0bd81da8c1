"""Every family of models takes what the collator makes, alone and in a batch with other rows, with the same loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from PIL import Image

from video_sft.training import Collator

from .families import FAMILIES, FIXED, OMNI, model_of, processor_of

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # transformers' own
Row = Callable[..., dict[str, Any]]


def weighted_loss(model: Any, batches: list[dict[str, Any]]) -> float:
    """The loss of several batches as one: the mean over all tokens that are learnt."""
    with torch.no_grad():
        counted = [(model(**batch).loss, int((batch["labels"] != -100).sum())) for batch in batches]
    return float(sum(loss * count for loss, count in counted) / sum(count for _, count in counted))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_row_means_the_same_alone_as_beside_others(family: str, row: Row) -> None:
    processor, model = processor_of(family), model_of(family)
    sound, picture = family in OMNI, Image.new("RGB", (90, 60), (200, 30, 30))
    how: dict[str, Any] = {"count": 4} if family in FIXED else {"fps": 1}
    rows = [
        row("long", 20, 24),
        row(None, image=picture),
        row("sounding", turns=("who?", "she", "and then?", "he does")),
        row(None, system="be brief"),
        row("silent", 1.5, 3),
    ]
    for pad_media in (False, True):
        collator = Collator(processor, sound=sound, pad_media=pad_media, **how)
        together = weighted_loss(model, [collator(rows)])
        alone = weighted_loss(model, [collator([one]) for one in rows])
        assert together == pytest.approx(alone, rel=1e-4)
    kinds = {tuple(sorted(name for name in collator([one]) if name != "mm_token_type_ids")) for one in rows}
    assert len(kinds) == 1
