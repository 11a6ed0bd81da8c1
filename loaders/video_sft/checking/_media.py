"""The videos and images that rows name, compared with what is in the user's pools."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from video_sft._datasets import tqdm
from video_sft._media.attach import failures
from video_sft._media.index import MediaIndexes
from video_sft._sources.registry import find_pool
from video_sft.checking._part_rows import PartRows
from video_sft.checking._report import Finding, MediaFacts, counted

__all__ = ["FoundMedia", "find_media", "media_findings"]

_EXAMPLES = 10


@dataclass
class FoundMedia:
    """Where each video and image of a source is.

    Attributes:
        paths: every `video_path` the rows name, once, as an Arrow array: Python's strings take five times as much.
        places: where each is; None where it is missing.
        codes: of each part, the number in `paths` of each row; -1 for rows without media.
        cut: of each part, the place of each row's clip where the user has it already cut, or has it prepared.
        prepared: of each part, the rows of the latter, whose files count the seconds of the original.
        facts: numbers by pool.
    """

    paths: pa.Array
    places: list[str | None]
    codes: list[npt.NDArray[np.int64]]
    cut: list[dict[int, str]]
    prepared: list[frozenset[int]]
    facts: list[MediaFacts] = field(default_factory=list)

    @functools.cached_property
    def missing(self) -> list[str]:
        """The paths that some row names and does not find, neither as they are nor cut to it."""
        needed = np.zeros(len(self.paths), dtype=np.bool_)
        for codes, cut in zip(self.codes, self.cut, strict=True):
            plain = np.delete(codes, list(cut))
            needed[plain[plain >= 0]] = True
        absent = np.array([place is None for place in self.places], dtype=np.bool_)
        missing: list[str] = self.paths.filter(pa.array(needed & absent)).to_pylist()
        return missing


def find_media(parts: Sequence[PartRows], indexes: MediaIndexes) -> FoundMedia:
    """Look every video and image up once, however many rows name it."""
    tables = [pa.concat_tables(rows.media) if rows.media else None for rows in parts]
    columns = [table["path"] for table in tables if table is not None]
    together = pa.chunked_array([chunk for column in columns for chunk in column.chunks], pa.string())
    encoded = together.cast(pa.large_string()).combine_chunks().dictionary_encode()
    paths = encoded.dictionary
    all_codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    flags = [table["image"].to_numpy() for table in tables if table is not None]
    is_image = np.concatenate([np.zeros(0, np.bool_), *flags]).astype(np.bool_)
    images = set(all_codes[is_image & (all_codes >= 0)].tolist())
    named = enumerate(tqdm(paths, desc="finding media", unit=" files", leave=False, delay=1.0))
    places = [indexes.find(path.as_py(), "image" if number in images else "video") for number, path in named]
    by_part = np.split(all_codes, np.cumsum([len(rows) for rows in parts])[:-1]) if parts else []
    whole = [np.array([code >= 0 and places[code] is not None for code in codes.tolist()], bool) for codes in by_part]
    cut = [_already_cut(rows, table, indexes) for rows, table in zip(parts, tables, strict=True)]
    prepared = [_prepared(table, there, indexes) for table, there in zip(tables, whole, strict=True)]
    cut = [{**made, **own} for own, made in zip(cut, prepared, strict=True)]
    found = FoundMedia(paths, places, by_part, cut, [frozenset(made) for made in prepared])
    found.facts = list(_by_pool(found, indexes))
    return found


def media_findings(found: FoundMedia, indexes: MediaIndexes, listed_in: str | None) -> Iterator[Finding]:
    """Yield a finding for each pool: what is missing, with the file that lists it, or that no place was given."""
    missing: dict[str, list[str]] = {}
    for path in found.missing:
        missing.setdefault(path.partition("/")[0], []).append(path)
    for facts in found.facts:
        where = find_pool(facts.pool).where
        get = f"Get them from {where}" if where else "Add them to the folder"
        if facts.found is None:
            what = f"No place was given for the pool {facts.pool}: its {facts.wanted:,} files were not looked for"
            remedy = f"Give one with --media {facts.pool}=FOLDER" + (f"; to be had from {where}" if where else "")
            yield Finding("note", "media", what, remedy, facts.wanted)
        elif paths := missing.get(facts.pool, []):
            what = f"The pool {facts.pool} lacks {len(paths):,} of {counted(facts.wanted, 'file')}, for "
            what += f"{facts.rows - (facts.rows_found or 0):,} of {counted(facts.rows, 'row')}; looked for among the "
            what += f"{counted(indexes[facts.pool].size, 'file')} in {', '.join(facts.roots)}"
            what += indexes[facts.pool].notes.sentences() + failures(indexes[facts.pool])
            remedy = f"{get}, or load with missing='skip'. "
            remedy += f"All of them: {listed_in}" if listed_in else "--list FOLDER writes a list of all of them"
            yield Finding("warning", "media", what, remedy, len(paths), tuple(paths[:_EXAMPLES]))


def _already_cut(rows: PartRows, table: pa.Table | None, indexes: MediaIndexes) -> dict[int, str]:
    if table is None or not indexes.cut_by_row:
        return {}
    limited = np.flatnonzero(table["start"].is_valid().to_numpy() | table["stop"].is_valid().to_numpy())
    ids = pa.chunked_array(rows.ids, pa.string()).take(pa.array(limited)).to_pylist()
    found = {row: indexes.find_cut(name) for row, name in zip(limited.tolist(), ids, strict=True)}
    return {row: place for row, place in found.items() if place is not None}


def _prepared(table: pa.Table | None, there: npt.NDArray[np.bool_], indexes: MediaIndexes) -> dict[int, str]:
    """Return the places of the parts that were prepared for rows, by row, where there is no whole video."""
    if table is None or not indexes.by_part:
        return {}
    limited = np.flatnonzero((table["start"].is_valid().to_numpy() | table["stop"].is_valid().to_numpy()) & ~there)
    rows = table.select(["path", "video_id", "start", "stop"]).take(pa.array(limited)).to_pylist()
    found = (indexes.find(row["path"], "video", (row["video_id"], row["start"], row["stop"])) for row in rows)
    return {row: place for row, place in zip(limited.tolist(), found, strict=True) if place is not None}


def _by_pool(found: FoundMedia, indexes: MediaIndexes) -> Iterator[MediaFacts]:
    encoded = pc.replace_substring_regex(found.paths, "/.*", "").dictionary_encode()
    pools, pool_of = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
    missing = Counter(path.partition("/")[0] for path in found.missing)
    there = np.array([place is not None for place in found.places], dtype=np.bool_)
    rows, rows_found = np.zeros(len(pool_of), np.int64), np.zeros(len(pool_of), np.int64)
    for codes, cut in zip(found.codes, found.cut, strict=True):
        named = codes[codes >= 0]
        rows += np.bincount(named, minlength=len(pool_of))
        row_there = np.where(codes >= 0, there[codes] if len(there) else False, False)
        row_there[list(cut)] = True
        rows_found += np.bincount(codes[row_there & (codes >= 0)], minlength=len(pool_of))
    for code, pool in sorted(enumerate(pools), key=lambda item: item[1]):
        own = pool_of == code
        given, wanted = pool in indexes, int(own.sum())
        yield MediaFacts(
            pool=pool,
            roots=tuple(indexes[pool].roots) if given else (),
            wanted=wanted,
            found=wanted - missing[pool] if given else None,
            rows=int(rows[own].sum()),
            rows_found=int(rows_found[own].sum()) if given else None,
        )
