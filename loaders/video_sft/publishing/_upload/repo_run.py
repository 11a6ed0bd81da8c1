"""The publication of one repo: videos first, then the rows and the card that point at them."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import datasets
from huggingface_hub import CommitOperationAdd, CommitOperationDelete

from video_sft._files import unfinished_folder
from video_sft.builders import find_source
from video_sft.publishing._card.metadata import NOTEBOOK, PublishedCard
from video_sft.publishing._cells import VideoMode, has_media
from video_sft.publishing._column_types import stated_types
from video_sft.publishing._report import ConfigReport, RepoReport
from video_sft.publishing._splits import Shard, SplitWriter
from video_sft.publishing._upload.hashes import HashMemory
from video_sft.publishing._upload.repository import HubRepo, Operation
from video_sft.publishing._upload.videos import FILES_PER_COMMIT, VideoCounts, VideoUploads

__all__ = ["LoadedConfig", "RepoRun"]

logger = logging.getLogger("video_sft")
#: Stands for the videos' commit while nothing is sent; as long as a real one.
_NO_COMMIT = "0" * 40


@dataclass(frozen=True)
class LoadedConfig:
    """A config's rows with media attached where they are published; see `ConfigReport` for the rest."""

    name: str
    splits: datasets.DatasetDict
    sample: bool = False
    wording: Mapping[str, str | int] = field(default_factory=dict)


class RepoRun:
    """One repo, and what goes into it; hashes of videos are remembered in `state_dir`."""

    def __init__(self, repo: HubRepo, configs: Sequence[LoadedConfig], *, mode: VideoMode, state_dir: Path) -> None:
        self._repo = repo
        self._configs = configs
        self._mode = mode
        self._state_dir = state_dir

    def publish(self, *, private: bool) -> RepoReport:
        """Send what the repo lacks."""
        self._repo.create(private=private)
        counts, configs = VideoCounts(), list[ConfigReport]()
        changes: list[list[Operation]] = []
        with self._work() as (folder, videos):
            folders = self._collect(videos)
            if self._mode == "reference":
                counts = videos.upload()
            for config in self._configs:
                pin = self._pin(config.name, folders[config.name], counts)
                counted, operations = self._config(config, pin, folder, send=True)
                configs.append(counted)
                changes.append(operations)
        rest = self._commit_rows(changes)
        head = self._repo.head()
        card = self._card(head)
        report = self._report(card, configs, counts)
        rest.append(CommitOperationAdd("README.md", card.render(configs).encode()))
        rest.append(CommitOperationAdd(NOTEBOOK, card.notebook(configs)))
        report.commit = self._repo.commit(rest, "Add rows and card", parent=head)
        return report

    def dry_run(self) -> RepoReport:
        """Find out what `publish` would send."""
        counts, configs = VideoCounts(), list[ConfigReport]()
        with self._work() as (folder, videos):
            folders = self._collect(videos)
            if self._mode == "reference":
                counts = videos.count()
            for config in self._configs:
                pin = None
                if folders[config.name]:
                    pin = _NO_COMMIT if counts.new else self._pin(config.name, folders[config.name], counts)
                configs.append(self._config(config, pin, folder, send=False)[0])
        return self._report(self._card(self._repo.head()), configs, counts)

    def _card(self, commit: str | None) -> PublishedCard:
        """Return the card of a commit: what is published now joins what it knows of."""
        return PublishedCard(self._repo.name, self._repo.read_text("README.md", commit))

    @contextmanager
    def _work(self) -> Iterator[tuple[Path, VideoUploads]]:
        memory = HashMemory(self._state_dir)
        with unfinished_folder(Path(tempfile.gettempdir()), mode=0o700) as folder:
            videos = VideoUploads(self._repo, memory, folder)
            try:
                yield folder, videos
            finally:
                videos.close()
                memory.close()

    def _report(self, card: PublishedCard, configs: list[ConfigReport], videos: VideoCounts) -> RepoReport:
        facts = card.facts(configs)
        published = {find_source(config.name).name for config in configs}
        return RepoReport(
            name=self._repo.name,
            url=self._repo.url,
            title=facts.title,
            configs=configs,
            license=facts.license,
            video_mode=self._mode,
            video_terms={source.name: source.video_terms for source in facts.sources if source.name in published},
            videos=videos,
        )

    def _collect(self, videos: VideoUploads) -> dict[str, set[str]]:
        """Note all videos; return, by config, the folders of the repo they belong in."""
        folders: dict[str, set[str]] = {config.name: set() for config in self._configs}
        if self._mode != "reference":
            return folders
        for config in self._configs:
            for rows in config.splits.values():
                if has_media(rows.features):
                    folders[config.name] |= videos.collect(rows)
        videos.compare()
        return folders

    def _pin(self, config: str, folders: set[str], sent: VideoCounts) -> str | None:
        """Return the commit a config's videos are pinned to: the last one that changed their folders.

        It stays the same when rows are published again, so that they are the same rows. A Hub that does not tell it is
        asked for the newest commit, unless the card knows one and no video is newer.
        """
        if not folders:
            return None
        head = self._repo.head()
        known = None if sent.new else self._card(head).videos_commit(config)
        return self._repo.last_change(sorted(folders)) or known or head

    def _config(
        self, config: LoadedConfig, pin: str | None, folder: Path, *, send: bool
    ) -> tuple[ConfigReport, list[Operation]]:
        """Write a config's shards and send the contents the repo lacks; return what a commit has to change."""
        types = stated_types(list(config.splits.values()), media=self._mode != "none", embedded=self._mode == "embed")
        report = ConfigReport(
            config.name, videos_commit=pin, sample=config.sample, wording=dict(config.wording), types=types
        )
        there = {file.path: file.sha256 for file in self._repo.files(config.name) if file.path.endswith(".parquet")}
        kept: set[str] = set()
        operations: list[Operation] = []
        for split, rows in config.splits.items():
            writer = SplitWriter(self._repo.name, config.name, split, rows, self._mode, pin, types)
            for shard in writer.shards(folder):
                kept.add(shard.path)
                if there.get(shard.path) != shard.sha256:
                    writer.report.new_files += 1
                    if send:
                        operations.append(self._send(shard))
                shard.file.unlink()
            report.splits[split] = writer.report
        gone = sorted(set(there) - kept)
        if gone:
            verb = "are deleted from" if send else "would be deleted from"
            logger.warning("%s: %d files %s %s: %s", self._repo.name, len(gone), verb, config.name, ", ".join(gone[:5]))
        operations += [CommitOperationDelete(path) for path in gone]
        logger.info("%s: the rows of %s are ready", self._repo.name, config.name)
        return report, operations

    def _send(self, shard: Shard) -> CommitOperationAdd:
        addition = CommitOperationAdd(shard.path, str(shard.file))
        addition.upload_info.sha256 = bytes.fromhex(shard.sha256)
        self._repo.upload([addition])
        return addition

    def _commit_rows(self, changes: list[list[Operation]]) -> list[Operation]:
        """Commit what does not fit into one commit with the card, and return the rest.

        That is nothing, most times. Where the Hub wants fewer files in a commit, whole configs stay together as far as
        they fit. The card comes last: what it names is there when it names it.
        """
        room = FILES_PER_COMMIT - 2
        batch: list[Operation] = []
        for operations in changes:
            for start in range(0, len(operations), room):
                piece = operations[start : start + room]
                if len(batch) + len(piece) > room:
                    self._repo.commit(batch, "Add rows")
                    batch = []
                batch += piece
        return batch
