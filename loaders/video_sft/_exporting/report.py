"""The report on an export: rows, files, losses, and the command that trains on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["ExportReport"]


@dataclass(frozen=True)
class ExportReport:
    """What was exported, what was not, and how training on it is started. Rich shows it as text.

    Attributes:
        to: the format.
        clips: how clips are told: `keys`, `trim` or `frames`.
        out: the folder.
        rows: written.
        files: of rows, and beside them; relative to `out`.
        left_out: rows that are not in it, by reason.
        examples: ids of the first of these, by reason.
        media: files, and folders of frames, by what was done: `whole`, `trim`, `frames`.
        media_bytes: of all media.
        trimmed_instead: rows whose clip was trimmed although `keys` were asked for, since readers who count frames by
            the average rate would take others: at variable rates, in files that do not begin at 0, in clips of less
            than two frames, and in folders of frames.
        spaced: rows with a word such as `<video>` in their text, which was written `<video >`.
        command: what trains on it.
    """

    to: str
    clips: str
    out: Path
    rows: int
    files: tuple[str, ...]
    left_out: Mapping[str, int]
    examples: Mapping[str, tuple[str, ...]]
    media: Mapping[str, int]
    media_bytes: int
    trimmed_instead: int
    spaced: int
    command: str

    def __str__(self) -> str:
        made = {"whole": "as they are", "trim": "encoded anew", "frames": "as frames"}
        media = ", ".join(f"{count:,} {made[kind]}" for kind, count in self.media.items() if count)
        lines = [f"{self.rows:,} rows for {self.to} in {self.out} ({len(self.files)} files)"]
        if media:
            lines.append(f"media: {media}; {self.media_bytes / 1e6:,.1f} MB")
        if self.trimmed_instead:
            lines.append(f"{self.trimmed_instead:,} rows have a trimmed clip, since its limits would give other frames")
        if self.spaced:
            lines.append(f"{self.spaced:,} rows have a tag such as <video> in their text, written <video >")
        return "\n".join([*lines, *self.losses(), "train with:", self.command])

    def losses(self) -> list[str]:
        """Return what was left out, one sentence for each reason."""
        told = []
        for reason, count in self.left_out.items():
            some = self.examples.get(reason, ())
            told.append(f"left out {count:,} rows: {reason} ({', '.join(some)}{', ...' if count > len(some) else ''})")
        return told

    def __rich__(self) -> RenderableType:
        from rich.text import Text

        return Text(str(self))
