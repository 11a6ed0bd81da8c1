"""`publish` and `video-sft publish`: what goes where, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest
from datasets import DatasetDict, get_dataset_config_names, load_dataset
from tests.local_hub import LocalHub

import video_sft
from video_sft.errors import ConfigError
from video_sft.publishing import PublishError, PublishReport, publish
from video_sft.publishing._upload.repo_run import GivenMedia, LoadedConfig, RepoRun
from video_sft.publishing._upload.repository import HubRepo

from .made_rows import make_rows

REPO = "org/video-sft"
PublishSamples = Callable[..., PublishReport]


@pytest.fixture
def publish_samples(tmp_path: Path, session_cache: str) -> PublishSamples:
    """`publish` of embedded samples, with the folders it keeps things in."""

    def run(configs: str | list[str], **options: object) -> PublishReport:
        given = {"sample": True, "repo": REPO, "cache_dir": session_cache, "state_dir": tmp_path / "state", **options}
        return publish(configs, **given)  # type: ignore[arg-type]

    return run


def test_configs_published_later_join_those_that_are_there(hub: LocalHub, publish_samples: PublishSamples) -> None:
    publish_samples(["activitynet_qa", "activitynet_qa-source"])
    assert get_dataset_config_names(REPO) == ["activitynet_qa", "activitynet_qa-source"]
    publish_samples("next_gqa")
    assert get_dataset_config_names(REPO) == ["activitynet_qa", "activitynet_qa-source", "next_gqa"]
    card = hub.read(REPO, "README.md").decode()
    assert "| `activitynet_qa` | train | 6 |" in card
    assert card.count("{Xiao, Junbin") == 1
    assert len(load_dataset(REPO, "activitynet_qa", split="train")) > 0


def test_configs_that_are_there_are_not_forgotten_while_the_hub_is_busy(
    hub: LocalHub, publish_samples: PublishSamples, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    publish_samples("star", videos="none")
    hub.fail("HEAD", "README.md", status=503, times=3)
    publish_samples("next_gqa", videos="none")
    assert [one.status for one in hub.requests("HEAD", "README.md")].count(503) == 3
    assert get_dataset_config_names(REPO) == ["next_gqa", "star"]


def test_the_card_says_how_questions_are_worded(hub: LocalHub, publish_samples: PublishSamples) -> None:
    publish_samples(["star", "star-source"], videos="none", prompt_style="mvbench", choices_seed=3)
    publish_samples("next_gqa", videos="none")
    card = hub.read(REPO, "README.md").decode()
    assert (
        "of `star` are worded with `choices_seed=3, prompt_style='mvbench'` (MVBench as VideoChat2 and PLLaVA" in card
    )
    assert card.count("are worded with") == 1
    publish_samples("star", videos="none")
    assert "are worded with" not in hub.read(REPO, "README.md").decode()


def test_two_publishers_at_once_do_not_overwrite_each_other(hub: LocalHub, publish_samples: PublishSamples) -> None:
    def other_publisher(method: str, path: str) -> None:
        if path.endswith("/commit/main"):
            hub.before_request = lambda method, path: None
            hub.add_files(REPO, {"star/train-00000-of-00001.parquet": b"other"})

    publish_samples("next_gqa", videos="none")
    hub.before_request = other_publisher
    with pytest.raises(PublishError, match=r"412.*at the same time: run the same command again"):
        publish_samples("star", videos="none")
    publish_samples("star", videos="none")
    assert get_dataset_config_names(REPO) == ["next_gqa", "star"]


def test_many_files_go_in_several_commits_with_whole_configs(
    hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("video_sft.publishing._upload.repository._CHANGES_PER_COMMIT", 90)
    rows = make_rows([], rows=2_000)
    loaded = [
        LoadedConfig(config, DatasetDict(train=rows, test=rows))
        for config in ("star", "next_qa", "next_gqa", "activitynet_qa", "vcg_plus", "videochat", "videochat2")
    ]
    RepoRun(HubRepo(REPO), loaded, GivenMedia("none"), state_dir=tmp_path).publish(private=False)
    commits = [commit.changed for commit in list(hub.repo(REPO).commits.values())[1:]]
    assert [len(changed) for changed in commits] == [80, 35]
    assert "README.md" in commits[1]
    configs = [{path.partition("/")[0] for path in changed if path.endswith(".parquet")} for changed in commits]
    assert configs[0].isdisjoint(configs[1])


def test_one_repo_a_source(hub: LocalHub, publish_samples: PublishSamples) -> None:
    configs = ["next_qa", "next_qa-open_ended", "star"]
    report = publish_samples(configs, repo=None, repo_per_source="org/video-sft-{source}", videos="none")
    assert [item["item_id"] for item in report.collection_items] == ["org/video-sft-next_qa", "org/video-sft-star"]
    assert get_dataset_config_names("org/video-sft-next_qa") == ["next_qa", "next_qa-open_ended"]
    assert get_dataset_config_names("org/video-sft-star") == ["star"]
    assert "# STAR" in hub.read("org/video-sft-star", "README.md").decode()


def test_a_dry_run_sends_nothing_and_says_what_it_would(hub: LocalHub, publish_samples: PublishSamples) -> None:
    told = publish_samples("next_gqa", dry_run=True)
    assert hub.repos == {}
    assert [one for one in hub.requests() if one.method in ("POST", "PUT")] == []
    done = publish_samples("next_gqa")
    assert told.repos[0].videos == done.repos[0].videos
    for split, counted in done.repos[0].configs[0].splits.items():
        before = told.repos[0].configs[0].splits[split]
        assert (before.rows, before.new_files, before.licenses) == (counted.rows, 1, {"MIT": counted.rows})
        assert before.file_bytes == pytest.approx(counted.file_bytes, rel=0.02), "all but the commit's hash is known"
    again = publish_samples("next_gqa", dry_run=True)
    assert again.repos[0].videos.new == 0
    assert all(split.new_files == 0 for split in again.repos[0].configs[0].splits.values())


def test_a_dry_run_needs_no_hub_and_shows_no_bar_for_each_step(
    publish_samples: PublishSamples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    datasets.enable_progress_bars()
    try:
        told = publish_samples("next_gqa", dry_run=True, cache_dir=tmp_path / "cache").repos[0]
        assert not datasets.utils.are_progress_bars_disabled(), "as they were"
    finally:
        datasets.disable_progress_bars()
    assert not told.asked
    assert told.videos.new == told.videos.files > 0
    assert all(split.new_files == 1 for split in told.configs[0].splits.values())
    assert "it/s" not in capfd.readouterr().err


def test_a_dry_run_names_what_would_be_deleted(
    hub: LocalHub, publish_samples: PublishSamples, tmp_path: Path, video_sft_command: Callable[..., Any]
) -> None:
    publish_samples("star")
    hub.add_files(REPO, {"star/train-00001-of-00002.parquet": hub.read(REPO, "star/train-00000-of-00001.parquet")})
    before = hub.tree(REPO)
    words = ["publish", "star", "--repo", REPO, "--sample", "--state-dir", tmp_path / "state", "--dry-run"]
    told = video_sft_command(*words, "--videos", "none")
    assert hub.tree(REPO) == before
    gone = sorted(path for path in before if path.startswith("videos/"))
    assert f"would be deleted, {len(gone) + 1} files: star/train-00001-of-00002.parquet, {gone[0]}" in told.out


def test_shards_that_are_no_longer_written_are_deleted(
    hub: LocalHub, publish_samples: PublishSamples, caplog: pytest.LogCaptureFixture
) -> None:
    publish_samples("star", videos="none")
    hub.add_files(REPO, {"star/train-00001-of-00002.parquet": b"old", "star/notes.txt": b"by hand"})
    publish_samples("star", videos="none")
    assert "star/train-00001-of-00002.parquet" not in hub.tree(REPO)
    assert "star/train-00001-of-00002.parquet" in caplog.text
    assert "star/notes.txt" in hub.tree(REPO)
    assert len(load_dataset(REPO, "star", split="train")) > 0


def test_a_private_repo_is_private_and_a_public_one_is_not_taken_for_it(
    hub: LocalHub, publish_samples: PublishSamples
) -> None:
    publish_samples("star", videos="none", private=True)
    assert hub.repo(REPO).private
    hub.add_repo("org/open")
    with pytest.raises(ConfigError, match="org/open is there and public"):
        publish_samples("star", repo="org/open", videos="none", private=True)
    assert list(hub.tree("org/open")) == [".gitattributes"]


def test_a_revision_is_a_branch_of_its_own(hub: LocalHub, publish_samples: PublishSamples) -> None:
    publish_samples("star", videos="none", revision="draft")
    assert "README.md" not in hub.tree(REPO)
    assert len(load_dataset(REPO, "star", split="train", revision="draft")) > 0


def test_videos_whose_terms_forbid_it_need_a_word(hub: LocalHub, tmp_path: Path, session_cache: str) -> None:
    folder = Path(video_sft.__file__).parent / "samples" / "star"
    media = {"charades": str(tmp_path)}
    options = {
        "repo": REPO,
        "data_dir": folder,
        "media": media,
        "cache_dir": session_cache,
        "state_dir": tmp_path / "s",
    }
    with pytest.raises(ConfigError, match=r"(?s)star: Charades videos.*--allow-restricted-videos"):
        publish("star", **options)  # type: ignore[arg-type]
    assert hub.repos == {}
    report = publish("star", allow_restricted_videos=True, **options)  # type: ignore[arg-type]
    assert report.repos[0].videos.files == 0
    assert "star/train-00000-of-00001.parquet" in hub.tree(REPO)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"configs": "stra"}, "Did you mean star"),
        ({"configs": []}, "no config was named"),
        ({"repo": None}, "give either repo, or repo_per_source"),
        ({"repo_per_source": "org/{source}"}, "give either repo, or repo_per_source"),
        ({"repo": None, "repo_per_source": "org/one"}, "needs {source}"),
        ({"repo": "no-slash"}, "org/name"),
        ({"videos": "copy"}, "one of reference, packed, embed, none"),
        ({"sample": False, "videos": "reference"}, "needs media="),
    ],
)
def test_options_that_cannot_be_meant(
    hub: LocalHub, publish_samples: PublishSamples, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        publish_samples(**{"configs": "star", **options})
    assert hub.requests() == []


def test_the_command_prints_what_would_be_sent_and_under_which_terms(
    hub: LocalHub, tmp_path: Path, own_cache: str, video_sft_command: Callable[..., Any]
) -> None:
    words = ["publish", "next_gqa", "--repo", REPO, "--sample", "--state-dir", tmp_path]
    told = video_sft_command(*words, "--dry-run")
    assert told.code == 0
    assert "dry run: nothing was sent" in told.out
    assert "licence of the repo: MIT" in told.out
    assert "terms of the videos of next_gqa: The videos of NExT-QA" in told.out
    assert hub.repos == {}
    done = video_sft_command(*words)
    assert done.code == 0
    assert hub.repo(REPO).refs["main"] in done.out
