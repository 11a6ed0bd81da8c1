"""The rows of a part in compact form: of each row only what the checks compare, numbers and 64-bit digests.

Two million rows take some 200 MB so, where sets of their texts would take several times as much. Two of two million
rows have the same digest by chance with a probability of about one in ten million.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from video_sft._datasets import tqdm
from video_sft._rows.schema import clip_name
from video_sft._sources.open_part import OpenPart
from video_sft._sources.part import Located, Part
from video_sft._sources.record import Caption, Conversation, MultipleChoice, OpenQuestion, Record
from video_sft._sources.source import Source, usable_records
from video_sft.checking._tally import ProblemTally
from video_sft.errors import VideoSftError
from video_sft.mixing._eval_lists.video_keys import key_digest, keys_of_entry, origins

__all__ = ["NO_VIDEO", "Oddities", "PartRows", "read_part"]

_BATCH = 4096
_MOST_OPTIONS = 26
_EXAMPLES = 5
_NO_WORD = re.compile(r"[\W_]+")
#: Stands for a row without a video in the column of video digests.
NO_VIDEO = 0


@dataclass
class Oddities:
    """Rows with one oddity: how many, and the first ones as `id in file, row`."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, row_id: str, record: Record) -> None:
        """Take in one row."""
        self.count += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(f"{row_id} in {record.row.file}, {record.row.place[0]} {record.row.number}")


@dataclass
class PartRows:
    """The rows of a part in compact form; row i of each column belongs together.

    Attributes:
        part: the part.
        file: what messages call the file its rows come from.
        problems: the rows that could not be read.
        failure: why the part could not be read to its end, or at all.
        ids: the rows' ids.
        numbers: their numbers in the file, from 1 (of a CSV the lines they start on).
        unit: what these numbers count: `row` or `line`.
        videos: digests of their `video_id`; 0 for none.
        footage: digests of what their footage may be called in other pools (`youtube/<id>`).
        footage_by: the row of each of these.
        named: digests of what it is called there for sure, by the pool it is in.
        contents: digests of video, clip, questions and answers.
        asked: digests of (video, question), one for each question.
        asked_by: the row of each of these.
        media: for media checks: `path`, `video_id`, `image`, `start`, `stop` and `evidence_stop`; nothing where they
            are not asked for.
        without_answer: rows whose answer is not given.
        choices: how many rows have options.
        repeated_options: rows in which an option appears twice.
        ambiguous: those of them in which the right one does.
        bad_choices: rows with fewer than two or more than 26 options, or a right one that is none of them.
    """

    part: Part
    file: str
    problems: ProblemTally
    failure: VideoSftError | None = None
    unit: str = "row"
    ids: list[pa.Array] = field(default_factory=list)
    numbers: array[int] = field(default_factory=lambda: array("Q"))
    videos: array[int] = field(default_factory=lambda: array("Q"))
    footage: array[int] = field(default_factory=lambda: array("Q"))
    footage_by: array[int] = field(default_factory=lambda: array("Q"))
    named: array[int] = field(default_factory=lambda: array("Q"))
    contents: array[int] = field(default_factory=lambda: array("Q"))
    asked: array[int] = field(default_factory=lambda: array("Q"))
    asked_by: array[int] = field(default_factory=lambda: array("Q"))
    media: list[pa.Table] = field(default_factory=list)
    without_answer: Oddities = field(default_factory=Oddities)
    choices: int = 0
    repeated_options: Oddities = field(default_factory=Oddities)
    ambiguous: int = 0
    bad_choices: Oddities = field(default_factory=Oddities)

    def __len__(self) -> int:
        return len(self.numbers)

    def column(self, name: str) -> npt.NDArray[np.uint64]:
        """Return a column of numbers or digests."""
        values: array[int] = getattr(self, name)
        return np.frombuffer(values, dtype=np.uint64) if len(values) else np.zeros(0, dtype=np.uint64)

    def id_of(self, row: int) -> str:
        """Return a row's id."""
        for ids in self.ids:
            if row < len(ids):
                return str(ids[row])
            row -= len(ids)
        raise IndexError(row)

    def place_of(self, row: int) -> str:
        """Return a row's id and where it stands, in words."""
        return f"{self.id_of(row)} in {self.file}, {self.unit} {self.numbers[row]}"

    def add(self, records: list[Record], source: str, *, with_media: bool) -> None:
        """Take in a batch of records."""
        ids = [f"{source}/{record.key}" for record in records]
        self.ids.append(pa.array(ids, pa.string()))
        for row_id, record in zip(ids, records, strict=True):
            self._add(row_id, record)
        if with_media:
            self.media.append(_media_table(records))

    def _add(self, row_id: str, record: Record) -> None:
        row = len(self.numbers)
        self.numbers.append(record.row.number)
        media, body = record.media, record.body
        video = media.video_id if media else ""
        self.videos.append(key_digest(video) if media else NO_VIDEO)
        for name in origins(video):
            self.footage.append(key_digest(name))
            self.footage_by.append(row)
        name = keys_of_entry(video)[-1]
        if name.startswith("youtube/"):
            self.named.append(key_digest(name))
        questions, answer = _said(body)
        if media:
            for question in questions:
                if words := _words(question):
                    self.asked.append(_digest(video, words))
                    self.asked_by.append(row)
        clip = clip_name(video, media.path) if media else ""
        limits = f"{clip} {media.start_seconds} {media.stop_seconds}" if media else ""
        self.contents.append(_digest(video, limits, *map(_words, questions), _plain(answer)))
        if isinstance(body, MultipleChoice):
            self._look_at_choices(row_id, record, body)
        if isinstance(body, (MultipleChoice, OpenQuestion)) and not answer:
            self.without_answer.add(row_id, record)

    def _look_at_choices(self, row_id: str, record: Record, body: MultipleChoice) -> None:
        self.choices += 1
        right = body.answer_index
        within = right is None or 0 <= right < len(body.choices)
        if not (2 <= len(body.choices) <= _MOST_OPTIONS and within):
            self.bad_choices.add(row_id, record)
        if len(set(body.choices)) != len(body.choices):
            self.repeated_options.add(row_id, record)
            self.ambiguous += within and right is not None and list(body.choices).count(body.choices[right]) > 1


def read_part(
    source: Source, part: Part, locations: dict[str, Located], *, with_media: bool = False, what: str
) -> PartRows:
    """Read a part's rows, `with_media` those that media checks need; what cannot be read is counted, not raised."""
    problems = ProblemTally("skip")
    opened = OpenPart(part, locations, problems)
    rows = PartRows(part, opened.file_name("rows"), problems)
    records = _records(source, opened, rows)
    with tqdm(desc=what, total=part.rows, unit=" rows", leave=False, delay=1.0) as progress:
        while batch := list(itertools.islice(records, _BATCH)):
            rows.unit = str(batch[0].row.place[0])
            rows.add(batch, source.name, with_media=with_media)
            progress.update(len(batch))
    return rows


def _records(source: Source, opened: OpenPart, rows: PartRows) -> Iterator[Record]:
    try:
        yield from usable_records(source, opened)
    except VideoSftError as error:
        rows.failure = error


def _said(body: MultipleChoice | OpenQuestion | Conversation | Caption) -> tuple[list[str], str]:
    """Return what a record asks, and its answer or answers as one text; an empty one where it is withheld."""
    if isinstance(body, MultipleChoice):
        right = body.answer_index
        return [body.question], "" if right is None or not 0 <= right < len(body.choices) else body.choices[right]
    if isinstance(body, OpenQuestion):
        return [body.question], body.answer or ""
    if isinstance(body, Caption):
        return [body.question or body.instruction], body.text
    return [turn.question for turn in body.turns], "\n".join(turn.answer for turn in body.turns)


def _media_table(records: list[Record]) -> pa.Table:
    media = [record.media for record in records]
    ends = [max((stop for _, stop in record.evidence), default=None) for record in records]
    return pa.table(
        {
            "path": pa.array([item and item.video_path for item in media], pa.string()),
            "video_id": pa.array([item and item.video_id for item in media], pa.string()),
            "image": pa.array([item is not None and item.modality == "image" for item in media], pa.bool_()),
            "start": pa.array([item and item.start_seconds for item in media], pa.float64()),
            "stop": pa.array([item and item.stop_seconds for item in media], pa.float64()),
            "evidence_stop": pa.array(ends, pa.float64()),
        }
    )


def _words(text: str) -> str:
    """Return a question's words, so that case and punctuation do not count."""
    return _NO_WORD.sub(" ", text.casefold()).strip()


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _digest(*texts: str) -> int:
    content = hashlib.blake2b(digest_size=8)
    for text in texts:
        content.update(text.encode("utf-8", "surrogatepass"))
        content.update(b"\0")
    return int.from_bytes(content.digest(), "little") or 1
