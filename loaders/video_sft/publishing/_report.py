"""The report on what was published, or would be."""

from __future__ import annotations

from dataclasses import dataclass, field

from video_sft.publishing._upload.videos import VideoCounts

__all__ = ["ConfigReport", "ExampleRow", "PublishReport", "RepoReport", "SplitReport", "VideoTotals"]


@dataclass
class VideoTotals:
    """What the videos of a config, or of a repo, come to; each video counts once.

    Attributes:
        files: number of videos.
        nbytes: their size.
        seconds: how long those are whose length is known.
        timed: number of videos whose length is known.
    """

    files: int = 0
    nbytes: int = 0
    seconds: float = 0.0
    timed: int = 0


@dataclass
class ExampleRow:
    """One row, for the card.

    Attributes:
        split: where it is.
        id: its id.
        turns: role and text of each turn, long texts cut.
        video_path: as in the row.
        start_seconds: as in the row.
        stop_seconds: as in the row.
    """

    split: str
    id: str
    turns: list[list[str]]
    video_path: str | None = None
    start_seconds: float | None = None
    stop_seconds: float | None = None


@dataclass
class SplitReport:
    """Facts about one split.

    Attributes:
        rows: number of rows.
        nbytes: of the rows in memory.
        file_bytes: of its Parquet files.
        files: number of its Parquet files.
        new_files: those that the repo did not have.
        videos: distinct videos its rows are about, at hand or not.
        rows_with_media: rows whose video or image is published.
        tasks: rows by task.
        question_types: rows by question type.
        licenses: rows by licence.
    """

    rows: int = 0
    nbytes: int = 0
    file_bytes: int = 0
    files: int = 0
    new_files: int = 0
    videos: int = 0
    rows_with_media: int = 0
    tasks: dict[str, int] = field(default_factory=dict)
    question_types: dict[str, int] = field(default_factory=dict)
    licenses: dict[str, int] = field(default_factory=dict)


@dataclass
class ConfigReport:
    """One config.

    Attributes:
        name: the config's name.
        splits: facts by split.
        videos_commit: the commit its videos are pinned to; None where no row refers to one.
        sample: whether these are the invented rows that come with the package.
        wording: the keywords its questions are worded by, where any was given.
        example: a row to show; None of upstream's own fields.
        types: how the repo states the types of columns, where not as rows have them; see the help on publishing.
        published: what the videos come to that its rows refer to.
        packed: whether they lie in zips, and their rows' cells are null.
    """

    name: str
    splits: dict[str, SplitReport] = field(default_factory=dict)
    videos_commit: str | None = None
    sample: bool = False
    wording: dict[str, str | int] = field(default_factory=dict)
    example: ExampleRow | None = None
    types: dict[str, str] = field(default_factory=dict)
    published: VideoTotals = field(default_factory=VideoTotals)
    packed: bool = False


@dataclass
class RepoReport:
    """One repo.

    Attributes:
        name: `org/name`.
        url: where a person looks at it.
        title: what it holds, for a collection.
        configs: what it holds.
        license: of the whole, as its card states it.
        videos: distinct videos, and how many were sent.
        totals: what all videos of the repo come to, those of configs published before too.
        deleted: files that were deleted, or would be.
        asked: whether the Hub was there to ask what it has; without it, a dry run takes everything for new.
        video_mode: `reference`, `embed` or `none`.
        video_terms: what upstream states about the videos, by source.
        commit: the newest commit; None for a dry run.
    """

    name: str
    url: str
    title: str
    configs: list[ConfigReport]
    license: str
    video_mode: str
    video_terms: dict[str, str]
    videos: VideoCounts = field(default_factory=VideoCounts)
    totals: VideoTotals = field(default_factory=VideoTotals)
    deleted: list[str] = field(default_factory=list)
    asked: bool = True
    commit: str | None = None


@dataclass
class PublishReport:
    """All repos of one call."""

    repos: list[RepoReport]
    dry_run: bool = False

    @property
    def collection_items(self) -> list[dict[str, str]]:
        """The repos as `huggingface_hub.add_collection_item` takes them."""
        return [{"item_id": repo.name, "item_type": "dataset", "note": repo.title} for repo in self.repos]
