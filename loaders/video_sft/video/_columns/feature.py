"""The `datasets` column of lazy clips."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa

from video_sft.video._clip import Clip
from video_sft.video._columns import MARK
from video_sft.video._columns.saved_videos import VideoStore, is_remote_video, open_store

__all__ = ["Video", "stock_features"]

logger = logging.getLogger("video_sft")


@dataclass
class Video(datasets.Video):  # type: ignore[misc]
    """A `datasets.Video` column whose cells decode to a lazy `Clip`.

    What is stored and published is the standard feature; only reading a cell differs. Use it to give any video dataset
    lazy clips: ``dataset.cast_column("video", video_sft.Video())``. Where this package is imported, such columns come
    back as clips from everything `datasets` keeps on disk: the results of `map`, in the first run of a script and in
    later ones that read them from the cache, saved folders, and pushed Parquet files.

    Bytes of videos are never written into rows. `Dataset.save_to_disk` puts each video once into the folder, linked or
    copied, however many rows have it; the folder can be moved, and `datasets.load_from_disk` finds them. `push_to_hub`
    leaves the cells of local videos empty and says so (`video_sft.publish` shares videos, each once). A column cast to
    `datasets.Video()` is saved and pushed as `datasets` does it, with the whole file's bytes in every row; cells of cut
    clips are refused there.
    """

    def __post_init__(self) -> None:
        self.id = MARK  # not as the field's default: those are not written down

    def encode_example(self, value: Any) -> dict[str, Any]:
        """Give the storage form of a cell: everything `datasets.Video` takes, and clips.

        Raises:
            ValueError: a cell has neither path nor bytes.
        """
        # Only torchcodec's own objects are left to `datasets`, which loads torchcodec, and with it FFmpeg, for all.
        if isinstance(value, Clip):
            return value.storage()
        if isinstance(value, str):
            return {"bytes": None, "path": value}
        if isinstance(value, os.PathLike):
            return {"bytes": None, "path": str(Path(value).absolute())}
        if isinstance(value, (bytes, bytearray, memoryview)):
            return {"bytes": bytes(value), "path": None}
        if isinstance(value, dict):
            path, data = value.get("path"), value.get("bytes")
            if path is None and data is None:
                raise ValueError("a stored video has a path or bytes, and this one has neither")
            return {"bytes": None if path is not None and os.path.isfile(path) else data, "path": path}
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

    def embed_storage(
        self,
        storage: pa.StructArray,
        token_per_repo_id: dict[str, str | bool | None] | None = None,
        local_files: bool = True,
        remote_files: bool = True,
    ) -> pa.StructArray:
        """Give the cells as they are written to a folder or to the Hub: with references, never with bytes.

        Args:
            storage: cells, ``{"bytes", "path"}``.
            token_per_repo_id: not needed.
            local_files: always true.
            remote_files: whether the cells go to the Hub; `datasets` before 4.8.5 does not say, and then they do.
        """
        store = open_store()
        if store is None and not remote_files:
            return storage
        rows = storage.to_pylist()
        cells = [_cell_elsewhere(row, store) for row in rows]
        lost = sum(new is None and old is not None for old, new in zip(rows, cells, strict=True))
        if lost:
            logger.warning(
                "push_to_hub: the videos of %d rows are on this machine alone, and their cells are left empty. "
                "video_sft.publish shares videos, each once; a column cast to datasets.Video() is pushed with the "
                "whole file's bytes in every row",
                lost,
            )
        return pa.array(cells, type=self.pa_type)


def _cell_elsewhere(cell: dict[str, Any] | None, store: VideoStore | None) -> dict[str, Any] | None:
    """Return what stands for a cell in a folder whose store is given, or on the Hub."""
    if cell is None or cell["bytes"] is not None or cell["path"] is None:
        return cell
    if store is not None:
        return {"bytes": None, "path": store.keep(cell["path"])}
    return cell if is_remote_video(cell["path"]) else None


def stock_features(features: datasets.Features) -> datasets.Features:
    """Return the same columns as everybody knows them, for what is published: `datasets.Video`, without our mark."""
    stock = {
        name: datasets.Video(decode=column.decode, stream_index=column.stream_index)
        if isinstance(column, Video)
        else column
        for name, column in features.items()
    }
    return datasets.Features(stock)
