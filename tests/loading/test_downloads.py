"""Downloads: checked against what was published, kept, and fetched again where the disk lost them."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import video_sft
from video_sft._sources.part import Part
from video_sft._sources.source import Source
from video_sft.builders.next_gqa import NextGqa
from video_sft.sample_media import sample_folder


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and remembers what was asked for."""

    asked: list[str]

    def log_message(self, *_: Any) -> None:
        self.asked.append(self.path)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, str, list[str]]]:
    folder = tmp_path / "served"
    shutil.copytree(sample_folder("next_gqa"), folder)
    asked: list[str] = []
    handler = functools.partial(type("Asked", (Handler,), {"asked": asked}), directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{running.server_port}/", asked
        running.shutdown()


def served_source(folder: Path, url: str) -> Source:
    """NExT-GQA's facts with the sample's files for upstream's."""

    def moved(part: Part) -> Part:
        files = {}
        for role, file in part.files.items():
            content = (folder / file.name).read_bytes()
            files[role] = dataclasses.replace(
                file, url=url + file.name, size=len(content), sha256=hashlib.sha256(content).hexdigest()
            )
        return dataclasses.replace(part, files=files)

    return dataclasses.replace(NextGqa.source, parts=tuple(moved(part) for part in NextGqa.source.parts))


def test_without_a_folder_the_files_are_downloaded_checked_and_cached(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url, asked = server
    monkeypatch.setattr(NextGqa, "source", served_source(folder, url))
    rows: Any = video_sft.load("next_gqa", cache_dir=tmp_path / "cache")
    local: Any = video_sft.load("next_gqa", data_dir=folder, cache_dir=tmp_path / "cache")
    assert {split: part.to_list() for split, part in rows.items()} == {
        name: part.to_list() for name, part in local.items()
    }
    before = len(asked)
    video_sft.load("next_gqa-source", cache_dir=tmp_path / "cache")
    assert not [path for path in asked[before:] if path.endswith(("val.csv", "gsub_val.json"))]


@pytest.mark.parametrize("spoil", [lambda text: text + " ", lambda text: text.replace("kite", "site")])
def test_a_download_that_is_not_the_published_file_is_refused(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Any
) -> None:
    folder, url, _ = server
    monkeypatch.setattr(NextGqa, "source", served_source(folder, url))
    table = folder / "val.csv"
    good = table.read_text(encoding="utf-8")
    table.write_text(spoil(good), encoding="utf-8")
    with pytest.raises(video_sft.MissingFileError, match=r"val\.csv .*is not the published file") as caught:
        video_sft.load("next_gqa", cache_dir=tmp_path / "cache")
    assert "data_dir" in str(caught.value)
    table.write_text(good, encoding="utf-8")
    assert len(video_sft.load("next_gqa", split="validation", cache_dir=tmp_path / "cache")) == 2  # type: ignore[arg-type]


def test_a_kept_download_that_the_disk_damaged_is_fetched_again(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url, asked = server
    monkeypatch.setattr(NextGqa, "source", served_source(folder, url))
    options: Any = {"split": "validation", "cache_dir": tmp_path / "cache"}
    expected: Any = video_sft.load("next_gqa", **options)
    downloads = [path for path in (tmp_path / "cache" / "downloads").iterdir() if path.suffix not in (".json", ".lock")]
    assert downloads
    for path in downloads:
        path.write_bytes(path.read_bytes()[:-7])
    before = len(asked)
    again: Any = video_sft.load("next_gqa", choices_seed=1, **options)
    assert again["id"] == expected["id"]
    assert len(asked) > before


def test_a_download_that_fails_says_what_to_do(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, url, _ = server
    source = served_source(folder, url)
    (folder / "val.csv").unlink()
    monkeypatch.setattr(NextGqa, "source", source)
    with pytest.raises(video_sft.MissingFileError, match=r"val\.csv could not be fetched .* data_dir"):
        video_sft.load("next_gqa", cache_dir=tmp_path / "cache")


def test_a_server_without_ranges_will_do(server: Any, tmp_path: Path) -> None:
    import gzip

    folder, url, _ = server
    table = folder / "val.csv"
    expected: Any = video_sft.load("next_gqa", split="validation", data_dir=folder, streaming=True)
    rows = list(expected)
    for name, content in (("val.csv", table.read_bytes()), ("val.csv.gz", gzip.compress(table.read_bytes()))):
        table.unlink(missing_ok=True)
        (folder / name).write_bytes(content)
        given: Any = {"files": {"validation": f"{url}{name}"}} if name.endswith(".gz") else {}
        found: Any = video_sft.load("next_gqa", split="validation", data_dir=url, streaming=True, **given)
        assert list(found) == rows
