"""The package that the help writes down: installed, found by its entry point and used in every way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.local_hub import LocalHub
from tests.outside.written_package import install, write_package

USE = """
import json, sys
import datasets, pytest
import video_sft
from video_sft._cli import main
assert "mine_pkg" not in sys.modules  # looked up when sources are first asked for
data, out = sys.argv[1:]
told = {"sources": video_sft.sources(), "configs": video_sft.configs("mine")}
rows = video_sft.load("mine", split="train", data_dir=data)
told["answers"] = rows["answer"][:]
sample = video_sft.load("mine", split="train", sample=True, streaming=True)
told["frames"] = [list(row["video"].frames(count=2).data.shape) for row in sample]
told["upstream"] = video_sft.load("mine-source", split="train", sample=True)[0]
mixed = video_sft.mix({"mine": 0.5, "star": 0.5}, num_rows=8, sample=True)
told["mixed"] = {one.name: one.rows for one in video_sft.describe(mixed).sources}
report = video_sft.publish(["mine", "star"], repo="org/both", sample=True)
alone = video_sft.publish("mine", repo="org/mine", sample=True)
told["published"] = [config.name for repo in report.repos for config in repo.configs]
codes = {}
for words in (
    "list",
    "show mine --sample",
    f"build mine --data-dir {data} --out {out}/built",
    "check mine --sample",
    f"check mine --data-dir {data}",
    "publish mine --repo org/mine --sample --dry-run",
):
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    codes[words.split()[0]] = ended.value.code
told["codes"] = codes
told["published again"] = video_sft.load("mine", split="train", repo="org/mine")["question_type"][:]
print("TOLD" + json.dumps(told))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example's own folder `package` and what pip made of it, `installed`."""
    folder = tmp_path_factory.mktemp("outside")
    install(write_package(folder / "package"), folder / "installed")
    return folder


def run(folder: Path, words: list[str], environment: dict[str, str]) -> str:
    path = os.pathsep.join([str(folder / "installed"), *(place for place in sys.path if place)])
    environment = {**environment, "PYTHONPATH": path, "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, *words], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_everything_takes_it(package: Path) -> None:
    data = package / "data"
    data.mkdir()
    rows = [{"id": "7", "video": "lab_07.mp4", "question": "why?", "answer": "for fun", "extra": [1]}]
    (data / "mine.json").write_text(json.dumps(rows))
    with LocalHub(package / "hub") as hub:
        environment = {**hub.environment(), "VIDEO_SFT_EVAL_IDS": str(package / "lists")}
        shown = run(package, ["-c", USE, str(data), str(package)], environment)
        card = hub.read("org/mine", "README.md").decode()
        both = hub.read("org/both", "README.md").decode()
    told: dict[str, Any] = json.loads(shown.rpartition("TOLD")[2])
    assert told["configs"] == ["mine", "mine-source"]
    assert {"mine", "star", "videochat"} <= set(told["sources"])
    assert told["answers"] == ["for fun"]
    assert told["frames"] == [[2, 144, 192, 3]] * 2
    assert told["upstream"]["row_id"] == "mine/1"
    assert json.loads(told["upstream"]["other_fields"])["question"] == "what falls off the table?"
    assert told["mixed"] == {"mine": 4, "star": 4}
    assert sorted(told["published"]) == ["mine", "star"]
    assert told["codes"] == {"list": 0, "show": 0, "build": 0, "check": 0, "publish": 0}
    assert "from: mine_pkg.mine.Mine, another package" in shown
    assert "what falls off the table?" in shown
    assert "Mine: questions about the videos of our laboratory." in card
    assert "license: cc-by-4.0" in card
    assert "`mine` | not stated | not stated | `CC-BY-4.0`" in card
    assert "| `mine` | train | 2 |" in both
    assert "| `star` | train |" in both


def test_its_own_tests_pass(package: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "HF_HOME": str(tmp_path)}
    tests = str(package / "package" / "tests")
    shown = run(package, ["-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", tests], environment)
    assert " passed" in shown
    assert "skipped" not in shown
