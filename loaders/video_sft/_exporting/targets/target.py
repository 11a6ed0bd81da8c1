"""The base of all formats: how a row is written, what lies beside the rows, and how training on them is started."""

from __future__ import annotations

import shlex
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from video_sft._exporting.conversation import PlainTurn
from video_sft._exporting.media_jobs import Clips
from video_sft._exporting.out_folder import OutFolder

__all__ = ["Export", "JsonTarget", "PackedTarget", "ReadyRow", "Target", "messages_of", "quoted", "tagged_line"]


@dataclass(frozen=True)
class ReadyRow:
    """A row whose media are in the export.

    Attributes:
        id: as in the dataset.
        turns: what is said.
        video: path relative to the export, or paths of frames; None where there is none.
        image: path relative to the export.
        limits: start and stop in seconds of the file, where the reader has to cut.
    """

    id: str
    turns: Sequence[PlainTurn]
    video: str | list[str] | None = None
    image: str | None = None
    limits: tuple[float, float] | None = None

    @property
    def filled(self) -> frozenset[str]:
        """Which of the optional things it has."""
        present = {"video": self.video, "image": self.image, "limits": self.limits}
        return frozenset(name for name, value in present.items() if value is not None)


@dataclass(frozen=True)
class Export:
    """What a format needs to know of the whole.

    Attributes:
        out: the folder.
        name: what the rows are called.
        clips: how clips are told.
        fps: of frames.
        filled: which optional things rows have, see `ReadyRow.filled`.
        shards: files of rows, relative.
    """

    out: Path
    name: str
    clips: Clips
    fps: float
    filled: frozenset[str]
    shards: Sequence[str] = ()


class Target(ABC):
    """A format.

    Attributes:
        clips: how it can be told of clips; the first is the default.
        shard_bytes: how large a file of rows is, about.
    """

    clips: tuple[Clips, ...] = ("keys", "trim", "frames")
    shard_bytes = 512 << 20

    def media_folder(self, clips: Clips) -> str:
        """Return the folder that media lie in."""
        return "media"

    @abstractmethod
    def command(self, export: Export) -> str:
        """Return the commands that train on, or read, the export."""


class JsonTarget(Target):
    """A format of JSON lines.

    Attributes:
        inferred: whether readers infer the columns' types from the beginning of each file, so that a row of every kind
            has to stand there.
    """

    shard_bytes = 64 << 20
    inferred = False

    @abstractmethod
    def line(self, row: ReadyRow, export: Export) -> dict[str, Any]:
        """Return a row as it is written."""

    def shard(self, export: Export, number: int, of: int) -> str:
        """Return the name of a file of rows, relative to the export."""
        return f"{export.name}-{number:05d}-of-{of:05d}.jsonl"

    def beside(self, export: Export) -> Mapping[str, str]:
        """Return other files by name, relative to the export."""
        return {}


class PackedTarget(Target):
    """A format whose files hold the media too."""

    @abstractmethod
    def check(self) -> None:
        """See that what writes the format is installed.

        Raises:
            ConfigError: it is not; the message says how to install it.
        """

    @abstractmethod
    def write(self, rows: Iterator[ReadyRow], export: Export, folder: OutFolder, shard_bytes: int) -> list[str]:
        """Write all rows, and return the names of the files, relative to the export."""


def messages_of(row: ReadyRow) -> list[dict[str, Any]]:
    """Return a row's messages as rows of the shared schema have them."""
    return [
        {
            "role": turn.role,
            "content": [{"type": turn.media, "text": None}] * bool(turn.media)
            + [{"type": "text", "text": turn.text}] * bool(turn.text),
        }
        for turn in row.turns
    ]


def tagged_line(row: ReadyRow, export: Export) -> dict[str, Any]:
    """Return a row with the media's tags in the text and the files in lists, as several trainers take it."""
    turns = [{"role": turn.role, "content": turn.tagged(f"<{turn.media}>")} for turn in row.turns]
    line: dict[str, Any] = {"id": row.id, "messages": turns}
    if "video" in export.filled:
        line["videos"] = [] if row.video is None else [row.video]
    if "image" in export.filled:
        line["images"] = [] if row.image is None else [row.image]
    return line


def quoted(path: Path) -> str:
    """Return a path for a shell."""
    return shlex.quote(str(path.absolute()))
