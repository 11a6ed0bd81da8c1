"""What a source module states: facts about its files, licence and names, in one frozen object."""

from __future__ import annotations

import contextlib
import fnmatch
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from datasets import Features

from video_sft._annotations import (
    Problems,
    Row,
    csv_header,
    csv_rows,
    is_parquet,
    json_object,
    json_rows,
    parquet_columns,
    parquet_rows,
)
from video_sft._places import open_binary
from video_sft._source_files.file_tree import uncompressed
from video_sft._sources.pool import Pool
from video_sft._sources.record import Record
from video_sft._sources.stated_facts import check_source
from video_sft.errors import MissingFileError, RowError, VideoSftError, one_line

__all__ = ["Located", "OpenPart", "Part", "RemoteFile", "Source", "has_columns", "places_of", "usable_records"]

#: What cards and lists say of terms that upstream, as far as the source's author knows, does not state.
NOT_STATED = "not stated"
#: Where a file is; several files where its rows are spread over them, in order.
Located: TypeAlias = "str | tuple[str, ...]"


def places_of(located: Located) -> tuple[str, ...]:
    """Return the locations of one file or of several."""
    return (located,) if isinstance(located, str) else located


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """One annotation file as upstream publishes it.

    Attributes:
        name: where it lies in `data_dir`, e.g. `mc/val.csv`.
        url: where it can be had, pinned to a commit or revision; None where a person has to fetch it.
        sha256: of its content; None only with `unverified`.
        size: in bytes, where known.
        unverified: why no hash is known.
        also: other places in `data_dir` it may lie: the upstream repository's own layout, the names mirrors have. One
            with a `*` in it stands for several files, such as `data/test-*.parquet`.
        together: files that hold the rows between them; whichever of them are there are read, one after the other.
        columns: columns a CSV must have, and (with a leading `-`) must not have, to be this file; needed where two
            upstream repositories use one name for two files.
        steps: what a person has to do where there is no direct download, as one sentence or more.
    """

    name: str
    url: str | None = None
    sha256: str | None = None
    size: int | None = None
    unverified: str | None = None
    also: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    steps: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every name the file may have."""
        return (self.name, *self.also, *self.together)

    @property
    def where(self) -> str:
        """How to get the file, in words."""
        if self.steps:
            return self.steps
        return f"Get it from {self.url}" if self.url else "Upstream publishes no direct link to it"


def has_columns(location: str, file: RemoteFile) -> bool:
    """Tell apart files of one name by their header; a header that cannot be read is left for the parser to refuse."""
    if not file.columns:
        return True
    header = parquet_columns(location) if is_parquet(location) else csv_header(location)
    return not header or all((column.lstrip("-") in header) != column.startswith("-") for column in file.columns)


@dataclass(frozen=True, kw_only=True)
class Part:
    """A set of files that is read together and belongs to one split; a split has one part or more.

    Attributes:
        split: `train`, `validation` or `test`.
        kind: what tells this part from the split's others, e.g. `mc`; part of what `parse` looks at.
        files: by role; `rows` is the file the rows come from.
        optional: roles the part can do without.
        rows: how many rows upstream publishes, where known.
        second_hand: who counts `rows`, with a verb, if it is neither upstream's statement on this file nor counted in
            it: another number of rows is no sign of a wrong file then.
        also_counted: other numbers of rows that are known of the file.
        views: the views the part's rows belong to; None when rows of any view may be in it.
    """

    split: str
    files: Mapping[str, RemoteFile]
    kind: str = ""
    optional: frozenset[str] = frozenset()
    rows: int | None = None
    second_hand: str = ""
    also_counted: tuple[int, ...] = ()
    views: frozenset[str] | None = None

    @property
    def name(self) -> str:
        """What messages and reports call the part, e.g. `train/mc`."""
        return f"{self.split}/{self.kind}" if self.kind else self.split

    def in_view(self, view: str | None) -> bool:
        """Return whether rows of a view may be in it; None is the whole source."""
        return view is None or self.views is None or view in self.views

    def missing(self, locations: Mapping[str, Located]) -> list[RemoteFile]:
        """Return the files it cannot do without that have no location."""
        return [file for role, file in self.files.items() if role not in locations and role not in self.optional]


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

    def json_rows(self, role: str = "rows") -> Iterator[Row]:
        """Yield the rows of a JSON array or JSON lines file, or of Parquet."""
        for place, name in self._places(role):
            with self._reading(role):
                if is_parquet(place):
                    yield from parquet_rows(place, name)
                else:
                    yield from json_rows(place, name, self.problems)

    def csv_rows(self, *columns: str, role: str = "rows") -> Iterator[Row]:
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


def _as_upstream(record: Record) -> Mapping[str, Any]:
    return {**record.row.value, **record.joined} if record.joined else record.row.value


@dataclass(frozen=True, kw_only=True)
class Source:
    """The facts about one source, and how its files are read.

    `name`, `tasks`, `parts` and `parse` have to be stated; what else is not known is said to be so.

    Attributes:
        name: the first part of every config name.
        title: as upstream writes it; the name where it is left out.
        homepage: where a person reads about it.
        citation: BibTeX.
        paper: arXiv number.
        annotation_terms: what upstream states about the annotations, contradictions included.
        video_terms: the same for the videos.
        license: SPDX id of the strictest statement, or `other`.
        redistributable_videos: whether the videos' terms let anybody publish copies.
        pools: media pools the source's rows point into, by name; those of `own_pools` need not be named again.
        own_pools: how files are recognised in pools that no other source has; of a pool that is only named, the end of
            a file's path has to agree with `Media.path`.
        tasks: tasks its rows have.
        languages: of the text.
        views: `<source>-<view>` configs beside the whole.
        parts: its files.
        parse: yields the records of one part.
        upstream_features: the columns of `<source>-source` behind `row_id`; a field that has none of its own stands,
            with all others like it, as JSON text in `other_fields`.
        upstream_row: returns a record's upstream fields in the shape of those columns, where they are not as they are
            in `Record.row` and `Record.joined`.
        in_view: whether a record belongs to a view.
        overlaps: sentences on what it shares with other sources.
        warnings: sentences on training rows that use videos of an evaluation split; cards show them first.
        batch_rows: how many upstream rows `<source>-source` holds at once; fewer where they are heavy.

    Raises:
        ConfigError: a fact is not of the kind asked for; the message names the source, the fact and what will do.
    """

    name: str
    tasks: tuple[str, ...]
    parts: tuple[Part, ...]
    parse: Callable[[OpenPart], Iterator[Record]]
    title: str = ""
    homepage: str = ""
    citation: str = ""
    paper: str = ""
    annotation_terms: str = NOT_STATED
    video_terms: str = NOT_STATED
    license: str = "other"
    pools: tuple[str, ...] = ()
    own_pools: tuple[Pool, ...] = ()
    upstream_features: Features = field(default_factory=Features)
    redistributable_videos: bool = False
    languages: tuple[str, ...] = ("en",)
    views: tuple[str, ...] = ()
    upstream_row: Callable[[Record], Mapping[str, Any]] = _as_upstream
    in_view: Callable[[Record, str], bool] | None = None
    overlaps: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    batch_rows: int = 4096

    def __post_init__(self) -> None:
        check_source(self)
        object.__setattr__(self, "title", self.title or self.name)
        own = (pool.name for pool in self.own_pools)
        object.__setattr__(self, "pools", tuple(dict.fromkeys([*self.pools, *own])))

    @property
    def configs(self) -> tuple[str, ...]:
        """Every config name of the source: the whole, its views, its upstream fields."""
        return (self.name, *(f"{self.name}-{view}" for view in self.views), f"{self.name}-source")

    @property
    def published_rows(self) -> dict[str, int | None]:
        """The rows upstream publishes, by split; None where the count of one of its parts is not known."""
        counts: dict[str, int | None] = dict.fromkeys(self.splits, 0)
        for part in self.parts:
            known = counts[part.split]
            counts[part.split] = None if part.rows is None or known is None else known + part.rows
        return counts

    @property
    def second_hand(self) -> frozenset[str]:
        """The splits whose published rows are, in part at least, a second-hand count."""
        return frozenset(part.split for part in self.parts if part.second_hand)

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that have a part, in the usual order."""
        present = {part.split for part in self.parts}
        return tuple(split for split in ("train", "validation", "test") if split in present)


def usable_records(source: Source, part: OpenPart) -> Iterator[Record]:
    """Yield a part's records; for the shared rows without those that upstream left unusable, which are counted.

    Raises:
        RowError: under the policy `error`, where no row of the part can be used: no upstream file is like that.
    """
    first, usable = None, False
    for record in source.parse(part):
        if record.unusable is None or part.upstream:
            usable = True
            yield record
        else:
            first = first or record.unusable
            part.problems.leave_out(record.unusable)
    if first is not None and not usable and part.problems.policy == "error":
        problem = f"{first.problem}, and no other row of the file can be used either"
        remedy = f"Get the file again: {part.part.files['rows'].where}"
        raise RowError(file=first.file, position=first.position, field=first.field, problem=problem, remedy=remedy)
