"""Videos that open nothing until a frame is asked for."""

from __future__ import annotations

from dataclasses import dataclass

import datasets

__all__ = ["Video"]


@dataclass
class Video(datasets.Video):
    """A `datasets.Video` column whose cells decode to a lazy `Clip`."""
