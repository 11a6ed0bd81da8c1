"""VCG+ 112K: VideoGPT+'s conversations on ActivityNet videos, and the human-annotated file published with them.

Both files are LLaVA-style. No row of either could be looked at, so every place of the media token in the first
question, any number of turns, any video suffix and a missing `id` or `video` are accepted. An `id` names a video, not a
row: a row's key is its file, its video and its number among that video's rows.
"""

from __future__ import annotations

from collections.abc import Iterator

from datasets import Features

from video_sft._base_builder.builder import SourceBuilder
from video_sft._sources.open_part import OpenPart
from video_sft._sources.part import Part, RemoteFile
from video_sft._sources.record import Record
from video_sft._sources.source import Source
from video_sft.builders._numbered_rows import numbered_records
from video_sft.builders._video_chatgpt_rows import LLAVA_FEATURES, llava_conversation, llava_media

__all__ = ["SOURCE", "VcgPlus"]

_HUB = "hf://datasets/MBZUAI/VCG-plus_112K@2509ba1ea9f26995197926b5c9340dc92cc03da8/"
#: Where the files lie in the repositories that hold them.
_FOLDERS = ("annotations", "VCG-plus_112K", "VideoGPT-plus_Training_Dataset/annotations")


def _part(kind: str, name: str, views: frozenset[str], *others: str) -> Part:
    names = [*others, *(f"{folder}/{each}" for folder in _FOLDERS for each in (name, *others))]
    rows = RemoteFile(
        name=name,
        url=f"{_HUB}{name}",
        unverified="the file was not at hand when the hashes were taken; its URL names the repository's revision",
        also=tuple(names),
    )
    return Part(split="train", kind=kind, files={"rows": rows}, views=views)


def parse(part: OpenPart) -> Iterator[Record]:
    """Yield the conversations of one file in order."""
    return numbered_records(part, llava_media, llava_conversation, prefix=f"{part.part.kind}/")


SOURCE = Source(
    name="vcg_plus",
    title="VCG+ 112K",
    homepage="https://huggingface.co/datasets/MBZUAI/VCG-plus_112K",
    paper="2406.09418",
    citation="""\
@article{maaz2024videogptplus,
  author  = {Maaz, Muhammad and Rasheed, Hanoona and Khan, Salman and Khan, Fahad Shahbaz},
  title   = {VideoGPT+: Integrating Image and Video Encoders for Enhanced Video Understanding},
  journal = {arXiv preprint arXiv:2406.09418},
  year    = {2024}
}""",
    annotation_terms=(
        "Three statements: the dataset's card on the Hub says MIT, the repository's README says CC BY-NC-SA 4.0, and "
        "its LICENSE file is the text of CC BY 4.0."
    ),
    video_terms=(
        "YouTube videos of ActivityNet; no licence to the footage is stated. "
        "Upstream redistributes them under the MIT tag of MBZUAI/video_annotation_pipeline."
    ),
    license="CC-BY-NC-SA-4.0",
    pools=("activitynet",),
    tasks=("conversation",),
    views=("human",),
    parts=(
        _part("112k", "vcg-plus_112K.json", frozenset(), "vcg-plus_112K_clean_97k.json"),
        _part("human", "vcg_human_annotated.json", frozenset({"human"})),
    ),
    parse=parse,
    upstream_features=Features(LLAVA_FEATURES),
    overlaps=(
        "The videos are ActivityNet v1.3 train videos, the pool of VideoInstruct100K and of ActivityNet-QA.",
        "By its name, vcg_human_annotated.json is the human-assisted part of VideoInstruct100K.",
    ),
    warnings=(
        "Its training rows use ActivityNet train videos, from which ActivityNet-QA takes its validation videos too.",
    ),
)


class VcgPlus(SourceBuilder):
    """VCG+ 112K: machine- and human-annotated conversations on ActivityNet videos."""

    source = SOURCE
