"""`video-sft eval-ids`: lists made, added, shown and removed; nothing is passed over in silence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset
from tests.mixing.conftest import part  # noqa: F401

from video_sft.errors import ConfigError
from video_sft.mixing import add_eval_list, mix

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIDEO_SFT_EVAL_IDS", str(tmp_path / "lists"))
    return tmp_path / "lists"


@pytest.fixture
def run(lists: Path, video_sft_command: Callable[..., Any]) -> Run:
    def ran(*words: object) -> tuple[int, str]:
        done = video_sft_command("eval-ids", *words)
        return done.code, done.out + done.err

    return ran


@pytest.fixture
def ids(tmp_path: Path) -> Callable[..., Path]:
    def written(text: str, name: str = "ids.txt") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return written


def test_a_list_of_ones_own_is_added_used_chosen_shown_and_removed(
    run: Run,
    lists: Path,
    ids: Callable[..., Path],
    part: Callable[..., Dataset],  # noqa: F811
) -> None:
    file = ids("# ours\ncharades/AAAAA\n\nhttps://youtu.be/abcDEF-_123?t=3\ncharades/AAAAA  # again\nvidor/1.mp4\n")
    code, said = run("add", "our_test", file)
    assert code == 0
    assert "3 videos, 1 ids repeated" in said
    assert [path.name for path in lists.iterdir()] == ["our_test.json.gz"]
    videos = ["charades/AAAAA", "k710/k400/abcDEF-_123_000003_000013", "vidor/1", "vidor/2"]
    rows = part("star", [{"video_id": video} for video in videos])
    assert mix({"star": rows})["video_id"][:] == ["vidor/2"]
    assert mix({"star": rows}, eval_sets=["our_test"])["video_id"][:] == ["vidor/2"]
    assert len(mix({"star": rows}, eval_sets=["mvbench"])) == 4
    assert "our_test" in run()[1]
    code, said = run("add", "our_test", file)
    assert code == 2
    assert "--replace" in said
    assert run("add", "our_test", file, "--replace")[0] == 0
    assert run("remove", "our_tset") == (2, f"ConfigError: {lists} has no list 'our_tset'; did you mean our_test?\n")
    assert run("remove", "our_test")[0] == 0
    assert list(lists.iterdir()) == []
    assert len(mix({"star": rows})) == 4


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ids.txt", "abcDEF-_123\nyoutube/abcDEF-_124\n"),
        ("ids.csv", "n,video_id\n1,abcDEF-_123\n2,abcDEF-_124\n"),
        ("ids.tsv", "video\tn\nabcDEF-_123\t1\nabcDEF-_124.mp4\t2\n"),
        ("ids.json", json.dumps(["abcDEF-_123", "abcDEF-_124"])),
        ("ids.json", json.dumps([{"videoID": "abcDEF-_123", "q": "x"}, {"videoID": "abcDEF-_124"}])),
        ("ids.jsonl", '{"url": "https://www.youtube.com/watch?v=abcDEF-_123&t=1"}\n{"url": "abcDEF-_124"}\n'),
        ("ids.txt", "\ufeffabcDEF-_123\r\nhttps://m.youtube.com/shorts/abcDEF-_124\r\n"),
    ],
)
def test_files_of_several_kinds_are_read(lists: Path, ids: Callable[..., Path], name: str, text: str) -> None:
    entry = add_eval_list("ours", ids(text, name), pool="youtube")
    assert entry.videos == ("youtube/abcDEF-_123", "youtube/abcDEF-_124")


def test_ids_are_written_as_the_sources_write_them(lists: Path, ids: Callable[..., Path]) -> None:
    one = add_eval_list("one", ids("abcDEF-_123\nv_abcDEF-_124\nv_abcDEF123\nv_v_abcDEF123\n"), pool="activitynet")
    assert one.videos == ("activitynet/v_abcDEF-_123", "activitynet/v_abcDEF-_124", "activitynet/v_v_abcDEF123")
    two = add_eval_list("two", ids("k400/abcDEF-_123.mp4\nwebvid/7\n"), pool="k710")
    assert two.videos == ("k710/k400/abcDEF-_123", "webvid/7")
    three = add_eval_list("three", ids(json.dumps([1022713978]), "ids.json"), pool="webvid")
    assert three.videos == ("webvid/1022713978",)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("ids.txt", "charades/6H78U\nabcDEF-_123\n", "line 2: 'abcDEF-_123' names no pool"),
        ("ids.txt", "\n".join(f"bad{number}" for number in range(9)), "9 entries that are no ids"),
        ("ids.txt", "charades/../../etc/passwd\n", "line 1:"),
        ("ids.txt", "youtube/short\n", "11 characters"),
        ("ids.txt", "ftp://x/y\n", "is not an id"),
        ("ids.txt", "# nothing\n", "has no ids"),
        ("ids.csv", "a,b\n1,2\n", "one should be video_id"),
        ("ids.csv", 'video_id\n"x\n', "not CSV"),
        ("ids.json", '{"a": 1}', "should hold an array"),
        ("ids.json", "[", "is not JSON"),
        ("ids.json", "[null]", "entry 1"),
    ],
)
def test_a_file_with_anything_else_in_it_keeps_nothing(
    lists: Path, ids: Callable[..., Path], name: str, text: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        add_eval_list("ours", ids(text, name))
    assert not lists.exists()


@pytest.mark.parametrize("name", ["", "../x", "Our", "next_qa", "mvbench", "default", "mlvu", "a" * 65, "a/b"])
def test_names_that_are_taken_or_none_are_refused(lists: Path, ids: Callable[..., Path], name: str) -> None:
    with pytest.raises(ConfigError, match="name"):
        add_eval_list(name, ids("charades/6H78U"))


def test_a_pool_no_source_has_is_told(lists: Path, ids: Callable[..., Path], caplog: pytest.LogCaptureFixture) -> None:
    add_eval_list("ours", ids("chardes/6H78U"))
    assert "no source here has a pool 'chardes'; did you mean charades?" in caplog.text


def test_every_source_is_accounted_for(run: Run, tmp_path: Path, lists: Path) -> None:
    folder = tmp_path / "data"
    (folder / "activitynet_qa").mkdir(parents=True)
    (folder / "star").mkdir()
    rows = [{"video_name": "abcDEF-_123", "question": "what is it", "question_id": "v_abcDEF-_123_1"}]
    (folder / "activitynet_qa/val_q.json").write_text(json.dumps(rows))
    answers = [{"answer": "a dog", "type": 3, "question_id": "v_abcDEF-_123_1"}]
    (folder / "activitynet_qa/val_a.json").write_text(json.dumps(answers))
    code, said = run("--data-dir", folder)
    assert code == 0
    assert f"activitynet_qa: read validation in {folder}/activitynet_qa" in said
    assert "activitynet_qa test: skipped: no test_q.json in" in said
    assert "star validation: skipped: no STAR_val.json in" in said
    assert "next_qa: skipped: no folder next_qa was found" in said
    assert "videochat2: skipped: has no validation or test split" in said
    assert [path.name for path in lists.iterdir()] == ["activitynet_qa.json.gz"]
    code, said = run("activitynet_qa", "star", "--data-dir", folder)
    assert code == 1
    assert "next_qa: skipped: not asked for" in said
    assert run("activitynet_qa", "--data-dir", folder)[0] == 0
    assert run("--data-dir", f"star={folder / 'star'}", "--data-dir", f"activitynet_qa={folder}/activitynet_qa")[0] == 1
    assert run("videochat", "--data-dir", folder)[0] == 1
    (folder / "activitynet_qa/test_q.json").write_text("[{")
    (folder / "activitynet_qa/test_a.json").write_text("[]")
    code, said = run("--data-dir", folder)
    assert code == 1
    assert "activitynet_qa test: skipped: cannot be read: " in said


def test_lists_are_made_from_real_files(run: Run, shared: Path, lists: Path) -> None:
    code, said = run("next_gqa", "--data-dir", f"next_gqa={shared / 'next_gqa'}")
    assert code == 0, said
    assert "3,358" in said
    assert "next_gqa test: skipped: no test.csv" in said
    assert (lists / "next_gqa.json.gz").is_file()


def test_what_there_is_no_list_of_is_told_with_the_reason(run: Run) -> None:
    code, said = run("list")
    assert code == 0
    assert "no list of: star validation, star test" in said
    assert "no list of: mlvu: its file names" in said
    assert "activitynet_captions validation (only if named)" in said


def test_no_folder_is_an_error(run: Run, tmp_path: Path) -> None:
    code, said = run("--data-dir", tmp_path / "nowhere")
    assert code == 2
    assert "is not a folder" in said
