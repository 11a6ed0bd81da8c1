"""The types a repo states for its columns: those whose statistics the Hub's viewer can make.

The viewer (https://github.com/huggingface/dataset-viewer, `libcommon/statistics_utils.py`) has no statistics of a split
at all where those of one column fail, and opens the file of every cell of a top-level `Video` column to ask for its
duration, which Matroska files do not state. It fails, too, where the whole numbers or lengths of a column are only two
that follow each other, where one row alone has a value, and where text of digits is too large for a date. Two columns
of numbers make a repo `tabular` there, and an `Image` column without an image makes it one of images.

So links to videos are the struct of bytes and path that they are stored as, and `videos` has each once more as a list
of one, which the viewer plays and opens nothing for. A column without values says so, and one that would fail is stated
to be `Json`, or text by another of its names. What is stored stays what rows have, numbers and lists: `datasets` makes
the stated types of it, and other readers of Parquet are not concerned. `native_types` leads back.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import datasets
import numpy as np
import PIL.Image
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Features, Image, Json, List, Value, Video
from dateutil import parser  # type: ignore[import-untyped]

from video_sft._rows.schema import COLUMNS, features
from video_sft.publishing._cells import image_bytes
from video_sft.video._columns.feature import stock_features
from video_sft.video._fragment import split_fragment

__all__ = ["LISTED_VIDEOS", "native_types", "stated_features", "stated_types", "stored_schema"]

_STATED: Mapping[str, Any] = {
    "cell": {"bytes": Value("binary"), "path": Value("string")},
    "json": Json(),
    "null": Value("null"),
    "text": Value("utf8"),
    "videos": List(Video(decode=False)),
}
#: The column that is there for the viewer's sake.
LISTED_VIDEOS = "videos"
#: Containers whose head states how long they are, which the viewer has to be told of a video that is embedded.
_STATE_LENGTHS = frozenset({".mp4", ".m4v", ".mov", ".avi"})
#: The one column of numbers that stays one where there are several: an index, which people sort and count by.
_KEPT_NUMBER = "answer_index"
#: Text of so few values is a class in the viewer, whatever its lengths are; so many of a column are tried as dates.
_CLASSES = 10
_DATES = 100
#: Histograms are made of float64, rounded to so many decimals, in so many bins.
_EXACT = 2**53
_DECIMALS = 5
_BINS = 10


def stated_types(splits: Sequence[datasets.Dataset], *, videos: bool, images: bool, embedded: bool) -> dict[str, str]:
    """Return the stated types of a config's columns by name, where they are not those of its rows.

    Args:
        splits: all splits of the config.
        videos: whether cells of `video` are published.
        images: whether cells of `image` are.
        embedded: whether cells of `video` hold the videos themselves.
    """
    found, numbers = dict[str, str](), list[str]()
    for name, feature in splits[0].features.items():
        columns = [rows.select_columns([name]).with_format("arrow")[:][name] for rows in splits]
        known = any(column.null_count < len(column) for column in columns)
        if isinstance(feature, (Video, Image)) and not (known and (videos if isinstance(feature, Video) else images)):
            found[name] = "null"
        elif isinstance(feature, Video):
            alone = any(len(column) - column.null_count == 1 for column in columns)
            if not embedded or alone or not all(map(_lengths_stated, columns)):
                found[name] = "cell"
            if not embedded and not alone:
                found[LISTED_VIDEOS] = "videos"
        elif isinstance(feature, Image):
            if any(map(_widths_fail, columns)):
                found[name] = "cell"
        elif _is_number(feature):
            if not known:
                found[name] = "null"
            elif any(map(_number_fails, columns)):
                found[name] = "json"
            numbers += [name] * known
        elif isinstance(feature, List) and any(_lengths_fail(pc.list_value_length(column)) for column in columns):
            found[name] = "json"
        elif feature in (Value("string"), Value("large_string")) and any(map(_text_fails, columns)):
            found[name] = "text"
    several = [name for name in numbers if name != _KEPT_NUMBER] if len(numbers) > 1 else []
    return found | dict.fromkeys(several, "json")


def stated_features(native: Features, types: Mapping[str, str]) -> Features:
    """Return the columns a card states, of those that rows have."""
    stated = {name: _STATED[types[name]] if name in types else native[name] for name in native}
    return Features(stated | {name: _STATED[types[name]] for name in types if name not in native})


def stored_schema(native: Features, types: Mapping[str, str]) -> pa.Schema:
    """Return the schema of Parquet files: what is not null as rows have it, and listed videos."""
    stated = stated_features(native, types)
    kept = {
        name: feature if types.get(name) == "null" else native.get(name, feature) for name, feature in stated.items()
    }
    return Features({name: kept[name] for name in stated}).arrow_schema.with_metadata(stated.arrow_schema.metadata)


def native_types(stated: Features, own: Features | None) -> Features:
    """Return the columns to read a published config by: those its rows had, and `LISTED_VIDEOS` where it is there.

    Args:
        stated: the columns its card states; of repos of any age, or of anybody's.
        own: upstream's fields as their source has them; None where it is a shared config, or the source is not there.
    """
    if set(COLUMNS) <= set(stated):
        own = stock_features(features())
    return Features({name: _native(feature, (own or {}).get(name)) for name, feature in stated.items()})


def _native(stated: Any, own: Any) -> Any:
    if stated == _STATED["text"]:
        return own or Value("string")
    return own if own is not None and stated in [_STATED[name] for name in ("cell", "json", "null")] else stated


def _lengths_stated(column: pa.ChunkedArray) -> bool:
    paths = pc.struct_field(column.drop_null(), "path").unique().to_pylist()
    return all(
        path is not None and PurePosixPath(split_fragment(path)[0]).suffix.lower() in _STATE_LENGTHS for path in paths
    )


def _is_number(feature: object) -> bool:
    return isinstance(feature, Value) and (
        pa.types.is_integer(feature.pa_type) or pa.types.is_floating(feature.pa_type)
    )


def _number_fails(column: pa.ChunkedArray) -> bool:
    if pa.types.is_integer(column.type):
        low, high = (value or 0 for value in pc.min_max(column).as_py().values())
        return _lengths_fail(column) or max(-low, high) > _EXACT
    known = column.drop_null().to_numpy()
    known = known[~np.isnan(known)]
    if len(known) < 2:
        return len(known) == 1
    low, high = np.round([known.min(), known.max()], _DECIMALS).tolist()
    if not np.isfinite([low, high]).all():
        return True
    return low < high and bool(np.arange(low, high, (high - low) / _BINS)[-1] > high)


def _widths_fail(column: pa.ChunkedArray) -> bool:
    """Return whether the widths of images fail; no more are opened than are needed to find two that do not."""
    widths = set[int]()
    for cell in column.drop_null():
        with contextlib.suppress(OSError), PIL.Image.open(io.BytesIO(image_bytes(cell.as_py()))) as image:
            widths.add(image.width)
        if len(widths) > 1 and max(widths) - min(widths) > 1:
            return False
    return len(column) - column.null_count == 1 or len(widths) > 1


def _lengths_fail(lengths: pa.ChunkedArray) -> bool:
    """Return whether whole numbers are of one row alone, or only two that follow each other."""
    low, high = pc.min_max(lengths).as_py().values()
    return len(lengths) - lengths.null_count == 1 or (low is not None and high - low == 1)


def _text_fails(column: pa.ChunkedArray) -> bool:
    return _date_fails(column) or (
        pc.count_distinct(column, mode="all").as_py() > _CLASSES and _lengths_fail(pc.utf8_length(column))
    )


def _date_fails(column: pa.ChunkedArray) -> bool:
    """Return whether the viewer's search for dates ends with another error than "no date", as on ten digits."""
    for text in column.drop_null()[:_DATES].to_pylist():
        try:
            parser.parse(text)
        except ValueError:
            return False
        except Exception:  # noqa: BLE001  (whatever it is, the viewer does not expect it)
            return True
    return False
