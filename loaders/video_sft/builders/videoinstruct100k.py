"""VideoInstruct100K: Video-ChatGPT's questions and answers on ActivityNet videos.

The published file has rows of `q`, `a` and `video_id`; the LLaVA-style form its training converter and others make of
it is accepted as well, row by row, under the names such files go by. Rows have no id: a row's key is its video and its
number among that video's rows. The noise string in upstream's texts is kept in `videoinstruct100k-source` and
stripped elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from datasets import Features, Value

from video_sft._annotations import Problems, SourceRow
from video_sft._base_builder.builder import SourceBuilder
from video_sft._sources.open_part import OpenPart
from video_sft._sources.part import Part, RemoteFile
from video_sft._sources.record import Body, Media, Record
from video_sft._sources.source import Source
from video_sft.builders._numbered_rows import numbered_records
from video_sft.builders._video_chatgpt_rows import (
    LLAVA_FEATURES,
    activitynet_media,
    llava_conversation,
    llava_media,
    native_conversation,
)
from video_sft.errors import RowError

__all__ = ["SOURCE", "Videoinstruct100k"]

_HUB = "hf://datasets/MBZUAI/VideoInstruct-100K@ca593a4edea6bfb20cf009baf25c2f89c6c83471/"
_VIDEOGPT_PLUS = "VideoGPT-plus_Training_Dataset/annotations/"

_ROWS = RemoteFile(
    name="VideoInstruct100K.json",
    url=f"{_HUB}VideoInstruct100K.json",
    unverified="the file was not at hand when the hashes were taken; its URL names the repository's revision",
    also=(
        "VideoInstruct-100K/VideoInstruct100K.json",
        "VideoInstruct_Dataset.json",
        "data/VideoInstruct_Dataset.json",
        "video_chatgpt_training.json",
        *(f"{folder}conversation_videochatgpt.json" for folder in ("", "annotations/", _VIDEOGPT_PLUS)),
        "videochatgpt_tune_.json",  # Video-LLaVA
        "videochatgpt_tune.json",
        *(f"{folder}/videochatgpt_tune_.json" for folder in ("train_json", "ft_json", "videochatgpt_tune")),
        *(
            f"{folder}{name}"
            for name in ("VideoInstruct100K_filter.json", "filtered_VideoInstruct100K.json")
            for folder in ("", "VideoInstruct-100K/")
        ),
    ),
)


def parse(part: OpenPart) -> Iterator[Record]:
    """Yield the rows in file order, each a conversation."""
    return numbered_records(part, _media, _body)


def _media(row: SourceRow) -> Media:
    return llava_media(row) if "conversations" in row.value else activitynet_media(row, "video_id")


def _body(row: SourceRow, problems: Problems) -> tuple[Body, RowError | None]:
    return (llava_conversation if "conversations" in row.value else native_conversation)(row, problems)


SOURCE = Source(
    name="videoinstruct100k",
    title="VideoInstruct100K",
    homepage="https://huggingface.co/datasets/MBZUAI/VideoInstruct-100K",
    paper="2306.05424",
    citation="""\
@inproceedings{maaz2024videochatgpt,
  author    = {Maaz, Muhammad and Rasheed, Hanoona and Khan, Salman and Khan, Fahad Shahbaz},
  title     = {Video-ChatGPT: Towards Detailed Video Understanding via Large Vision and Language Models},
  booktitle = {Proceedings of the 62nd Annual Meeting of the Association for Computational Linguistics (ACL)},
  year      = {2024}
}""",
    annotation_terms=(
        "Three statements: the dataset's card on the Hub says CC BY-SA 4.0, the repository's README says "
        "CC BY-NC-SA 4.0, and its LICENSE file is the text of CC BY 4.0."
    ),
    video_terms="YouTube videos of ActivityNet; no licence to the footage is stated. ActivityNet gives ids and links.",
    license="CC-BY-NC-SA-4.0",
    pools=("activitynet",),
    tasks=("conversation",),
    parts=(Part(split="train", files={"rows": _ROWS}, rows=100010, second_hand="others count"),),
    parse=parse,
    upstream_features=Features(
        {"q": Value("string"), "a": Value("string"), "video_id": Value("string"), **LLAVA_FEATURES}
    ),
    overlaps=(
        "Of ActivityNet-QA's videos, 2,843 of 3,200 in train and 1,583 of 1,800 in validation are among the 13,303.",
        "VCG+ 112K asks about the same pool of ActivityNet train videos; its human-annotated file may be part of this.",
        "VideoChat2-IT's video/conversation/videochatgpt is this set with all questions of a video in one row.",
    ),
    warnings=("Its training rows use 1,583 of ActivityNet-QA's 1,800 validation videos, and none of its test videos.",),
)


class Videoinstruct100k(SourceBuilder):
    """VideoInstruct100K: 100,000 questions with long answers on 13,303 ActivityNet videos."""

    source = SOURCE
