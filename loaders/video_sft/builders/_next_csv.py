"""The CSV rows that NExT-QA, NExT-OE and NExT-GQA share.

One family of files with three meanings of `answer`: an index (NExT-QA), free text (NExT-OE), the text of the right
option (NExT-GQA); the video column is `video` in the first two and `video_id` in the third.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from datasets import Features, Value

from video_sft._annotations import Problems, SourceRow, whole_number
from video_sft._places import safe_relative
from video_sft._sources.open_part import OpenPart
from video_sft._sources.record import Media, MultipleChoice, OpenQuestion, Record
from video_sft.builders._choices import index_of_text, without_blanks
from video_sft.builders._row_fields import blank_field, clean_or_blank
from video_sft.errors import UnsafePathError

__all__ = ["CHOICE_COLUMNS", "QUESTION_COLUMNS", "QUESTION_TYPES", "NextQuestions", "next_features", "upstream_fields"]

#: Causal why and how; temporal previous, current and next; descriptive count, location, other and binary.
QUESTION_TYPES = ("CW", "CH", "TP", "TC", "TN", "DC", "DL", "DO", "DB")
QUESTION_COLUMNS = ("frame_count", "width", "height", "question", "answer", "qid", "type")
CHOICE_COLUMNS = ("a0", "a1", "a2", "a3", "a4")
_COUNTS = ("frame_count", "width", "height")


def next_features(video_column: str) -> Features:
    """Return the columns of the CSV as Arrow types; ids and answers stay text."""
    names = (video_column, *QUESTION_COLUMNS, *CHOICE_COLUMNS)
    return Features({name: Value("int64" if name in _COUNTS else "string") for name in names})


@dataclass
class NextQuestions:
    """Reads the rows of one CSV, knowing which questions it already met.

    Attributes:
        video_column: `video` or `video_id`.
        folders: upstream's map of video id to `<folder>/<video id>`; empty where the file is absent.
        prefix: what the row keys of this file begin with.
        problems: takes in what is read another way than it is written.
    """

    video_column: str
    folders: Mapping[str, object] = field(default_factory=dict)
    prefix: str = ""
    problems: Problems = field(default_factory=Problems)
    _met: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, part: OpenPart, video_column: str, prefix: str = "") -> NextQuestions:
        """Return a reader for a part whose folder map, if any, has the role `folders`."""
        return cls(video_column, part.json_object("folders"), prefix, part.problems)

    def by_index(self, row: SourceRow) -> Record:
        """Return a multiple-choice question whose `answer` is the index of an option."""
        if row.text_or_blank("answer") and whole_number(row.value["answer"]) is None:
            return self.by_text(row)
        return self._choice(row, lambda _: row.integer("answer", lowest=0, highest=len(CHOICE_COLUMNS) - 1))

    def by_text(self, row: SourceRow) -> Record:
        """Return a multiple-choice question whose `answer` is the text of an option; the first one that has it."""
        return self._choice(row, lambda choices: index_of_text(row, row.text("answer"), choices, self.problems))

    def open(self, row: SourceRow) -> Record:
        """Return an open question."""
        answer = clean_or_blank(row, "answer")
        return self._record(row, OpenQuestion(clean_or_blank(row, "question"), answer), answer)

    def _choice(self, row: SourceRow, index: Callable[[list[str]], int]) -> Record:
        choices = [clean_or_blank(row, name) for name in CHOICE_COLUMNS]
        question = clean_or_blank(row, "question")
        answer = row.text_or_blank("answer")
        if answer:
            choices, right = without_blanks(row, choices, index(choices), self.problems)
            return self._record(row, MultipleChoice(question, choices, right), answer)
        return self._record(row, MultipleChoice(question, choices, None), answer)

    def _record(self, row: SourceRow, body: MultipleChoice | OpenQuestion, answer: str) -> Record:
        video = row.name(self.video_column)
        return Record(
            key=self._key(row, video),
            task="reasoning",
            body=body,
            media=Media("vidor", video, self._path(row, video)),
            row=row,
            question_type=self._type(row),
            unusable=blank_field(row, question=body.question, answer=answer),
        )

    def _type(self, row: SourceRow) -> str | None:
        """Return a row's type, in capitals as upstream has it; None where it is blank, which is counted."""
        kind = row.text_or_blank("type").strip().upper()
        if not kind:
            self.problems.mend("Rows without a type, whose question_type is null")
        elif kind not in QUESTION_TYPES:
            row.fail("type", f"{row.value['type']!r} is none of {', '.join(QUESTION_TYPES)}")
        return kind or None

    def _key(self, row: SourceRow, video: str) -> str:
        """Return `<video>_<qid>`; a later row under the same numbers gets `-2`, `-3` behind it.

        NExT-OE's train file has three different questions under numbers that are taken, e.g. video 4598213889, qid 5.
        """
        key = f"{self.prefix}{video}_{row.integer('qid', lowest=0)}"
        questions = self._met.setdefault(key, [])
        question = row.value["question"]
        if question in questions:
            self.problems.mend("Rows that repeat the video, qid and question of an earlier row; -2 is behind their ids")
        questions.append(question)
        return key if len(questions) == 1 else f"{key}-{len(questions)}"

    def _path(self, row: SourceRow, video: str) -> str:
        place = self.folders.get(video, video)
        try:
            path = safe_relative(place) if isinstance(place, str) else ""
        except UnsafePathError as error:
            row.fail(self.video_column, f"its place in the folder map cannot be used: {error}")
        if path.rpartition("/")[2] != video:
            self.problems.mend("Rows whose video the folder map has under another name, looked for by its own")
            path = video
        return f"{path}.mp4"


def upstream_fields(record: Record) -> dict[str, object]:
    """Return a row of the CSV, with the three counts as numbers where they are, and what other files hold for it."""
    value = record.row.value
    numbers = {name: whole_number(value.get(name)) for name in _COUNTS}
    counts = {name: number for name, number in numbers.items() if number is not None}
    return {**value, **counts, **record.joined}
