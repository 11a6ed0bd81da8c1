"""The `datasets` column of lazy clips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import datasets

from video_sft.video.clip import Clip

__all__ = ["Video"]


@dataclass
class Video(datasets.Video):  # type: ignore[misc]
    """A `datasets.Video` column whose cells decode to a lazy `Clip`.

    What is stored, published and printed is the standard feature; only reading a cell differs. Use it to give any
    video dataset lazy clips: ``dataset.cast_column("video", video_sft.Video())``.
    """

    def encode_example(self, value: Any) -> dict[str, Any]:
        """Give the storage form of a cell: everything `datasets.Video` takes, and clips."""
        if isinstance(value, Clip):
            return value.storage()
        encoded: dict[str, Any] = super().encode_example(value)
        return encoded

    def decode_example(self, value: Any, token_per_repo_id: dict[str, str | bool | None] | None = None) -> Clip:
        """Give the `Clip` of a cell, opening nothing.

        Args:
            value: the storage form, a path, or a clip, which is returned as it is.
            token_per_repo_id: tokens for private repositories on the Hub, as `datasets` hands them over.

        Raises:
            RuntimeError: the column was made with ``decode=False``.
            ValueError: the cell has neither path nor bytes.
        """
        if not self.decode:
            raise RuntimeError("this column does not decode; cast it to video_sft.Video() first")
        if type(value) is dict:  # the usual case first: this runs for every row that is looked at
            if value["path"] is None and value["bytes"] is None:
                raise ValueError("a stored video has a path or bytes, and this one has neither")
        elif isinstance(value, Clip):
            return value
        return Clip.from_storage(value, token_per_repo_id, stream_index=self.stream_index)
