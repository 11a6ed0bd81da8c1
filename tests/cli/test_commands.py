"""The command line, as a person at a terminal meets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import pytest
from PIL import Image

import video_sft
from video_sft._cli import main

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0)


def test_list_names_every_config_and_licence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    shown = capsys.readouterr().out
    for source in video_sft.sources():
        assert source in shown
    assert "the README says MIT and limited to non-commercial use" in " ".join(shown.split())
    assert run("list", "--configs") == 0
    assert capsys.readouterr().out.split() == video_sft.configs()


def test_show_prints_a_row_as_a_conversation(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "next_gqa", "--sample", "--split", "validation", "--index", "-1") == 0
    shown = capsys.readouterr().out
    for piece in (
        "<video>",
        "what did the dog do before the ball was thrown",
        "A. sit",
        "assistant",
        "evidence",
        "0.0 to 3.0 s",
    ):
        assert piece in shown
    assert run("show", "next_gqa-source", "--sample") == 0
    assert '"frame_count": 612' in capsys.readouterr().out


def test_build_writes_a_folder_that_loads_and_never_overwrites(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "built"
    assert run("build", "next_qa", "--sample", "--out", str(out)) == 0
    loaded: Any = datasets.load_from_disk(str(out))
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 7, "validation": 5, "test": 4}
    before = sorted(path.name for path in out.rglob("*"))
    assert run("build", "next_qa", "--sample", "--out", str(out)) == 2
    assert "is there already" in capsys.readouterr().err
    assert sorted(path.name for path in out.rglob("*")) == before
    assert [path.name for path in tmp_path.iterdir()] == ["built"]


def test_commands_take_a_prompt_style(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    styled = ("--sample", "--prompt-style", "sevila")
    assert run("show", "star", "--split", "validation", *styled) == 0
    assert "Option A:" in capsys.readouterr().out
    assert run("build", "star", "--out", str(tmp_path / "built"), *styled) == 0
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("parts: [star]\nprompt_style: mvbench\n", encoding="utf-8")
    assert run("mix", str(recipe), "--out", str(tmp_path / "mixed"), *styled) == 0
    built: Any = datasets.load_from_disk(str(tmp_path / "built"))
    mixed: Any = datasets.load_from_disk(str(tmp_path / "mixed"))
    for rows in (built["train"], mixed):
        assert rows["messages"][0][-1]["content"][0]["text"].startswith("Option ")
    for words in (["show", "star"], ["mix", str(recipe)], ["publish", "star", "--repo", "org/x", "--dry-run"]):
        capsys.readouterr()
        assert run(*words, "--sample", "--prompt-style", "sevilla") == 2
        assert "Did you mean 'sevila'" in capsys.readouterr().err


def test_demo_ends_with_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("demo", "--out", str(tmp_path)) == 0
    shown = capsys.readouterr().out
    for config in video_sft.configs():
        assert config in shown
    path = Path(shown.rsplit("Its frames: ", 1)[1].strip())
    with Image.open(path) as picture:
        assert picture.width > 400
        assert len(picture.getcolors(1 << 20) or []) > 10


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "nextqa", "--sample"], "ConfigError: no config is called 'nextqa'. Did you mean next_qa"),
        (["show", "next_qa", "--data-dir", "/nowhere"], "MissingFileError: data_dir '/nowhere' is not a folder"),
        (["show", "next_qa", "--sample", "--media", "/x"], "MissingMediaError: the media place '/x' is not there"),
        (["show", "star", "--data-dir", "a", "--data-dir", "b"], "for each source: --data-dir activitynet_qa=PLACE"),
        (["show", "videochat2", "--sample", "--media", "."], "several pools; give media by pool: "),
        (["help", "mxi"], "there is no help on 'mxi'. Did you mean mix"),
        (["show", "next_qa", "--sample", "--split", "train", "--index", "9"], "there is no row 9"),
        (["build", "next_qa", "--sample"], "Missing option '--out'"),
        (["juggle"], "No such command 'juggle'"),
    ],
)
def test_errors_are_one_line_and_exit_code_2(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_help_lists_topics_and_prints_one_or_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("help") == 0
    listed = capsys.readouterr().out
    for page in (Path(video_sft.__file__).parent / "help").glob("*.md"):
        if page.stem != "README":
            assert page.stem in listed
            assert run("help", page.stem) == 0
            assert page.read_text(encoding="utf-8").split()[1] in capsys.readouterr().out
    assert run("help", "mix") == 0
    assert "--eval-set" in capsys.readouterr().out
    for words in (["-h"], ["build", "-h"], ["eval-ids", "-h"], ["eval-ids", "add", "-h"]):
        assert run(*words) == 0
        assert "Usage:" in capsys.readouterr().out


def test_version_and_help_come_without_what_is_slow_to_import() -> None:
    code = "import sys; from video_sft._cli import main\ntry: main(sys.argv[1:])\nfinally: print(*sys.modules)"
    for word in ("--version", "--help"):
        done = subprocess.run([sys.executable, "-c", code, word], capture_output=True, text=True, check=True)
        assert not {"datasets", "numpy", "pyarrow", "huggingface_hub"} & set(done.stdout.splitlines()[-1].split())
        assert word == "--help" or done.stdout.startswith(f"video-sft {video_sft.__version__}\n")


def test_debug_shows_the_traceback() -> None:
    with pytest.raises(video_sft.ConfigError):
        main(["show", "nextqa", "--sample", "--debug"])
