"""One export, from rows to files."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson

from video_sft._exporting.media_folder import MediaFolder
from video_sft._exporting.media_jobs import Clips, Need, need_of
from video_sft._exporting.out_folder import OutFolder
from video_sft._exporting.ready_rows import ReadyRows
from video_sft._exporting.report import ExportReport
from video_sft._exporting.spool import LaidRow, Spool
from video_sft._exporting.targets.target import Export, JsonTarget, PackedTarget, Target
from video_sft._files import unfinished_folder, writing_whole
from video_sft._probing.file_facts import facts_of
from video_sft._probing.probe import tell_unreadable
from video_sft.errors import VideoError

__all__ = ["ExportRun"]

logger = logging.getLogger("video_sft")


@dataclass(frozen=True)
class ExportRun:
    """An export whose options are checked; see `export`.

    Attributes:
        to: the format's name.
        target: the format.
        clips: how clips are told.
        name: what the rows are called.
        shard_bytes: how large a file of rows is, about.
        num_threads: media that are prepared at the same time.
        cache_dir: where facts about files are kept.
        folder: where the export goes.
        media: its media.
    """

    to: str
    target: Target
    clips: Clips
    name: str
    shard_bytes: int
    num_threads: int
    cache_dir: str | os.PathLike[str] | None
    folder: OutFolder
    media: MediaFolder

    def export(self, rows: Any) -> ExportReport:
        """Read the rows, prepare their media, and write what the format wants."""
        out = self.folder.out
        out.mkdir(parents=True, exist_ok=True)
        with unfinished_folder(out) as work:
            spool = Spool.of(rows, work / "rows.jsonl")
            self.folder.claim(self._options(), spool.digest)
            ready = self._with_media(spool)
            about = Export(out, self.name, self.clips, self.media.fps, ready.filled())
            about = replace(about, shards=tuple(self._written(ready, about)))
        files = [*about.shards, *self._beside(about)]
        report = self._report(ready, files, self.target.command(about))
        for loss in report.losses():
            logger.warning("%s: %s", out, loss)
        self.folder.finish(files, {**asdict(report), "out": "."})
        self.folder.keep_media(self.media.name, () if isinstance(self.target, PackedTarget) else ready.paths())
        return report

    def _options(self) -> dict[str, Any]:
        """Return what tells this export from others of the same rows."""
        options = {"to": self.to, "clips": self.clips, "name": self.name, "shard_bytes": self.shard_bytes}
        if self.clips == "frames":
            options |= {"fps": self.media.fps, "max_frames": self.media.max_frames}
        return options | {"media": self.media.name}

    def _with_media(self, spool: Spool) -> ReadyRows:
        """Put the media of rows into the folder, and leave out the rows whose media cannot be read."""
        wanted = (row.medium.medium for row in spool.rows if row.medium)
        facts = facts_of(wanted, num_threads=self.num_threads, cache_dir=self.cache_dir)
        tell_unreadable([each for each in facts.values() if isinstance(each, VideoError)], len(facts))
        media = {row.medium for row in spool.rows if row.medium}
        by_medium = {medium: need_of(medium, facts[medium.medium], self.clips) for medium in media}
        needs = [None if row.medium is None else by_medium[row.medium] for row in spool.rows]
        places = self.media.made((need.job for need in needs if isinstance(need, Need)), num_threads=self.num_threads)
        tell_unreadable([place for place in places.values() if isinstance(place, VideoError)], len(places))
        kept: list[tuple[LaidRow, Need | None]] = []
        out: list[tuple[LaidRow, str]] = []
        for row, need in zip(spool.rows, needs, strict=True):
            if isinstance(need, str):
                out.append((row, need))
            elif need is not None and isinstance(places[need.job], VideoError):
                out.append((row, "the clip cannot be decoded"))
            else:
                kept.append((row, need))
        for (_, reason), (_, name, _) in zip(out, spool.read(row for row, _ in out), strict=True):
            spool.leave_out(reason, name)
        return ReadyRows(spool, kept, places)

    def _written(self, ready: ReadyRows, about: Export) -> Iterator[str]:
        """Write the rows; yield the names of their files."""
        target = self.target
        if isinstance(target, PackedTarget):
            self.folder.announce([about.name])
            yield from target.write(ready.read(), about, self.folder, self.shard_bytes)
            return
        assert isinstance(target, JsonTarget)
        shards = ready.shards(self.shard_bytes, inferred=target.inferred)
        names = [target.shard(about, number, len(shards)) for number in range(len(shards))]
        self.folder.announce(names)
        for name, numbers in zip(names, shards, strict=True):
            (about.out / name).parent.mkdir(exist_ok=True)
            with writing_whole(about.out / name) as unfinished, unfinished.open("wb") as file:
                for row in ready.read(numbers):
                    file.write(orjson.dumps(target.line(row, about)) + b"\n")
            yield name

    def _beside(self, about: Export) -> Iterator[str]:
        """Write what lies beside the rows; yield the names."""
        target = self.target
        for name, text in target.beside(about).items() if isinstance(target, JsonTarget) else ():
            with writing_whole(about.out / name) as unfinished:
                unfinished.write_text(text, encoding="utf-8")
            yield name

    def _report(self, ready: ReadyRows, files: Sequence[str], command: str) -> ExportReport:
        needs = [need for _, need in ready.rows if need]
        return ExportReport(
            to=self.to,
            clips=self.clips,
            out=self.folder.out,
            rows=len(ready.rows),
            files=tuple(files),
            left_out=dict(ready.spool.left_out),
            examples={reason: tuple(ids) for reason, ids in ready.spool.examples.items()},
            media=dict(Counter(job.kind for job in {need.job for need in needs})),
            media_bytes=sum((self.folder.out / path).stat().st_size for path in ready.paths()),
            trimmed_instead=sum(need.instead for need in needs),
            spaced=ready.spool.spaced,
            command=command,
        )
