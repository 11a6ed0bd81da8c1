"""`check --content`: training videos that show an evaluation video under another id."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import CommandResult
from tests.fingerprints.made_footage import film

from video_sft.checking import check_source
from video_sft.errors import ConfigError
from video_sft.mixing import add_eval_list
from video_sft.sample_media import sample_folder


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    film(folder / "one.mp4", 1, seconds=10)
    film(folder / "same.mp4", 1, seconds=10, size=(96, 72))
    film(folder / "other.mp4", 2, seconds=10)
    return folder


def test_other_ids_on_the_same_footage_are_a_warning(
    films: Path, tmp_path: Path, own_cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEO_SFT_EVAL_IDS", str(tmp_path / "lists"))
    pool = tmp_path / "charades"
    pool.mkdir()
    for name, footage in {"KT4Q1": "one", "VD3RP": "same", "ZW08M": "other"}.items():
        shutil.copy(films / f"{footage}.mp4", pool / f"{name}.mp4")
    (tmp_path / "test").mkdir()
    shutil.copy(films / "other.mp4", tmp_path / "test" / "0001.mp4")
    add_eval_list("our_test", tmp_path / "test")
    place = {"data_dir": sample_folder("star"), "media": {"charades": str(pool)}}
    plain = check_source("star", **place)  # type: ignore[arg-type]
    assert not [finding for finding in plain.findings if "under other ids" in finding.what]
    report = check_source("star", **place, lists=tmp_path / "out", content=True)  # type: ignore[arg-type]
    found = {finding.what: finding for finding in report.findings if "under other ids" in finding.what}
    own = "train has 2 rows about 1 video that show what videos of validation show, under other ids, such as "
    listed = "train has 2 rows about 1 video that show what videos of our_test show, under other ids, such as "
    assert found.keys() == {
        f"{own}charades/KT4Q1 and charades/VD3RP",
        f"{listed}charades/ZW08M and our_test/0001",
    }
    assert {finding.severity for finding in found.values()} == {"warning"}
    assert all("decontaminate='eval-content'" in finding.remedy for finding in found.values())
    assert [finding.what for finding in report.findings if "could not be compared" in finding.what] == [
        "1 training row could not be compared by footage: the video is not at hand"
    ]
    listed_rows = (tmp_path / "out" / "star-overlap.csv").read_text().splitlines()
    assert len(listed_rows) == 5
    assert sum(",our_test," in line for line in listed_rows) == 2
    alone = check_source("star", **place, content=True, others={})  # type: ignore[arg-type]
    assert not [finding for finding in alone.findings if "our_test" in finding.what]


def test_without_media_or_fingerprints_it_says_so(
    tmp_path: Path,
    own_cache: str,
    monkeypatch: pytest.MonkeyPatch,
    video_sft_command: Callable[..., CommandResult],
) -> None:
    monkeypatch.setenv("VIDEO_SFT_EVAL_IDS", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="--media"):
        check_source("star", data_dir=sample_folder("star"), content=True)
    done = video_sft_command("check", "star", "--sample", "--split", "train", "--content", "--json")
    found = [finding["what"] for finding in json.loads(done.out)["findings"]]
    assert "Footage was not compared: there are no fingerprints of evaluation videos" in found
