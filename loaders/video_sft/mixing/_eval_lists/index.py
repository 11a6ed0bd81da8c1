"""The index of evaluation videos: finds rows about them, by their ids and by what their footage is called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from video_sft.mixing._eval_lists.lists import EvalList
from video_sft.mixing._eval_lists.video_keys import key_digest, keys_of_entry, origins, with_origins

__all__ = ["EvalIndex"]


class EvalIndex:
    """The videos of several lists, for questions about single ids and about whole columns; picklable, for workers."""

    def __init__(self, lists: Sequence[EvalList]) -> None:
        self.lists = tuple(lists)
        #: By each name of a video, the lists it is in, and what it is called there.
        self._by_key: dict[str, dict[int, str]] = {}
        self._by_digest: dict[int, list[int]] = {}
        for number, entry in enumerate(self.lists):
            for video in entry.videos:
                if entry.hashed:
                    self._by_digest.setdefault(int(video, 16), []).append(number)
                    continue
                for key in keys_of_entry(video):
                    self._by_key.setdefault(key, {}).setdefault(number, video)

    def __len__(self) -> int:
        return len(self._by_key) + len(self._by_digest)

    def find(self, video_id: str) -> dict[int, str]:
        """Return the numbers of the lists that a video is in, and what it is called in each."""
        return self._find((video_id, *origins(video_id)))

    def masks(self, videos: pa.ChunkedArray) -> Iterator[npt.NDArray[np.bool_]]:
        """Yield for each list which rows are on its videos, by their `video_id`s, null where a row has none."""
        column = pc.dictionary_encode(videos).unify_dictionaries().combine_chunks()
        if isinstance(column, pa.ChunkedArray):  # pyarrow gives the empty column back in chunks
            column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], pa.string())
            column = column.dictionary_encode()
        different = column.dictionary
        in_list = np.zeros((len(self.lists), len(different) + 1), dtype=bool)
        known = pc.is_in(different, value_set=pa.array(list(self._by_key), type=different.type))
        places = np.flatnonzero(known.to_numpy(zero_copy_only=False))
        for place, video in zip(places.tolist(), different.take(pa.array(places)).to_pylist(), strict=True):
            in_list[list(self._find((video,))), place] = True
        for place, _, names in with_origins(different):
            for number in self._find(names):
                in_list[number, place] = True
        rows = np.asarray(pc.fill_null(column.indices, len(different)).to_numpy(zero_copy_only=False))
        for number in range(len(self.lists)):
            yield in_list[number][rows] if in_list[number].any() else np.zeros(len(rows), dtype=bool)

    def _find(self, keys: Sequence[str]) -> dict[int, str]:
        found: dict[int, str] = {}
        for key in keys:
            for number, name in self._by_key.get(key, {}).items():
                found.setdefault(number, name)
            if self._by_digest:
                for number in self._by_digest.get(key_digest(key), ()):
                    found.setdefault(number, key)
        return found
