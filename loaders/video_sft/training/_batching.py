"""Rows of tensors joined to a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from video_sft.errors import ConfigError

__all__ = ["followed_by", "joined"]

#: What is put behind a row's own tokens, where it is not 0.
_LABELS, _IDS = "labels", "input_ids"
_IGNORED = -100


def joined(rows: Sequence[dict[str, Any]], pad_token_id: int) -> dict[str, Any]:
    """Return a batch: sequences padded on the right, media one after the other.

    Args:
        rows: the tensors of each row, with a first dimension of one row, or of one for each of its media.
        pad_token_id: to fill up with.

    Raises:
        ConfigError: videos of different numbers of frames, which the model takes as one tensor.
    """
    batch: dict[str, Any] = {}
    longest = max(row[_IDS].shape[1] for row in rows)
    for name in dict.fromkeys(name for row in rows for name in row):
        if all(_is_sequence(row, name) for row in rows):
            fill = {_IDS: pad_token_id, _LABELS: _IGNORED}.get(name, 0)
            values = [_filled(row[name], (row[name].shape[0], longest), fill) for row in rows]
        else:
            values = [row[name] for row in rows if name in row]
            shapes = [value.shape[1:] for value in values]
            if len(set(shapes)) > 1:
                if name == "pixel_values_videos":
                    raise ConfigError(
                        "videos of one batch have different numbers of frames, which this model does not take: use "
                        "count= instead of fps=, or batches of one row"
                    )
                shape = [max(sides) for sides in zip(*shapes, strict=True)]
                values = [_filled(value, (value.shape[0], *shape), 0) for value in values]
        batch[name] = torch.cat(values)
    return batch


def followed_by(row: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the tokens of another behind its own, and that one's media, of a kind that it has none of."""
    return {
        name: torch.cat([row[name], other[name]], dim=1)
        if _is_sequence(row, name) and _is_sequence(other, name)
        else other.get(name, row.get(name))
        for name in dict.fromkeys([*row, *other])
    }


def _is_sequence(row: dict[str, Any], name: str) -> bool:
    """Return whether there is one number of each token."""
    return name in row and row[name].shape == row[_IDS].shape


def _filled(value: torch.Tensor, shape: Sequence[int], fill: int) -> torch.Tensor:
    if tuple(value.shape) == tuple(shape):
        return value
    larger = value.new_full(tuple(shape), fill)
    larger[tuple(slice(side) for side in value.shape)] = value
    return larger
