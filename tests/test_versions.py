"""What has to work with every supported version of what the package stands on: `make versions` runs this with each.

It needs neither torch nor anything else beside the package and pytest, and takes less than a minute.
"""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import datasets
import numpy as np
import pytest

import video_sft
from tests.expectations import as_text, built_rows, read_expected
from tests.local_hub.fixtures import *  # noqa: F403
from tests.local_hub.hub import LocalHub

PACKAGE = Path(video_sft.__file__).parent
#: Names of `datasets` objects that its documentation does not speak of, and the only modules of it used elsewhere.
PRIVATE = {"_indices", "_fingerprint", "_ex_iterable", "_resolve_features", "_output_dir", "_format_type"}
PRIVATE |= {"_prepare_split_single", "_load_info", "_format_kwargs", "_format_columns", "_output_all_columns"}
MODULES = {"datasets", "datasets.config", "datasets.distributed"}


def mixed(**options: Any) -> Any:
    """A mixture of two parts that only have ids, the second in three files."""

    def rows(files: list[int]) -> Iterator[dict[str, str]]:
        for file in files:
            yield from ({"id": f"b{file}{number}"} for number in range(4))

    columns = datasets.Features({"id": datasets.Value("string")})
    few: Any = datasets.Dataset.from_dict({"id": [f"a{number}" for number in range(5)]}, features=columns)
    many: Any = datasets.Dataset.from_list(list(rows([0, 1, 2])), features=columns)
    if options.get("streaming"):
        few = few.to_iterable_dataset()
        many = datasets.IterableDataset.from_generator(rows, gen_kwargs={"files": [0, 1, 2]}, features=columns)
    return video_sft.mix({"few": few, "many": many}, probabilities={"few": 0.25, "many": 0.75}, seed=3, **options)


def listed(rows: Any) -> str:
    return " ".join(f"{row['id']}.{row['mix_epoch']}" for row in rows)


@pytest.mark.parametrize("source", video_sft.sources())
def test_samples_give_the_same_rows_built_and_streamed(source: str, session_cache: str) -> None:
    for config in video_sft.configs(source):
        text = as_text(built_rows(config, session_cache))
        assert [json.loads(line) for line in text.split("\n")[:-1]] == read_expected(config)
        built: Any = video_sft.load(config, sample=True, cache_dir=session_cache)
        streamed: Any = video_sft.load(config, sample=True, streaming=True, cache_dir=session_cache)
        assert list(built) == list(streamed)
        for split, rows in built.items():
            assert [repr(row) for row in streamed[split].remove_columns(_images(rows))] == [
                repr(row) for row in rows.remove_columns(_images(rows))
            ]


def _images(rows: datasets.Dataset) -> list[str]:
    """Columns whose cells are shown with their place in memory."""
    return [name for name, feature in rows.features.items() if isinstance(feature, datasets.Image)]


def test_rows_keep_their_clips_and_images_through_what_datasets_does(session_cache: str) -> None:
    splits: Any = video_sft.load("videochat2", sample=True, cache_dir=session_cache)
    rows = splits["train"]
    changed = datasets.concatenate_datasets([rows.select(range(3, len(rows))), rows.shuffle(seed=1)])
    changed = changed.filter(lambda row: row["video_path"] is not None).map(lambda row: {"answer": row["id"]})
    found = [row for row in changed if row["video"] is not None]
    assert found
    assert {type(row["video"]) for row in found} == {video_sft.Clip}
    assert found[0]["video"].frames(count=2).data.shape == (2, 144, 192, 3)
    assert any(row["image"] is not None and row["image"].size for row in changed)


def test_frames_and_sound_of_a_file_with_tags_that_are_no_text() -> None:
    tone = np.sin(np.arange(48_000) / 20).astype(np.float32)
    made = io.BytesIO()
    with av.open(made, "w", format="mp4") as container:
        container.metadata["title"] = "ABCDEFGH"
        stream, sound = container.add_stream("libx264", rate=10), container.add_stream("aac", rate=48_000)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(10):
            picture = np.full((48, 64, 3), 25 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        for start in range(0, len(tone), 1024):
            frame = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 48_000, start
            container.mux(sound.encode(frame))
        container.mux(stream.encode(None))
        container.mux(sound.encode(None))
    clip = video_sft.Clip(made.getvalue().replace(b"ABCDEFGH", b"AB\xff\xfeEFGH"))
    frames = clip.frames(fps=5, size=(24, 32))
    assert frames.indices.tolist() == [0, 2, 4, 6, 8]
    assert frames.pts_seconds.tolist() == [0.0, 0.2, 0.4, 0.6, 0.8]
    assert np.abs(frames.data.mean(axis=(1, 2, 3)) - 25 * frames.indices).max() < 4
    heard = clip.clip(0.25, 0.75).audio(sampling_rate=48_000).data
    assert np.abs(heard - tone[12_000:36_000]).max() < 0.05
    assert clip.metadata.audio is not None


def test_mixtures_have_the_same_order_everywhere() -> None:
    assert listed(mixed(num_rows=12)) == "b03.0 a2.0 b21.0 b01.0 b13.0 a1.0 b22.0 b00.0 b12.0 a0.0 b10.0 b23.0"
    streamed = listed(mixed(num_rows=12, streaming=True))
    assert streamed == "b10.0 a1.0 b11.0 b12.0 b23.0 a3.0 b22.0 b21.0 b00.0 a0.0 b01.0 b03.0"


def test_a_streamed_mixture_goes_on_where_it_was() -> None:
    whole = list(mixed(num_rows=60, streaming=True))
    for position in (0, 1, 7, 30, 59):
        stream = mixed(num_rows=60, streaming=True)
        rows = iter(stream)
        begun = [next(rows) for _ in range(position)]
        state = json.loads(json.dumps(stream.state_dict())) if position else None
        again = mixed(num_rows=60, streaming=True)
        if state is not None:
            again.load_state_dict(state)
        assert [*begun, *again] == whole


def test_pieces_of_a_streamed_mixture_are_all_of_it() -> None:
    stream = mixed(num_rows=60, streaming=True)
    pieces = [list(stream.shard(4, number)) for number in range(4)]
    assert [len(piece) for piece in pieces] == [15, 15, 15, 15]
    counts = [sum(row["id"].startswith("a") for piece in pieces for row in piece)]
    assert counts == [sum(row["id"].startswith("a") for row in stream)] == [15]


def test_parts_whose_order_is_fixed_are_streamed() -> None:
    part = datasets.Dataset.from_dict({"id": [f"a{n}" for n in range(9)]}).to_iterable_dataset(num_shards=3)
    for rows, ids in ((part.skip(2), range(2, 9)), (part.take(4), range(4))):
        stream: Any = video_sft.mix({"part": rows}, streaming=True)
        assert sorted(row["id"] for row in stream) == [f"a{number}" for number in ids]


def test_what_is_published_comes_back(hub: LocalHub, tmp_path: Path, session_cache: str) -> None:
    video_sft.publish(["star", "next_qa-source"], repo="org/made", sample=True, cache_dir=session_cache)
    built: Any = video_sft.load("star", sample=True, split="train", cache_dir=session_cache)
    loaded: Any = video_sft.load("star", repo="org/made", split="train")
    streamed: Any = video_sft.load("star", repo="org/made", split="train", streaming=True)
    for rows in (loaded, streamed):
        clips = [row["video"] for row in rows]
        assert [(clip.start_seconds, clip.stop_seconds) for clip in clips] == [
            (row["start_seconds"], row["stop_seconds"]) for row in built
        ]
        assert np.array_equal(clips[0].frames(count=2).data, built[0]["video"].frames(count=2).data)
    plain = datasets.load_dataset("org/made", "next_qa-source", split="validation")
    upstream: Any = video_sft.load("next_qa-source", sample=True, split="validation", cache_dir=session_cache)
    assert list(plain) == list(upstream)
    mixture: Any = video_sft.mix({"star": 1.0}, repo="org/made", streaming=True, num_rows=5)
    assert {type(row["video"]) for row in mixture} == {video_sft.Clip}


def test_the_demo_runs(tmp_path: Path, session_cache: str) -> None:
    words = [
        sys.executable,
        "-W",
        "error",
        "-c",
        "from video_sft._cli import main; main()",
        "demo",
        "--out",
        str(tmp_path),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "contact-sheet.png").stat().st_size


def test_loading_and_mixing_need_nothing_of_what_is_behind_streams(tmp_path: Path) -> None:
    script = """
import datasets.iterable_dataset as behind
for name in ("_BaseExamplesIterable", "ArrowExamplesIterable"):
    behind.__dict__.pop(name)
import sys, video_sft
rows = video_sft.load("star", sample=True, split="train", cache_dir=sys.argv[1])
print(len(video_sft.mix({"star": rows}, decontaminate=None, num_rows=20)), rows[0]["video"].frames(count=1).data.shape)
"""
    words = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "20 (1, 144, 192, 3)"


def test_what_datasets_keeps_to_itself_is_used_in_one_module() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name == "_datasets.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in PRIVATE:
                assert ast.unparse(node.value) == "self", f"{path}: {ast.unparse(node)}"
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "datasets":
                assert node.module in MODULES, f"{path}: {node.module}"
