"""The report on a mixture, and `describe`, which makes it of the rows that are there."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset
from rich.console import Group

from video_sft.errors import ConfigError
from video_sft.mixing._provenance import MixtureRecord, PartRecord, record_in
from video_sft.mixing._report.facts import MixFacts, SourceReport
from video_sft.mixing._report.figures import Piece, Times, by_value, hours_of, measured, speech, strictest, videos
from video_sft.mixing._report.html import html_body, html_page
from video_sft.mixing._report.plot import draw
from video_sft.mixing._report.text import markdown, rich_tables
from video_sft.mixing._table import row_numbers

__all__ = ["MixReport", "describe"]


@dataclass(frozen=True)
class MixReport(MixFacts):
    """What a mixture consists of. Rich and notebooks show it as a table.

    Attributes:
        sources: its parts.
        total: the same figures for all of it.
        license: the strictest licence of any row.
        eval_lists: evaluation lists the mixture was kept clear of, with the digest of each.
        eval_missing: evaluation splits and benchmarks that could not be checked, because there is no list of them.
        recipe: the options it was made with; empty where the dataset does not say.
        eval_origins: what each list was made from.
        eval_footage: how many videos of each list rows were compared with by content; empty where they were not.
    """

    def table(self) -> Group:
        """Return the report as tables for `rich.print`."""
        return rich_tables(self)

    def __rich__(self) -> Group:
        return self.table()

    def to_markdown(self) -> str:
        """Return the report as Markdown: for a card, a pull request or a lab notebook."""
        return markdown(self)

    def to_html(self) -> str:
        """Return the report as one HTML page that needs nothing else."""
        return html_page(self)

    def _repr_html_(self) -> str:
        return html_body(self)

    def to_png(self, path: str | os.PathLike[str]) -> None:
        """Draw the report: shares asked for and reached, and what the parts consist of.

        Args:
            path: where to write the picture, 200 dots per inch.

        Raises:
            ConfigError: matplotlib is not installed; it comes with `pip install video-sft[report]`.
        """
        draw(self, path)


def describe(mix: Dataset, *, hours: bool = True) -> MixReport:
    """Describe a mixture: shares, passes, videos, tasks, licences, and what was left out.

    All figures but three come from the rows that are there, so the report of `mix.skip(n)`, of a shard or of a filtered
    mixture is that of what is left. The share asked for, the rows left out and the number of available rows come from
    `mix.info.description`, where `mix` writes them; a dataset without them can be described as well. Parts keep their
    names until an operation writes a new table (`map`, `save_to_disk`); then rows are told apart by `source`.

    Where rows do not state how long their clip is, its file on this machine does: it is opened once, and what it says
    is kept on disk (see `probe`). No server is asked.

    Args:
        mix: what `video_sft.mix` returned, or any dataset with columns of the shared schema.
        hours: look into files for the lengths of clips.

    Raises:
        ConfigError: it is a stream, whose rows are not known before they are read.
    """
    if not isinstance(mix, Dataset):
        raise ConfigError(
            f"describe takes a Dataset, not a {type(mix).__name__}; mix with streaming=False to describe it"
        )
    record = record_in(mix.info)
    known = {part.name: part for part in record.parts} if record is not None else {}
    pieces = list(_pieces(mix, record))
    present = {piece.name for piece in pieces}
    if present <= set(known):
        none = mix.data.table.slice(0, 0), np.zeros(0, dtype=np.int64)
        pieces += [Piece(name, *none) for name in known if name not in present]
    if hours:
        pieces = measured(pieces)
    sources = [_source(piece, known.get(piece.name), len(mix)) for piece in pieces]
    total = _total(pieces, sources, len(mix))
    return MixReport(
        sources=tuple(sorted(sources, key=lambda source: source.name)),
        total=total,
        license=strictest(total.licenses),
        eval_lists={} if record is None else record.eval_lists,
        eval_missing=() if record is None else tuple(record.eval_missing),
        recipe={} if record is None else record.options,
        eval_origins={} if record is None else record.eval_origins,
        eval_footage={} if record is None else record.eval_footage,
    )


def _pieces(mix: Dataset, record: MixtureRecord | None) -> Iterator[Piece]:
    """Yield the rows of each part, by where they lie in the mixture's table, or else by `source`."""
    table = mix.data.table
    rows, all_rows = row_numbers(mix), table.num_rows
    times = np.ones(all_rows, np.int64) if rows is None else np.bincount(rows.astype(np.int64), minlength=all_rows)
    if record is not None and rows is not None and _lies_in_parts(table, record):
        for part, start, each in record.drawn(times):
            yield _drawn(part.name, table.slice(start, part.table_rows), each)
        return
    if "source" not in table.column_names:
        yield _drawn("all rows", table, times)
        return
    sources = pc.fill_null(table.column("source"), "unknown")
    for name in sorted(sources.unique().to_pylist()):
        mask = pc.equal(sources, name)
        yield _drawn(name, table.filter(mask), times[mask.to_numpy()])


def _lies_in_parts(table: pa.Table, record: MixtureRecord) -> bool:
    """Return whether the table is still the one `mix` made: the sizes fit, and each part begins with the same row."""
    ids, start = table.column("id") if "id" in table.column_names else pa.nulls(table.num_rows), 0
    for part in record.parts:
        recognised = part.first is None or start >= table.num_rows or ids[start].as_py() == part.first
        if part.table_rows and not recognised:
            return False
        start += part.passes * part.table_rows
    return bool(start == table.num_rows)


def _drawn(name: str, table: pa.Table, times: Times) -> Piece:
    there = times > 0
    return Piece(name, table.filter(pa.array(there)), times[there])


def _source(piece: Piece, part: PartRecord | None, rows_in_all: int) -> SourceReport:
    if part is None:
        return _figures(piece.name, [piece], rows_in_all, requested=None, available=0)
    figures = _figures(piece.name, [piece], rows_in_all, requested=part.requested, available=part.used)
    return replace(figures, left_out=part.left_out, on_lists=part.on_lists, not_compared=part.not_compared)


def _total(pieces: list[Piece], sources: list[SourceReport], rows: int) -> SourceReport:
    left_out: Counter[str] = Counter()
    on_lists: Counter[str] = Counter()
    not_compared: Counter[str] = Counter()
    for source in sources:
        left_out.update(source.left_out)
        on_lists.update(source.on_lists)
        not_compared.update(source.not_compared)
    requested = 1.0 if all(source.requested is not None for source in sources) else None
    available = sum(source.available for source in sources)
    figures = _figures("all", pieces, rows, requested=requested, available=available)
    return replace(figures, left_out=dict(left_out), on_lists=dict(on_lists), not_compared=dict(not_compared))


def _figures(
    name: str, pieces: list[Piece], rows_in_all: int, *, requested: float | None, available: int
) -> SourceReport:
    rows = sum(int(piece.times.sum()) for piece in pieces)
    hours, timed = hours_of(pieces)
    spoken, characters = speech(pieces)
    return SourceReport(
        name=name,
        requested=requested,
        share=rows / rows_in_all if rows_in_all else 0.0,
        rows=rows,
        available=available,
        passes=rows / available if available else None,
        videos=len(videos(pieces)),
        hours=hours,
        timed_rows=timed,
        tasks=by_value(pieces, "task"),
        answer_formats=by_value(pieces, "answer_format"),
        licenses=by_value(pieces, "license"),
        turns=spoken,
        characters=characters,
    )
