"""Lists of the videos and questions that evaluations use, which training mixtures are kept clear of.

A list is one gzipped JSON file for each source or benchmark: facts of identity only, no text of any dataset. Videos
stand there by their `video_id`, readable, or as eight bytes of a hash where the publisher's terms let nobody pass on
even a part; questions as six bytes of a BLAKE2b hash of video and words (a chance match is one in 2**48 for each pair).
What videos show stands there as fingerprints, where the videos were at hand when the list was made.
Lists that could be made of public files ship with the package, each with the licence, the address and the hash of the
files it was made from (`tests/make_eval_lists.py` makes them anew); others are made from a user's own files by
`video-sft eval-ids` and kept in `user_folder()`.
"""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import json
import logging
import os
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datasets import Dataset

from video_sft._files import writing_whole
from video_sft.errors import ConfigError
from video_sft.mixing._selection.questions import question_digest, questions

__all__ = [
    "DIGEST_BYTES",
    "EvalList",
    "eval_list",
    "eval_lists",
    "read_lists",
    "shipped_lists",
    "user_folder",
    "write_lists",
]

logger = logging.getLogger("video_sft.mixing")
DIGEST_BYTES = 6
_SHIPPED = Path(__file__).with_name("data")
#: Fields that are written as they are.
_PLAIN = ("source", "split", "rows", "license", "hashed", "default", "note")


@dataclass(frozen=True)
class EvalList:
    """What one evaluation split uses.

    Attributes:
        source: the name of the source or benchmark, or of a user's own list.
        split: `validation` or `test`; empty for a user's own list.
        rows: how many rows the split has.
        videos: its `video_id`s, sorted. What has no pool here is called by where it comes from: `youtube/<id>`,
            `ego4d/<uid>`. Where `hashed`, hexadecimal digests of them.
        questions: digests of its questions; empty where only its videos are known.
        files: the annotation files it was made from, and their sha256.
        license: what the publisher says of its use.
        origins: where each of those files was published.
        hashed: whether `videos` are digests.
        default: whether mixtures are kept clear of it unless told; the others have to be named.
        note: what a user should know of it.
        fingerprints: by video, what it shows (`video_sft.fingerprints`): of all of it, and of the parts rows are about.
            Videos that were not at hand have none.
    """

    source: str
    split: str
    rows: int
    videos: tuple[str, ...]
    questions: frozenset[bytes]
    files: Mapping[str, str]
    license: str = ""
    origins: Mapping[str, str] = field(default_factory=dict)
    hashed: bool = False
    default: bool = True
    note: str = ""
    fingerprints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How reports and `eval_sets` call it."""
        return f"{self.source} {self.split}".rstrip()

    @property
    def made_from(self) -> str:
        """Where it comes from, in a few words: repositories with their commits, or the names of files."""
        if not self.origins:
            return ", ".join(self.files)
        places = dict.fromkeys(_repository(address) for address in self.origins.values())
        return ", ".join(places) + (f" ({self.license})" if self.license else "")

    def digest(self) -> str:
        """Return a short name for the content, so that two machines can be seen to use the same list."""
        content = hashlib.blake2b("\n".join(self.videos).encode(), digest_size=8)
        for question in sorted(self.questions):
            content.update(question)
        for video, prints in sorted(self.fingerprints.items()):
            content.update("\n".join((video, *prints)).encode())
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
    found = {(entry.source, entry.split): entry for entry in shipped_lists()}
    own = user_folder() if folder is None else Path(folder)
    if folder is not None and not own.is_dir():
        raise ConfigError(f"eval_ids is {str(own)!r}, which is not a folder; `video-sft eval-ids` writes one")
    found |= {(entry.source, entry.split): entry for entry in _read_folder(own)}
    return [found[key] for key in sorted(found)]


@functools.cache
def shipped_lists() -> tuple[EvalList, ...]:
    """Return the lists that come with the package."""
    return tuple(_read_folder(_SHIPPED))


def eval_list(rows: Dataset, *, source: str, split: str, files: Mapping[str, str] | None = None) -> EvalList:
    """Make the list of one evaluation split of rows in the shared schema, which came from files with these sha256."""
    videos: set[str] = set()
    asked: set[bytes] = set()
    if len(rows):
        columns = rows.with_format("arrow")[:]
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
        kept = {entry.split: entry for entry in _kept_lists(path)} if path.exists() else {}
        entries = [_entry(entry) for _, entry in sorted({**kept, **new}.items())]
        text = json.dumps({"digest_bytes": DIGEST_BYTES, "lists": entries}, indent=1, sort_keys=True)
        with writing_whole(path) as unfinished:
            unfinished.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))
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
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(
            f"{path} is not a list of evaluation ids ({error}); make it again with `video-sft eval-ids`"
        ) from error


def _kept_lists(path: Path) -> list[EvalList]:
    """Return the lists that new ones join; what cannot be read makes room for them, under another name."""
    try:
        return read_lists(path)
    except ConfigError:
        aside = path.with_name(f"{path.name}.damaged")
        os.replace(path, aside)
        logger.warning(
            "%s is damaged: it is now %s, and other lists that were in it have to be made again", path, aside
        )
        return []


def _read_folder(folder: Path) -> list[EvalList]:
    return [entry for path in sorted(folder.glob("*.json.gz")) for entry in read_lists(path)]


def _entry(entry: EvalList) -> dict[str, Any]:
    return {
        **{name: getattr(entry, name) for name in _PLAIN},
        "files": dict(entry.files),
        "origins": dict(entry.origins),
        "videos": list(entry.videos),
        "questions": base64.b64encode(b"".join(sorted(entry.questions))).decode(),
        **({"fingerprints": entry.fingerprints} if entry.fingerprints else {}),
    }


def _unpacked(entry: Mapping[str, Any]) -> EvalList:
    packed = base64.b64decode(entry["questions"], validate=True)
    asked = frozenset(packed[start : start + DIGEST_BYTES] for start in range(0, len(packed), DIGEST_BYTES))
    content = {name: entry[name] for name in (*_PLAIN, "files", "origins") if name in entry}
    prints = {video: tuple(each) for video, each in entry.get("fingerprints", {}).items()}
    return EvalList(**content, videos=tuple(entry["videos"]), questions=asked, fingerprints=prints)


def _repository(address: str) -> str:
    """Return `owner/name@commit` of a file's address on GitHub; another address as it is."""
    owner, _, rest = address.removeprefix("https://github.com/").partition("/blob/")
    return f"{owner}@{rest[:7]}" if rest else address
