"""The licence files that go along: a statement for the repo, and what lies beside the videos in the media folders."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from video_sft._places import files_under, is_remote, join, open_binary, root_of
from video_sft._sources.source import Source
from video_sft.publishing._layout import VIDEO_FOLDER
from video_sft.publishing._upload.refusals import PublishError

__all__ = ["is_ours", "licence_text", "licences_beside"]

_NAME = re.compile(r"(?:licen[cs]e|copying|terms[_ -]of[_ -]use)[\w -]*(?:\.(?:txt|md))?", re.IGNORECASE | re.ASCII)
_LONGEST = 1 << 20
_BEGIN = "What is in this repo, and the terms it comes under, as far as those it comes from state them."


def is_ours(text: str | None) -> bool:
    """Return whether a repo's `LICENSE` is one of these, or not there, and not somebody's own that is to stay."""
    return text is None or text.startswith(_BEGIN)


def licence_text(sources: Iterable[Source]) -> bytes:
    """Return what a repo's `LICENSE` says: for each source the licence of its rows, and the terms upstream states."""
    lines = [_BEGIN]
    for source in sources:
        known = source.license != "other"
        licence = f"{source.license}, https://spdx.org/licenses/{source.license}.html" if known else "see below"
        lines += ["", f"{source.title} ({source.name})"]
        lines += [f"  {source.homepage}"] if source.homepage else []
        lines += [f"  licence on each row: {licence}"]
        lines += [f"  annotations: {source.annotation_terms}", f"  videos: {source.video_terms}"]
    return "\n".join([*lines, ""]).encode()


def licences_beside(media: Mapping[str, Sequence[str | os.PathLike[str]]]) -> dict[str, bytes]:
    """Return the licence files at the top of media folders and zips, by the path they get in the repo.

    Raises:
        PublishError: one is a link, or no text: nothing else than a licence is to be sent under its name.
    """
    found: dict[str, bytes] = {}
    for pool, places in media.items():
        for place in places:
            for name, location in _licences_in(root_of(place)):
                with open_binary(location) as file:
                    content = file.read(_LONGEST + 1)
                try:
                    text = content.decode("utf-8")
                except UnicodeDecodeError:
                    text = "\0"
                if os.path.islink(location) or "\0" in text or len(content) > _LONGEST:
                    raise PublishError(
                        f"{location} bears the name of a licence and is a link, no text, or larger than 1 MB; it would "
                        "be published beside the videos. Give it another name, or put the right file there"
                    )
                found.setdefault(f"{VIDEO_FOLDER}/{pool}-{name.replace(' ', '_')}", content)
    return found


def _licences_in(root: str) -> Iterator[tuple[str, str]]:
    if os.path.isdir(root):
        names: Iterable[str] = sorted(os.listdir(root))
    elif root.startswith("zip://::") and not is_remote(root.partition("::")[2]):
        names = files_under(root, depth=1)
    else:  # a URL, which may hold anything
        return
    for name in names:
        if _NAME.fullmatch(PurePosixPath(name).name) and "/" not in name:
            yield name, join(root, name)
