"""`publish`: from configs and the user's files to repos on the Hub."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets
from tqdm.auto import tqdm

from video_sft._config_name import is_upstream
from video_sft._given_places import DataDir, place_of_source
from video_sft._media import Location, MediaPlaces, MissingPolicy, media_by_pool
from video_sft._near_names import check_one_of
from video_sft._rows.messages import MessageStyle
from video_sft._source_files.given_files import Files
from video_sft._upstream_loading import RowOptions, load_upstream, refuse_slips_of
from video_sft.builders import configs as all_configs
from video_sft.builders import find_source
from video_sft.errors import ConfigError
from video_sft.publishing._cells import VideoMode
from video_sft.publishing._report import PublishReport
from video_sft.publishing._upload.licences import licences_beside
from video_sft.publishing._upload.media_guard import refuse_links
from video_sft.publishing._upload.repo_run import GivenMedia, LoadedConfig, RepoRun
from video_sft.publishing._upload.repository import HubRepo
from video_sft.sample_media import has_sample

__all__ = ["publish"]

_MODES: tuple[VideoMode, ...] = ("reference", "packed", "embed", "none")


def publish(
    configs: str | Sequence[str],
    *,
    repo: str | None = None,
    repo_per_source: str | None = None,
    data_dir: DataDir | None = None,
    files: Mapping[str, Files] | None = None,
    sample: bool = False,
    media: MediaPlaces | Location | Sequence[Location] | None = None,
    missing: MissingPolicy = "null",
    videos: VideoMode | None = None,
    allow_restricted_videos: bool = False,
    private: bool = False,
    revision: str | None = None,
    token: str | None = None,
    dry_run: bool = False,
    cache_dir: Location | None = None,
    state_dir: Location | None = None,
    **options: Any,
) -> PublishReport:
    """Publish configs to the Hub as Parquet that every client reads, with videos the viewer plays.

    Videos go up first, by `huggingface_hub`'s own pipeline, then all rows and the card, pinned to the videos' commit:
    what the branch shows never points at a video that is not there. Calling it again sends only what changed; a call
    that was killed goes on where it stopped. Configs that are in the repo already and are not named stay as they are.
    Along go a manifest of the videos (`videos/manifest.csv`), a `LICENSE`, and licence files in the media folders.

    Args:
        configs: config names, or `all`, which with `sample` is all that come with one.
        repo: `org/name`, for all of them together.
        repo_per_source: instead of `repo`: a name with `{source}` in it, for one repo a source.
        data_dir: upstream's files, as for `load`; by source where several are published, or one folder that has a
            folder for each source. None downloads them from their pinned URLs.
        files: files of any name by source, each as for `load`: `{"star": {"train": "/data/rows.json"}}`.
        sample: publish the invented rows and clips that come with the package.
        media: the videos, by pool, as for `load`; a place alone where each source has one pool.
        missing: what becomes of rows whose video is not there, as for `load`.
        videos: `reference` uploads each video once and rows refer to it; `packed` puts them into zips of about a
            gigabyte, which `load` reads in place, and leaves the cells null; `embed` puts the bytes into the rows, for
            small sets; `none` leaves the cells null, and deletes the videos that these configs had in the repo and no
            other uses. Images, which the viewer shows in no other way, are put into the rows unless this is `none`. The
            default is `reference` where media are given, `packed` where the repo would then have more than 100,000
            files, and without media no videos, with none deleted.
        allow_restricted_videos: publish videos though their terms give no right to; for people who have one.
        private: make the repos private.
        revision: the branch to publish to; made where it is not there. None is the default branch.
        token: None is the logged-in user's.
        dry_run: find out what would be sent and deleted, and do neither. Where the Hub cannot be reached, all is new.
        cache_dir: where datasets are built.
        state_dir: where hashes of media files are remembered; beside the Hub's cache by default.
        **options: as for `load`; the card names the `prompt_style` and other wording.

    Returns:
        What was published; its `collection_items` fit a collection on the Hub.

    Raises:
        ConfigError: an unknown config, or options that do not go together, restricted videos among them.
        PublishError: the Hub did not take something; or a file to be sent is neither a video nor an image, or lies
            outside of the media folders and was reached by a link in them.
    """
    refuse_slips_of(publish, options)
    names = _chosen(configs, sample=sample)
    mode = _mode(videos, with_media=media is not None or sample)
    if mode != "none" and not sample and not allow_restricted_videos:
        _check_terms(names)
    among = {find_source(name).name for name in names}
    state = Path(state_dir or Path(datasets.config.HF_CACHE_HOME).expanduser() / "video_sft" / "publishing")
    given = GivenMedia(mode, tuple(_folders(media)), _licences(names, media, mode), removed=videos == "none")
    loaded: dict[str, list[LoadedConfig]] = {}
    with _bars_of(dry_run=dry_run, total=len(names)) as bar:
        for repo_name, members in _by_repo(names, repo, repo_per_source).items():
            for name in members:
                bar.set_postfix_str(name)
                folder = None if sample else place_of_source(find_source(name).name, data_dir, among)
                of_rows, others = RowOptions.apart(options)
                wanted = RowOptions(
                    config=name,
                    media=None if is_upstream(name) else media,
                    missing=missing,
                    cache_dir=None if cache_dir is None else os.fspath(cache_dir),
                    **of_rows,
                )
                of_source = (files or {}).get(find_source(name).name)
                rows: Any = load_upstream(wanted, data_dir=folder, files=of_source, sample=sample, **others)
                if mode != "none":
                    refuse_links(rows, given.places)
                wording = {} if is_upstream(name) else MessageStyle.keywords(options)
                loaded.setdefault(repo_name, []).append(LoadedConfig(name, rows, sample, wording))
                bar.update()
        repos = []
        for repo_name, configs_of in loaded.items():
            run = RepoRun(HubRepo(repo_name, revision=revision, token=token), configs_of, given, state_dir=state)
            repos.append(run.dry_run() if dry_run else run.publish(private=private))
    return PublishReport(repos, dry_run=dry_run)


@contextmanager
def _bars_of(*, dry_run: bool, total: int) -> Iterator[tqdm[Any]]:
    """Show a bar over all configs instead of one for each step of each, where nothing is sent."""
    quiet = dry_run and not datasets.utils.are_progress_bars_disabled()
    if quiet:
        datasets.utils.disable_progress_bars()
    try:
        with tqdm(desc="Counting", total=total, unit=" configs", leave=False, disable=None if dry_run else True) as bar:
            yield bar
    finally:
        if quiet:
            datasets.utils.enable_progress_bars()


def _licences(
    names: Sequence[str], media: MediaPlaces | Location | Sequence[Location] | None, mode: VideoMode
) -> dict[str, bytes]:
    """Return the licence files beside the videos that are published."""
    if media is None or mode == "none":
        return {}
    by_pool: dict[str, list[Location]] = {}
    for source in {find_source(name).name: find_source(name) for name in names}.values():
        if source.pools:
            by_pool |= media_by_pool(source.name, source.pools, media)
    return licences_beside(by_pool)


def _chosen(configs: str | Sequence[str], *, sample: bool) -> list[str]:
    names = [configs] if isinstance(configs, str) else list(configs)
    if names == ["all"]:
        return [name for name in all_configs() if not sample or has_sample(find_source(name).name)]
    for name in names:
        find_source(name)
    if not names:
        raise ConfigError("no config was named; `all` publishes every one")
    return list(dict.fromkeys(names))


def _mode(videos: VideoMode | None, *, with_media: bool) -> VideoMode:
    if videos is None:
        return "reference" if with_media else "none"
    check_one_of("videos", videos, _MODES)
    if videos != "none" and not with_media:
        raise ConfigError(f"videos={videos!r} needs media={{pool: folder}}; videos='none' publishes rows alone")
    return videos


def _check_terms(names: Sequence[str]) -> None:
    """Stop before videos are shared that upstream gives nobody the right to share."""
    found = {source.name: source for source in map(find_source, names)}
    restricted = [source for source in found.values() if not source.redistributable_videos]
    if restricted:
        terms = " ".join(f"{source.name}: {source.video_terms}" for source in restricted)
        raise ConfigError(
            f"The terms of these videos do not let everyone publish copies. {terms} Publish rows only with "
            "videos='none' (users attach their own videos), or, if you have the right to share them, pass "
            "allow_restricted_videos=True (--allow-restricted-videos)"
        )


def _by_repo(names: Sequence[str], repo: str | None, repo_per_source: str | None) -> dict[str, list[str]]:
    if (repo is None) == (repo_per_source is None):
        raise ConfigError("give either repo, or repo_per_source such as 'org/video-sft-{source}'")
    if repo_per_source is not None and "{source}" not in repo_per_source:
        raise ConfigError(f"repo_per_source is {repo_per_source!r}; it needs {{source}} where the source's name goes")
    grouped: dict[str, list[str]] = {}
    for name in names:
        target = repo or str(repo_per_source).replace("{source}", find_source(name).name)
        grouped.setdefault(target, []).append(name)
    for target in grouped:
        if target.count("/") != 1 or target != target.strip("/ "):
            raise ConfigError(f"{target!r} is not the name of a repo; it has the form org/name")
    return grouped


def _folders(media: MediaPlaces | Location | Sequence[Location] | None) -> Iterator[Location]:
    """Yield every place of media, whichever pool it is of."""
    for place in media.values() if isinstance(media, Mapping) else [media or ()]:
        yield from [place] if isinstance(place, (str, os.PathLike)) else place
