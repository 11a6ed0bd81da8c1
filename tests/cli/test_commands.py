"""The command line, as a person at a terminal meets it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import pytest
import typer
import yaml
from PIL import Image

import video_sft
from video_sft._cli import main
from video_sft._cli.app import app
from video_sft._cli.console import Console, error_lines, table_of

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


def test_the_catalogue_is_data_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list", "--json") == 0
    told = {source["name"]: source for source in json.loads(capsys.readouterr().out)}
    assert [config["name"] for source in told.values() for config in source["configs"]] == video_sft.configs()
    star = told["star"]
    assert star["configs"][0] == {"name": "star", "rows": {"train": 45731, "validation": 7098, "test": 7377}}
    assert star["second_hand"] == ["test", "train", "validation"]
    assert told["videochat2"]["configs"][0]["rows"] == {"train": None}


@pytest.mark.parametrize("width", ["80", "200"])
@pytest.mark.parametrize("words", ["list", "recipes", "eval-ids", "publish videochat2-detailed_caption --repo a/b"])
def test_tables_cut_no_name_apart(
    words: str, width: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    assert run(*words.split(), *(["--sample", "--dry-run"] if "publish" in words else [])) == 0
    shown = capsys.readouterr().out
    assert "\u2026" not in shown
    assert "detailed_caption" not in words + shown or "videochat2-detailed_caption" in shown.split()
    if words in ("list", "recipes"):
        assert max(len(line.rstrip()) for line in shown.splitlines()) <= int(width)


def test_a_narrow_table_breaks_at_blanks_and_slashes_alone() -> None:
    out = io.StringIO()
    table = table_of(("name", "rows", "where"), numbers=["rows"])
    table.add_row("videochat2-detailed_caption", "1,000", "video/conversation/train.json and more")
    table.add_row("star", "7", "")
    Console(file=out, width=48).print(table)
    assert out.getvalue().splitlines()[1:4] == [
        "videochat2-detailed_caption 1,000 video/        ",
        "                                  conversation/ ",
        "                                  train.json    ",
    ]
    assert "star                            7" in out.getvalue()
    narrow = io.StringIO()
    Console(file=narrow, width=20).print(table)
    assert "videochat2-detailed_caption 1,000" in narrow.getvalue()


def test_recipes_are_listed_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("recipes") == 0
    listed = " ".join(capsys.readouterr().out.split())
    for piece in ("reasoning star 3 Multiple-choice and open questions", "balanced", "conversation", "everything"):
        assert piece in listed
    assert run("recipes", "reasoning") == 0
    assert yaml.safe_load(capsys.readouterr().out)["parts"]["star"] == 3


@pytest.mark.parametrize(
    ("shell", "words", "offered"),
    [
        ("bash", "video-sft show next_qa-m", ["next_qa-multiple_choice"]),
        ("bash", "video-sft show star --split v", ["validation"]),
        ("zsh", "video-sft mix rea", ["reasoning"]),
        ("fish", "video-sft export star --prompt-style mvb", ["mvbench"]),
        ("bash", "video-sft rec", ["recipes"]),
        ("bash", "video-sft publish al", ["all"]),
    ],
)
def test_shells_are_offered_what_may_follow(
    shell: str, words: str, offered: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_VIDEO_SFT_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", words)
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    assert run() == 0
    shown = capsys.readouterr().out
    for name in offered:
        assert name in shown


def test_one_grammar_for_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from video_sft._given_places import data_dir_of_words, media_of_words

    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_dir_of_words(["star=~/data"]) == {"star": str(tmp_path / "data")}
    assert media_of_words(["charades=~/a", "charades=/b"]) == {"charades": [str(tmp_path / "a"), "/b"]}
    commands = dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    groups = [command for command in commands.values() if hasattr(command, "commands")]
    for command in [*commands.values(), *(each for group in groups for each in group.commands.values())]:
        told = {parameter.name: parameter for parameter in command.params}
        for name, metavar in (("data_dir", "[SOURCE=]PLACE"), ("media", "[POOL=]PLACE")):
            if name in told:
                assert (told[name].metavar, told[name].multiple) == (metavar, True), command.name


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
        (["lst"], "Did you mean 'list'?"),
        (["eval-ids", "mak"], "Did you mean 'make'?"),
        (["show", "next_qa", "--sampel"], "--sample"),
        (
            ["show", "next_qa", "--sample", "--split", "val"],
            "it has train, validation, test. Did you mean 'validation'?",
        ),
        (["show", "star", "--sample", "--media", "charads=/x"], "Did you mean 'charades'?"),
        (["mix", "balansed"], "Did you mean 'balanced'?\n  Bundled ones: "),
        (["build", "star", "--sample", "--out", "x", "--missing", "skp"], "Did you mean 'skip'?"),
        (["publish", "star", "--sample", "--repo", "a/b", "--videos", "refrence"], "Did you mean 'reference'?"),
    ],
)
def test_errors_are_plain_and_exit_code_2(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_an_error_has_a_line_for_each_sentence_and_cuts_no_place() -> None:
    told = "ConfigError: /data/a.b/x.json, line 3: no e.g. here. Did you mean 'x'? Get it. With a very-long/path/to it"
    assert error_lines(told, None) == [
        "ConfigError: /data/a.b/x.json, line 3: no e.g. here. Did you mean 'x'?",
        "  Get it.",
        "  With a very-long/path/to it",
    ]
    assert error_lines("first\n\n   second", None) == ["first", "  second"]
    narrow = error_lines(told, 24)
    assert "    very-long/path/to it" in narrow
    assert " ".join(" ".join(narrow).split()) == told


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
