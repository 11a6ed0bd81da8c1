"""Columns of clips in `datasets`: the feature, and its way through caches and folders."""

from __future__ import annotations

__all__ = ["MARK"]

#: What the otherwise unused field `id` of `datasets.Video` holds in columns of lazy clips. `datasets` writes it where
#: it writes features down (cached tables, saved folders, Parquet files); whoever does not know it passes it over.
MARK = "video_sft"
