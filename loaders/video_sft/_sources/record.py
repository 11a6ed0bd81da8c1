"""Records, which a source's `parse` yields: neutral shapes without prompt wording, folders or `datasets` objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from video_sft._annotations import SourceRow
from video_sft.errors import RowError

__all__ = ["Body", "Caption", "Conversation", "Media", "MultipleChoice", "OpenQuestion", "Record", "Turn"]


@dataclass(slots=True)
class Media:
    """The one video or image a record is about.

    Attributes:
        pool: where the file lies, e.g. `charades`; mostly its id's pool too.
        id: the id of the whole video, the same wherever it is used.
        path: the usual place inside the pool, with a suffix, e.g. `1164/3238737531.mp4`.
        start_seconds: where the part the record is about begins; None means at the start.
        stop_seconds: where it ends; None means at the end.
        modality: what kind of media it is.
        collection: whose id it is, where that is another pool than the file's.
    """

    pool: str
    id: str
    path: str
    start_seconds: float | None = None
    stop_seconds: float | None = None
    modality: Literal["video", "image"] = "video"
    collection: str = ""

    @property
    def video_id(self) -> str:
        """What the row's `video_id` is, e.g. `charades/6H78U`."""
        return f"{self.collection or self.pool}/{self.id}"

    @property
    def video_path(self) -> str:
        """What the row's `video_path` is, e.g. `charades/6H78U.mp4`."""
        return f"{self.pool}/{self.path}"


@dataclass(slots=True)
class MultipleChoice:
    """A question with options; `answer_index` is None where upstream withholds the answer."""

    question: str
    choices: Sequence[str]
    answer_index: int | None
    instruction: str = ""


@dataclass(slots=True)
class OpenQuestion:
    """A question with a short free answer; None where upstream withholds it."""

    question: str
    answer: str | None


@dataclass(slots=True)
class Turn:
    """One exchange of a conversation; an empty question means the text stands by itself."""

    question: str
    answer: str


@dataclass(slots=True)
class Conversation:
    """Turns in order, with the task instruction upstream gives them, if any."""

    turns: Sequence[Turn]
    instruction: str = ""


@dataclass(slots=True)
class Caption:
    """A description, and what upstream asks for it with: a question, an instruction, both or neither."""

    text: str
    question: str = ""
    instruction: str = ""


Body = MultipleChoice | OpenQuestion | Conversation | Caption


@dataclass(slots=True)
class Record:
    """One row of a source, parsed.

    Attributes:
        key: the source's native key, unique in the source; the row's id is `<source>/<key>`.
        task: one of `video_sft._rows.schema.TASKS`.
        body: what is asked and answered.
        media: the video or image, None for text-only rows.
        question_type: the source's own code, if it has one.
        evidence: (start, stop) in seconds of the moments that ground the answer.
        row: where it came from, with the fields as upstream has them.
        joined: upstream fields that other files hold for this row.
        unusable: why nothing can be learned from the row as upstream published it, such as an answer left blank; it is
            left out of the shared rows and counted, and stays in `<source>-source`. None for all others.
        written: the body to the letter as upstream wrote it out, options and answer included; only where it did, and
            `OpenPart.verbatim` asks for it.
    """

    key: str
    task: str
    body: Body
    media: Media | None
    row: SourceRow
    question_type: str | None = None
    evidence: Sequence[tuple[float, float]] = ()
    joined: Mapping[str, Any] = field(default_factory=dict)
    unusable: RowError | None = None
    written: Conversation | None = None
