"""The health of all videos in a place: every file decoded, in parallel, resumable."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from video_sft._datasets import tqdm
from video_sft._engines.batch import Lost
from video_sft._engines.engine import run
from video_sft._engines.local import LocalEngine
from video_sft._files import writing_whole
from video_sft._media.media_listing import Notes, videos_under
from video_sft._media.pool_places import place_of
from video_sft._probing.versions import versions_of
from video_sft.errors import MissingMediaError, VideoError
from video_sft.preparing._planning import sized
from video_sft.preparing._settings import Settings
from video_sft.preparing._task import Stretch, Wanted, prepare_video
from video_sft.video._bytes.media_bytes import MediaBytes

__all__ = ["BadVideo", "DeepReport", "deep_check"]


@dataclass(frozen=True)
class BadVideo:
    """A file that is not whole: its path in the place, and what is wrong with it."""

    path: str
    reason: str


@dataclass(frozen=True)
class DeepReport:
    """What a scan found.

    Attributes:
        checked: files that were decoded now.
        resumed: files an earlier run had decoded already, unchanged since.
        bad: the files that are not whole, by path, of both runs.
        notes: what could not be looked into, in words; empty where all was.
    """

    checked: int
    resumed: int
    bad: tuple[BadVideo, ...]
    notes: str = ""


def deep_check(
    place: str | Path,
    *,
    journal: str | Path,
    bad_list: str | Path,
    num_workers: int | None = None,
    seconds_per_file: float = 900,
    progress: bool = True,
) -> DeepReport:
    """Decode every video of a place, and list those that are not whole.

    Workers are processes, so that a file that brings the decoder down takes only its worker with it, and is listed.

    Args:
        place: a folder, searched with all folders and archives inside; a zip or plain tar; or a URL of these.
        journal: a JSON-lines file that every finished file is written to; a later run skips files that are in it and
            have not changed. Delete it to begin anew.
        bad_list: written at the end: one line for each bad file, its path and the reason with a tab between.
        num_workers: processes; None is one for each processor.
        seconds_per_file: after so long a file is given up as bad.
        progress: show a bar on the terminal.

    Raises:
        MissingMediaError: there is no such place, or no video in it.
    """
    notes = Notes()
    places = {path: MediaBytes(location) for path, location in videos_under(place_of(place).root, notes)}
    if not places:
        raise MissingMediaError(
            f"{place}: there is no video in this folder; --media takes the folder of a pool{notes.sentences()}"
        )
    states = dict(versions_of(places.values()))
    unreachable = {path: state for path, source in places.items() if isinstance(state := states[source], VideoError)}
    videos = [
        Wanted(path, None, source, path, state[0], (Stretch(),), size=state[1])
        for path, source in places.items()
        if not isinstance(state := states[source], VideoError)
    ]
    known = _read_journal(Path(journal), {video.version: video for video in videos})
    left = [video for video in videos if video.version not in known]
    bad = {path: error.reason for path, error in unreachable.items()}
    bad |= {video.original: reason for video in videos if (reason := known.get(video.version)) is not None}
    work = functools.partial(prepare_video, Settings("", ("health",)))
    shown = {"desc": "decoding", "unit": " videos", "disable": not progress, "initial": len(places) - len(left)}
    with (
        tqdm(total=len(places), **shown) as bar,
        open(journal, "a", encoding="utf-8") as lines,
        LocalEngine(work, num_workers=num_workers, seconds=seconds_per_file) as engine,
    ):
        for video, done in run(list(sized(left)), engine, cost=lambda each: each.size or 1) if left else ():
            reason = done.reason if isinstance(done, Lost) else done.result[0].row.get("error")
            lines.write(json.dumps({"path": video.original, "version": video.version, "reason": reason}) + "\n")
            lines.flush()
            if reason is not None:
                bad[video.original] = reason
            bar.set_postfix(bad=len(bad), refresh=False)
            bar.update()
    found = tuple(BadVideo(path, reason) for path, reason in sorted(bad.items()))
    with writing_whole(bad_list) as unfinished:
        unfinished.write_text("".join(f"{video.path}\t{video.reason}\n" for video in found), encoding="utf-8")
    return DeepReport(
        len(left) + len(unreachable), len(videos) - len(left), found, notes.sentences().removeprefix(". ")
    )


def _read_journal(journal: Path, videos: Mapping[str, Wanted]) -> dict[str, str | None]:
    """Return what an earlier run found out about files that are still the same, by their versions.

    A line that a crash cut short is ended, and left out.
    """
    known: dict[str, str | None] = {}
    if not journal.is_file():
        return known
    with journal.open("r+", encoding="utf-8", errors="replace") as lines:
        line = "\n"
        for line in lines:
            try:
                entry = json.loads(line)
                if entry["version"] in videos:
                    known[entry["version"]] = entry["reason"]
            except (ValueError, KeyError, TypeError):
                continue
        if not line.endswith("\n"):
            lines.write("\n")
    return known
