"""The rows of one split as the page looks through them: counted and searched as Arrow columns, read a few at a time."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import datasets
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from video_sft._datasets import indices_of, stored_batches
from video_sft.errors import ConfigError

__all__ = ["Codes", "RowSet"]

Mask = npt.NDArray[np.bool_]

#: What rows of the shared schema are chosen by, and searched in.
_FACETS = ("source", "task", "answer_format", "question_type", "license")
_SEARCHED = ("id", "messages", "choices", "answer", "video_id", "video_path")
_MEDIA = ("video", "image")
#: Of other rows, columns of text with so few values in their first rows are facets.
_MOST_VALUES, _LOOKED_AT = 40, 2_000
#: What stands for a null on the page.
_NONE = "(none)"
#: Rows that are searched at a time, so that not all of their text is held twice.
_SEARCHED_ROWS = 50_000


@dataclass(frozen=True)
class Codes:
    """One value for each row, as a number of a few words."""

    words: tuple[str, ...]
    numbers: npt.NDArray[np.int32]

    def counts(self, mask: Mask | None) -> list[tuple[str, int]]:
        """Return how many rows have each word, the most frequent first."""
        numbers = self.numbers if mask is None else self.numbers[mask]
        found = np.bincount(numbers, minlength=len(self.words)).tolist()
        return sorted(zip(self.words, found, strict=True), key=lambda pair: (-pair[1], pair[0]))

    def chosen(self, words: Sequence[str]) -> Mask:
        """Mark the rows that have one of some words."""
        wanted = np.array([word in words for word in self.words], dtype=bool)
        return np.asarray(wanted[self.numbers], dtype=bool)


@dataclass
class RowSet:
    """The rows of one split.

    Attributes:
        rows: a dataset of any columns; those of the shared schema are shown as what they are.
        more: values of rows that are no columns, such as what a mixture does with them.
    """

    rows: datasets.Dataset
    more: Mapping[str, Codes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._found = functools.lru_cache(maxsize=8)(self._search)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shared(self) -> bool:
        """Whether rows have the columns of the shared schema that the page knows."""
        return {"id", "messages"} <= set(self.rows.column_names)

    @functools.cached_property
    def facets(self) -> dict[str, Codes]:
        """What rows can be chosen by."""
        return {**self.more, **{name: self._codes(name) for name in self._facet_columns()}}

    def counts(self, filters: Mapping[str, Sequence[str]], query: str) -> dict[str, list[tuple[str, int]]]:
        """Return the values of each facet, and how many rows have each that all other filters let through."""
        found = {}
        for name, codes in self.facets.items():
            others = {other: words for other, words in filters.items() if other != name}
            found[name] = codes.counts(self.mask(others, query))
        return found

    def mask(self, filters: Mapping[str, Sequence[str]], query: str) -> Mask | None:
        """Mark the rows that all filters let through and whose text holds the query; None for all rows.

        Raises:
            ConfigError: there is no such facet.
        """
        masks = []
        for name, words in filters.items():
            if name not in self.facets:
                raise ConfigError(f"these rows cannot be chosen by {name!r}; they can by {', '.join(self.facets)}")
            masks.append(self.facets[name].chosen(words))
        if query.strip():
            masks.append(self._found(query.strip()))
        return np.logical_and.reduce(masks) if masks else None

    def matching(self, filters: Mapping[str, Sequence[str]], query: str) -> npt.NDArray[np.int64]:
        """Return the numbers of the rows that `mask` marks, in order."""
        mask = self.mask(filters, query)
        return np.arange(len(self)) if mask is None else np.flatnonzero(mask)

    def read(self, numbers: Sequence[int], columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Return rows by number, with their cells as they are stored: no medium is opened.

        Raises:
            IndexError: there is no such row.
        """
        for number in numbers:
            if not 0 <= number < len(self):
                raise IndexError(f"there is no row {number}; they go from 0 to {len(self) - 1:,}")
        if not numbers:
            return []
        own = indices_of(self.rows)
        places = np.asarray(numbers, dtype=np.int64)
        places = places if own is None else own.to_numpy()[places].astype(np.int64)
        names = [name for name in columns or self.rows.column_names if name in self.rows.column_names]
        (batch,) = stored_batches(self.rows, names, len(places), places)
        found: list[dict[str, Any]] = batch.to_pylist()
        return found

    def listed(self, numbers: Sequence[int]) -> list[tuple[dict[str, Any], str | None]]:
        """Return rows without their media, and which of them each has: its bytes may be many, and a list needs none."""
        plain = [name for name in self.rows.column_names if name not in _MEDIA]
        rows = self.read(numbers, plain)
        return [
            (row, next((name for name, there in self._media.items() if there[number]), None))
            for row, number in zip(rows, numbers, strict=True)
        ]

    @functools.cached_property
    def _media(self) -> dict[str, Mask]:
        """Which rows have a video, and which an image."""
        own, found = indices_of(self.rows), {}
        for name in (name for name in _MEDIA if name in self.rows.column_names):
            there = pc.is_valid(self.rows.data.column(name)).to_numpy()
            found[name] = there if own is None else there[own.to_numpy().astype(np.int64)]
        return found

    def fate(self, number: int) -> dict[str, Any] | None:
        """Return what a mixture does with a row; None where none does anything."""
        return None

    def number_of(self, name: str, value: str) -> int | None:
        """Return the number of the first row that has a value in a column of text."""
        place = pc.index(self._column(name), pa.scalar(value, self.rows.data.column(name).type)).as_py()
        return None if place < 0 else int(place)

    def _column(self, name: str) -> pa.ChunkedArray:
        values, own = self.rows.data.column(name), indices_of(self.rows)
        return values if own is None else values.take(own)

    def _facet_columns(self) -> Iterator[str]:
        if self.shared:
            yield from (name for name in _FACETS if name in self.rows.column_names)
            return
        first = self.rows.data.slice(0, _LOOKED_AT)
        for name in self.rows.column_names:
            kind = first.column(name).type
            plain = pa.types.is_string(kind) or pa.types.is_large_string(kind)
            if plain and 1 < len(first.column(name).unique()) <= _MOST_VALUES:
                yield name

    def _codes(self, name: str) -> Codes:
        column = self._column(name)
        filled = pc.fill_null(column, _NONE) if column.null_count else column
        encoded = pa.chunked_array(filled.chunks, filled.type).combine_chunks().dictionary_encode()
        encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
        return Codes(tuple(encoded.dictionary.to_pylist()), encoded.indices.to_numpy().astype(np.int32))

    def _search(self, query: str) -> Mask:
        """Mark the rows whose text holds some words, whatever their case."""
        names = [name for name in _SEARCHED if name in self.rows.column_names] if self.shared else []
        table, own = self.rows.data, indices_of(self.rows)
        names = names or table.column_names
        found = np.zeros(table.num_rows, dtype=bool)
        for first in range(0, table.num_rows, _SEARCHED_ROWS):
            for name in names:
                # `datasets` writes rows with videos ten at a time: one array of many is gone through at once.
                column = table.column(name).slice(first, _SEARCHED_ROWS)
                values = pa.concat_arrays(column.chunks) if column.num_chunks != 1 else column.chunk(0)
                for parents, texts in _texts(values, np.arange(first, first + len(values))):
                    hits = pc.fill_null(pc.match_substring(texts, query, ignore_case=True), False)
                    found[parents[hits.to_numpy(zero_copy_only=False)]] = True
        return found if own is None else found[own.to_numpy().astype(np.int64)]


def _texts(values: pa.Array, rows: npt.NDArray[np.int64]) -> Iterator[tuple[npt.NDArray[np.int64], pa.Array]]:
    """Yield the text in a column of whatever nesting, each piece with the number of the row it is in."""
    kind = values.type
    if isinstance(values, pa.ExtensionArray):
        yield from _texts(values.storage, rows)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield rows, values
    elif pa.types.is_struct(kind):
        names = [kind.field(place).name for place in range(kind.num_fields)]
        spoken = set(names) in ({"role", "content"}, {"type", "text"})  # of a turn and its parts, what is said
        for name, inner in zip(names, values.flatten(), strict=True):
            if not spoken or name in ("content", "text"):
                yield from _texts(inner, rows)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        parents = pc.list_parent_indices(values).to_numpy(zero_copy_only=False)
        yield from _texts(pc.list_flatten(values), rows[parents])
