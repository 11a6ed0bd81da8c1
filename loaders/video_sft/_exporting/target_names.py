"""The names of the formats, which cost nothing to import."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

__all__ = ["TARGET_NAMES", "TargetName"]

TargetName: TypeAlias = Literal["swift", "llamafactory", "qwen", "llava", "webdataset", "mds"]
TARGET_NAMES: tuple[TargetName, ...] = get_args(TargetName)
