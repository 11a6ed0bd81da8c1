"""Files the package keeps beside datasets: damaged ones are noticed, told and made anew, and leftovers go."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.files.damage import overwrite

import video_sft
from video_sft._files import UNFINISHED, unfinished_folder, writing_whole
from video_sft.mixing._eval_lists.lists import read_lists
from video_sft.mixing._eval_lists.own_lists import add_eval_list
from video_sft.publishing._upload.hashes import HashMemory


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b""), lambda path: os.truncate(path, 900)])
def test_damaged_sample_clips_and_merged_rows_are_made_anew(
    tmp_path: Path, spoil: Callable[[Path], Any], caplog: pytest.LogCaptureFixture
) -> None:
    def rows() -> Any:
        return video_sft.load("next_qa", sample=True, split="train", group="video", cache_dir=tmp_path)

    expected = [row["messages"] for row in rows()]
    spoiled = [*tmp_path.rglob("*.mp4"), *(tmp_path / "video_sft_grouped").glob("*.arrow")]
    assert len(spoiled) > 2
    for path in spoiled:
        spoil(path)
    again = rows()
    assert [row["messages"] for row in again] == expected
    assert all(row["video"].frames(count=3).data.shape[0] == 3 for row in again)
    assert len([record for record in caplog.records if "damaged" in record.message]) == 2
    caplog.clear()
    rows()
    assert not caplog.records


def test_damaged_rewritten_batches_are_rewritten(tmp_path: Path) -> None:
    from datasets import Dataset, load_from_disk

    Dataset.from_dict({"id": [str(number) for number in range(3000)]}).save_to_disk(tmp_path / "rows")
    saved: Any = load_from_disk(str(tmp_path / "rows")).map(lambda row: row, writer_batch_size=10)
    expected = video_sft.mix({"rows": saved}, seed=3)["id"][:]  # type: ignore[index, dict-item]
    for damage in (lambda path: os.truncate(path, 2000), lambda path: overwrite(path, 4000, 5000)):
        (rewritten,) = (tmp_path / "rows").glob("video-sft-batches-*")
        damage(rewritten)
        assert video_sft.mix({"rows": saved}, seed=3)["id"][:] == expected  # type: ignore[index, dict-item]


@pytest.mark.parametrize("damage", [b"no database at all, but text " * 200, None])
def test_hashes_that_are_damaged_are_computed_again(
    tmp_path: Path, damage: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    (file := tmp_path / "a.mp4").write_bytes(b"video")
    memory = HashMemory(tmp_path / "state")
    facts = memory.facts(str(file))
    for number in range(200):
        (another := tmp_path / f"{number}.mp4").write_bytes(b"%d" % number)
        memory.facts(str(another))
    memory.close()
    database = tmp_path / "state" / "hashes.sqlite"
    if damage is None:
        overwrite(database, 8192, database.stat().st_size - 8192)
    else:
        database.write_bytes(damage)
    memory = HashMemory(tmp_path / "state")
    assert [memory.facts(str(path)).size for path in tmp_path.glob("*.mp4")]
    assert memory.facts(str(file)) == facts
    memory.close()
    assert "begun anew" in caplog.text
    with sqlite3.connect(database) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    opened.close()


def test_hashes_are_done_without_on_a_read_only_disk(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "state").write_text("a file")
    (tmp_path / "a.mp4").write_bytes(b"video")
    memory = HashMemory(tmp_path / "state")
    assert memory.facts(str(tmp_path / "a.mp4")).size == 5
    memory.close()
    assert "cannot be remembered" in caplog.text


@pytest.mark.parametrize("how", ["empty", "cut", "flipped"])
def test_a_damaged_evaluation_list_is_named_and_can_be_made_again(tmp_path: Path, how: str) -> None:
    (ids := tmp_path / "ids.txt").write_text("".join(f"charades/A{number:04}\n" for number in range(500)))
    folder = tmp_path / "lists"
    add_eval_list("ours", ids, folder=folder)
    path = folder / "ours.json.gz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 20] = bytes(20)
    path.write_bytes({"empty": b"", "cut": path.read_bytes()[:200], "flipped": content}[how])
    with pytest.raises(video_sft.ConfigError, match=r"ours\.json\.gz is not a list of evaluation ids .*make it again"):
        video_sft.mix(["star"], sample=True, eval_ids=str(folder))
    add_eval_list("ours", ids, folder=folder, replace=True)
    assert len(read_lists(path)[0].videos) == 500
    assert path.with_name("ours.json.gz.damaged").exists()


def test_leftovers_go_and_what_is_in_work_stays(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LEFT, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    left = [path for path in tmp_path.iterdir() if path.name.startswith(UNFINISHED)]
    assert len(left) == 2
    inside, ended = threading.Event(), threading.Event()
    in_work: list[Path] = []

    def work() -> None:
        with unfinished_folder(tmp_path) as folder, writing_whole(tmp_path / "slow.txt") as unfinished:
            in_work.extend([folder, unfinished])
            inside.set()
            assert ended.wait(60)

    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(60)
    subprocess.run([sys.executable, "-c", LEFT.replace("SIGKILL", "SIGTERM"), str(tmp_path)], check=False)
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in in_work)
    ended.set()
    thread.join()
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(UNFINISHED)] == ["slow.txt"]


LEFT = """
import os, signal, sys
from pathlib import Path
from video_sft._files import unfinished_folder, writing_whole
place = Path(sys.argv[1])
with unfinished_folder(place) as folder, writing_whole(place / "a.txt") as file:
    file.write_text("half of")
    os.kill(os.getpid(), signal.SIGKILL)
"""
