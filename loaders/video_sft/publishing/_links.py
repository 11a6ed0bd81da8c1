"""The links of published rows: which videos their cells name, and the same rows with links to another place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from video_sft.publishing._column_types import LISTED_VIDEOS
from video_sft.publishing._layout import path_of_cell
from video_sft.publishing._parquet import write_shard

__all__ = ["linked_cells", "relink_shard"]


def linked_cells(file: Any) -> set[str]:
    """Return the different places that the video cells of a Parquet file name; only that column is read.

    Args:
        file: its path, or it opened in binary mode.
    """
    with pq.ParquetFile(file) as rows:
        found: set[str] = set()
        if not _has_links(rows.schema_arrow):
            return found
        for batch in rows.iter_batches(columns=["video.path"], batch_size=1 << 16):
            found.update(batch.column("video").field("path").drop_null().unique().to_pylist())
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
    for name in {"video", LISTED_VIDEOS}.intersection(table.column_names):
        number = table.schema.get_field_index(name)
        field = table.schema.field(number)
        new = [_moved_cell(cell, cells) for cell in table.column(number).to_pylist()]
        table = table.set_column(number, field, pa.array(new, field.type))
    return table


def _moved_cell(cell: Any, cells: dict[str, str]) -> Any:
    if isinstance(cell, list):  # of one video
        return [_moved_cell(each, cells) for each in cell]
    return cell and {**cell, "path": cells.get(cell["path"], cell["path"])}


def _has_links(schema: pa.Schema) -> bool:
    number = schema.get_field_index("video")
    kind = schema.field(number).type if number >= 0 else pa.null()
    return pa.types.is_struct(kind) and "path" in [field.name for field in kind]
