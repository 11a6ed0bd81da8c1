"""VideoInstruct100K and VCG+ come from the Hub, at the revision their module names and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.local_hub import LocalHub

import video_sft
from video_sft.builders import find_source
from video_sft.sample_media import sample_folder

SOURCES = {"videoinstruct100k": "MBZUAI/VideoInstruct-100K", "vcg_plus": "MBZUAI/VCG-plus_112K"}


def remote_files(source: str) -> dict[str, str]:
    """File names of a source and their URLs."""
    return {part.files["rows"].name: part.files["rows"].url or "" for part in find_source(source).parts}


@pytest.fixture
def pinned(tmp_path: Path) -> Iterator[LocalHub]:
    """A Hub whose repos hold the sample files at the named revisions, and something else by now."""
    with LocalHub(tmp_path / "hub") as hub:
        for source, repo in SOURCES.items():
            urls = remote_files(source)
            revisions = {re.fullmatch(rf"hf://datasets/{repo}@([0-9a-f]{{40}})/.+", url)[1] for url in urls.values()}  # type: ignore[index]
            (revision,) = revisions
            folder = Path(sample_folder(source))
            head = hub.add_repo(repo, {name: folder / name for name in urls})
            hub.repo(repo).tags[revision] = head
            hub.add_files(repo, dict.fromkeys(urls, b"[]"))
        yield hub


@pytest.mark.parametrize("source", SOURCES)
def test_the_pinned_files_load(pinned: LocalHub, source: str) -> None:
    with pinned.attached(token=None):
        rows: Any = video_sft.load(source, split="train")
    sample: Any = video_sft.load(source, data_dir=sample_folder(source), split="train", streaming=True)
    assert list(rows["id"]) == [row["id"] for row in sample]


def test_a_view_fetches_its_own_file_only(pinned: LocalHub) -> None:
    with pinned.attached(token=None):
        assert len(video_sft.load("vcg_plus-human", split="train")) == 2
    assert not pinned.requests("*", "*vcg-plus_112K.json*")


def test_without_a_hub_the_error_says_what_to_do(pinned: LocalHub) -> None:
    pinned.fail("*", "*", status=404, times=1000)
    with (
        pinned.attached(token=None),
        pytest.raises(video_sft.MissingFileError, match=r"VideoInstruct100K\.json.*data_dir"),
    ):
        video_sft.load("videoinstruct100k")
