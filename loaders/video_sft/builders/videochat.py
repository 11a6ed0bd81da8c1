"""VideoChat-Instruct-11K: detailed descriptions and conversations about WebVid videos.

The file has no field for the kind of a row: one exchange is a detailed description, several are a conversation. Rows
have no id either: a row's key is its video and its number among that video's rows. `start` is kept in
`videochat-source` alone, for upstream's loader reads it and uses it for nothing. `video` is accepted with folders in
front of WebVid's `<page_dir>/<id>.mp4`, without a folder and without a suffix. The LLaVA-style form that mirrors have
is accepted as well, row by row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from datasets import Features, List, Value

from video_sft._annotations import Problems, SourceRow
from video_sft._base_builder.builder import SourceBuilder
from video_sft._sources.open_part import OpenPart
from video_sft._sources.part import Part, RemoteFile
from video_sft._sources.pool import Pool
from video_sft._sources.record import Body, Caption, Conversation, Media, Record, Turn
from video_sft._sources.source import Source
from video_sft._text import cleaned
from video_sft.builders._numbered_rows import numbered_records
from video_sft.builders._row_fields import clean_or_blank, unusable
from video_sft.builders._video_chatgpt_rows import LLAVA_FEATURES, llava_conversation
from video_sft.errors import RowError

__all__ = ["SOURCE", "Videochat"]

_DRIVE = "https://drive.google.com/file/d/1C-7xmf42QUEi4ApXTcxBHr5nLvTWXyUi/view"
#: WebVid's own place of a video, at the end of a path.
_WEBVID_PATH = re.compile(r"(?:.*/)?(\d{6}_\d{6}/(\d+))(\.[A-Za-z0-9]{2,4})?", re.ASCII)
_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,3}", re.ASCII)

_ROWS = RemoteFile(
    name="videochat_instruct_11k.json",
    unverified="Google Drive has no versions, and the file was not at hand when the hashes were taken",
    also=(
        *(f"{folder}/videochat_instruct_11k.json" for folder in ("anno", "video_chat/anno", "videochat_instruct_11k")),
        "videochat_instruct_11k_withurl.json",
        "anno/videochat_instruct_11k_withurl.json",
        "mix_sft/videochat_instruct.json",  # WHB139426/Grounded-VideoLLM
    ),
    # LLaVA-style, as VideoGPT+ has them: the conversations and the descriptions by themselves
    together=tuple(
        f"{folder}{name}"
        for name in ("conversation_videochat1.json", "caption_videochat.json")
        for folder in ("", "annotations/", "VideoGPT-plus_Training_Dataset/annotations/")
    ),
    steps=(
        f"Open {_DRIVE} in a browser, press Download (Google Drive asks for a confirmation, so a program cannot), put "
        "the file under its name videochat_instruct_11k.json into a folder, and pass that folder as data_dir"
    ),
)


def parse(part: OpenPart) -> Iterator[Record]:
    """Yield the rows in file order."""
    return numbered_records(part, _media, _body)


def _media(row: SourceRow) -> Media:
    text = row.text("video").strip()
    match = _WEBVID_PATH.fullmatch(text) if len(text) < 1000 else None
    if match:
        return Media("webvid", match[2], match[1] + (match[3] or ".mp4"))
    path = row.path("video")
    name = path.rpartition("/")[2]
    stem, dot, last = name.rpartition(".")
    if stem and _SUFFIX.fullmatch(dot + last):
        return Media("webvid", stem, path)
    return Media("webvid", name, f"{path}.mp4")


def _body(row: SourceRow, problems: Problems) -> tuple[Body, RowError | None]:
    """Return what a row says, and why it is unusable, if it is; exchanges without one of their texts are left out."""
    if "conversations" in row.value and "QA" not in row.value:
        talk, reason = llava_conversation(row, problems)
        alone = len(talk.turns) == 1 and not talk.instruction
        return Caption(talk.turns[0].answer, talk.turns[0].question) if alone else talk, reason
    exchanges = [(cleaned(one.text_or_empty("q")), clean_or_blank(one, "a")) for one in row.children("QA")]
    if len(exchanges) == 1:
        question, answer = exchanges[0]
        return Caption(answer, question), None if answer else unusable(row, "QA[0].a", "upstream has no text there")
    turns = [Turn(question, answer) for question, answer in exchanges if question and answer]
    if not turns:
        return Conversation(()), unusable(row, "QA", "no question in it has an answer")
    if len(turns) < len(exchanges):
        problems.mend("Exchanges without a question or an answer, which are left out", len(exchanges) - len(turns))
    return Conversation(turns), None


def _in_view(record: Record, view: str) -> bool:
    return record.task == view


SOURCE = Source(
    name="videochat",
    title="VideoChat-Instruct-11K",
    homepage="https://github.com/OpenGVLab/InternVideo/tree/main/Data/instruction_data",
    paper="2305.06355",
    citation="""\
@article{li2023videochat,
  author  = {Li, Kunchang and He, Yinan and Wang, Yi and Li, Yizhuo and Wang, Wenhai and Luo, Ping and Wang, Yali and
             Wang, Limin and Qiao, Yu},
  title   = {VideoChat: Chat-Centric Video Understanding},
  journal = {arXiv preprint arXiv:2305.06355},
  year    = {2023}
}""",
    annotation_terms=(
        "The data's README states none. The repository it is in (InternVideo) is Apache-2.0, that of the training code "
        "(Ask-Anything) is MIT. The text was written by ChatGPT."
    ),
    video_terms=(
        "WebVid-10M: watermarked Shutterstock previews collected from the web. Its authors have withdrawn the dataset; "
        "there is no licence to the footage."
    ),
    license="other",
    own_pools=(Pool(name="webvid", unique_names=True, where="WebVid's table of links (<page_dir>/<id>.mp4, or flat)"),),
    tasks=("detailed_caption", "conversation"),
    views=("detailed_caption", "conversation"),
    parts=(Part(split="train", files={"rows": _ROWS}),),
    parse=parse,
    upstream_features=Features(
        {
            "video": Value("string"),
            "QA": List({"q": Value("string"), "a": Value("string")}),
            "start": Value("float64"),
            **{name: feature for name, feature in LLAVA_FEATURES.items() if name != "video"},
        }
    ),
    in_view=_in_view,
    overlaps=(
        "VideoChat2-IT holds a condensed form of it: video/caption/videochat and video/conversation/videochat1.",
        "No video is shared with the ActivityNet, VidOR or Charades sources.",
    ),
)


class Videochat(SourceBuilder):
    """VideoChat-Instruct-11K: 7,000 detailed descriptions and 4,000 conversations about WebVid videos."""

    source = SOURCE
