"""Repos that hold a source from outside, and people who have it or have it not."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from tests.local_hub import LocalHub
from tests.local_hub.fixtures import *  # noqa: F403
from tests.outside.made_sources import made_builder, write_rows

import video_sft
from video_sft.testing import known_while


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was warned of; commands that ran before may have asked for more than warnings."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_card_that_loses_a_source_says_so(hub: LocalHub, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    options: Any = {"repo": "org/both", "state_dir": tmp_path / "state", "cache_dir": tmp_path / "cache"}
    with known_while(made_builder(homepage="https://example.org", license="MIT")):
        data = write_rows(tmp_path / "made", train=[{}, {}])
        video_sft.publish("made", data_dir=data, **options)
        card = hub.read("org/both", "README.md").decode()
        assert "# made\n\nMade up.\n" in card
        assert "| Upstream | https://example.org |" in card
        assert "| Paper |" not in card
        assert "None is stated." in card.partition("## Citation")[2]
        video_sft.publish("star", sample=True, **options)
        assert "`made`" in hub.read("org/both", "README.md").decode()
        assert not warnings_in(caplog)
    video_sft.publish("star", sample=True, **options)
    assert [line.partition(". Install")[0] for line in warnings_in(caplog)] == [
        "org/both: its card has made, which no source here has, and the new one has not"
    ]
    assert "made/train-00000-of-00001.parquet" in hub.tree("org/both")


def test_all_samples_are_those_there_are(
    hub: LocalHub, tmp_path: Path, session_cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("video_sft.publishing._publisher.all_configs", lambda: ["made", "made-source", "star"])
    options: Any = {"repo": "org/all", "state_dir": tmp_path, "cache_dir": session_cache}
    with known_while(made_builder()):
        report = video_sft.publish("all", sample=True, dry_run=True, **options)
        assert [config.name for config in report.repos[0].configs] == ["star"]
        with pytest.raises(video_sft.ConfigError, match="made comes without a sample"):
            video_sft.publish("made", sample=True, dry_run=True, **options)
