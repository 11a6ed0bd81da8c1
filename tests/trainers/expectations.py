"""What the encoded rows of an export are held against. Runs where trainers are: it needs Python alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

#: Pictures are encoded twice on the way, and a pair of frames shows the mean of two seconds.
_TOLERANCE = 0.6


class Expected:
    """The rows that were exported, as the check wrote them down.

    Args:
        path: a JSON file, `{id: {"answers": [...], "shown": [from, to] or null, "media": "video" or null}}`.
    """

    def __init__(self, path: Path) -> None:
        self.rows: dict[str, dict[str, Any]] = json.loads(path.read_text())
        self.seen: dict[str, str] = {}

    def check(self, name: str, *, question_to_answer: str, learnt: str, seconds: Sequence[float] | None) -> None:
        """Hold one encoded row against what is expected.

        Args:
            name: its id.
            question_to_answer: the whole of what the model reads, decoded.
            learnt: what it is trained to say, decoded.
            seconds: what the pictures of its video show; None without video.
        """
        row = self.rows[name]
        for answer in row["answers"]:
            assert answer in learnt, f"{name}: {answer!r} is not learnt, but {learnt!r}"
        for question in row["questions"]:
            assert question in question_to_answer, f"{name}: {question!r} is not in {question_to_answer[:300]!r}"
            assert question not in learnt, f"{name}: the question is learnt"
        assert (seconds is not None) == (row["media"] == "video"), f"{name}: media {row['media']}, encoded {seconds}"
        if seconds is not None and row["shown"]:
            first, last = row["shown"]
            assert min(seconds) >= first - _TOLERANCE, f"{name}: shows {seconds}, not {first} to {last} s"
            assert max(seconds) <= last + _TOLERANCE, f"{name}: shows {seconds}, not {first} to {last} s"
            reach = (last - first) / 2 - _TOLERANCE
            assert max(seconds) - min(seconds) >= reach, f"{name}: shows {seconds} of {first} to {last} s"
        self.seen[name] = "" if seconds is None else f"{min(seconds):.1f} to {max(seconds):.1f} s"

    def finish(self, what: str) -> None:
        """See that every row came, and say so."""
        missing = sorted(set(self.rows) - set(self.seen))
        assert not missing, f"{what}: {missing} did not come"
        cut = self.seen.get("clock/cut")
        print(f"ok: {what}: {len(self.seen)} rows" + (f"; a cut of 20 to 24 s shows {cut}" if cut else ""), flush=True)
