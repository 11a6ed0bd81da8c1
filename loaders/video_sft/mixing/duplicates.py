"""Leaving out what two sources both ask: the rule behind `dedupe=True`.

Parts are gone through in order of precedence, collections before those that rewrite them: VideoChat2 comes last,
because it holds VideoChat, VideoInstruct100K and NExT-QA in other words; all others by name. A row is left out when

- a part before it has a row of the same `id` (two configs of one source overlap), or
- parts of other sources before it ask at least half of its questions about the same video. Questions are the same when
  their words are, whatever case, punctuation and answer options say; for VideoChat2, which corrects the wording of
  what it repeats, also when four fifths of all their words are shared, or when both rows caption the same video.

Repeats inside one source stay: they are upstream's own, with different ids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from video_sft.mixing.filters import Selection
from video_sft.mixing.questions import questions

__all__ = ["leave_out_repeats"]

#: Sources that rewrite others, so that their row is the one to go.
REWRITERS = frozenset({"videochat2"})
#: Shared words over all words of two questions from which they are one question reworded.
SIMILAR = 0.8
_NEEDED = ("id", "source", "task", "messages", "video_id")
_CAPTIONS = ("detailed_caption", "simple_caption")


def leave_out_repeats(parts: Mapping[str, Selection]) -> None:
    """Leave out of each part the rows that a part of higher precedence has; see the rule above.

    Args:
        parts: the parts by name; those without the columns of the shared schema are passed over.
    """
    able = {name: part for name, part in parts.items() if len(part) and all(part.has(column) for column in _NEEDED)}
    seen = _Seen()
    for name in sorted(able, key=lambda name: (bool(_sources(able[name]) & REWRITERS), name)):
        part = able[name]
        rows = _Rows.of(part)
        if seen.ids:
            part.drop({"row of another part": _in(rows.ids, seen.ids)})
            rows = _Rows.of(part)
            part.drop({"question of another source": seen.repeats(rows)})
            rows = _Rows.of(part)
        seen.add(rows)


@dataclass
class _Rows:
    """The columns of a part the rule looks at, and its questions as parallel arrays."""

    ids: list[str | None]
    sources: list[str | None]
    tasks: list[str | None]
    videos: list[str | None]
    rows: npt.NDArray[np.int64]
    words: list[str]

    @classmethod
    def of(cls, part: Selection) -> _Rows:
        said = questions(part.values("messages"))
        ids, sources, tasks, videos = (part.values(name).to_pylist() for name in ("id", "source", "task", "video_id"))
        return cls(ids, sources, tasks, videos, said.rows, said.texts.to_pylist())

    def __len__(self) -> int:
        return len(self.ids)

    def asked(self) -> Iterable[tuple[int, str]]:
        """Yield each question with its row, where the row has a video."""
        for row, words in zip(self.rows.tolist(), self.words, strict=True):
            if self.videos[row] is not None:
                yield row, words


@dataclass
class _Seen:
    """What the parts gone through ask: by video and words the sources that do, by video the captioned ones."""

    ids: set[str] = field(default_factory=set)
    askers: dict[tuple[str, str], set[str | None]] = field(default_factory=lambda: defaultdict(set))
    on_video: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    captioned: dict[str, set[str | None]] = field(default_factory=lambda: defaultdict(set))

    def add(self, rows: _Rows) -> None:
        self.ids.update(name for name in rows.ids if name is not None)
        for row, words in rows.asked():
            video = str(rows.videos[row])
            self.askers[video, words].add(rows.sources[row])
            self.on_video[video].add(words)
        for captioned, task, source in zip(rows.videos, rows.tasks, rows.sources, strict=True):
            if captioned is not None and task in _CAPTIONS:
                self.captioned[captioned].add(source)

    def repeats(self, rows: _Rows) -> npt.NDArray[np.bool_]:
        """Mark the rows of which other sources ask at least half the questions."""
        asked = np.zeros(len(rows), dtype=np.int64)
        known = np.zeros(len(rows), dtype=np.int64)
        for row, words in rows.asked():
            asked[row] += 1
            known[row] += self._knows(str(rows.videos[row]), words, rows.sources[row])
        repeated = (asked > 0) & (2 * known >= asked)
        for row, (video, task, source) in enumerate(zip(rows.videos, rows.tasks, rows.sources, strict=True)):
            if source in REWRITERS and video is not None and task in _CAPTIONS:
                repeated[row] |= bool(self.captioned.get(video, set()) - {source})
        return repeated

    def _knows(self, video: str, words: str, source: str | None) -> bool:
        if self.askers.get((video, words), set()) - {source}:
            return True
        if source not in REWRITERS:
            return False
        own = set(words.split())
        return any(
            self.askers[video, other] - {source} and _overlap(own, set(other.split())) >= SIMILAR
            for other in self.on_video.get(video, ())
        )


def _overlap(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other)


def _sources(part: Selection) -> set[str | None]:
    return set(part.values("source").unique().to_pylist())


def _in(ids: list[str | None], seen: set[str]) -> npt.NDArray[np.bool_]:
    return np.asarray(
        pc.is_in(pa.array(ids, pa.string()), value_set=pa.array(sorted(seen))).to_numpy(False), dtype=bool
    )
