"""What the Hub's dataset viewer can show.

Its rule for video cells is in `viewer_utils/features.py` of https://github.com/huggingface/dataset-viewer: null, bytes,
or a path that starts with `hf://datasets/<this repo>@`; anything else breaks the page. Those of its statistics are in
`statistics_utils.py`, and those of its tags in `modalities.py`. Its own code was run on repos like these.
"""

from __future__ import annotations

import collections
import io
import json
import re
from collections.abc import Iterator

import dateutil.parser  # type: ignore[import-untyped]
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Features, Image, List, Value, Video
from huggingface_hub import DatasetCard
from PIL import Image as Pictures

import video_sft

from .conftest import PublishedSamples

LARGEST_CELL = 100_000


def tables(samples: PublishedSamples) -> Iterator[tuple[str, pa.Table]]:
    for path in samples.hub.tree(samples.name):
        if path.endswith(".parquet"):
            yield path, pq.read_table(io.BytesIO(samples.hub.read(samples.name, path)))


def test_every_video_cell_is_null_or_plays(samples: PublishedSamples) -> None:
    playing = 0
    for path, table in tables(samples):
        if "-source/" in path:
            continue
        listed = table["videos"].to_pylist() if "videos" in table.column_names else [None] * len(table)
        for cell, cells in zip(table["video"].to_pylist(), listed, strict=True):
            if cell is None:
                assert cells is None
                continue
            assert cells in ([cell], None)
            found = re.fullmatch(rf"hf://datasets/{samples.name}@([0-9a-f]{{40}})/(videos/.+)", cell["path"])
            assert found is not None, cell
            assert cell["bytes"] is None
            assert found[2] in samples.hub.tree(samples.name, found[1]), "the pinned commit has the video"
            playing += 1
    assert playing > 0


def test_every_image_cell_is_a_picture(samples: PublishedSamples) -> None:
    shown = 0
    for path, table in tables(samples):
        if "-source/" in path:
            continue
        for cell in table["image"].to_pylist():
            if cell is not None:
                Pictures.open(io.BytesIO(cell["bytes"])).verify()
                shown += 1
    assert shown > 0


def test_no_cell_is_cut_short(samples: PublishedSamples) -> None:
    for path, table in tables(samples):
        for row in table.to_pylist():
            for name, value in row.items():
                if name != "image" or "-source/" in path:
                    assert len(json.dumps(value)) < LARGEST_CELL, (path, name)


def test_no_type_is_one_the_viewer_cannot_render(samples: PublishedSamples) -> None:
    for path, table in tables(samples):
        assert len(table.column_names) == len(set(table.column_names))
        for field in table.schema:
            assert re.fullmatch(r"[A-Za-z_]\w*", field.name), (path, field.name)
            assert not any(pa.types.is_map(kind) or pa.types.is_union(kind) for kind in leaves(field.type)), path


def leaves(kind: pa.DataType) -> Iterator[pa.DataType]:
    yield kind
    if pa.types.is_struct(kind):
        for field in kind:
            yield from leaves(field.type)
    elif pa.types.is_list(kind):
        yield from leaves(kind.value_type)


@pytest.fixture(scope="module")
def stated(samples: PublishedSamples) -> dict[str, Features]:
    """The columns that the card states, by config: those the viewer goes by."""
    card = DatasetCard(samples.hub.read(samples.name, "README.md").decode())
    return {info["config_name"]: Features._from_yaml_list(info["features"]) for info in card.data.dataset_info}


def test_no_statistics_open_a_file(stated: dict[str, Features]) -> None:
    for config, columns in stated.items():
        assert not [name for name, column in columns.items() if isinstance(column, Video)], config


def test_statistics_of_every_split_can_be_made(stated: dict[str, Features], samples: PublishedSamples) -> None:
    counted = collections.Counter[str]()
    for path, table in tables(samples):
        for name, column in stated[path.partition("/")[0]].items():
            values = [value for value in table[name].to_pylist() if value is not None]
            if isinstance(column, List):
                counted["list"] += has_histogram([len(value) for value in values])
            elif isinstance(column, Value) and pa.types.is_integer(column.pa_type):
                counted["integer"] += has_histogram(values)
            elif isinstance(column, Value) and pa.types.is_floating(column.pa_type):
                assert len(values) != 1
            elif column == Value("string"):
                for text in values:
                    if not looks_like_a_date(text):
                        break
                if len({*table[name].to_pylist()}) > 10:
                    counted["text"] += has_histogram([len(value) for value in values])
            elif isinstance(column, Image):
                counted["image"] += has_histogram([Pictures.open(io.BytesIO(cell["bytes"])).width for cell in values])
    assert set(counted) == {"list", "integer", "text", "image"}


def has_histogram(numbers: list[int]) -> int:
    """The viewer fails where one row alone has a value, and where there are two values and they follow each other."""
    assert len(numbers) != 1
    assert not numbers or max(numbers) - min(numbers) != 1, numbers
    return 1


def looks_like_a_date(text: str) -> bool:
    """The viewer expects no other error than this one; digits that are too many for a date are another."""
    try:
        dateutil.parser.parse(text)
    except ValueError:
        return False
    return True


def test_modalities_are_those_of_the_rows(stated: dict[str, Features], samples: PublishedSamples) -> None:
    for config, columns in stated.items():
        numbers = [
            column
            for column in columns.values()
            if isinstance(column, Value) and ("int" in column.dtype or "float" in column.dtype)
        ]
        assert len(numbers) < 2, (config, "would be tabular")
    filled = {
        path.partition("/")[0]
        for path, table in tables(samples)
        if "-source/" not in path and table["image"].null_count < len(table)
    }
    assert {config for config, columns in stated.items() if isinstance(columns.get("image"), Image)} <= filled
    assert "videochat2" in filled
    assert "star" not in filled


def test_chunks_are_said_to_be_content_defined(samples: PublishedSamples) -> None:
    for path in samples.hub.tree(samples.name):
        if path.endswith(".parquet"):
            footer = pq.read_metadata(io.BytesIO(samples.hub.read(samples.name, path)))
            assert json.loads(footer.metadata[b"content_defined_chunking"])["min_chunk_size"] > 0


@pytest.mark.parametrize("source", video_sft.sources())
def test_every_source_is_there(source: str, samples: PublishedSamples) -> None:
    assert any(path.startswith(f"{source}/") for path in samples.hub.tree(samples.name))
