"""The `<source>-source` configs: upstream's fields as they are, none lost."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from datasets import Features, List, Value

from video_sft._annotations import Problems
from video_sft._sources.record import Record
from video_sft._sources.source import Source
from video_sft.errors import RowError

__all__ = ["OTHER_FIELDS", "ROW_ID", "to_upstream_table", "upstream_schema"]

#: The id of the same row in the shared configs.
ROW_ID = "row_id"
#: What upstream's row holds beside the columns, as JSON text; null in a file of the documented shape.
OTHER_FIELDS = "other_fields"
#: What Arrow raises for a value of another type than the column's.
_MISFITS = (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, OverflowError)


def upstream_schema(source: Source) -> Features:
    """Return the columns of a source's `-source` config."""
    return Features({ROW_ID: Value("string"), **source.upstream_features, OTHER_FIELDS: Value("string")})


def to_upstream_table(records: Sequence[Record], source: Source, problems: Problems) -> pa.Table:
    """Return records as a table of their upstream fields.

    A number or text, or a list of such, that its column cannot hold as it is (an integer over 64 bits, a blank where a
    count is expected) goes into `other_fields` whole, and its cell is null.
    """
    schema = upstream_schema(source).arrow_schema
    known = _Known.of(source.upstream_features)
    rows, made = [], []
    for record in records:
        try:
            rows.append(_row(record, source, known))
        except RowError as error:
            problems.meet(error)
        else:
            made.append(record)
    try:
        return _table(rows, schema)
    except _MISFITS:
        fitted = (_fitted(row, record, schema, problems) for row, record in zip(rows, made, strict=True))
        return _table([row for row in fitted if row is not None], schema)


def _row(record: Record, source: Source, known: _Known) -> dict[str, Any]:
    row = source.upstream_row(record)
    others = known.others(row)
    if (misplaced := known.misplaced(row)) is not None:
        record.row.fail(misplaced, "there is text where a list is expected, or a list where an object is")
    key = f"{source.name}/{record.key}"
    return {**row, ROW_ID: key, OTHER_FIELDS: _as_json(others) if others else None}


def _as_json(others: Mapping[str, Any]) -> str:
    """Return fields as JSON text; not by orjson, whose integers have 64 bits."""
    return json.dumps(others, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class _Known:
    """The fields columns have a place for, at one level of a row.

    Attributes:
        names: of the fields.
        inner: what is known inside the fields that are objects or lists of objects; the others hold plain values.
        lists: how deep the fields that are lists are nested.
    """

    names: frozenset[str]
    inner: Mapping[str, _Known]
    lists: Mapping[str, int]

    @classmethod
    def of(cls, shape: Mapping[str, Any]) -> _Known:
        objects = {name: _object_in(column) for name, column in shape.items()}
        inner = {name: cls.of(column) for name, column in objects.items() if column is not None}
        depths = {name: _depth(column) for name, column in shape.items() if isinstance(column, List)}
        return cls(frozenset(shape), inner, depths)

    def others(self, value: Any) -> dict[str, Any] | None:
        """Return the fields of an object, or of a list's objects by their number, that no column has a place for."""
        if isinstance(value, list):
            return self._others_in_list(value)
        left = {} if value.keys() <= self.names else {key: value[key] for key in value.keys() - self.names}
        for name, inner in self.inner.items():
            item = value.get(name)
            if isinstance(item, (dict, list)) and (others := inner.others(item)):
                left[name] = others
        return {key: left[key] for key in value if key in left} if left else None

    def misplaced(self, value: Any) -> str | None:
        """Return the field, if any, that has text where a list should be, or a list where an object should.

        Arrow would take the one for its characters, the other for pairs of a key and a value.
        """
        if isinstance(value, list):
            found = (self.misplaced(item) for item in value if isinstance(item, (dict, list)))
            return next((name for name in found if name is not None), None)
        for name, depth in self.lists.items():
            if _is_text_for_list(value.get(name), depth):
                return name
        for name, inner in self.inner.items():
            item = value.get(name)
            if _is_list_for_object(item, self.lists.get(name, 0)):
                return name
            if isinstance(item, (dict, list)) and (place := inner.misplaced(item)) is not None:
                return f"{name}.{place}"
        return None

    def _others_in_list(self, items: Sequence[Any]) -> dict[str, Any] | None:
        found = {}
        for number, item in enumerate(items):
            if type(item) is dict and (self.inner or not item.keys() <= self.names) and (others := self.others(item)):
                found[str(number)] = others
        return found or None


def _depth(shape: Any) -> int:
    return 1 + _depth(shape.feature) if isinstance(shape, List) else 0


def _is_text_for_list(value: Any, depth: int) -> bool:
    if isinstance(value, str):
        return True
    return depth > 1 and isinstance(value, list) and any(_is_text_for_list(item, depth - 1) for item in value)


def _is_list_for_object(value: Any, depth: int) -> bool:
    if not isinstance(value, list):
        return False
    return depth == 0 or any(_is_list_for_object(item, depth - 1) for item in value)


def _object_in(shape: Any) -> Mapping[str, Any] | None:
    while isinstance(shape, List):
        shape = shape.feature
    return shape if isinstance(shape, Mapping) else None


def _table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    columns = [pa.array([row.get(field.name) for row in rows], type=field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _is_plain(value: Any) -> bool:
    """Return whether a value is a number, a text, or a list of such values."""
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


def _fitted(row: Mapping[str, Any], record: Record, schema: pa.Schema, problems: Problems) -> Mapping[str, Any] | None:
    """Return a row whose columns hold what they can, or None, the row being met as bad."""
    apart: dict[str, Any] = {}
    for field in schema:
        value = row.get(field.name)
        try:
            pa.array([value], type=field.type)
        except _MISFITS as error:
            if pa.types.is_string(field.type) or not _is_plain(value):
                problems.meet(record.row.error(field.name, f"the field is not of the documented type: {error}"))
                return None
            problems.mend("Values that their column cannot hold, kept in other_fields")
            apart[field.name] = value
    if not apart:
        return row
    others = json.loads(row[OTHER_FIELDS]) if row[OTHER_FIELDS] else {}
    return {**row, **dict.fromkeys(apart), OTHER_FIELDS: _as_json({**others, **apart})}
