"""A row of any VideoChat2-IT file as a record: its media path, its instruction, its turns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from video_sft._annotations import Problems, SourceRow
from video_sft._places import safe_relative, uncompressed
from video_sft._rows.messages import CAPTION_PROMPTS
from video_sft._sources.record import Body, Caption, Conversation, Media, MultipleChoice, Record, Turn
from video_sft._suffixes import without_suffix
from video_sft._text import cleaned
from video_sft.builders._row_fields import clean_or_blank, clip_times, unusable
from video_sft.builders._video_chatgpt_rows import llava_conversation
from video_sft.builders._videochat2_option_lists import listed_options
from video_sft.builders._videochat2_tree import SubDataset
from video_sft.builders._videochat2_video_ids import video_of
from video_sft.errors import RowError, UnsafePathError

__all__ = ["RowReader"]

_NOTHING = Conversation(())
#: What the media paths of some rows begin with: the address of upstream's object store (`p2:s3://k600/...`).
_STORE = re.compile(r"(?:[\w-]+:)?s3://")
_YOUTUBE_ID_LENGTH = 11


@dataclass
class RowReader:
    """Reads the rows of one file.

    Attributes:
        sub_dataset: the sub-dataset it belongs to.
        key_prefix: what its rows' keys begin with; a row has no id upstream, so its number in the file follows.
        problems: takes in what is read another way than it is written.
        several: the files, where the rows are spread over some; the one a row is in then stands before its number.
        verbatim: whether records hold their text to the letter too.
    """

    sub_dataset: SubDataset
    key_prefix: str
    problems: Problems
    several: tuple[str, ...] = ()
    verbatim: bool = False

    @classmethod
    def of(cls, sub_dataset: SubDataset, files: tuple[str, ...], problems: Problems) -> RowReader:
        """Return the reader of a file by its path in the tree; a subset's keys differ from its full file's.

        Keys do not change with the name of a file that has another one than upstream gave it.
        """
        file = uncompressed(files[0])
        name = file if file in sub_dataset.files else sub_dataset.files[0]
        prefix = name.removesuffix(".json").removesuffix("/train")
        return cls(sub_dataset, prefix, problems, files if len(files) > 1 else ())

    def _has_no_media(self, row: SourceRow) -> bool:
        """Return whether the row names its video or image by null or nothing, as some of upstream's do."""
        modality = self.sub_dataset.modality
        value = row.value.get(modality, modality)
        return modality != "text" and (value is None or (isinstance(value, str) and not value.strip()))

    def record(self, row: SourceRow) -> Record:
        """Return a row as a record; one that names no media, or has no answer, is unusable.

        Raises:
            RowError: a question is missing where one is needed, or its media path is unsafe.
        """
        media: Media | None = None
        body: Body = _NOTHING
        reason: RowError | None
        if self._has_no_media(row):
            reason = unusable(row, self.sub_dataset.modality, "upstream has no path for it")
        else:
            media = self._media(row)
            body, reason = self._body(row, has_media=media is not None)
        return Record(
            key=self._key(row),
            task=self.sub_dataset.task,
            body=body,
            media=media,
            row=row,
            question_type=self.sub_dataset.name,
            written=_written(row, has_media=media is not None) if self.verbatim and reason is None else None,
            unusable=reason,
        )

    def _key(self, row: SourceRow) -> str:
        file = f"{self.several.index(row.file) + 1}/" if self.several else ""
        return f"{self.key_prefix}/{file}{row.number}"

    def _media(self, row: SourceRow) -> Media | None:
        modality = self.sub_dataset.modality
        for other in ("video", "image"):
            if other != modality and row.value.get(other):
                row.fail(other, f"the rows of {self.sub_dataset.place} have {_EXPECTED[modality]}")
        if modality == "text":
            return None
        path, stem = self._path(row, modality)
        start, stop = clip_times(row, self.problems) if modality == "video" else (None, None)
        pool = self.sub_dataset.pool
        collection, name = video_of(pool, stem) if modality == "video" else (pool, stem)
        return Media(pool, name, path, start, stop, modality, collection)

    def _path(self, row: SourceRow, field: str) -> tuple[str, str]:
        """Return the path of a row's media inside their pool, and that path without its suffix."""
        text = row.text(field).strip()
        if "s3://" in text:
            text = _STORE.sub("", text, count=1)
        try:
            path = safe_relative(text)
        except UnsafePathError as error:
            row.fail(field, str(error))
        stem = without_suffix(path)
        suffix = path[len(stem) :] or ("" if field == "image" or self.sub_dataset.frames else ".mp4")
        if self.sub_dataset.pool == "activitynet":
            stem = _with_prefix(stem)
        return stem + suffix, stem

    def _body(self, row: SourceRow, *, has_media: bool) -> tuple[Body, RowError | None]:
        """Return what a row says, and why it is unusable, if it is."""
        if "conversations" in row.value and "QA" not in row.value:
            talk, reason = llava_conversation(row, self.problems)
            return (talk if reason else _with_options(talk)), reason
        exchanges = list(row.children("QA"))
        if not exchanges:
            return _NOTHING, unusable(row, "QA", "the list is empty")
        if len(exchanges) > 1:
            return self._conversation(row, exchanges, has_media=has_media)
        first = exchanges[0]
        instruction = cleaned(first.text_or_empty("i"))
        question, answer = cleaned(first.text_or_empty("q")), clean_or_blank(first, "a")
        if not answer:
            return _NOTHING, unusable(row, "QA[0].a", "upstream has no text there")
        if not question and has_media and self.sub_dataset.task in CAPTION_PROMPTS:
            return Caption(answer, instruction=instruction), None
        listed = listed_options(question, answer)
        if listed is not None and (listed.question or instruction):
            asked, instruction = (listed.question, instruction) if listed.question else (instruction, "")
            return MultipleChoice(asked, listed.choices, listed.answer_index, instruction), None
        if not question:
            question, instruction = instruction, ""
        if not question:
            return _NOTHING, unusable(row, "QA[0].q", "there is neither a question nor an instruction")
        return Conversation([Turn(question, answer)], instruction), None

    def _conversation(
        self, row: SourceRow, exchanges: Sequence[SourceRow], *, has_media: bool
    ) -> tuple[Conversation, RowError | None]:
        """Return several exchanges; one without an answer, or without anything that asks for it, is left out."""
        instruction = cleaned(exchanges[0].text_or_empty("i"))
        turns = []
        for number, exchange in enumerate(exchanges):
            question, answer = cleaned(exchange.text_or_empty("q")), clean_or_blank(exchange, "a")
            if not question and number:
                question = cleaned(exchange.text_or_empty("i"))
            if not question and not number and not has_media:
                question, instruction = instruction, ""
            if answer and (question or (has_media and not number)):
                turns.append(Turn(question, answer))
        if not turns:
            return _NOTHING, unusable(row, "QA", "no question in it has an answer")
        if len(turns) < len(exchanges):
            left = len(exchanges) - len(turns)
            self.problems.mend("Exchanges without a question or an answer, which are left out", left)
        return Conversation(turns, instruction), None


def _with_prefix(stem: str) -> str:
    """Return an ActivityNet path whose file name is `v_` and a YouTube id, which may begin with `v_` itself."""
    folder, slash, name = stem.rpartition("/")
    return f"{folder}{slash}v_{name}" if len(name) == _YOUTUBE_ID_LENGTH else stem


def _with_options(talk: Conversation) -> Body:
    """Return what a LLaVA-style row holds, as mirrors have it; its instruction is mostly part of the question."""
    only = talk.turns[0]
    listed = listed_options(only.question, only.answer) if len(talk.turns) == 1 else None
    if listed is not None and listed.question:
        return MultipleChoice(listed.question, listed.choices, listed.answer_index, talk.instruction)
    return talk


def _written(row: SourceRow, *, has_media: bool) -> Conversation | None:
    """Return a row's exchanges to the letter: the first instruction, the questions and the answers.

    As in the body, an instruction asks where a question has to stand and does not, and what has no answer is left out.
    None for LLaVA-style rows, whose text is not upstream's own.
    """
    if "QA" not in row.value:
        return None
    turns: list[Turn] = []
    first = ""
    for number, exchange in enumerate(row.children("QA")):
        question, instruction = _to_the_letter(exchange, "q"), _to_the_letter(exchange, "i")
        if not question and (number or not has_media):
            question, instruction = instruction, ""
        first = first if number else instruction
        answer = _to_the_letter(exchange, "a")
        if answer and (question or (has_media and not number)):
            turns.append(Turn(question, answer))
    return Conversation(turns, first)


def _to_the_letter(exchange: SourceRow, field: str) -> str:
    text = exchange.text_or_empty(field)
    return text if text.strip() else ""


_EXPECTED = {"video": "a video and no image", "image": "an image and no video", "text": "neither video nor image"}
