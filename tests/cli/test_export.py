"""`video-sft export`, as a person at a terminal meets it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import CommandResult

import video_sft

pytestmark = pytest.mark.usefixtures("own_cache")
Run = Callable[..., CommandResult]


def test_a_config_is_exported_and_the_command_is_shown(tmp_path: Path, video_sft_command: Run) -> None:
    out = tmp_path / "star swift"
    words = ("export", "star", "--sample", "--out", out)
    said = video_sft_command(*words, "--to", "swift")
    assert said.code == 0
    assert "5 rows for swift" in said.out
    assert f"ROOT_IMAGE_DIR='{out}' swift sft" in said.out  # whole, however narrow the terminal
    lines = (out / "train-00000-of-00001.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == video_sft.load("star", sample=True, split="train")["id"]
    assert video_sft_command(*words, "--to", "swift").code == 0
    refused = video_sft_command(*words, "--to", "llava")
    assert (refused.code, "--overwrite" in refused.err) == (2, True)
    assert video_sft_command(*words, "--to", "llava", "--overwrite").code == 0


def test_a_recipe_is_exported(tmp_path: Path, video_sft_command: Run) -> None:
    out = tmp_path / "out"
    words = ("--sample", "--to", "llamafactory", "--out", out, "--name", "balanced", "--clips", "frames")
    said = video_sft_command("export", "balanced", *words, "--max-frames", 2)
    assert said.code == 0
    (entry,) = json.loads((out / "dataset_info.json").read_text()).values()
    lines = (out / entry["file_name"]).read_text().splitlines()
    assert lines
    assert all(len(video) <= 2 for line in lines for video in json.loads(line).get("videos", []))
    assert f"{len(lines)} rows for llamafactory" in said.out


def test_what_was_left_out_is_said(tmp_path: Path, video_sft_command: Run) -> None:
    words = ("--sample", "--to", "swift", "--split", "test", "--out", tmp_path / "out")
    assert "rows: the answer is withheld (star/" in video_sft_command("export", "star", *words).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("star", "--sample", "--to", "trl"), "to is 'trl'; it is one of swift"),
        (("star", "--sample", "--to", "llava", "--clips", "keys"), "for llava it is one of trim and frames"),
        (("star", "--to", "swift", "--data-dir", "/nowhere"), "'/nowhere' is not a folder"),
        (("sttar", "--sample", "--to", "swift"), "sttar"),
    ],
)
def test_wrong_words_are_told(tmp_path: Path, video_sft_command: Run, words: tuple[str, ...], said: str) -> None:
    result = video_sft_command("export", *words, "--out", tmp_path / "out")
    assert result.code == 2
    assert said in result.err
    assert "Traceback" not in result.err
