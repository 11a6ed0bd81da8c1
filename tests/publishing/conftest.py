"""Fixtures of the publishing tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.local_hub import LocalHub
from tests.local_hub.fixtures import *  # noqa: F403

from video_sft.publishing import PublishReport, publish

REPO = "org/video-sft"


@dataclass(frozen=True)
class PublishedSamples:
    """A Hub with the samples of every source in one repo, and what was used to put them there."""

    hub: LocalHub
    report: PublishReport
    cache_dir: str
    name: str = REPO


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory, session_cache: str) -> Iterator[PublishedSamples]:
    """The samples of all sources, published once; this process does not talk to that Hub unless it is attached."""
    folder = tmp_path_factory.mktemp("samples")
    with LocalHub(folder / "hub") as hub:
        with hub.attached():
            report = publish("all", repo=REPO, sample=True, cache_dir=session_cache, state_dir=folder / "state")
        yield PublishedSamples(hub, report, session_cache)
