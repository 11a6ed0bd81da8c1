"""`video-sft export`, as a person at a terminal meets it."""

from __future__ import annotations

import json
from pathlib import Path

import datasets
import pytest

import video_sft
from video_sft._cli import main


@pytest.fixture(autouse=True)
def _own_cache(session_cache: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", session_cache)
    monkeypatch.setenv("COLUMNS", "80")


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0)


def test_a_config_is_exported_and_the_command_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "star swift"
    assert run("export", "star", "--sample", "--to", "swift", "--out", str(out)) == 0
    shown = capsys.readouterr().out
    assert "5 rows for swift" in shown
    assert f"ROOT_IMAGE_DIR='{out}' swift sft" in shown  # whole, however narrow the terminal
    lines = (out / "train-00000-of-00001.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == video_sft.load("star", sample=True, split="train")["id"]
    assert run("export", "star", "--sample", "--to", "swift", "--out", str(out)) == 0
    assert run("export", "star", "--sample", "--to", "llava", "--out", str(out)) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert run("export", "star", "--sample", "--to", "llava", "--out", str(out), "--overwrite") == 0


def test_a_recipe_is_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    words = ("--sample", "--to", "llamafactory", "--out", str(out), "--name", "balanced", "--clips", "frames")
    assert run("export", "balanced", *words, "--max-frames", "2") == 0
    (entry,) = json.loads((out / "dataset_info.json").read_text()).values()
    lines = (out / entry["file_name"]).read_text().splitlines()
    assert lines
    assert all(len(video) <= 2 for line in lines for video in json.loads(line).get("videos", []))
    assert f"{len(lines)} rows for llamafactory" in capsys.readouterr().out


def test_what_was_left_out_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--sample", "--to", "swift", "--split", "test", "--out", str(tmp_path / "out"))
    assert run("export", "star", *words) == 0
    assert "rows: the answer is withheld (star/" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("star", "--to", "trl"), "to is 'trl'; it is one of swift"),
        (("star", "--to", "llava", "--clips", "keys"), "for llava it is one of trim and frames"),
        (("star", "--to", "swift", "--data-dir", "/nowhere"), "'/nowhere' is not a folder"),
        (("sttar", "--to", "swift"), "sttar"),
    ],
)
def test_wrong_words_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    sample = () if "--data-dir" in words else ("--sample",)
    assert run("export", *words, *sample, "--out", str(tmp_path / "out")) == 2
    assert said in capsys.readouterr().err.replace("\n", " ")
