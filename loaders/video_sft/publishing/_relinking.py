"""`relink`: the rows of a repo with another name or place than it was published under, with links to where it is."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd

from video_sft._files import unfinished_folder
from video_sft.errors import ConfigError
from video_sft.publishing._card.metadata import NOTEBOOK, PublishedCard
from video_sft.publishing._layout import MANIFEST, cell_path, is_rows_path, path_of_cell
from video_sft.publishing._links import linked_cells, relink_shard
from video_sft.publishing._upload.manifest import manifest_of
from video_sft.publishing._upload.refusals import PublishError
from video_sft.publishing._upload.repository import HubRepo, Operation

__all__ = ["RelinkReport", "relink"]


@dataclass(frozen=True)
class RelinkReport:
    """What was relinked.

    Attributes:
        name: the repo, or the folder.
        files: Parquet files that were written anew, by their paths in it.
        videos: different videos that rows refer to.
        commit: the newest commit; None for a folder.
    """

    name: str
    files: tuple[str, ...]
    videos: int
    commit: str | None = None


def relink(repo: str | os.PathLike[str], *, revision: str | None = None, token: str | None = None) -> RelinkReport:
    """Make the rows of a repo point at the videos in it, after it was renamed, duplicated, squashed or downloaded.

    Cells name a video by repo and commit. In a copy of a repo they still name the first one; where its history was
    squashed, a commit that is gone. The card and the notebook follow. Rows that point at the right place already are
    left alone, and where all do, nothing is committed.

    Args:
        repo: `org/name`, as it is called now; or a folder that a repo was downloaded to, whose rows then name the
            videos in it by their paths, for readers without this package (`load(repo=folder)` needs none of that).
        revision: the branch; None is the default branch.
        token: None is the logged-in user's.

    Raises:
        ConfigError: there is no such repo, or the folder is the Hub's cache, which is to stay as it is.
        PublishError: a video that rows name is not in the repo; or the Hub did not take something.
    """
    if os.path.isdir(repo):
        return _relinked_folder(Path(repo).resolve())
    hub = HubRepo(os.fspath(repo), revision=revision, token=token)
    head = hub.head()
    if head is None:
        raise ConfigError(f"{hub.name} is neither a folder nor a dataset repo that this user sees")
    files = {file.path for file in hub.files()}
    card = PublishedCard(hub.name, hub.read_text("README.md", head))
    changes: list[Operation] = []
    videos: set[str] = set()
    with unfinished_folder(Path(tempfile.gettempdir()), mode=0o700) as folder, hub.quiet():
        for config in sorted({path.partition("/")[0] for path in files if is_rows_path(path)}):
            rows = sorted(path for path in files if is_rows_path(path) and path.startswith(f"{config}/"))
            cells = {path: _cells(hub, path) for path in rows}
            theirs = {video for found in cells.values() for video in map(path_of_cell, found) if video}
            _check_there(hub.name, theirs - files)
            videos |= theirs
            pin = hub.last_change(sorted({"/".join(video.split("/")[:2]) for video in theirs})) if theirs else None
            for path in rows:
                changes += _moved(hub, path, cells[path], folder, pin or head)
            if config in card.configs:
                card.configs[config].videos_commit = (pin or head) if theirs else card.configs[config].videos_commit
        rows_changed = tuple(each.path_in_repo for each in changes)
        rest = hub.commit_most([changes], "Relink rows")
        if card.configs:
            card.videos = manifest_of(hub.read_text(MANIFEST, head)).totals()
            rest += [
                CommitOperationAdd("README.md", card.render([]).encode()),
                CommitOperationAdd(NOTEBOOK, card.notebook([])),
            ]
        commit = hub.commit(rest, "Relink rows and card") if rest else hub.head()
    return RelinkReport(hub.name, rows_changed, len(videos), commit)


def _moved(hub: HubRepo, path: str, cells: set[str], folder: Path, pin: str) -> list[Operation]:
    """Send a Parquet file with other links, if any is another; return what a commit has to change."""

    def place(video: str) -> str:
        return cell_path(hub.name, pin, video)

    if all(video is None or place(video) == cell for cell in cells for video in [path_of_cell(cell)]):
        return []
    file, target = hub.download(path, folder), folder / "relinked.parquet"
    relink_shard(file, target, place)
    addition = CommitOperationAdd(path, str(target))
    hub.upload([addition])
    file.unlink()
    target.unlink()
    return [addition]


def _cells(hub: HubRepo, path: str) -> set[str]:
    with hub.opened(path) as file:
        return linked_cells(file)


def _check_there(name: str, absent: set[str]) -> None:
    if absent:
        raise PublishError(
            f"{name} lacks {len(absent):,} videos that its rows name, such as {min(absent)}: copy the repo with its "
            "videos, or publish the rows again"
        )


def _relinked_folder(folder: Path) -> RelinkReport:
    rows = sorted(path for path in folder.glob("*/*.parquet") if is_rows_path(path.relative_to(folder).as_posix()))
    if any(path.is_symlink() for path in rows):
        raise ConfigError(f"{folder} is in the Hub's cache, which other programs read; download it with local_dir=")
    files, videos = [], set[str]()

    def place(path: str) -> str | None:
        return str(folder / path) if (folder / path).is_file() else None

    for path in rows:
        videos |= {video for video in map(path_of_cell, linked_cells(path)) if video and place(video)}
        target = path.with_name(f".relinked-{path.name}")
        if relink_shard(path, target, place):
            os.replace(target, path)
            files.append(path.relative_to(folder).as_posix())
    return RelinkReport(str(folder), tuple(files), len(videos))
