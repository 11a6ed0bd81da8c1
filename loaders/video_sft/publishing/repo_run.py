"""Publishing one repo: videos first, then the rows and the card that point at them."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import datasets
from huggingface_hub import CommitOperationAdd, CommitOperationDelete

from video_sft.builders import find_source
from video_sft.publishing.card_metadata import PublishedCard
from video_sft.publishing.cells import VideoMode
from video_sft.publishing.hashes import HashMemory
from video_sft.publishing.notebook import NOTEBOOK, explore_notebook
from video_sft.publishing.report import ConfigReport, RepoReport
from video_sft.publishing.repository import HubRepo, Operation, RemoteFile
from video_sft.publishing.splits import Shard, SplitWriter
from video_sft.publishing.videos import FILES_PER_COMMIT, VideoUploads

__all__ = ["LoadedConfig", "RepoRun"]

logger = logging.getLogger("video_sft")
#: Stands for the videos' commit while nothing is sent; as long as a real one.
_NO_COMMIT = "0" * 40


@dataclass(frozen=True)
class LoadedConfig:
    """A config's name and its splits, with media attached where they are published."""

    name: str
    splits: datasets.DatasetDict


class RepoRun:
    """One repo, and what goes into it.

    Args:
        repo: the repo.
        configs: what to publish there.
        mode: what becomes of videos.
        state_dir: where hashes are remembered.
    """

    def __init__(self, repo: HubRepo, configs: Sequence[LoadedConfig], *, mode: VideoMode, state_dir: Path) -> None:
        self._repo = repo
        self._configs = configs
        self._mode = mode
        self._state_dir = state_dir

    def publish(self, *, private: bool) -> RepoReport:
        """Send what the repo lacks."""
        self._repo.create(private=private)
        card = PublishedCard(self._repo.name, self._repo.read_text("README.md"))
        with self._work() as (folder, videos):
            report = self._empty_report(card)
            folders = self._collect(videos)
            if self._mode == "reference":
                report.videos = videos.upload()
            changes: list[list[Operation]] = []
            for config in self._configs:
                pin = self._pin(folders[config.name])
                config_report, operations = self._config(config, pin, folder, send=True)
                report.configs.append(config_report)
                changes.append(operations)
            report.commit = self._commit(changes, card, report)
        return report

    def dry_run(self) -> RepoReport:
        """Find out what `publish` would send."""
        card = PublishedCard(self._repo.name, self._repo.read_text("README.md"))
        with self._work() as (folder, videos):
            report = self._empty_report(card)
            folders = self._collect(videos)
            pin = None
            if self._mode == "reference":
                report.videos = videos.count()
            for config in self._configs:
                if folders[config.name]:
                    pin = _NO_COMMIT if report.videos.new else self._pin(folders[config.name])
                report.configs.append(self._config(config, pin, folder, send=False)[0])
        return report

    @contextmanager
    def _work(self) -> Iterator[tuple[Path, VideoUploads]]:
        memory = HashMemory(self._state_dir)
        with tempfile.TemporaryDirectory(prefix="video-sft-") as name:
            videos = VideoUploads(self._repo, memory, Path(name))
            try:
                yield Path(name), videos
            finally:
                videos.close()
                memory.close()

    def _empty_report(self, card: PublishedCard) -> RepoReport:
        names = [config.name for config in self._configs]
        sources = [find_source(name) for name in names]
        return RepoReport(
            name=self._repo.name,
            url=self._repo.url,
            title=card.title(names),
            configs=[],
            license=card.license(names),
            video_mode=self._mode,
            video_terms={source.name: source.video_terms for source in sources},
        )

    def _collect(self, videos: VideoUploads) -> dict[str, set[str]]:
        """Note all videos; return, by config, the folders of the repo they belong in."""
        folders: dict[str, set[str]] = {config.name: set() for config in self._configs}
        if self._mode != "reference":
            return folders
        for config in self._configs:
            for rows in config.splits.values():
                if "video" in rows.column_names:
                    folders[config.name] |= videos.collect(rows)
        videos.compare()
        return folders

    def _pin(self, folders: set[str]) -> str | None:
        """Return the commit a config's videos are pinned to: the last one that changed their folders."""
        return self._repo.last_change(sorted(folders)) or self._repo.head() if folders else None

    def _config(
        self, config: LoadedConfig, pin: str | None, folder: Path, *, send: bool
    ) -> tuple[ConfigReport, list[Operation]]:
        """Write a config's shards and send the contents the repo lacks; return what a commit has to change."""
        report = ConfigReport(config.name, videos_commit=pin)
        there = {file.path: file for file in self._repo.files(config.name)}
        kept: set[str] = set()
        operations: list[Operation] = []
        for split, rows in config.splits.items():
            writer = SplitWriter(self._repo.name, config.name, split, rows, self._mode, pin)
            for shard in writer.shards(folder):
                kept.add(shard.path)
                if not _same(there.get(shard.path), shard):
                    writer.report.new_files += 1
                    if send:
                        operations.append(self._send(shard))
                shard.file.unlink()
            report.splits[split] = writer.report
        operations += [CommitOperationDelete(path) for path in sorted(set(there) - kept)]
        logger.info("%s: the rows of %s are ready", self._repo.name, config.name)
        return report, operations

    def _send(self, shard: Shard) -> CommitOperationAdd:
        addition = CommitOperationAdd(shard.path, str(shard.file))
        addition.upload_info.sha256 = bytes.fromhex(shard.sha256)
        self._repo.upload([addition])
        return addition

    def _commit(self, changes: list[list[Operation]], card: PublishedCard, report: RepoReport) -> str:
        """Commit rows and card in one step; in several, none of them with half a config, where the Hub wants fewer files.

        The card comes last: what it names is there when it names it.
        """
        first = next((config.name for config in report.configs), "")
        last: list[Operation] = [
            CommitOperationAdd("README.md", card.render(report, self._features()).encode()),
            CommitOperationAdd(NOTEBOOK, explore_notebook(report.name, first)),
        ]
        batch: list[Operation] = []
        for operations in changes:
            if batch and len(batch) + len(operations) + len(last) > FILES_PER_COMMIT:
                self._repo.commit(batch, "Add rows")
                batch = []
            batch += operations
        return self._repo.commit([*batch, *last], "Add rows and card")

    def _features(self) -> dict[str, datasets.Features]:
        return {config.name: next(iter(config.splits.values())).features for config in self._configs}


def _same(there: RemoteFile | None, shard: Shard) -> bool:
    return there is not None and there.sha256 == shard.sha256
