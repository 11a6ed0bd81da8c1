"""Published Parquet against what `datasets` writes: size, bytes of the first row group, time to write and read.

    python tests/benchmarks/publish_parquet.py [--rows 40000]

The rows are invented questions of the shared schema that refer to one video for every eight of them. Both sides take
turns; ratios are of medians, ours over the peer's, so less than 1 is better.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset, Features, Value, disable_progress_bars

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.publishing.made_rows import make_rows

from video_sft.publishing._cells import publishable
from video_sft.publishing._splits import SplitWriter

WORDS = ["a", "man", "child", "dog", "ball", "door", "table", "runs", "opens", "takes", "near", "under", "red", "two"]
TURNS = 5


def invented(rows: int) -> Dataset:
    """Rows with texts that differ, about a video for every eight of them."""
    chance = random.Random(0)
    files = [Path(f"/none/{number:06d}.mp4") for number in range(max(1, rows // 8))]

    def reword(row: dict[str, list[object]]) -> dict[str, list[object]]:
        answers = [" ".join(chance.choices(WORDS, k=12)) for _ in row["id"]]
        messages = [
            [
                {"role": "user", "content": [{"type": "video", "text": None}, {"type": "text", "text": answer[::-1]}]},
                {"role": "assistant", "content": [{"type": "text", "text": answer}]},
            ]
            for answer in answers
        ]
        return {"answer": answers, "messages": messages}

    made = make_rows(files, rows=rows)
    return made.map(reword, batched=True, features=made.features, keep_in_memory=True)


def write_ours(rows: Dataset, folder: Path) -> list[Path]:
    """Write as `publish` does."""
    writer = SplitWriter("org/made", "star", "train", rows, "reference", "0" * 40)
    return [shard.file for shard in writer.shards(folder)]


def write_theirs(rows: Dataset, folder: Path) -> list[Path]:
    """Write as `push_to_hub` does, in as many shards."""
    files = [folder / f"{index}.parquet" for index in range(8)]
    for index, file in enumerate(files):
        rows.shard(8, index, contiguous=True).to_parquet(file)
    return files


def first_group_bytes(file: Path) -> int:
    """Bytes of the first row group: what a reader fetches that wants the first rows and has no page index."""
    group = pq.ParquetFile(file).metadata.row_group(0)
    return sum(group.column(number).total_compressed_size for number in range(group.num_columns))


def published(rows: Dataset) -> Dataset:
    """The rows as they are published; the peer would look for the video files behind a `Video` column."""
    shape = Features({**rows.features, "video": {"bytes": Value("binary"), "path": Value("string")}})
    table = publishable(
        rows.with_format("arrow")[:],
        "reference",
        lambda file: f"hf://datasets/org/made@{'0' * 40}/{file.path}",
        rows.features.arrow_schema,
    )
    return Dataset(table.cast(shape.arrow_schema))


def timed(action: Callable[[], object]) -> float:
    """Seconds that `action` takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=40_000)
    rows_wanted = parser.parse_args().rows
    disable_progress_bars()
    rows = invented(rows_wanted)
    sides = {"ours": write_ours, "theirs": write_theirs}
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    reading: dict[str, list[float]] = {name: [] for name in sides}
    files: dict[str, list[Path]] = {}
    with tempfile.TemporaryDirectory() as name:
        peer_rows = published(rows)
        for turn in range(TURNS):
            for side, write in sides.items():
                folder = Path(name) / f"{side}{turn}"
                folder.mkdir()
                start = time.perf_counter()
                files[side] = write(rows if side == "ours" else peer_rows, folder)
                seconds[side].append(time.perf_counter() - start)
                reading[side].append(timed(lambda: pa.concat_tables(map(pq.read_table, files[side]))))  # noqa: B023
        size = {side: sum(file.stat().st_size for file in found) for side, found in files.items()}
        group = {side: first_group_bytes(found[0]) for side, found in files.items()}
    print(f"{rows_wanted:,} rows, 8 shards; ours / datasets")
    print(f"size           {size['ours'] / size['theirs']:.2f}   ({size['ours']:,} / {size['theirs']:,} bytes)")
    print(f"first group    {group['ours'] / group['theirs']:.2f}   ({group['ours']:,} / {group['theirs']:,} bytes)")
    for what, found in (("writing", seconds), ("reading all", reading)):
        ours, theirs = (statistics.median(found[side]) for side in sides)
        print(f"{what:14} {ours / theirs:.2f}   ({ours:.2f} / {theirs:.2f} s)")


if __name__ == "__main__":
    main()
