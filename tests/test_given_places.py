"""One grammar for places: the same words and values mean the same to every command and function."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import video_sft
from tests.local_hub.fixtures import hub  # noqa: F401
from video_sft._given_places import data_dir_of_words, media_of_words, place_of_source, places_of_sources
from video_sft.checking import check_source
from video_sft.errors import ConfigError
from video_sft.sample_media import sample_folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with a folder for each of two sources, and an empty one."""
    for name in ("star", "next_qa"):
        shutil.copytree(sample_folder(name), tmp_path / name)
    (tmp_path / "vcg_plus").mkdir()
    return tmp_path


def test_words_are_places_or_places_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data_dir_of_words(None) is None
    assert data_dir_of_words(["/data/star"]) == "/data/star"
    assert data_dir_of_words(["star=/a", "next_qa=hf://x?y=z"]) == {"star": "/a", "next_qa": "hf://x?y=z"}
    assert data_dir_of_words(["https://host/x?a=b"]) == "https://host/x?a=b"
    assert media_of_words(["/a", "/b=c"]) == ["/a", "/b=c"]
    assert media_of_words(["vidor=/a", "vidor=frames://fps=2::/b"]) == {"vidor": ["/a", "frames://fps=2::/b"]}
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run=3").mkdir()
    assert media_of_words(["run=3"]) == ["run=3"], "a folder that is there"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["/a", "/b"], "one place, or one for each source"),
        (["star=/a", "star=/b"], "one place, or one for each source"),
        (["star=/a", "/b"], "'/b' has no name"),
        (["star="], "neither a place nor NAME=PLACE"),
        (["=/a"], "neither a place nor NAME=PLACE"),
    ],
)
def test_words_that_cannot_be_meant_are_refused(words: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        data_dir_of_words(words)


def test_a_place_is_that_of_the_source_or_has_a_folder_for_it(data: Path) -> None:
    star = str(data / "star")
    for given in (star, data, {"star": star}, {"star-source": star}):
        assert str(place_of_source("star", given)) == star
    assert place_of_source("next_qa", {"star": star}) is None
    assert places_of_sources(data, ["star", "videochat"]) == {"star": star}
    with pytest.raises(ConfigError, match=r"no folder 'videochat'.*--data-dir star=PLACE --data-dir videochat=PLACE"):
        place_of_source("videochat", data, ["star", "videochat"])
    with pytest.raises(ConfigError, match="Did you mean star"):
        place_of_source("star", {"stra": star})


def test_every_function_reads_data_dir_alike(data: Path, session_cache: str, hub: Any) -> None:  # noqa: F811
    sizes = set()
    for given in (data, {"star": data / "star"}, data / "star"):
        options: dict[str, Any] = {"data_dir": given, "cache_dir": session_cache}
        rows: Any = video_sft.load("star", split="train", **options)
        mixed: Any = video_sft.mix(["star"], decontaminate=None, **options)
        checked = check_source("star", data_dir=given, others={}, splits=["train"])
        published = video_sft.publish("star", repo="org/x", dry_run=True, videos="none", state_dir=data, **options)
        sizes |= {len(rows), len(mixed), checked.parts[0].rows, published.repos[0].configs[0].splits["train"].rows}
    assert len(sizes) == 1
    both: Any = video_sft.mix(["star", "next_qa"], data_dir=data, cache_dir=session_cache, decontaminate=None)
    assert set(both["source"]) == {"star", "next_qa"}


def test_files_of_several_sources_may_lie_together(tmp_path: Path) -> None:
    for name, rows in {"VideoInstruct100K.json": [], "vcg-plus_112K.json": []}.items():
        (tmp_path / name).write_text(json.dumps(rows))
    for source in ("videoinstruct100k", "vcg_plus"):
        assert place_of_source(source, str(tmp_path), ["videoinstruct100k", "vcg_plus"]) == str(tmp_path)
