"""The formats of an export, one module each."""

from __future__ import annotations

from video_sft._exporting.target_names import TargetName
from video_sft._exporting.targets.llamafactory import LlamaFactory
from video_sft._exporting.targets.llava import Llava
from video_sft._exporting.targets.mds import Mds
from video_sft._exporting.targets.qwen import Qwen
from video_sft._exporting.targets.swift import Swift
from video_sft._exporting.targets.target import Target
from video_sft._exporting.targets.webdataset import WebDataset

__all__ = ["TARGETS"]

TARGETS: dict[TargetName, Target] = {
    "swift": Swift(),
    "llamafactory": LlamaFactory(),
    "qwen": Qwen(),
    "llava": Llava(),
    "webdataset": WebDataset(),
    "mds": Mds(),
}
