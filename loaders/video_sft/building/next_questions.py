"""The CSV rows that NExT-QA, NExT-OE and NExT-GQA share.

One family of files with three meanings of `answer`: an index (NExT-QA), free text (NExT-OE), the text of the right
option (NExT-GQA); the video column is `video` in the first two and `video_id` in the third.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from datasets import Features, Value

from video_sft.annotations import Row
from video_sft.building.choices import index_of_text
from video_sft.building.source import OpenPart
from video_sft.errors import UnsafePathError
from video_sft.locations import safe_relative
from video_sft.records import Media, MultipleChoice, OpenQuestion, Record
from video_sft.texts import cleaned

__all__ = [
    "CHOICE_COLUMNS",
    "QUESTION_COLUMNS",
    "QUESTION_TYPES",
    "NextQuestions",
    "next_features",
    "upstream_fields",
]

#: Causal why and how; temporal previous, current and next; descriptive count, location, other and binary.
QUESTION_TYPES = ("CW", "CH", "TP", "TC", "TN", "DC", "DL", "DO", "DB")
QUESTION_COLUMNS = ("frame_count", "width", "height", "question", "answer", "qid", "type")
CHOICE_COLUMNS = ("a0", "a1", "a2", "a3", "a4")


def next_features(video_column: str) -> Features:
    """Return the columns of the CSV as Arrow types; ids and answers stay text."""
    text, count = Value("string"), Value("int64")
    return Features(
        {
            video_column: text,
            "frame_count": count,
            "width": count,
            "height": count,
            "question": text,
            "answer": text,
            "qid": text,
            "type": text,
            **dict.fromkeys(CHOICE_COLUMNS, text),
        }
    )


@dataclass
class NextQuestions:
    """Reads the rows of one CSV, knowing which questions it already met.

    Attributes:
        video_column: `video` or `video_id`.
        folders: upstream's map of video id to `<folder>/<video id>`; empty where the file is absent.
        prefix: what the row keys of this file begin with.
    """

    video_column: str
    folders: Mapping[str, object] = field(default_factory=dict)
    prefix: str = ""
    _met: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, part: OpenPart, video_column: str, prefix: str = "") -> NextQuestions:
        """Return a reader for a part whose folder map, if any, has the role `folders`."""
        return cls(video_column, part.json_object("folders"), prefix)

    def indexed(self, row: Row) -> Record:
        """Return a multiple-choice question whose `answer` is the index of an option."""
        return self._choice(row, row.integer("answer", lowest=0, highest=len(CHOICE_COLUMNS) - 1))

    def texted(self, row: Row) -> Record:
        """Return a multiple-choice question whose `answer` is the text of an option; the first one that has it."""
        return self._choice(row, index_of_text(row, row.text("answer"), [row.text(name) for name in CHOICE_COLUMNS]))

    def open(self, row: Row) -> Record:
        """Return an open question."""
        body = OpenQuestion(cleaned(row.text("question")), cleaned(row.text("answer")))
        return self._record(row, body)

    def _choice(self, row: Row, answer_index: int) -> Record:
        choices = [cleaned(row.text(name)) for name in CHOICE_COLUMNS]
        return self._record(row, MultipleChoice(cleaned(row.text("question")), choices, answer_index))

    def _record(self, row: Row, body: MultipleChoice | OpenQuestion) -> Record:
        video = row.name(self.video_column)
        kind = row.text("type").strip()
        if kind not in QUESTION_TYPES:
            row.fail("type", f"{kind!r} is none of {', '.join(QUESTION_TYPES)}")
        return Record(
            key=self._key(row, video),
            task="reasoning",
            body=body,
            media=Media("vidor", video, self._path(row, video)),
            row=row,
            question_type=kind,
        )

    def _key(self, row: Row, video: str) -> str:
        """Return `<video>_<qid>`; a later, different question under the same numbers gets `-2`, `-3` behind it.

        NExT-OE's train file has three such collisions, e.g. video 4598213889, qid 5.
        """
        for name in ("frame_count", "width", "height"):
            row.integer(name, lowest=0)
        key = f"{self.prefix}{video}_{row.integer('qid', lowest=0)}"
        questions = self._met.setdefault(key, [])
        question = row.value["question"]
        if question in questions:
            row.fail("qid", f"video {video}, qid {row.value['qid']} appears twice with the same question")
        questions.append(question)
        return key if len(questions) == 1 else f"{key}-{len(questions)}"

    def _path(self, row: Row, video: str) -> str:
        place = self.folders.get(video, video)
        try:
            path = safe_relative(place) if isinstance(place, str) else ""
        except UnsafePathError as error:
            row.fail(self.video_column, f"its place in the folder map cannot be used: {error}")
        if path.rpartition("/")[2] != video:
            row.fail(self.video_column, f"the folder map has {place!r} for it, which is another video")
        return f"{path}.mp4"


def upstream_fields(record: Record) -> dict[str, object]:
    """Return a row of the CSV, with the three counts as numbers, and what other files hold for it."""
    value = record.row.value
    counts = {name: int(value[name]) for name in ("frame_count", "width", "height")}
    return {**value, **counts, **record.joined}
