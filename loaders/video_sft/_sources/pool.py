"""A media pool: whose ids its items have, and how its files may be named.

A pool is a collection of videos or images that one or more sources point into. `charades/6H78U` is the same clip
whichever source mentions it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from video_sft.errors import ConfigError

__all__ = ["Pool"]

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, kw_only=True)
class Pool:
    """How files of a pool are recognised.

    Attributes:
        name: the first part of `video_id` and `video_path`.
        unique_names: a file's name alone tells which item it is, in whatever folder it lies; otherwise the end of its
            path has to agree with `video_path`.
        ignore_case: names that differ in case only are the same item. YouTube ids are not like that.
        optional_prefix: what file names may lack, e.g. the `v_` of ActivityNet.
        cut_by_row: users keep clips cut to one row as `<native key>.mp4` in it; such a file is used as it is.
        youtube_clips: names are `<YouTube id>_<from>_<to>`, or the id alone, see `video_sft._media.youtube_clips`.
        partial_paths: the user's folders may be fewer than in `video_path`, as long as the last one agrees.
        fps: of folders of frames, the rate at which upstream took them.
        where: where the files can be had, for messages.
    """

    name: str
    unique_names: bool = False
    ignore_case: bool = False
    optional_prefix: str = ""
    cut_by_row: bool = False
    youtube_clips: bool = False
    partial_paths: bool = False
    fps: float | None = None
    where: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            wanted = "its name has letters, digits, '_', '-' and '.', for folders bear it"
            raise ConfigError(f"a pool is called {self.name!r}; {wanted}")

    def agrees_with(self, other: Pool) -> bool:
        """Return whether files are recognised as in another pool; where they can be had may be worded otherwise."""
        return replace(self, where="") == replace(other, where="")
