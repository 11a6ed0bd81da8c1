"""The publication of one repo: videos first, then the rows and the card that point at them."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import datasets
from huggingface_hub import CommitOperationAdd, CommitOperationDelete

from video_sft._files import unfinished_folder
from video_sft.builders import find_source
from video_sft.publishing._card.example_rows import example_row
from video_sft.publishing._card.metadata import NOTEBOOK, PublishedCard
from video_sft.publishing._cells import VideoMode, has_media
from video_sft.publishing._column_types import stated_types
from video_sft.publishing._layout import LICENSE, MANIFEST
from video_sft.publishing._report import ConfigReport, RepoReport
from video_sft.publishing._splits import Shard, SplitWriter
from video_sft.publishing._upload.hashes import HashMemory
from video_sft.publishing._upload.licences import is_ours, licence_text
from video_sft.publishing._upload.manifest import Manifest
from video_sft.publishing._upload.packs import PackedVideos
from video_sft.publishing._upload.repository import HubRepo, Operation
from video_sft.publishing._upload.unused import needless_beside, videos_without
from video_sft.publishing._upload.videos import VideoCounts, VideoUploads

__all__ = ["GivenMedia", "LoadedConfig", "RepoRun"]

logger = logging.getLogger("video_sft")
#: Stands for the videos' commit while nothing is sent; as long as a real one.
_NO_COMMIT = "0" * 40
#: The Hub wants fewer in a repo.
_MOST_FILES = 100_000


@dataclass(frozen=True)
class LoadedConfig:
    """A config's rows with media attached where they are published; see `ConfigReport` for the rest."""

    name: str
    splits: datasets.DatasetDict
    sample: bool = False
    wording: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True)
class GivenMedia:
    """What the user said of the media.

    Attributes:
        mode: what becomes of videos.
        places: the folders, zips and URLs they were found in.
        licences: files that go along, by their path in the repo.
        removed: whether videos that the configs had before are to go when none is published any more.
    """

    mode: VideoMode
    places: Sequence[str | os.PathLike[str]] = ()
    licences: Mapping[str, bytes] = field(default_factory=dict)
    removed: bool = False


@dataclass
class _Work:
    """What one run needs while it lasts."""

    folder: Path
    memory: HashMemory
    videos: VideoUploads
    manifest: Manifest
    packed: PackedVideos | None = None


class RepoRun:
    """One repo, and what goes into it; hashes of videos are remembered in `state_dir`."""

    def __init__(self, repo: HubRepo, configs: Sequence[LoadedConfig], media: GivenMedia, *, state_dir: Path) -> None:
        self._repo = repo
        self._configs = configs
        self._media = media
        self._mode = media.mode
        self._state_dir = state_dir
        self._deleted: list[str] = []

    def publish(self, *, private: bool) -> RepoReport:
        """Send what the repo lacks."""
        self._repo.create(private=private)
        counts, configs = VideoCounts(), list[ConfigReport]()
        changes: list[list[Operation]] = []
        with self._work() as work:
            folders = self._collect(work)
            if self._mode in ("reference", "packed"):
                counts = work.packed.upload(work.folder) if work.packed else work.videos.upload()
            if work.packed:
                work.videos.compare()
            work.manifest.update(work.memory, self._state_dir)
            for config in self._configs:
                pin = self._pin(config.name, folders[config.name], counts)
                counted, operations = self._config(config, pin, work, send=True)
                configs.append(counted)
                changes.append(operations)
            rest = self._repo.commit_most([self._unused(work, send=True), *changes], "Add rows")
            head = self._repo.head()
            card = self._card(head)
            report = self._report(card, configs, counts, work.manifest)
            rest += self._beside_rows(card, configs, work)
            report.commit = self._repo.commit(rest, "Add rows and card", parent=head)
        return report

    def dry_run(self) -> RepoReport:
        """Find out what `publish` would send; without a Hub that answers, of a repo that is not there."""
        asked = self._repo.is_reachable()
        counts, configs = VideoCounts(), list[ConfigReport]()
        with self._work() as work:
            folders = self._collect(work)
            if self._mode in ("reference", "packed"):
                counts = work.packed.count() if work.packed else work.videos.count()
            for config in self._configs:
                pin = None
                if folders[config.name]:
                    pin = _NO_COMMIT if counts.new else self._pin(config.name, folders[config.name], counts)
                configs.append(self._config(config, pin, work, send=False)[0])
            self._unused(work, send=False)
            report = self._report(self._card(self._repo.head()), configs, counts, work.manifest)
        report.asked = asked
        return report

    def _card(self, commit: str | None) -> PublishedCard:
        """Return the card of a commit: what is published now joins what it knows of."""
        return PublishedCard(self._repo.name, self._repo.read_text("README.md", commit))

    @contextmanager
    def _work(self) -> Iterator[_Work]:
        memory = HashMemory(self._state_dir)
        with unfinished_folder(Path(tempfile.gettempdir()), mode=0o700) as folder, self._repo.quiet():
            videos = VideoUploads(self._repo, memory, folder)
            try:
                before = self._repo.read_text(MANIFEST, self._repo.head())
                yield _Work(folder, memory, videos, Manifest(videos.found, before))
            finally:
                videos.close()
                memory.close()

    def _report(
        self, card: PublishedCard, configs: list[ConfigReport], videos: VideoCounts, manifest: Manifest
    ) -> RepoReport:
        card.videos = manifest.totals()
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
            totals=card.videos,
            deleted=self._deleted,
        )

    def _beside_rows(self, card: PublishedCard, configs: list[ConfigReport], work: _Work) -> list[Operation]:
        """Return what goes with the rows, in the same commit: card, notebook, licences, and the videos' manifest."""
        files: dict[str, bytes | str] = {"README.md": card.render(configs).encode(), NOTEBOOK: card.notebook(configs)}
        files |= self._media.licences
        if is_ours(self._repo.read_text(LICENSE, self._repo.head())):
            files[LICENSE] = licence_text(card.facts(configs).sources)
        manifest = work.manifest.write(work.folder / "manifest.csv")
        if manifest is not None:
            files[MANIFEST] = str(manifest)
        return [CommitOperationAdd(path, content) for path, content in files.items()]

    def _collect(self, work: _Work) -> dict[str, set[str]]:
        """Note all videos; return, by config, the folders of the repo they belong in. Many videos are to be packed."""
        folders: dict[str, set[str]] = {config.name: set() for config in self._configs}
        work.videos.compare()
        if self._mode not in ("reference", "packed"):
            return folders
        for config in self._configs:
            for rows in config.splits.values():
                if has_media(rows.features):
                    folders[config.name] |= work.videos.collect(config.name, rows)
        files = work.videos.files_in_all()
        if self._mode == "reference" and (files > _MOST_FILES or work.videos.are_packed()):
            self._mode = "packed"
            logger.warning(
                "%s would have %s videos, and the Hub takes fewer than %s files in a repo: they go into zips of about "
                "a gigabyte. `load` reads them there; the Hub's viewer plays none, and other readers find the cells "
                "empty. Or publish to several repos, each with fewer (repo_per_source)",
                self._repo.name,
                f"{files:,}",
                f"{_MOST_FILES:,}",
            )
        if self._mode == "packed":
            work.packed = PackedVideos(
                self._repo,
                work.videos.found,
                work.memory,
                work.manifest,
                roots=self._media.places,
                state_dir=self._state_dir,
            )
        return folders if work.packed is None else {config.name: set() for config in self._configs}

    def _unused(self, work: _Work, *, send: bool) -> list[Operation]:
        """Return the deletion of videos that configs had and are published without now, where the user wants that."""
        if self._mode != "none":
            return []
        card = self._card(self._repo.head())
        gone = videos_without(self._repo, card, [config.name for config in self._configs])
        if gone and not self._media.removed:
            logger.warning(
                "%s: %s videos stay there, though no row refers to them any more; --videos none (videos='none') "
                "deletes them, --media publishes the rows with them",
                self._repo.name,
                f"{len(gone):,}",
            )
            return []
        if gone:
            verb = "are" if send else "would be"
            logger.warning(
                "%s: %s videos that no other config uses %s deleted", self._repo.name, f"{len(gone):,}", verb
            )
            gone += needless_beside(work.videos.paths_there() - set(gone))
        self._deleted += gone
        work.manifest.forget(gone)
        return [CommitOperationDelete(path) for path in gone]

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
        self, config: LoadedConfig, pin: str | None, work: _Work, *, send: bool
    ) -> tuple[ConfigReport, list[Operation]]:
        """Write a config's shards and send the contents the repo lacks; return what a commit has to change."""
        types = stated_types(
            list(config.splits.values()),
            videos=self._mode in ("reference", "embed"),
            images=self._mode != "none",
            embedded=self._mode == "embed",
        )
        report = ConfigReport(
            config.name, videos_commit=pin, sample=config.sample, wording=dict(config.wording), types=types
        )
        report.published, report.packed = work.manifest.totals(config.name), work.packed is not None
        there = {file.path: file.sha256 for file in self._repo.files(config.name) if file.path.endswith(".parquet")}
        kept: set[str] = set()
        operations: list[Operation] = []
        for split, rows in config.splits.items():
            writer = SplitWriter(self._repo.name, config.name, split, rows, self._mode, pin, types)
            for shard in writer.shards(work.folder):
                kept.add(shard.path)
                if there.get(shard.path) != shard.sha256:
                    writer.report.new_files += 1
                    if send:
                        operations.append(self._send(shard))
                shard.file.unlink()
            report.splits[split] = writer.report
            if report.example is None and has_media(rows.features):
                report.example = example_row(split, rows)
        gone = sorted(set(there) - kept)
        if gone:
            verb = "are deleted from" if send else "would be deleted from"
            logger.warning("%s: %d files %s %s: %s", self._repo.name, len(gone), verb, config.name, ", ".join(gone[:5]))
        self._deleted += gone
        operations += [CommitOperationDelete(path) for path in gone]
        logger.info("%s: the rows of %s are ready", self._repo.name, config.name)
        return report, operations

    def _send(self, shard: Shard) -> CommitOperationAdd:
        addition = CommitOperationAdd(shard.path, str(shard.file))
        addition.upload_info.sha256 = bytes.fromhex(shard.sha256)
        self._repo.upload([addition])
        return addition
