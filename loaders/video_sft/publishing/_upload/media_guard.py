"""Guard of what is sent: videos and images that lie in the media folders, nothing a link or a false name brings in."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

import datasets

from video_sft._places import is_remote, open_binary
from video_sft.errors import MissingMediaError
from video_sft.publishing._upload.refusals import PublishError
from video_sft.video._fragment import split_cut, split_fragment

__all__ = ["check_content", "check_head", "refuse_links"]

_HEAD = 4096
#: How files of the usual containers and picture formats begin.
_MEDIA = re.compile(
    rb".{4}(?:ftyp|moov|mdat|free|skip|wide|pnot)|\x1a\x45\xdf\xa3|RIFF.{4}(?:AVI |WEBP|AVIX)|GIF8[79]a|FLV\x01|OggS"
    rb"|\x00\x00\x01[\xb3\xba]|\x30\x26\xb2\x75\x8e\x66\xcf\x11|\x00\x00(?:\x00)?\x01[\x09\x26\x27\x40\x42\x46\x67]"
    rb"|\x47.{187}\x47.{187}\x47|.{4}\x47.{191}\x47.{191}\x47|\xff\xd8\xff|\x89PNG\r\n\x1a\n|BM|II\*\x00|MM\x00\*",
    re.DOTALL,
)


def check_content(location: str) -> None:
    """Look at how a file begins before it is sent.

    Raises:
        PublishError: it is neither a video nor an image, whatever its name.
        MissingMediaError: it cannot be read.
    """
    try:
        with open_binary(location) as handle:
            head = handle.read(_HEAD)
    except OSError as error:
        raise MissingMediaError(f"{location} cannot be read for publishing: {error}") from error
    check_head(location, head)


def check_head(location: str, head: bytes) -> None:
    """Look at the bytes that a file begins with; see `check_content`.

    Raises:
        PublishError: they are those of neither a video nor an image.
    """
    if not _MEDIA.match(head):
        raise PublishError(
            f"{location} is neither a video nor an image, whatever its name says: it begins with {head[:16]!r}. "
            "Nothing of it was sent; take it out of the media folder, or put the right file there"
        )


def refuse_links(splits: Mapping[str, datasets.Dataset], places: Iterable[str | os.PathLike[str]]) -> None:
    """Refuse media of rows that lie outside of the folders the user named and were reached by a link in them.

    Raises:
        PublishError: names the first such file and where it really is.
    """
    given = [os.path.abspath(os.path.expanduser(os.fspath(place))) for place in places]
    given = [place for place in given if os.path.isdir(place)]  # only folders of this machine have links
    if not given:
        return
    roots = [os.path.realpath(place) for place in given]
    for rows in splits.values():
        for name, feature in rows.features.items():
            if not isinstance(feature, (datasets.Video, datasets.Image)):
                continue
            for chunk in rows.data.column(name).chunks:
                paths = chunk.field("path").drop_null().unique().to_pylist()
                for path in {split_cut(split_fragment(path)[0])[0] for path in paths}:
                    _check_place(path, given, roots)


def _check_place(path: str, given: list[str], roots: list[str]) -> None:
    if is_remote(path) or not any(_inside(path, place) for place in given):
        return
    real = os.path.realpath(path)
    if not any(_inside(real, root) for root in roots):
        raise PublishError(
            f"{path} is a link to {real}, outside of the media folders given. Publish with that folder named as well "
            "(media={pool: [folder, folder]}), or copy the file"
        )


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
