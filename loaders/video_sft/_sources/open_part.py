"""A part whose files were found, open for a source's `parse` to read from."""

from __future__ import annotations

import contextlib
import fnmatch
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from video_sft._annotations import (
    Problems,
    SourceRow,
    csv_header,
    csv_rows,
    is_parquet,
    json_object,
    json_rows,
    parquet_columns,
    parquet_rows,
)
from video_sft._places import open_binary, uncompressed
from video_sft._sources.part import Located, Part, RemoteFile, places_of
from video_sft.errors import MissingFileError, VideoSftError, one_line

__all__ = ["OpenPart", "has_columns"]


def has_columns(location: str, file: RemoteFile) -> bool:
    """Tell apart files of one name by their header; a header that cannot be read is left for the parser to refuse."""
    if not file.columns:
        return True
    header = parquet_columns(location) if is_parquet(location) else csv_header(location)
    return not header or all((column.lstrip("-") in header) != column.startswith("-") for column in file.columns)


@dataclass
class OpenPart:
    """A part whose files were found; what a source's `parse` reads from.

    Attributes:
        part: the part.
        locations: where each file is, by role, one place or several; an optional file that is absent has no entry.
        problems: takes in rows that cannot be read.
        upstream: whether the rows are for `<source>-source`; what only that holds need not be looked at otherwise.
        verbatim: whether `Record.written` is wanted, of a source whose questions are written out upstream.
        options: the config's own fields, of a source that has any beside those of every `SourceConfig`.
    """

    part: Part
    locations: Mapping[str, Located]
    problems: Problems = field(default_factory=Problems)
    upstream: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    verbatim: bool = False

    def json_rows(self, role: str = "rows") -> Iterator[SourceRow]:
        """Yield the rows of a JSON array or JSON lines file, or of Parquet."""
        for place, name in self._places(role):
            with self._reading(role):
                if is_parquet(place):
                    yield from parquet_rows(place, name)
                else:
                    yield from json_rows(place, name, self.problems)

    def csv_rows(self, *columns: str, role: str = "rows") -> Iterator[SourceRow]:
        """Yield the rows of a CSV, or of Parquet, that must have these columns; every cell is text."""
        for place, name in self._places(role):
            with self._reading(role):
                if is_parquet(place):
                    yield from parquet_rows(place, name, columns=columns, as_text=True)
                else:
                    yield from csv_rows(place, name, self.problems, columns=columns)

    def json_object(self, role: str) -> dict[str, Any]:
        """Return the JSON object in a file; an empty one where an optional file is absent."""
        if role not in self.locations:
            return {}
        with self._reading(role):
            return json_object(self._places(role)[0][0], self.file_name(role))

    def data(self, role: str, size: int) -> bytes:
        """Return the first `size` bytes of a file.

        Raises:
            MissingFileError: the file is an optional one that is absent.
        """
        with self._reading(role), open_binary(self._places(role)[0][0]) as handle:
            return handle.read(size)

    def file_name(self, role: str) -> str:
        """Return what messages call the file of a role: the one of its names it was found under."""
        return self._places(role)[0][1] if role in self.locations else self.part.files[role].name

    def file_names(self, role: str) -> tuple[str, ...]:
        """Return what messages call the files of a role."""
        return tuple(name for _, name in self._places(role))

    def _places(self, role: str) -> list[tuple[str, str]]:
        """Return where the files of a role are, and what messages call each."""
        file = self.part.files[role]
        if role not in self.locations:
            raise MissingFileError(f"{file.name} is missing. {file.where}")
        return [(place, _name_of(place, file)) for place in places_of(self.locations[role])]

    @contextlib.contextmanager
    def _reading(self, role: str) -> Iterator[None]:
        """Say of a file that the disk or the network fails to hand out which one it is and how to get it."""
        try:
            yield
        except VideoSftError:
            raise
        except OSError as error:
            where = self.part.files[role].where
            raise MissingFileError(f"{self.file_name(role)} cannot be read: {one_line(error)}. {where}") from error


def _name_of(place: str, file: RemoteFile) -> str:
    """Return the end of a place that fits one of a file's names; its first name where none does, as for a download."""
    folders = place.partition("::")[0].replace(os.sep, "/").split("/")
    for name in file.names:
        end = "/".join(folders[-name.count("/") - 1 :])
        if end == name or fnmatch.fnmatchcase(uncompressed(end), name):
            return end
    return file.name
