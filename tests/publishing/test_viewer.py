"""What the Hub's dataset viewer can show.

Its rule for video cells is in `viewer_utils/features.py` of https://github.com/huggingface/dataset-viewer: null, bytes,
or a path that starts with `hf://datasets/<this repo>@`; anything else breaks the page.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
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
        for cell in table["video"].to_pylist():
            if cell is None:
                continue
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


@pytest.mark.parametrize("source", video_sft.sources())
def test_every_source_is_there(source: str, samples: PublishedSamples) -> None:
    assert any(path.startswith(f"{source}/") for path in samples.hub.tree(samples.name))
