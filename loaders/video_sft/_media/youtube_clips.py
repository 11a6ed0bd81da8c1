"""Names of clips cut out of YouTube videos, as Kinetics has them: `<id>_<from>_<to>`, or `<id>` alone.

The downloads of https://github.com/cvdfoundation/kinetics-dataset name a clip by its video and its seconds, others by
its video; of each edition (400, 600, 700) there is one clip of a video, and other editions may have another one.
"""

from __future__ import annotations

import re

__all__ = ["clip_agreement", "clip_key"]

_CLIP = re.compile(r"([\w-]{11})(?:_(\d{1,7})_(\d{1,7}))?", re.ASCII)
_EDITION = re.compile(r"(?:^|[^a-z0-9])k(?:inetics)?[-_]?([467]00)(?![a-z0-9])", re.IGNORECASE)


def clip_key(stem: str) -> str:
    """Return the video's id, which all spellings of a clip's name have in common; other names are their own key."""
    match = _CLIP.fullmatch(stem)
    return match[1] if match else stem


def clip_agreement(path: str, wanted: str, root: str = "") -> int | None:
    """Tell how well a file's path goes with the path wanted, both without suffix and with the same key.

    Args:
        path: of the file, in its root.
        wanted: the path wanted.
        root: tells the edition where the path does not.

    Returns:
        0 for the same clip of the same edition, 1 for the same clip of an edition that is another or not known, 2 for
        a clip of the same edition of which one path tells the seconds and the other does not, 3 for such a one whose
        edition is not known; None for another clip.
    """
    edition, wanted_edition = _edition(path) or _edition(root), _edition(wanted)
    seconds, wanted_seconds = _seconds(path), _seconds(wanted)
    same = edition is not None and edition == wanted_edition
    other = edition is not None and wanted_edition is not None and edition != wanted_edition
    if seconds is not None and seconds == wanted_seconds:
        return 0 if same else 1
    if (seconds is not None and wanted_seconds is not None) or other:
        return None
    return (0 if same else 1) if seconds == wanted_seconds else (2 if same else 3)


def _edition(path: str) -> str | None:
    found = _EDITION.findall(path)
    return found[-1] if found else None


def _seconds(path: str) -> tuple[int, int] | None:
    match = _CLIP.fullmatch(path.rpartition("/")[2])
    return (int(match[2]), int(match[3])) if match and match[2] else None
