"""The files of a source as stated: each with its names, hash and place, and the parts they make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["SPLITS", "Located", "Part", "RemoteFile", "places_of", "splits_of"]

#: In the usual order.
SPLITS = ("train", "validation", "test")
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


def splits_of(parts: Iterable[Part]) -> tuple[str, ...]:
    """Return the splits that have a part, in the usual order."""
    present = {part.split for part in parts}
    return tuple(split for split in SPLITS if split in present)
