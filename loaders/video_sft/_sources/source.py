"""The facts that a source module states, in one frozen object that is checked where it is stated."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from datasets import Features

from video_sft._config_name import config_names
from video_sft._places import safe_relative
from video_sft._rows.schema import TASKS, VIEWS
from video_sft._sources.open_part import OpenPart
from video_sft._sources.part import SPLITS, Part, splits_of
from video_sft._sources.pool import Pool
from video_sft._sources.record import Record
from video_sft.errors import ConfigError, RowError, UnsafePathError

__all__ = ["NOT_STATED", "Source", "usable_records"]

#: What cards and lists say of terms that upstream, as far as the source's author knows, does not state.
NOT_STATED = "not stated"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
#: What commands and functions take where they take a source's name.
_RESERVED = ("all",)
_TEXTS = ("title", "homepage", "citation", "paper", "annotation_terms", "video_terms", "license")
_LISTS = ("tasks", "pools", "own_pools", "languages", "views", "parts", "overlaps", "warnings")


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
        _check(self)
        object.__setattr__(self, "title", self.title or self.name)
        own = (pool.name for pool in self.own_pools)
        object.__setattr__(self, "pools", tuple(dict.fromkeys([*self.pools, *own])))

    @property
    def configs(self) -> tuple[str, ...]:
        """Every config name of the source: the whole, its views, its upstream fields."""
        return config_names(self.name, self.views)

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
        return splits_of(self.parts)


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


def _check(source: Source) -> None:
    """Check a source's facts, one by one and against each other; the first that will not do is a `ConfigError`."""

    def refuse(problem: str) -> NoReturn:
        raise ConfigError(f"source {source.name!r}: {problem}")

    if not isinstance(source.name, str) or not _NAME.fullmatch(source.name):
        refuse("its name is to be an identifier of at most 64 letters, digits and '_', e.g. my_source")
    if source.name in _RESERVED:
        refuse("this name stands for every source; choose another")
    for fact in _TEXTS:
        if not isinstance(value := getattr(source, fact), str):
            refuse(f"{fact} is {value!r}, where text is expected")
    if not source.license.strip():
        refuse("license is empty; give an SPDX id, or 'other'")
    for fact in _LISTS:
        if not isinstance(value := getattr(source, fact), tuple):
            refuse(f"{fact} is {_shown(value)}, where a tuple is expected: {fact}=({_shown(value)},)")
    if not source.tasks:
        refuse(f"tasks is empty; there are {', '.join(TASKS)}")
    if unknown := _outside(source.tasks, TASKS):
        refuse(f"{unknown} is no task; there are {', '.join(TASKS)}")
    if unknown := _outside(source.views, VIEWS):
        refuse(f"{unknown} is no view; configs are <source>-<view>, and the views are {', '.join(VIEWS)}")
    if len(set(source.views)) != len(source.views):
        refuse(f"a view is named twice: {', '.join(source.views)}")
    for name in source.pools:
        if isinstance(name, Pool):
            refuse(f"the pool {name.name!r} is declared in own_pools; pools has names")
        Pool(name=name)
    for pool in source.own_pools:
        if not isinstance(pool, Pool):
            refuse(f"own_pools holds {_shown(pool)}, which is no Pool; the names of pools stand in pools")
    for name in ("parse", "upstream_row", "in_view"):
        function = getattr(source, name)
        if not callable(function) and (name != "in_view" or function is not None):
            refuse(f"{name} is {_shown(function)}, where a function is expected")
    if not isinstance(source.upstream_features, Features):
        refuse(f"upstream_features is {_shown(source.upstream_features)}, where datasets.Features is expected")
    if taken := sorted({"row_id", "other_fields"} & set(source.upstream_features)):
        refuse(f"upstream_features has {', '.join(taken)}, which <source>-source has anyway; rename it in upstream_row")
    for part in source.parts:
        if not hasattr(part, "split"):
            refuse(f"parts holds {_shown(part)}, which is no Part")
        if problem := next(_of_part(part), None):
            refuse(f"a part of the split {part.split!r}: {problem}")
    names = [part.name for part in source.parts]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        refuse(f"two parts are called {', '.join(twice)}; tell them apart by kind")


def _of_part(part: Part) -> Iterator[str]:
    """Yield what is wrong with a part and its files."""
    if part.split not in SPLITS:
        yield f"a split is one of {', '.join(SPLITS)}"
    if not isinstance(part.files, Mapping) or "rows" not in part.files:
        yield "its files are a mapping by role, with the file the rows come from as 'rows'"
    if unknown := _outside(part.optional, part.files):
        yield f"optional names {unknown}, which is none of its files ({', '.join(part.files)})"
    if "rows" in part.optional:
        yield "the file its rows come from cannot be optional"
    if unknown := _outside(part.views or (), VIEWS):
        yield f"{unknown} is no view; there are {', '.join(VIEWS)}"
    for file in part.files.values():
        for name in (file.name, *file.also):
            try:
                safe_relative(name)
            except (UnsafePathError, TypeError) as error:
                yield f"a file is called {name!r}, which is no place inside data_dir: {error}"
        if file.sha256 is not None and not _SHA256.fullmatch(file.sha256):
            yield f"the sha256 of {file.name} is {file.sha256!r}; it has 64 hexadecimal digits, in lower case"


def _outside(given: Collection[Any], known: Collection[str]) -> str:
    return ", ".join(repr(each) for each in given if each not in known)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
