"""A user's own evaluation lists: one file of ids, kept under a name, and left out of training mixtures from then on."""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from video_sft._media.media_listing import Notes, videos_under
from video_sft._media.pool_places import archive_root, place_of
from video_sft._media.prepared import prepared_place
from video_sft._places import is_remote, safe_relative
from video_sft._probing.row_media import RowMedium
from video_sft._suffixes import without_suffix
from video_sft.errors import ConfigError, MissingFileError, MissingMediaError, UnsafePathError
from video_sft.mixing._eval_lists.chosen import GROUPS, UNAVAILABLE
from video_sft.mixing._eval_lists.footage import with_footage
from video_sft.mixing._eval_lists.lists import EvalList, shipped_lists, user_folder, write_lists
from video_sft.mixing._eval_lists.video_keys import YOUTUBE_POOLS
from video_sft.video._bytes.media_bytes import MediaBytes

__all__ = ["add_eval_list", "remove_eval_list"]

logger = logging.getLogger("video_sft.mixing")
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_POOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_ADDRESS = re.compile(
    r"(?:https?://)?(?:www\.|m\.)?(?:youtube\.com/(?:watch\?(?:\S*&)?v=|shorts/|live/|embed/)|youtu\.be/)"
    r"([A-Za-z0-9_-]{11})(?:[?&#/]\S*)?"
)
_YOUTUBE_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_SUFFIX = re.compile(r"\.(mp4|mkv|webm|avi|mov|gif|m4v)$", re.IGNORECASE)
#: Names of columns, or keys, that hold ids; the first that is there counts.
_COLUMNS = (
    *("video_id", "videoID", "videoId", "youtube_id", "youtube_url", "video_name", "video", "vid", "url", "key", "id"),
)
_SHOWN = 5


def add_eval_list(
    name: str,
    file: str | os.PathLike[str],
    *,
    pool: str | None = None,
    replace: bool = False,
    folder: str | os.PathLike[str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
) -> EvalList:
    """Keep a file of ids, or the videos of a place, as an evaluation list that `mix` keeps clear of by default.

    Of videos, the list has fingerprints too: with `decontaminate="eval-content"`, `mix` finds them under other ids.

    Args:
        name: what to call it: small letters, digits, `_`, `.` and `-`.
        file: one id a line, blank lines and what follows a `#` left out; or CSV or TSV with a column such as
            `video_id`, a JSON array of ids or of objects, or JSON lines. An id is a `video_id` (`charades/6H78U`,
            `youtube/dQw4w9WgXcQ`), or a YouTube address; with `pool` also what follows the pool's name in one. Or a
            place of videos: a folder, a zip, a tar, a URL or a prepared root, as for `media` of `video_sft.load`.
        pool: of ids that name none; of videos in a place, the list's name if it is not given.
        replace: whether a list of that name may be replaced.
        folder: where lists are kept; None for `user_folder()`.
        cache_dir: where fingerprints are kept; the `datasets` cache by default.

    Returns:
        The list; `rows` is how many ids the file has, repeats included.

    Raises:
        ConfigError: the name is taken or not one; the file has no ids, or lines that are none: then nothing is kept.
        MissingFileError: there is no such file.
        MissingMediaError: there is no such place, or no video in it that could be looked at.
    """
    _check_name(name)
    if pool is not None and not _POOL.fullmatch(pool):
        raise ConfigError(f"pool is {pool!r}; it is the first part of a video_id, such as youtube or charades")
    place = user_folder() if folder is None else Path(folder)
    if not replace and (place / f"{name}.json.gz").exists():
        raise ConfigError(
            f"there is a list {name!r} already; replace it (--replace), or `video-sft eval-ids remove` it"
        )
    path = Path(file)
    if path.is_dir() or is_remote(os.fspath(file)) or archive_root(os.fspath(file)):
        entry = _list_of_videos(name, os.fspath(file), pool or name, cache_dir)
        write_lists([entry], place)
        return entry
    if not path.is_file():
        raise MissingFileError(f"there is no file {str(path)!r}")
    content = path.read_bytes()
    known = _known_pools()
    ids, wrong = [], []
    for where, text in _entries(path, content):
        try:
            ids.append(_canonical(text, pool, known))
        except ValueError as error:
            wrong.append(f"{where}: {error}")
    if wrong:
        more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise ConfigError(f"{path} has {len(wrong)} entries that are no ids: {'; '.join(wrong[:_SHOWN])}{more}")
    if not ids:
        raise ConfigError(f"{path} has no ids")
    _tell_unknown_pools(ids, known)
    digest = hashlib.sha256(content).hexdigest()
    entry = EvalList(name, "", len(ids), tuple(sorted(set(ids))), frozenset(), {path.name: digest})
    write_lists([entry], place)
    return entry


def _list_of_videos(name: str, place: str, pool: str, cache_dir: str | os.PathLike[str] | None) -> EvalList:
    """Make a list of all videos in a place."""
    notes = Notes()
    prepared = prepared_place(place, {})  # whose manifest has ids with their pools
    videos = videos_under(place_of(place).root, notes) if prepared is None else prepared.videos()
    media: dict[str, list[RowMedium]] = {}
    for path, location in videos:
        video = without_suffix(path if prepared is not None else f"{pool}/{path}")
        media.setdefault(video, []).append(RowMedium(("video", MediaBytes(location))))
    if not media:
        raise MissingMediaError(f"there is no video in {place}{notes.sentences()}")
    bare = EvalList(name, "", sum(map(len, media.values())), tuple(sorted(media)), frozenset(), {place: ""})
    entry, counts = with_footage(bare, media, cache_dir)
    if not entry.fingerprints:
        raise MissingMediaError(f"there is no video in {place} that has a fingerprint: {counts}")
    log = logger.info if not counts.lacking else logger.warning
    log("%s: %s", name, counts)
    return entry


def remove_eval_list(name: str, *, folder: str | os.PathLike[str] | None = None) -> Path:
    """Forget a list that was added or made of one's own files; return the file that is gone.

    Raises:
        ConfigError: there is no such list among the user's own.
    """
    place = user_folder() if folder is None else Path(folder)
    names = sorted(path.name.removesuffix(".json.gz") for path in place.glob("*.json.gz"))
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}" if names else "there are none"
        raise ConfigError(f"{place} has no list {name!r}; {hint}")
    path = place / f"{name}.json.gz"
    path.unlink()
    return path


def _check_name(name: str) -> None:
    from video_sft.builders import sources

    if not _NAME.fullmatch(name):
        raise ConfigError(f"{name!r} is no name for a list: small letters, digits, _, . and - only, such as our_test")
    if name in {*sources(), *GROUPS, *UNAVAILABLE, *(entry.source for entry in shipped_lists())}:
        raise ConfigError(f"{name!r} is the name of a source, a benchmark or a group; call yours something else")


def _entries(path: Path, content: bytes) -> Iterator[tuple[str, str]]:
    """Yield where each entry stands and what it says."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text ({error.reason} at byte {error.start})") from None
    kind = path.suffix.lower()
    if kind in (".csv", ".tsv"):
        yield from _table(path, text, "\t" if kind == ".tsv" else ",")
    elif kind in (".json", ".jsonl", ".ndjson"):
        yield from _json(path, text, lines=kind != ".json")
    else:
        for number, line in enumerate(text.splitlines(), start=1):
            said = re.sub(r"(^|\s)#.*", "", line).strip()
            if said:
                yield f"line {number}", said


def _table(path: Path, text: str, delimiter: str) -> Iterator[tuple[str, str]]:
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        column = _column(path, rows.fieldnames or ())
        for row in rows:
            yield f"line {rows.line_num}", (row[column] or "").strip()
    except csv.Error as error:
        raise ConfigError(f"{path} is not CSV: {error} (line {rows.line_num})") from None


def _json(path: Path, text: str, *, lines: bool) -> Iterator[tuple[str, str]]:
    try:
        values = [orjson.loads(line) for line in text.splitlines() if line.strip()] if lines else orjson.loads(text)
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON: {error}") from None
    if not isinstance(values, list):
        raise ConfigError(f"{path} should hold an array: of ids, or of objects with one of {', '.join(_COLUMNS)}")
    for number, value in enumerate(values, start=1):
        said = value[_column(path, value)] if isinstance(value, dict) else value
        yield f"entry {number}", said.strip() if isinstance(said, str) else str(said) if type(said) is int else ""


def _column(path: Path, names: Any) -> str:
    found = next((name for name in _COLUMNS if name in names), None)
    if found is None:
        raise ConfigError(f"{path} has {', '.join(map(str, names)) or 'nothing'}; one should be {', '.join(_COLUMNS)}")
    return found


def _canonical(text: str, pool: str | None, known: frozenset[str]) -> str:
    """Return a `video_id`.

    Raises:
        ValueError: it is none; the message says why.
    """
    address = _ADDRESS.fullmatch(text)
    if address:
        return f"youtube/{address[1]}"
    if not text or not text.isprintable() or "://" in text:
        raise ValueError(f"{text!r} is not an id")
    named, slash, rest = text.partition("/")
    if pool is not None and (not slash or named not in known):
        named, slash, rest = pool, "/", text
    if not slash or not rest or not _POOL.fullmatch(named):
        raise ValueError(f"{text!r} names no pool; write youtube/{text}, or pass --pool")
    try:
        rest = _SUFFIX.sub("", safe_relative(rest))
    except UnsafePathError as error:
        raise ValueError(str(error)) from None
    if named in ("youtube", "activitynet"):
        bare = rest if _YOUTUBE_ID.fullmatch(rest) else rest.removeprefix(YOUTUBE_POOLS[named])
        if not _YOUTUBE_ID.fullmatch(bare):
            raise ValueError(f"{text!r} has no YouTube id of 11 characters")
        rest = YOUTUBE_POOLS[named] + bare
    return f"{named}/{rest}"


def _known_pools() -> frozenset[str]:
    from video_sft.builders import find_source, sources

    pools = {pool for name in sources() for pool in find_source(name).pools}
    return frozenset({"ego4d", *YOUTUBE_POOLS, *pools})


def _tell_unknown_pools(ids: list[str], known: frozenset[str]) -> None:
    for pool in sorted({video.partition("/")[0] for video in ids} - known):
        near = difflib.get_close_matches(pool, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "it is compared with rows of your own that have it"
        logger.warning("no source here has a pool %r; %s", pool, hint)
