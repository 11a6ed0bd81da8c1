"""Building at full size: memory and rows per second, against `json.load` and `Dataset.from_generator`.

    python tests/benchmarks/build_scale.py                            2,000,000 VideoChat2-IT rows, 300 MB of STAR
    python tests/benchmarks/build_scale.py --rows 200000 --star-mb 30 --rounds 3 --num-proc 2

Each build runs in a process of its own, which reports its peak resident memory. The peer is the plain way: each file
through `json.load`, then a generator of the same rows in the shared schema, through `Dataset.from_generator`. Ours and
the peer take turns on the same files, and the ratio is that of the medians; that both wrote the same rows is checked by
hash. The peer takes a quarter of an hour for two million rows, so it reads a tree of `--peer-rows` unless told more.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORDS = (
    *("a", "the", "man", "woman", "child", "dog", "cup", "book", "door", "window", "table", "kitchen", "street"),
    *("walks", "runs", "opens", "closes", "holds", "looks", "turns", "picks", "puts", "up", "down", "at", "towards"),
    *(
        "while",
        "then",
        "before",
        "after",
        "again",
        "slowly",
        "quickly",
        "blue",
        "red",
        "small",
        "large",
        "two",
        "three",
    ),
)
MEMORY_LIMIT_MB = 600
SPEED_FLOOR = 3.0


# -- synthetic files, written as a stream ------------------------------------------------------------------------------


def sentence(choose: random.Random, words: int) -> str:
    return " ".join(choose.choices(WORDS, k=words)).capitalize() + "."


def webvid_path(number: int) -> str:
    page = number // 50 * 50
    return f"{page + 1:06d}_{page + 50:06d}/{1000000000 + number}.mp4"


def caption(choose: random.Random, number: int) -> dict[str, Any]:
    exchange = {"i": sentence(choose, 12), "q": "", "a": sentence(choose, 14)}
    return {"video": webvid_path(number), "QA": [exchange]}


def question(choose: random.Random, number: int) -> dict[str, Any]:
    exchange = {"i": sentence(choose, 12), "q": sentence(choose, 9), "a": sentence(choose, 10)}
    return {"image": f"train/{number:09d}.jpg", "QA": [exchange]}


def conversation(choose: random.Random, number: int) -> dict[str, Any]:
    turns = [{"i": "", "q": sentence(choose, 10), "a": sentence(choose, 25)} for _ in range(4)]
    return {"video": webvid_path(number), "QA": turns}


#: Each file's share of the rows, and what its rows are like; about the shares of the real tree.
TREE: dict[str, tuple[float, Callable[[random.Random, int], dict[str, Any]]]] = {
    "video/caption/webvid/train.json": (0.6, caption),
    "image/vqa/vqav2/train.json": (0.35, question),
    "video/conversation/videochat1/train.json": (0.05, conversation),
}
OBJECTS = ["bag", "blanket", "book", "box", "cup", "door", "phone", "sandwich"]


def star_row(choose: random.Random, number: int) -> dict[str, Any]:
    picked = choose.sample(OBJECTS, 4)
    frames = sorted(choose.sample(range(1200), 8))
    return {
        "question_id": f"Interaction_T1_{number}",
        "question": f"Which object was {choose.choice(WORDS)} by the person?",
        "video_id": f"V{number % 9000:04d}",
        "start": round(choose.random() * 10, 1),
        "end": round(11 + choose.random() * 20, 1),
        "answer": f"The {picked[number % 4]}.",
        "question_program": [{"function": "Filter_Actions_with_Verb", "value_input": ["tidy"]}],
        "choices": [
            {
                "choice_id": place,
                "choice": f"The {each}.",
                "choice_program": [{"function": "Equal", "value_input": [each]}],
            }
            for place, each in enumerate(picked)
        ],
        "situations": {f"{frame:06d}": star_situation(choose) for frame in frames},
    }


def star_situation(choose: random.Random) -> dict[str, Any]:
    labels = [f"o{choose.randrange(37):03d}" for _ in range(3)]
    return {
        "rel_pairs": [["o000", label] for label in labels for _ in range(2)],
        "rel_labels": [f"r{choose.randrange(24):03d}" for _ in range(6)],
        "actions": [f"a{choose.randrange(111):03d}" for _ in range(2)],
        "bbox": [[round(choose.random() * 400, 6) for _ in range(4)] for _ in labels],
        "bbox_labels": labels,
    }


def write_array(file: Path, rows: Iterator[dict[str, Any]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8") as handle:
        for number, row in enumerate(rows):
            handle.write("[" if number == 0 else ", ")
            handle.write(json.dumps(row))
        handle.write("]")


def write_videochat2(folder: Path, rows: int) -> None:
    for name, (share, make) in TREE.items():
        choose = random.Random(name)
        write_array(folder / name, (make(choose, number) for number in range(int(rows * share))))


def write_star(folder: Path, megabytes: int) -> None:
    choose = random.Random("star")
    size = len(json.dumps(star_row(choose, 0)))
    write_array(
        folder / "STAR_train.json", (star_row(choose, number) for number in range(megabytes * 1_000_000 // size))
    )


# -- the plain way -----------------------------------------------------------------------------------------------------


def part(kind: str, text: str | None = None) -> dict[str, Any]:
    return {"type": kind, "text": text}


def plain_row(row_id: str, source: str, **cells: Any) -> dict[str, Any]:
    """A shared row as a person would write it who knows the files: every column by hand."""
    empty = {"video": None, "image": None, "start_seconds": None, "stop_seconds": None, "answer_index": None}
    return {"id": row_id, "source": source, **empty, "choices": [], "evidence": [], **cells}


def plain_videochat2(folder: Path) -> Iterator[dict[str, Any]]:
    facts = {
        "image/vqa/vqav2/train.json": ("vqa", "vqav2", "vqav2"),
        "video/conversation/videochat1/train.json": ("conversation", "videochat1", "webvid"),
        "video/caption/webvid/train.json": ("simple_caption", "webvid", "webvid"),
    }
    for name in sorted(facts, key=table_order):
        task, sub_dataset, pool = facts[name]
        with (folder / name).open(encoding="utf-8") as handle:
            rows = json.load(handle)
        for number, row in enumerate(rows, start=1):
            kind = "video" if "video" in row else "image"
            path = row[kind]
            stem = path.rpartition(".")[0]
            messages = []
            for place, exchange in enumerate(row["QA"]):
                if place == 0 and exchange["i"]:
                    messages.append({"role": "system", "content": [part("text", exchange["i"])]})
                content = ([part(kind)] if place == 0 else []) + (
                    [part("text", exchange["q"])] if exchange["q"] else []
                )
                messages.append({"role": "user", "content": content})
                messages.append({"role": "assistant", "content": [part("text", exchange["a"])]})
            yield plain_row(
                f"videochat2/{name.removesuffix('/train.json')}/{number}",
                "videochat2",
                task=task,
                answer_format="open_ended",
                question_type=sub_dataset,
                messages=messages,
                video_id=f"{pool}/{stem.rpartition('/')[2] if pool == 'webvid' else stem}",
                video_path=f"{pool}/{path}",
                answer=row["QA"][-1]["a"],
                license="other",
            )


def table_order(name: str) -> int:
    from video_sft.builders._videochat2_tree import SUB_DATASETS

    return next(place for place, each in enumerate(SUB_DATASETS) if name in each.files)


def plain_star(folder: Path) -> Iterator[dict[str, Any]]:
    with (folder / "STAR_train.json").open(encoding="utf-8") as handle:
        rows = json.load(handle)
    for row in rows:
        choices = [choice["choice"] for choice in row["choices"]]
        index = choices.index(row["answer"])
        options = [f"{letter}. {choice}" for letter, choice in zip("ABCD", choices, strict=True)]
        prompt = "Answer with the option's letter from the given choices directly."
        yield plain_row(
            f"star/{row['question_id']}",
            "star",
            task="reasoning",
            answer_format="multiple_choice",
            question_type="Interaction_T1",
            messages=[
                {
                    "role": "user",
                    "content": [part("video"), part("text", "\n".join([row["question"], *options, prompt]))],
                },
                {"role": "assistant", "content": [part("text", "ABCD"[index])]},
            ],
            video_id=f"charades/{row['video_id']}",
            video_path=f"charades/{row['video_id']}.mp4",
            start_seconds=float(row["start"]),
            stop_seconds=float(row["end"]),
            choices=choices,
            answer=row["answer"],
            answer_index=index,
            license="Apache-2.0",
        )


PLAIN = {"videochat2": plain_videochat2, "star": plain_star}


# -- measuring ---------------------------------------------------------------------------------------------------------


def build(way: str, source: str, folder: Path, cache: str, num_proc: int | None) -> Any:
    import datasets

    import video_sft

    datasets.disable_progress_bars()
    if way == "ours":
        return video_sft.load(source, split="train", data_dir=folder, cache_dir=cache, num_proc=num_proc)
    return datasets.Dataset.from_generator(
        PLAIN[source], gen_kwargs={"folder": folder}, features=video_sft.features(), cache_dir=cache
    )


def digest(rows: Any) -> str:
    """A hash over rows spread evenly through a dataset."""
    plain = rows.with_format("arrow")
    step = max(1, len(rows) // 5000)
    picked = plain.select(range(0, len(rows), step))[:].drop_columns(["video", "image"]).to_pylist()
    return hashlib.sha256(json.dumps(picked, sort_keys=True).encode()).hexdigest()


def measure(way: str, source: str, folder: Path, num_proc: int | None) -> None:
    """Build once in this process, and print what it took as JSON."""
    import datasets  # noqa: F401  (imports are not part of the build)

    import video_sft  # noqa: F401

    with tempfile.TemporaryDirectory(dir=folder.parent) as cache:
        began = time.perf_counter()
        rows = build(way, source, folder, cache, num_proc)
        seconds = time.perf_counter() - began
        peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        print(json.dumps({"rows": len(rows), "seconds": seconds, "peak_mb": peak / 1024, "digest": digest(rows)}))


@dataclass(frozen=True)
class Outcome:
    """What the runs of one way of building came to."""

    rows: int
    seconds: float
    peak_mb: float
    digest: str

    @classmethod
    def of(cls, runs: list[dict[str, Any]]) -> Outcome:
        seconds = statistics.median(run["seconds"] for run in runs)
        return cls(runs[0]["rows"], seconds, max(run["peak_mb"] for run in runs), runs[0]["digest"])

    @property
    def rate(self) -> float:
        return self.rows / self.seconds


def run(way: str, source: str, folder: Path, num_proc: int | None = None) -> dict[str, Any]:
    command = [sys.executable, __file__, "--measure", way, source, str(folder)]
    if num_proc:
        command += ["--num-proc", str(num_proc)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{way} {source} failed:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def compare(source: str, folder: Path, rounds: int) -> bool:
    """Let ours and the peer take turns, and print a table; return whether the floors are kept."""
    ways: dict[str, list[dict[str, Any]]] = {"ours": [], "plain": []}
    for _ in range(rounds):
        for way, runs in ways.items():
            runs.append(run(way, source, folder))
    ours, plain = (Outcome.of(runs) for runs in ways.values())
    heading(source, folder, ours)
    show("video_sft.load", ours)
    show("json.load + from_generator", plain)
    same = (ours.rows, ours.digest) == (plain.rows, plain.digest)
    ratio = ours.rate / plain.rate
    print(f"{ratio:.1f} times the rows per second; {'the same rows' if same else 'THE ROWS DIFFER'}")
    return same and ratio >= SPEED_FLOOR and ours.peak_mb < MEMORY_LIMIT_MB


def alone(source: str, folder: Path, num_proc: int | None) -> bool:
    """Build at full size without the peer, and print a table; return whether the memory limit is kept."""
    ours = Outcome.of([run("ours", source, folder)])
    heading(source, folder, ours)
    show("video_sft.load", ours)
    if num_proc:
        show(f"video_sft.load(num_proc={num_proc})", Outcome.of([run("ours", source, folder, num_proc)]))
    return ours.peak_mb < MEMORY_LIMIT_MB


def heading(source: str, folder: Path, outcome: Outcome) -> None:
    megabytes = sum(file.stat().st_size for file in folder.rglob("*.json")) / 1e6
    print(f"\n{source}: {outcome.rows:,} rows, {megabytes:,.0f} MB of JSON")
    print(f"{'':34}{'seconds':>9}{'rows/s':>11}{'peak MB':>9}")


def show(name: str, outcome: Outcome) -> None:
    print(f"{name:34}{outcome.seconds:9.1f}{outcome.rate:11,.0f}{outcome.peak_mb:9,.0f}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000, help="rows of the VideoChat2-IT tree")
    parser.add_argument("--peer-rows", type=int, default=100_000, help="rows of the tree that the peer reads too")
    parser.add_argument("--star-mb", type=int, default=300, help="size of the STAR file")
    parser.add_argument("--rounds", type=int, default=1, help="how often ours and the peer take turns")
    parser.add_argument("--num-proc", type=int, help="also build the large tree with this many processes")
    parser.add_argument("--folder", type=Path, help="where to put the files; a temporary folder by default")
    parser.add_argument("--measure", nargs=3, metavar=("WAY", "SOURCE", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        way, source, folder = options.measure
        measure(way, source, Path(folder), options.num_proc)
        return 0
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        kept = True
        if options.rows:
            write_videochat2(Path(scratch) / "videochat2", options.rows)
            kept &= alone("videochat2", Path(scratch) / "videochat2", options.num_proc)
        if options.peer_rows:
            write_videochat2(Path(scratch) / "small", options.peer_rows)
            kept &= compare("videochat2", Path(scratch) / "small", options.rounds)
        if options.star_mb:
            write_star(Path(scratch) / "star", options.star_mb)
            kept &= compare("star", Path(scratch) / "star", options.rounds)
    floors = f"at least {SPEED_FLOOR:g} times the peer's rows per second, under {MEMORY_LIMIT_MB} MB"
    print(f"\n{'kept' if kept else 'NOT KEPT'}: {floors}, the same rows")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
