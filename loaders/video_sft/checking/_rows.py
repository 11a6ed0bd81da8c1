"""The check of rows: their number, ids, answers and choices, and those that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from video_sft.checking._part_rows import PartRows
from video_sft.checking._report import Finding, Severity, counted
from video_sft.checking._tally import ProblemKind

__all__ = ["id_findings", "row_findings"]

_EXAMPLES = 5
#: By how much of a count at second hand the rows may differ from it.
_TOLERATED = 0.1


def row_findings(rows: PartRows, published: int | None) -> Iterator[Finding]:
    """Yield what is wrong or worth knowing about the rows of a part, of which upstream publishes so many."""
    name = rows.part.name
    if rows.failure is not None:
        what = f"{name} cannot be read" + (f" beyond its first {len(rows):,} rows" if len(rows) else "")
        yield Finding("error", "rows", f"{what}: {rows.failure}")
    yield from _bad_rows(rows)
    read = len(rows) + rows.problems.by_file[rows.file] + rows.problems.left_out_rows(rows.file)
    if published is None or read in (published, *rows.part.also_counted) or rows.failure is not None:
        pass
    elif rows.part.second_hand:
        counts = " or ".join(f"{count:,}" for count in (published, *rows.part.also_counted))
        what = f"{name} has {counted(read, 'row')} in {rows.file}; {rows.part.second_hand} {counts}"
        differs = abs(read - published) > _TOLERATED * published
        remedy = "Look whether this is all of upstream's file" if differs else ""
        yield Finding("warning" if differs else "note", "rows", what, remedy, abs(read - published))
    else:
        fewer = read < published
        what = f"{name} has {counted(read, 'row')} in {rows.file}, "
        what += f"{abs(read - published):,} {'fewer' if fewer else 'more'} than the {published:,} upstream publishes"
        remedy = "Get the file again: it is cut short, or a selection" if fewer else "Compare it with upstream's file"
        yield Finding("warning", "rows", what, remedy, abs(read - published))
    for error in rows.problems.damage[:_EXAMPLES]:
        what = f"{name}: {error.file}, {error.position}: {error.problem}; the rows were read all the same"
        yield Finding("warning", "rows", what, error.remedy)
    for note in rows.problems.lines():
        yield Finding("note", "rows", f"{name}: {note}")
    yield from _answers(rows)
    yield from _choices(rows)


def id_findings(parts: Sequence[PartRows]) -> Iterator[Finding]:
    """Yield a finding where two rows of the source, in whatever part, have one id."""
    ids = [np.asarray([hash(name) for name in chunk.to_pylist()], np.int64) for rows in parts for chunk in rows.ids]
    if not ids:
        return
    values = np.concatenate(ids)
    order = np.argsort(values, kind="stable")
    repeated = order[1:][values[order[1:]] == values[order[:-1]]]
    if not len(repeated):
        return
    starts = np.cumsum([0, *map(len, parts)])
    places = []
    for row in np.sort(repeated)[:_EXAMPLES].tolist():
        number = int(np.searchsorted(starts, row, side="right")) - 1
        places.append(parts[number].place_of(row - int(starts[number])))
    what = f"Rows with the id of an earlier one: {counted(len(repeated), 'row')}"
    remedy = "Tools that go by id will mix these rows up; look whether a file was joined with itself"
    yield Finding("error", "ids", what, remedy, len(repeated), places)


def _bad_rows(rows: PartRows) -> Iterator[Finding]:
    for kind, bad in sorted(rows.problems.kinds.items(), key=lambda item: -item[1].count):
        what = f"{rows.part.name}: {counted(bad.count, 'row')} of {kind.file} cannot be read{_of(kind)}"
        yield Finding("error", "rows", what, bad.remedy, bad.count, tuple(bad.examples))
    for kind, bad in rows.problems.left_out.items():
        count = counted(bad.count, "row")
        what = f"{rows.part.name}: {count} of {kind.file} left out, unusable as published{_of(kind)}"
        severity: Severity = "note" if len(rows) else "error"  # no upstream file is without a row that can be used
        yield Finding(severity, "rows", what, count=bad.count, examples=tuple(bad.examples))


def _answers(rows: PartRows) -> Iterator[Finding]:
    name, count = rows.part.name, rows.without_answer.count
    if not count:
        return
    if rows.part.split == "test" and count == len(rows):
        what = f"{name} comes without answers: upstream withholds them, for scoring on its server"
        yield Finding("note", "answers", what, count=count)
        return
    what = f"{count:,} of {len(rows):,} rows of {name} have no answer"
    remedy = "Rows without an answer teach nothing; get the file again, or leave them out"
    yield Finding("error", "answers", what, remedy, count, tuple(rows.without_answer.examples))


def _choices(rows: PartRows) -> Iterator[Finding]:
    name = rows.part.name
    if (bad := rows.bad_choices).count:
        what = f"{bad.count:,} rows of {name} have fewer than 2 or more than 26 options, or a right one that is none"
        remedy = "They cannot be asked as multiple choice; mend or remove them"
        yield Finding("error", "choices", what, remedy, bad.count, tuple(bad.examples))
    if (repeated := rows.repeated_options).count:
        what = f"{repeated.count:,} of {rows.choices:,} multiple-choice rows of {name} have the same option twice"
        what += f", {rows.ambiguous:,} of them the right one" if rows.ambiguous else ", never the right one"
        yield Finding("note", "choices", what, count=repeated.count, examples=tuple(repeated.examples))


def _of(kind: ProblemKind) -> str:
    return (f", field {kind.field!r}" if kind.field is not None else "") + f": {kind.problem}"
