"""The versions of many files, each file or archive looked at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from video_sft._parallel import done_in_threads
from video_sft._probing.file_identity import identified
from video_sft.errors import VideoError
from video_sft.video._bytes.media_bytes import MediaBytes

__all__ = ["versions_of"]

#: Servers are asked about so many files at a time.
_ASKED_AT_ONCE = 16


def versions_of(sources: Iterable[MediaBytes]) -> Iterator[tuple[MediaBytes, tuple[str, int] | VideoError]]:
    """Yield each file with what changes with its content, and its size in bytes, 0 where that is not known.

    Nothing of a file is read: local ones are looked at by their time of change, servers are asked for what they state.
    What lies in an archive changes with the archive.
    """
    places: dict[MediaBytes, list[MediaBytes]] = {}
    for source in dict.fromkeys(sources):
        outer = (source.path or "").rpartition("::")[2]
        file = source if source.data is not None else MediaBytes(outer, token=source.token)
        places.setdefault(file, []).append(source)

    def ask(file: MediaBytes) -> tuple[str, int | None] | VideoError:
        try:
            return identified(file)
        except VideoError as error:
            return error

    asked = done_in_threads(
        ask, list(places), num_threads=_ASKED_AT_ONCE, total=len(places), title="looking at originals", unit="files"
    )
    for file, known in asked:
        for source in places[file]:
            if isinstance(known, VideoError):
                yield source, known
                continue
            hops = (source.path or "").rpartition("::")[0] if source.data is None else ""
            digest = hashlib.blake2b(hops.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
            yield source, (f"{known[0]}-{digest}", 0) if hops else (known[0], known[1] or 0)
