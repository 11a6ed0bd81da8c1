"""Exports held against the trainers' own code: `make check-trainers`.

Rows whose pictures tell the second they show, and the samples of all sources, are exported for each trainer; in an
environment of its own, made here, its own loading and encoding code reads them. Models and tokenizers are made there
as well: nothing is downloaded but packages.

    python -m tests.trainers [swift] [llamafactory] [qwen] [shards]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import video_sft
from tests.trainers.clock_rows import SHOWN, clock_rows
from video_sft._exporting.conversation import spaced_tags

HERE = Path(__file__).resolve().parent
#: What each environment has, in the steps it is installed in. Trainers say themselves which transformers they take;
#: mosaicml-streaming asks for one that is too old for `datasets`, and runs with newer ones.
PACKAGES = {
    "swift": [["ms-swift==4.6.0", "qwen-vl-utils==0.0.14", "decord", "torch==2.13.0", "torchvision==0.28.0"]],
    "llamafactory": [["llamafactory==0.9.5", "torch==2.13.0", "torchvision==0.28.0", "torchaudio"]],
    "qwen": [["qwen-vl-utils==0.0.14", "decord", "torch==2.13.0", "torchvision==0.28.0"]],
    "shards": [
        ["webdataset", "mosaicml-streaming", "torch==2.13.0", "torchvision==0.28.0", "pytest", "hypothesis"],
        ["-U", "transformers", "-e", str(HERE.parents[1])],
    ],
}
CLIPS = {"swift": ("keys", "trim", "frames"), "llamafactory": ("trim", "frames"), "qwen": ("keys", "frames")}


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Exports held against the trainers' own code.")
    parser.add_argument("trainers", nargs="*", help=f"of {', '.join(PACKAGES)}; all by default")
    parser.add_argument("--root", type=Path, default=Path(".trainers"), help="for environments, models and exports")
    chosen = parser.parse_args(words)
    unknown = set(chosen.trainers) - set(PACKAGES)
    if unknown:
        parser.error(f"no such trainer: {', '.join(sorted(unknown))}")
    root = chosen.root.absolute()
    root.mkdir(parents=True, exist_ok=True)
    failed = []
    for trainer in chosen.trainers or list(PACKAGES):
        python = environment(root / "environments" / trainer, PACKAGES[trainer])
        if trainer == "shards":
            run = [str(python), str(HERE / "with_shards.py"), "tests/exporting/test_packed.py"]
            failed += [] if passed(run, HERE.parents[1], " passed") else [trainer]
            continue
        for name, rows in {"clock": clock_rows(root / "clock"), "samples": sample_rows()}.items():
            expected = root / f"{name}.json"
            expected.write_text(json.dumps(expectations(rows)))
            for clips in CLIPS[trainer]:
                export = root / "exports" / f"{trainer}-{name}-{clips}"
                shutil.rmtree(export, ignore_errors=True)
                how: Any = {"to": trainer, "clips": clips, "shard_bytes": 2_000, "cache_dir": root / "facts"}
                report = video_sft.export(rows, out=export, **how)
                assert not report.left_out, report.left_out
                models = root / "models" / trainer
                models.mkdir(parents=True, exist_ok=True)
                run = [str(python), f"with_{trainer}.py", str(models), str(export), str(expected)]
                failed += [] if passed(run, HERE, "ok: ") else [export.name]
    print("failed: " + ", ".join(failed) if failed else "all trainers read all exports")
    return 1 if failed else 0


def sample_rows() -> Any:
    """Return the sample rows of all sources that have answers, as one dataset."""
    import datasets

    loaded = [video_sft.load(source, sample=True, split="train") for source in video_sft.sources()]
    return datasets.concatenate_datasets(loaded)


def expectations(rows: Any) -> dict[str, Any]:
    """Return by id what a trainer has to make of each row."""
    expected = {}
    for row in rows.select_columns(["id", "messages"]):
        said = [
            (message["role"], spaced_tags(part["text"]), part["type"])
            for message in row["messages"]
            for part in message["content"]
            if part["type"] == "text"
        ]
        media = [part["type"] for message in row["messages"] for part in message["content"] if part["type"] != "text"]
        expected[row["id"]] = {
            "questions": [text for role, text, _ in said if role == "user"],
            "answers": [text for role, text, _ in said if role == "assistant"],
            "media": media[0] if media else None,
            "shown": SHOWN.get(row["id"]),
        }
    return expected


def environment(folder: Path, steps: list[list[str]]) -> Path:
    """Return the interpreter of an environment with packages, made unless it is there."""
    python = folder / "bin" / "python"
    done = folder / "packages.json"
    if not done.is_file() or json.loads(done.read_text()) != steps:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        for packages in steps:
            command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
            subprocess.run(command, check=True)
        done.write_text(json.dumps(steps))
    return python


def passed(command: list[str], folder: Path, mark: str) -> bool:
    """Run a script in a trainer's environment; show what it says, and its last lines where it fails."""
    own = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    own |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        command, cwd=folder, env=own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    lines = result.stdout.splitlines()
    told = [line for line in lines if mark in line]
    print("\n".join(told) or f"{' '.join(command)}: nothing was read", flush=True)
    if result.returncode:
        print("\n".join(["...", *lines[-25:]]), flush=True)
    return result.returncode == 0 and bool(told)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
