"""Seals of built datasets: noted beside one when it is finished, looked at on every load."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from video_sft._datasets import FileLock
from video_sft._files import ABANDONED_SECONDS, Stamp, stamp_of, sync, this_machine, writing_whole

__all__ = ["begin_build", "clear_killed_builds", "finish_build", "what_is_damaged"]

#: Beside the built files: the name of each with what it is known again by.
_NOTE = "video-sft-whole.json"
_INFO = "dataset_info.json"
#: In the folder of an unfinished build: on which machine it runs.
_BUILDER = ".building-on-"
_UNFINISHED = ".incomplete"
#: What reading says of a file that is gone, or that the disk has lost.
_LOST = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EIO)


def begin_build(folder: Path) -> None:
    """Empty the unfinished folder of a build that was killed, so that nothing of it gets into this one."""
    for leftover in folder.iterdir():
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    (folder / f"{_BUILDER}{this_machine()}").touch()


def finish_build(folder: Path) -> None:
    """Wait until all that was built is on the disk, and note what it is known again by."""
    (folder / f"{_BUILDER}{this_machine()}").unlink(missing_ok=True)
    stamps = {}
    for path in sorted(folder.iterdir()):
        sync(path)
        stamps[path.name] = stamp_of(path)
    with writing_whole(folder / _NOTE) as unfinished:
        unfinished.write_text(json.dumps(stamps))


def what_is_damaged(folder: Path, *, info_alone: bool = False) -> str | None:
    """Return what is damaged or missing in the folder of a built dataset; None where it is whole.

    What else lies in it, such as the results of `map`, is not looked at; `info_alone` leaves out the rows too.

    Raises:
        OSError: a file is there and may not be read.
    """
    try:
        stamps = {name: Stamp(*stamp) for name, stamp in json.loads((folder / _NOTE).read_bytes()).items()}
    except (ValueError, TypeError, AttributeError):
        return f"{_NOTE} cannot be read"
    except OSError as error:
        return _if_lost(error, _NOTE)
    if _INFO not in stamps:
        return f"{_NOTE} does not name {_INFO}"
    for name, stamp in stamps.items():
        if info_alone and name != _INFO:
            continue
        try:
            found = stamp_of(folder / name)
        except OSError as error:
            return _if_lost(error, name)
        if found.size != stamp.size:
            return f"{name} has {found.size:,} bytes of {stamp.size:,}"
        if found != stamp:
            return f"{name} has other content than was written"
    return None


def _if_lost(error: OSError, name: str) -> str:
    if error.errno not in _LOST:
        raise error
    return f"{name} is missing" if error.errno != errno.EIO else f"{name} cannot be read from the disk"


def clear_killed_builds(source: Path, own: Path) -> None:
    """Delete what killed builds of a source left: unfinished folders, and the locks of what was never built.

    What this process builds, in `own`, stays.
    """
    for unfinished in source.glob(f"*/*/*{_UNFINISHED}"):
        built = unfinished.with_name(unfinished.name.removesuffix(_UNFINISHED))
        here = (unfinished / f"{_BUILDER}{this_machine()}").exists()
        if built != own and (here or _is_old(unfinished)):
            # A build that runs holds the lock, which `datasets` names so; that it does is an OSError too.
            with suppress(OSError), FileLock(f"{built}_builder.lock", timeout=0):
                shutil.rmtree(unfinished)
    for lock in source.glob("*/*/*.lock"):
        built = lock.with_name(lock.name.partition("_builder.lock")[0].partition(f"{_UNFINISHED}_info.lock")[0])
        if built != own and not built.exists() and not Path(f"{built}{_UNFINISHED}").exists() and _is_old(lock):
            with suppress(OSError), FileLock(str(lock), timeout=0):
                os.remove(lock)


def _is_old(path: Path) -> bool:
    """Return whether nothing of a file, or a folder and what is in it, has changed for a day."""
    with suppress(OSError):
        places: list[Path] = [path, *(path.iterdir() if path.is_dir() else ())]
        return max(each.stat().st_mtime for each in places) < time.time() - ABANDONED_SECONDS
    return False
