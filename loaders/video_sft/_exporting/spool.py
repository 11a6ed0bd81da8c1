"""The rows of an export, read once and laid aside until their media are ready."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import datasets
import orjson

from video_sft._datasets import stored_batches, tqdm
from video_sft._exporting.conversation import PlainTurn, spaced_tags, turns_of
from video_sft._probing.row_media import RowMedium, medium_of
from video_sft.errors import ConfigError

__all__ = ["LaidRow", "Spool"]

_COLUMNS = ("id", "messages", "video", "image", "start_seconds", "stop_seconds")
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class LaidRow:
    """Where a row is laid.

    Attributes:
        offset: in the file.
        size: in bytes.
        medium: its video or image; None for a row of text.
    """

    offset: int
    size: int
    medium: RowMedium | None


@dataclass
class Spool:
    """Rows on disk, and what they need.

    Attributes:
        path: the file.
        rows: those that can be exported, in order, as far as their media can be read.
        left_out: how many cannot, by reason.
        examples: ids of the first of these.
        spaced: rows with a tag in their text that is none.
        digest: of all rows.
    """

    path: Path
    rows: list[LaidRow] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    spaced: int = 0
    digest: str = ""

    @classmethod
    def of(cls, rows: object, path: Path) -> Spool:
        """Read rows into a new file.

        Args:
            rows: a `datasets.Dataset`, an `IterableDataset`, or any iterable of rows with the columns of the shared
                schema.
            path: the file.

        Raises:
            ConfigError: these are no rows, or not of the shared schema.
        """
        spool, digest, known, offset = cls(path), hashlib.blake2b(digest_size=16), dict[str, RowMedium](), 0
        with path.open("wb") as file:
            for number, row in enumerate(_stored(rows)):
                name = str(row.get("id") or f"row {number}")
                medium = medium_of(row, known)
                turns = spool._taken(name, row.get("messages"), medium)
                if turns is None:
                    continue
                line = orjson.dumps([name, [list(asdict(turn).values()) for turn in turns]])
                file.write(line)
                digest.update(line + repr(medium).encode("utf-8", "surrogateescape"))
                spool.rows.append(LaidRow(offset, len(line), medium if any(turn.media for turn in turns) else None))
                offset += len(line)
        spool.digest = digest.hexdigest()
        return spool

    def _taken(self, name: str, messages: Any, medium: RowMedium | None) -> list[PlainTurn] | None:
        """Return the turns of a row that can be exported, and count one that cannot."""
        if not messages:
            raise ConfigError(f"{name} has no messages; export takes rows of the shared schema, not of -source configs")
        turns = turns_of(messages, name)
        shown = next((turn.media for turn in turns if turn.media), None)
        if turns[-1].role != "assistant":
            self.leave_out("the answer is withheld", name)
            return None
        if shown is not None and (medium is None or medium.medium[0] != shown):
            self.leave_out(f"the {shown} is not there", name)
            return None
        spaced = [PlainTurn(turn.role, spaced_tags(turn.text), turn.media) for turn in turns]
        self.spaced += spaced != turns
        return spaced

    def leave_out(self, reason: str, name: str) -> None:
        """Count a row that is not exported."""
        self.left_out[reason] += 1
        examples = self.examples.setdefault(reason, [])
        if len(examples) < 5:
            examples.append(name)

    def read(self, rows: Iterable[LaidRow]) -> Iterator[tuple[LaidRow, str, list[PlainTurn]]]:
        """Yield rows with their id and turns."""
        with self.path.open("rb") as file:
            for row in rows:
                file.seek(row.offset)
                name, turns = orjson.loads(file.read(row.size))
                yield row, name, [PlainTurn(*turn) for turn in turns]


def _stored(rows: object) -> Iterator[Mapping[str, Any]]:
    """Yield rows with cells as they are stored, where that is known."""
    if isinstance(rows, (datasets.DatasetDict, datasets.IterableDatasetDict)):
        raise ConfigError(f"export takes one split at a time, for example rows[{next(iter(rows), 'train')!r}]")
    if isinstance(rows, datasets.IterableDataset) and rows.features is not None:
        rows = rows.decode(False)
    total = len(rows) if hasattr(rows, "__len__") else None
    with tqdm(desc="reading rows", total=total, unit=" rows", leave=False, delay=1.0) as progress:
        if isinstance(rows, datasets.Dataset):
            columns = [name for name in _COLUMNS if name in rows.column_names]
            if "messages" not in columns:
                raise ConfigError(f"export takes rows of the shared schema; these have the columns {rows.column_names}")
            for batch in stored_batches(rows, columns, _BATCH):
                yield from batch.to_pylist()
                progress.update(len(batch))
        elif isinstance(rows, Iterable) and not isinstance(rows, (str, bytes, Mapping)):
            for row in rows:
                if not isinstance(row, Mapping):
                    raise ConfigError(f"export takes rows as dicts, not {row!r:.80}")
                yield row
                progress.update()
        else:
            raise ConfigError(
                f"export takes a Dataset, a stream or a list of rows, such as video_sft.load(..., split='train'), not "
                f"{rows!r:.80}"
            )
