"""The links of published rows: which videos their cells name, and the same rows with links to another place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from video_sft.publishing._layout import path_of_cell
from video_sft.publishing._parquet import write_shard

__all__ = ["linked_cells", "relink_shard"]


def linked_cells(file: Any) -> set[str]:
    """Return the different places that the video cells of a Parquet file name; only that column is read.

    Args:
        file: its path, or it opened in binary mode.
    """
    with pq.ParquetFile(file) as rows:
        column = _links_column(rows.schema_arrow)
        if column is None:
            return set()
        found: set[str] = set()
        for batch in rows.iter_batches(columns=[column], batch_size=1 << 16):
            cells = batch.column("video")
            cells = cells.flatten() if pa.types.is_list(cells.type) else cells
            found.update(cells.field("path").drop_null().unique().to_pylist())
    return found


def relink_shard(file: Path, target: Path, place: Callable[[str], str | None]) -> bool:
    """Write a Parquet file anew with links to another place, row group by row group; return whether any is another.

    Args:
        file: as it was published.
        target: is written where a link changes, and not otherwise.
        place: gives what a cell holds for a path in the repo, such as `videos/charades/0c/6H78U.mp4`; None for what is
            to stay as it is.
    """

    def moved(cell: str) -> str:
        path = path_of_cell(cell)
        return (path and place(path)) or cell

    cells = {cell: moved(cell) for cell in linked_cells(file)}
    if all(cell == new for cell, new in cells.items()):
        return False
    with pq.ParquetFile(file) as rows:
        groups = (_moved(rows.read_row_group(number), cells) for number in range(rows.num_row_groups))
        write_shard(target, groups, rows.schema_arrow)
    return True


def _moved(table: pa.Table, cells: dict[str, str]) -> pa.Table:
    number = table.schema.get_field_index("video")
    field = table.schema.field(number)
    new = [_moved_cell(cell, cells) for cell in table.column(number).to_pylist()]
    return table.set_column(number, field, pa.array(new, field.type))


def _moved_cell(cell: Any, cells: dict[str, str]) -> Any:
    if isinstance(cell, list):  # of one video
        return [_moved_cell(each, cells) for each in cell]
    return cell and {**cell, "path": cells.get(cell["path"], cell["path"])}


def _links_column(schema: pa.Schema) -> str | None:
    """Return the Parquet column that links lie in; those of former versions are no lists."""
    number = schema.get_field_index("video")
    kind = schema.field(number).type if number >= 0 else pa.null()
    listed = pa.types.is_list(kind)
    cell = kind.value_type if listed else kind
    if not (pa.types.is_struct(cell) and "path" in [field.name for field in cell]):
        return None
    return "video.list.element.path" if listed else "video.path"
