"""A row of any VideoChat2-IT file as a record: its media path, its instruction, its turns."""

from __future__ import annotations

import re
from dataclasses import dataclass

from video_sft.annotations import Row
from video_sft.building.file_tree import uncompressed
from video_sft.building.option_lists import listed_options
from video_sft.building.video_chatgpt_rows import llava_turns
from video_sft.building.videochat2_tree import SubDataset
from video_sft.errors import UnsafePathError
from video_sft.locations import safe_relative
from video_sft.messages import CAPTION_PROMPTS
from video_sft.records import Body, Caption, Conversation, Media, MultipleChoice, Record, Turn
from video_sft.texts import cleaned

__all__ = ["RowReader"]

#: Pools whose file names alone tell a clip from all others, in whatever folder a row has it.
_NAMED_POOLS = frozenset({"activitynet", "clevrer", "ssv2", "vidor", "webvid"})
#: What the media paths of some rows begin with: the address of upstream's object store (`p2:s3://k600/...`).
_STORE = re.compile(r"(?:[\w-]+:)?s3://")
_VIDEO_SUFFIXES = {"mp4", "mkv", "webm", "gif", "avi", "mov", "m4v", "mpg", "mpeg", "ts", "flv", "wmv", "3gp", "ogv"}
_IMAGE_SUFFIXES = {"jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff"}
#: Others than these are no suffix: names may have dots of their own.
_SUFFIXES = frozenset(_VIDEO_SUFFIXES | _IMAGE_SUFFIXES)
_YOUTUBE_ID_LENGTH = 11


@dataclass
class RowReader:
    """Reads the rows of one file.

    Attributes:
        sub_dataset: the sub-dataset it belongs to.
        key_prefix: what its rows' keys begin with; a row has no id upstream, so its number in the file follows.
        several: the files, where the rows are spread over some; the one a row is in then stands before its number.
        backward_clips: how many rows had a `start` that is not before their `end`.
    """

    sub_dataset: SubDataset
    key_prefix: str
    several: tuple[str, ...] = ()
    backward_clips: int = 0

    @classmethod
    def of(cls, sub_dataset: SubDataset, files: tuple[str, ...]) -> RowReader:
        """Return the reader of a file by its path in the tree; a subset's keys differ from its full file's.

        Keys do not change with the name of a file that has another one than upstream gave it.
        """
        file = uncompressed(files[0])
        name = file if file in sub_dataset.files else sub_dataset.files[0]
        return cls(sub_dataset, name.removesuffix(".json").removesuffix("/train"), files if len(files) > 1 else ())

    def has_no_media(self, row: Row) -> bool:
        """Return whether the row names its video or image by null or nothing, as some of upstream's do."""
        modality = self.sub_dataset.modality
        value = row.value.get(modality, modality)
        return modality != "text" and (value is None or (isinstance(value, str) and not value.strip()))

    def record(self, row: Row) -> Record:
        """Return a row as a record.

        Raises:
            RowError: it has no answer, a question is missing where one is needed, or its media path is unsafe.
        """
        media = self._media(row)
        return Record(
            key=self._key(row),
            task=self.sub_dataset.task,
            body=self._body(row, has_media=media is not None),
            media=media,
            row=row,
            question_type=self.sub_dataset.name,
        )

    def record_without_media(self, row: Row) -> Record:
        """Return a row that names no media as a record for `-source`, which leaves nothing out."""
        nothing = Conversation(())
        return Record(self._key(row), self.sub_dataset.task, nothing, None, row, question_type=self.sub_dataset.name)

    def _key(self, row: Row) -> str:
        file = f"{self.several.index(row.file) + 1}/" if self.several else ""
        return f"{self.key_prefix}/{file}{row.number}"

    def _media(self, row: Row) -> Media | None:
        modality = self.sub_dataset.modality
        for other in ("video", "image"):
            if other != modality and row.value.get(other):
                row.fail(other, f"the rows of {self.sub_dataset.place} have {_EXPECTED[modality]}")
        if modality == "text":
            return None
        path, stem = self._path(row, modality)
        start, stop = self._clip(row) if modality == "video" else (None, None)
        return Media(self.sub_dataset.pool, self._id(stem), path, start, stop, modality)

    def _path(self, row: Row, field: str) -> tuple[str, str]:
        """Return the path of a row's media inside their pool, and that path without its suffix."""
        text = row.text(field).strip()
        if "s3://" in text:
            text = _STORE.sub("", text, count=1)
        try:
            path = safe_relative(text)
        except UnsafePathError as error:
            row.fail(field, str(error))
        stem, dot, suffix = path.rpartition(".")
        if not dot or suffix.lower() not in _SUFFIXES:
            stem, suffix = path, "" if field == "image" or self.sub_dataset.frames else "mp4"
        if self.sub_dataset.pool == "activitynet":
            stem = _with_prefix(stem)
        return f"{stem}.{suffix}" if suffix else stem, stem

    def _id(self, stem: str) -> str:
        return stem.rpartition("/")[2] if self.sub_dataset.pool in _NAMED_POOLS else stem

    def _clip(self, row: Row) -> tuple[float | None, float | None]:
        """Return the part of the video a row is about; as upstream, only where both its ends are given."""
        value = row.value
        if value.get("start") is None or value.get("end") is None:
            return None, None
        start, stop = row.seconds("start"), row.seconds("end")
        if start < stop:
            return start, stop
        self.backward_clips += 1
        return None, None

    def _body(self, row: Row, *, has_media: bool) -> Body:
        if "conversations" in row.value and "QA" not in row.value:
            return self._llava_body(llava_turns(row))
        exchanges = list(row.children("QA"))
        if not exchanges:
            row.fail("QA", "the list is empty")
        first = exchanges[0]
        instruction = cleaned(first.text_or_empty("i"))
        question, answer = cleaned(first.text_or_empty("q")), cleaned(first.text("a"))
        if len(exchanges) > 1:
            later = [Turn(_asked(each), cleaned(each.text("a"))) for each in exchanges[1:]]
            if not question and not has_media:
                question, instruction = _instead(first, instruction), ""
            return Conversation([Turn(question, answer), *later], instruction)
        if not question and has_media and self.sub_dataset.task in CAPTION_PROMPTS:
            return Caption(answer, instruction=instruction)
        listed = listed_options(question, answer)
        if listed is not None and (listed.question or instruction):
            asked, instruction = (listed.question, instruction) if listed.question else (instruction, "")
            return MultipleChoice(asked, listed.choices, listed.answer_index, instruction)
        if not question:
            question, instruction = _instead(first, instruction), ""
        return Conversation([Turn(question, answer)], instruction)

    def _llava_body(self, turns: list[Turn]) -> Body:
        """Return what a LLaVA-style row holds, as mirrors have it; its instruction is part of the question."""
        listed = listed_options(turns[0].question, turns[0].answer) if len(turns) == 1 else None
        if listed is not None and listed.question:
            return MultipleChoice(listed.question, listed.choices, listed.answer_index)
        return Conversation(turns)


def _with_prefix(stem: str) -> str:
    """Return an ActivityNet path whose file name is `v_` and a YouTube id, which may begin with `v_` itself."""
    folder, slash, name = stem.rpartition("/")
    return f"{folder}{slash}v_{name}" if len(name) == _YOUTUBE_ID_LENGTH else stem


_EXPECTED = {"video": "a video and no image", "image": "an image and no video", "text": "neither video nor image"}


def _asked(exchange: Row) -> str:
    """Return the question of a later turn: it cannot stand without one."""
    return cleaned(exchange.text_or_empty("q")) or _instead(exchange, cleaned(exchange.text_or_empty("i")))


def _instead(exchange: Row, instruction: str) -> str:
    """Return the instruction, which asks where no question does."""
    if not instruction:
        exchange.fail("q", "the question is empty, and there is no instruction in its place")
    return instruction
