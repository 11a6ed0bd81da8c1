"""Built datasets that a power cut or a kill damaged are noticed, told and built anew; read-only caches are read."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.files.damage import overwrite
from tests.read_only import read_only

import video_sft
from video_sft._files import stamp_of

ROWS = 30_000


@pytest.fixture(scope="module")
def annotations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("annotations")
    rows = [{"q": "what?", "a": f"answer {number} " + "x" * 300, "video_id": "v_abcdefghijk"} for number in range(ROWS)]
    (folder / "VideoInstruct100K.json").write_text(json.dumps(rows))
    return folder


@pytest.fixture(scope="module")
def built(annotations: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the annotations as a dataset: copied, not built, by the tests that damage it."""
    cache = tmp_path_factory.mktemp("built") / "cache"
    load(annotations, cache)
    return cache


@pytest.fixture
def cache(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "cache"))


def load(annotations: Path, cache: Path) -> Any:
    return video_sft.load("videoinstruct100k", split="train", data_dir=annotations, cache_dir=cache)


def file_of(cache: Path, ending: str) -> Path:
    (found,) = cache.rglob(f"*{ending}")
    return found


DAMAGE: dict[str, Callable[[Path], Any]] = {
    "empty info": lambda cache: file_of(cache, "dataset_info.json").write_bytes(b""),
    "cut info": lambda cache: os.truncate(file_of(cache, "dataset_info.json"), 100),
    "zeroed info": lambda cache: overwrite(file_of(cache, "dataset_info.json"), 0, 50),
    "info of another kind": lambda cache: file_of(cache, "dataset_info.json").write_text("[1, 2]"),
    "no info": lambda cache: file_of(cache, "dataset_info.json").unlink(),
    "cut rows": lambda cache: os.truncate(file_of(cache, ".arrow"), 5_000_000),
    "empty rows": lambda cache: file_of(cache, ".arrow").write_bytes(b""),
    "zeroed rows": lambda cache: file_of(cache, ".arrow").write_bytes(bytes(1000)),
    "a zeroed beginning": lambda cache: overwrite(file_of(cache, ".arrow"), 0, 4096),
    "a zeroed middle": lambda cache: overwrite(file_of(cache, ".arrow"), 6_000_000, 200_000),
    "a zeroed end": lambda cache: overwrite(file_of(cache, ".arrow"), 10_000_000, 1_000_000),
    "no rows": lambda cache: file_of(cache, ".arrow").unlink(),
    "no note": lambda cache: file_of(cache, "video-sft-whole.json").unlink(),
    "a zeroed note": lambda cache: overwrite(file_of(cache, "video-sft-whole.json"), 0, 20),
    "a note of another kind": lambda cache: file_of(cache, "video-sft-whole.json").write_text('{"a": [1]}'),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_dataset_is_built_anew(
    annotations: Path, cache: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    DAMAGE[how](cache)
    with caplog.at_level(logging.INFO):
        rows = load(annotations, cache)
    assert len(set(rows["answer"])) == ROWS
    (line,) = [record.message for record in caplog.records if "damaged" in record.message]
    assert str(cache) in line
    caplog.clear()
    assert len(load(annotations, cache)) == ROWS
    assert not caplog.records


def test_what_is_damaged_where_nobody_looked_is_built_anew(annotations: Path, cache: Path) -> None:
    rows, note = file_of(cache, ".arrow"), file_of(cache, "video-sft-whole.json")
    rows.write_bytes(rows.read_bytes()[:-2_000_000])
    note.write_text(json.dumps({**json.loads(note.read_text()), rows.name: stamp_of(rows)}))
    assert len(set(load(annotations, cache)["answer"])) == ROWS


def test_a_whole_dataset_is_not_built_again(annotations: Path, cache: Path) -> None:
    rows = file_of(cache, ".arrow")
    (rows.parent / "cache-123.arrow").write_bytes(b"what map keeps")
    before = rows.stat().st_mtime_ns, rows.stat().st_ino
    load(annotations, cache)
    assert (rows.stat().st_mtime_ns, rows.stat().st_ino) == before


def test_foreign_things_where_the_dataset_goes_give_way(annotations: Path, cache: Path) -> None:
    folder = file_of(cache, ".arrow").parent
    shutil.rmtree(folder)
    folder.write_text("a file")
    assert len(load(annotations, cache)) == ROWS
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "other.arrow").write_bytes(b"x")
    assert len(load(annotations, cache)) == ROWS
    assert not (folder / "other.arrow").exists()


PAUSED = """
import sys
import video_sft
from video_sft._base_builder.builder import SourceBuilder
data, cache, how = sys.argv[1:]
whole = SourceBuilder._generate_tables

def paused(self, parts):
    for table in whole(self, parts):
        yield table
        if how == "pause":
            print("building", flush=True)
            sys.stdin.readline()
            how_now = "go on"

if how == "pause":
    SourceBuilder._generate_tables = paused
print(len(video_sft.load("videoinstruct100k", split="train", data_dir=data, cache_dir=cache)), flush=True)
"""


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    running: list[subprocess.Popen[str]] = []

    def started(*words: object) -> subprocess.Popen[str]:
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        running.append(subprocess.Popen([sys.executable, "-c", PAUSED, *map(str, words)], **pipes))
        return running[-1]

    yield started
    for process in running:
        process.kill()
        process.communicate()


def test_two_processes_build_one_dataset(annotations: Path, tmp_path: Path, start: Any) -> None:
    cache = tmp_path / "cache"
    first = start(annotations, cache, "pause")
    assert first.stdout.readline() == "building\n"
    second = start(annotations, cache, "at once")
    assert first.communicate("\n" * ROWS, timeout=100)[0].split()[-1] == str(ROWS)
    assert second.communicate(timeout=100)[0] == f"{ROWS}\n"
    assert not list(cache.rglob("*.incomplete"))


def test_two_processes_heal_one_dataset(annotations: Path, cache: Path, start: Any) -> None:
    os.truncate(file_of(cache, ".arrow"), 1000)
    both = [start(annotations, cache, "at once") for _ in range(2)]
    assert [process.communicate(timeout=100)[0] for process in both] == [f"{ROWS}\n"] * 2


def test_what_a_killed_build_left_goes_with_the_next_one(annotations: Path, tmp_path: Path, start: Any) -> None:
    cache, other = tmp_path / "cache", tmp_path / "other"
    other.mkdir()
    (other / "VideoInstruct100K.json").write_bytes((annotations / "VideoInstruct100K.json").read_bytes())
    killed, running = start(annotations, cache, "pause"), start(other, cache, "pause")
    assert {killed.stdout.readline(), running.stdout.readline()} == {"building\n"}
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert len(list(cache.rglob("*.incomplete"))) == 2
    third = tmp_path / "third"
    third.mkdir()
    (third / "VideoInstruct100K.json").write_bytes((annotations / "VideoInstruct100K.json").read_bytes())
    old = cache / "videoinstruct100k" / "a" / "1.0.0"
    old.mkdir(parents=True)
    (lock := old / "0123456789abcdef_builder.lock").touch()
    os.utime(lock, (time.time() - 2 * 86400,) * 2)
    load(third, cache)
    assert len(list(cache.rglob("*.incomplete"))) == 1  # of the process that runs
    assert not lock.exists()
    assert running.communicate("\n" * ROWS, timeout=100)[0].split()[-1] == str(ROWS)


def test_a_warm_cache_on_a_read_only_disk_loads(
    annotations: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sample(**options: Any) -> Any:
        return video_sft.load("next_qa", sample=True, split="train", cache_dir=cache, **options)

    expected = [len(sample()), len(sample(group="video"))]
    read_only(monkeypatch, cache)
    assert len(load(annotations, cache)) == ROWS
    assert [len(sample()), len(sample(group="video"))] == expected
    assert sample()[0]["video"].frames(count=2).data.shape[0] == 2
    assert len(video_sft.mix(["next_qa"], sample=True, cache_dir=cache))  # type: ignore[arg-type]
    for options in ({"max_turns": 1, "group": "video"}, {"choices_seed": 9}):
        with pytest.raises(video_sft.BuildError, match=f"Read-only file system.*cache {cache}.* or give another place"):
            sample(**options)


def test_a_damaged_cache_on_a_read_only_disk_is_told(
    annotations: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.truncate(file_of(cache, ".arrow"), 1000)
    read_only(monkeypatch, cache)
    with pytest.raises(video_sft.BuildError, match=r"are damaged \(.*1,000 bytes of .*cannot be deleted: .*Read-only"):
        load(annotations, cache)
