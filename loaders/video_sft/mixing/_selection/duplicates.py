"""The rule behind `dedupe=True`: what two sources both ask is kept once.

Parts are gone through in order of precedence, collections before those that rewrite them: VideoChat2 comes last,
because it holds VideoChat, VideoInstruct100K and NExT-QA in other words; all others by name. A row is left out when

- a part before it has a row of the same `id` (two configs of one source overlap), or
- parts of other sources before it ask at least half of its questions about the same video, in the same answer format.
  Questions are the same when their words are, whatever case, punctuation and answer options say. For VideoChat2, which
  corrects the wording and changes the form of what it repeats, the answer format does not matter, and it is enough
  that 85% of the words of both questions begin alike (four letters), or that both rows caption the same video.

Repeats inside one source stay: they are upstream's own, with different ids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from video_sft._rows.schema import clip_name
from video_sft.mixing._selection.filters import Selection
from video_sft.mixing._selection.questions import questions

__all__ = ["leave_out_repeats"]

#: Sources that rewrite others, so that their row is the one to go.
REWRITERS = frozenset({"videochat2"})
#: Shared beginnings of words over all of them, from which two questions are one reworded.
SIMILAR = 0.85
_NEEDED = ("id", "source", "task", "answer_format", "messages", "video_id")
_CAPTIONS = ("detailed_caption", "simple_caption")
_Asker: TypeAlias = "tuple[str | None, str | None]"


def leave_out_repeats(parts: Mapping[str, Selection]) -> None:
    """Leave out of each part the rows that a part of higher precedence has; see the rule above.

    Parts without the columns of the shared schema are passed over.
    """
    able = {name: part for name, part in parts.items() if len(part) and all(part.has(column) for column in _NEEDED)}
    seen = _Seen()
    rewrites = {
        name: not REWRITERS.isdisjoint(part.values("source").unique().to_pylist()) for name, part in able.items()
    }
    for name in sorted(able, key=lambda name: (rewrites[name], name)):
        part = able[name]
        if seen.ids:
            part.drop({"row of another part": seen.has_id(part.values("id"))})
            part.drop({"question of another source": seen.repeats(_Row.all_of(part))})
        seen.add(_Row.all_of(part), part.values("id"))


@dataclass
class _Row:
    """What the rule looks at in one row."""

    source: str | None
    task: str | None
    answer_format: str | None
    video: str | None
    asked: list[str]

    @classmethod
    def all_of(cls, part: Selection) -> list[_Row]:
        columns = (part.values(name).to_pylist() for name in ("source", "task", "answer_format"))
        rows = [
            cls(source, task, form, clip, []) for source, task, form, clip in zip(*columns, _clips(part), strict=True)
        ]
        said = questions(part.values("messages"))
        for row, words in zip(said.rows.tolist(), said.texts.to_pylist(), strict=True):
            rows[row].asked.append(words)
        return rows

    @property
    def captions(self) -> bool:
        return self.task in _CAPTIONS


@dataclass
class _Seen:
    """What the parts gone through hold.

    Attributes:
        ids: of their rows.
        asked: by video, the words of each question and the (source, answer format) of those who ask it.
        captioned: by video, the sources that caption it.
    """

    ids: set[str] = field(default_factory=set)
    asked: dict[str, dict[str, set[_Asker]]] = field(default_factory=lambda: defaultdict(dict))
    captioned: dict[str, set[str | None]] = field(default_factory=lambda: defaultdict(set))

    def add(self, rows: list[_Row], ids: pa.ChunkedArray) -> None:
        self.ids.update(name for name in ids.to_pylist() if name is not None)
        for row in rows:
            if row.video is None:
                continue
            for words in row.asked:
                self.asked[row.video].setdefault(words, set()).add((row.source, row.answer_format))
            if row.captions:
                self.captioned[row.video].add(row.source)

    def has_id(self, ids: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
        """Mark the rows whose id was there before."""
        return np.array([name in self.ids for name in ids.to_pylist()], dtype=bool)

    def repeats(self, rows: list[_Row]) -> npt.NDArray[np.bool_]:
        """Mark the rows that other sources repeat."""
        return np.array([row.video in self.asked and self._repeats(row) for row in rows], dtype=bool)

    def _repeats(self, row: _Row) -> bool:
        if row.source in REWRITERS and row.captions and self.captioned.get(str(row.video), set()) - {row.source}:
            return True
        known = sum(self._knows(row, words) for words in row.asked)
        return bool(row.asked) and 2 * known >= len(row.asked)

    def _knows(self, row: _Row, words: str) -> bool:
        there = self.asked[str(row.video)]
        if row.source not in REWRITERS:
            askers = there.get(words, set())
            return any(source != row.source and form == row.answer_format for source, form in askers)
        return any(
            _overlap(words, other) >= SIMILAR and any(source != row.source for source, _ in askers)
            for other, askers in there.items()
        )


def _clips(part: Selection) -> list[str | None]:
    """Return the video of each row, and which clip of it where a file holds no more than that."""
    videos: list[str | None] = part.values("video_id").to_pylist()
    if not part.has("video_path"):
        return videos
    paths = part.values("video_path").to_pylist()
    return [video and f"{video} {clip_name(video, path)}" for video, path in zip(videos, paths, strict=True)]


def _overlap(one: str, other: str) -> float:
    beginnings, others = ({word[:4] for word in words.split()} for words in (one, other))
    return len(beginnings & others) / len(beginnings | others)
