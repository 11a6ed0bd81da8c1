"""The `<source>-source` configs: upstream's fields as they are, none lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pyarrow as pa
from datasets import Features, List, Value

from video_sft.annotations import Problems
from video_sft.building.source import Source
from video_sft.records import Record

__all__ = ["OTHER_FIELDS", "ROW_ID", "to_upstream_table", "upstream_schema"]

#: The id of the same row in the shared configs.
ROW_ID = "row_id"
#: What upstream's row holds beside the columns, as JSON text; null in a file of the documented shape.
OTHER_FIELDS = "other_fields"


def upstream_schema(source: Source) -> Features:
    """Return the columns of a source's `-source` config."""
    return Features({ROW_ID: Value("string"), **source.upstream_features, OTHER_FIELDS: Value("string")})


def to_upstream_table(records: Sequence[Record], source: Source, problems: Problems) -> pa.Table:
    """Return records as a table of their upstream fields.

    Args:
        records: a batch of the source's records.
        source: the source.
        problems: takes in rows with a field of another type than the column's.
    """
    shape = upstream_schema(source)
    schema = shape.arrow_schema
    rows = [_row(record, source) for record in records]
    try:
        return _table(rows, schema)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, OverflowError):
        good = [row for row, record in zip(rows, records, strict=True) if _fits(row, record, schema, problems)]
        return _table(good, schema)


def _row(record: Record, source: Source) -> dict[str, Any]:
    row = source.upstream_row(record)
    others = _others(row, source.upstream_features)
    key = f"{source.name}/{record.key}"
    return {**row, ROW_ID: key, OTHER_FIELDS: orjson.dumps(others).decode() if others else None}


def _others(value: Any, shape: Any) -> Any:
    """Return the part of a value that its columns have no place for, None where there is no such part."""
    if isinstance(value, Mapping) and isinstance(shape, Mapping):
        left = {key: item if key not in shape else _others(item, shape[key]) for key, item in value.items()}
        return {key: item for key, item in left.items() if item is not None} or None
    if isinstance(value, list) and isinstance(shape, List) and not isinstance(shape.feature, Value):
        items = {str(number): _others(item, shape.feature) for number, item in enumerate(value)}
        return {number: item for number, item in items.items() if item is not None} or None
    return None


def _table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    columns = [pa.array([row.get(field.name) for row in rows], type=field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _fits(row: Mapping[str, Any], record: Record, schema: pa.Schema, problems: Problems) -> bool:
    for field in schema:
        try:
            pa.array([row.get(field.name)], type=field.type)
        except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, OverflowError) as error:
            problems.meet(record.row.error(field.name, f"the field is not of the documented type: {error}"))
            return False
    return True
