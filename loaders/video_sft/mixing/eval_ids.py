"""Which videos and questions the evaluation splits use: the lists that training mixtures are kept clear of.

A list is one gzipped JSON file for each source: facts of identity only, no text of any dataset. Videos stand there by
their `video_id`, readable; questions as six bytes of a BLAKE2b hash of video and words (a chance match is one in 2**48
for each pair). Lists of the sources that could be read ship with the package, each with the hashes of the files it was
made from; others are made from a user's own files by `video-sft eval-ids` and kept in `user_folder()`.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset

from video_sft.errors import ConfigError
from video_sft.mixing.questions import question_digest, questions

__all__ = [
    "DIGEST_BYTES",
    "EvalList",
    "eval_list",
    "eval_lists",
    "read_lists",
    "unlisted",
    "user_folder",
    "write_lists",
]

DIGEST_BYTES = 6
_SHIPPED = Path(__file__).with_name("eval_ids")


@dataclass(frozen=True)
class EvalList:
    """What one evaluation split uses.

    Attributes:
        source: the source's name.
        split: `validation` or `test`.
        rows: how many rows the split has.
        videos: its `video_id`s, sorted.
        questions: digests of its questions.
        files: the annotation files it was made from, and their sha256.
    """

    source: str
    split: str
    rows: int
    videos: tuple[str, ...]
    questions: frozenset[bytes]
    files: Mapping[str, str]

    @property
    def name(self) -> str:
        """How reports call it."""
        return f"{self.source} {self.split}"

    def digest(self) -> str:
        """Return a short name for the content, so that two machines can be seen to use the same list."""
        content = hashlib.blake2b("\n".join(self.videos).encode(), digest_size=8)
        for question in sorted(self.questions):
            content.update(question)
        return content.hexdigest()


def user_folder() -> Path:
    """Return where a user's own lists are kept: `VIDEO_SFT_EVAL_IDS`, or `video-sft/eval-ids` in the data folder."""
    chosen = os.environ.get("VIDEO_SFT_EVAL_IDS")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "video-sft" / "eval-ids"


def eval_lists(folder: str | os.PathLike[str] | None = None) -> list[EvalList]:
    """Return every list there is, by source and split; a user's list replaces the shipped one of the same split.

    Args:
        folder: where the user's lists are; None for `user_folder()`.
    """
    found = {(entry.source, entry.split): entry for entry in _read_folder(_SHIPPED)}
    own = user_folder() if folder is None else Path(folder)
    if folder is not None and not own.is_dir():
        raise ConfigError(f"eval_ids is {str(own)!r}, which is not a folder; `video-sft eval-ids` writes one")
    found |= {(entry.source, entry.split): entry for entry in _read_folder(own)}
    return [found[key] for key in sorted(found)]


def unlisted(lists: Iterable[EvalList]) -> tuple[str, ...]:
    """Return the evaluation splits of all sources that none of the lists is of."""
    from video_sft.builders import find_source, sources

    there = {entry.name for entry in lists}
    splits = [f"{name} {split}" for name in sources() for split in find_source(name).splits if split != "train"]
    return tuple(name for name in splits if name not in there)


def eval_list(rows: Dataset, *, source: str, split: str, files: Mapping[str, str] | None = None) -> EvalList:
    """Make the list of one evaluation split.

    Args:
        rows: the split, in the shared schema.
        source: its source.
        split: its name.
        files: the files it came from, with their sha256.
    """
    columns = rows.with_format("arrow")[:] if len(rows) else None
    videos: set[str] = set()
    asked: set[bytes] = set()
    if columns is not None:
        ids = columns.column("video_id").to_pylist()
        videos = {video for video in ids if video is not None}
        said = questions(columns.column("messages"))
        for row, words in zip(said.rows.tolist(), said.texts.to_pylist(), strict=True):
            if ids[row] is not None:
                asked.add(question_digest(ids[row], words, DIGEST_BYTES))
    return EvalList(source, split, len(rows), tuple(sorted(videos)), frozenset(asked), dict(files or {}))


def write_lists(lists: Iterable[EvalList], folder: str | os.PathLike[str]) -> list[Path]:
    """Write one file for each source, keeping the lists of other splits that are there; return what was written."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    by_source: dict[str, dict[str, EvalList]] = {}
    for entry in lists:
        by_source.setdefault(entry.source, {})[entry.split] = entry
    written = []
    for source, new in sorted(by_source.items()):
        path = place / f"{source}.json.gz"
        kept = {entry.split: entry for entry in read_lists(path)} if path.exists() else {}
        _write_whole(path, _packed({**kept, **new}))
        written.append(path)
    return written


def read_lists(path: str | os.PathLike[str]) -> list[EvalList]:
    """Read the lists of one source.

    Raises:
        ConfigError: the file is not such a list.
    """
    try:
        content = json.loads(gzip.decompress(Path(path).read_bytes()))
        return [_unpacked(entry) for entry in content["lists"]]
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{path} is not a list of evaluation ids ({error}); make it again with `video-sft eval-ids`"
        ) from error


def _read_folder(folder: Path) -> list[EvalList]:
    return [entry for path in sorted(folder.glob("*.json.gz")) for entry in read_lists(path)]


def _packed(lists: Mapping[str, EvalList]) -> bytes:
    content = {"digest_bytes": DIGEST_BYTES, "lists": [_entry(lists[split]) for split in sorted(lists)]}
    text = json.dumps(content, indent=1, sort_keys=True)
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


def _entry(entry: EvalList) -> dict[str, Any]:
    return {
        "source": entry.source,
        "split": entry.split,
        "rows": entry.rows,
        "files": dict(entry.files),
        "videos": list(entry.videos),
        "questions": base64.b64encode(b"".join(sorted(entry.questions))).decode(),
    }


def _unpacked(entry: Mapping[str, Any]) -> EvalList:
    packed = base64.b64decode(entry["questions"], validate=True)
    asked = frozenset(packed[start : start + DIGEST_BYTES] for start in range(0, len(packed), DIGEST_BYTES))
    return EvalList(
        str(entry["source"]), str(entry["split"]), int(entry["rows"]), tuple(entry["videos"]), asked, entry["files"]
    )


def _write_whole(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
