"""The report of a check as plain data: facts first, then findings with what to do about each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = [
    "CheckReport",
    "ClipFacts",
    "FileFacts",
    "FileStatus",
    "Finding",
    "MediaFacts",
    "OverlapFacts",
    "PartFacts",
    "Severity",
    "counted",
]

Severity = Literal["error", "warning", "note"]
FileStatus = Literal["as_published", "size_as_published", "unverified", "differs", "missing", "optional_missing"]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 row`, `2,000 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


@dataclass(frozen=True)
class Finding:
    """One thing worth a person's attention.

    Attributes:
        severity: `error`: rows are lost or wrong as it is; `warning`: something is missing, or would mislead a training
            run; `note`: good to know, nothing to mend.
        check: which check found it: `files`, `rows`, `ids`, `answers`, `choices`, `media`, `clips`, `repeats` or
            `overlap`.
        what: what was found, as a sentence.
        remedy: what to do about it; empty where there is nothing to do.
        count: of how many rows, files or videos it was found.
        examples: where, for the first ones: file and row.
    """

    severity: Severity
    check: str
    what: str
    remedy: str = ""
    count: int = 1
    examples: Sequence[str] = ()

    @property
    def further(self) -> int:
        """How many more there are than the examples."""
        return max(0, self.count - len(self.examples)) if self.examples else 0


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """One annotation file: whether it is there and whether it is the published one.

    Attributes:
        name: its published name.
        parts: the parts that read it, such as `train/mc`.
        status: `as_published` (hash agrees), `size_as_published` (only the size is known, and agrees), `unverified`
            (nothing is known to compare with), `differs`, `missing`, `optional_missing`.
        location: where it was found; None where it is missing.
        size: of what was found, in bytes.
        published_size: in bytes; None where not known.
        sha256: of what was found.
        published_sha256: None where not known.
        why_unverified: why no hash is known, in the source's words.
    """

    name: str
    parts: Sequence[str]
    status: FileStatus
    location: str | None = None
    size: int | None = None
    published_size: int | None = None
    sha256: str | None = None
    published_sha256: str | None = None
    why_unverified: str | None = None


@dataclass(frozen=True, kw_only=True)
class PartFacts:
    """What one part holds; a split has one part or more.

    Attributes:
        split: `train`, `validation` or `test`.
        part: the part's name, such as `train/mc`.
        file: the file its rows come from.
        rows: how many can be read.
        published_rows: how many upstream publishes; None where not known, or where another form of the file was found.
        bad_rows: how many cannot be read.
        left_out: rows that upstream itself left unusable, such as those without a video's name.
        without_answer: rows whose answer is not given.
        multiple_choice: rows with options.
        repeated_options: rows in which an option appears twice.
        videos: distinct videos and images.
        repeats: rows that say the same about the same video as an earlier row of the part.
    """

    split: str
    part: str
    file: str
    rows: int
    published_rows: int | None
    bad_rows: int
    left_out: int
    without_answer: int
    multiple_choice: int
    repeated_options: int
    videos: int
    repeats: int


@dataclass(frozen=True, kw_only=True)
class MediaFacts:
    """One media pool: how many of the files its rows name are there.

    Attributes:
        pool: its name.
        roots: where the files were looked for; empty where no place was given.
        wanted: distinct videos and images the rows name.
        found: how many of them are there; None where no place was given.
        rows: rows that name them.
        rows_found: rows whose file is there; None where no place was given.
    """

    pool: str
    roots: Sequence[str]
    wanted: int
    found: int | None
    rows: int
    rows_found: int | None


@dataclass(frozen=True, kw_only=True)
class ClipFacts:
    """How clips and grounded moments lie in their videos.

    Attributes:
        videos: videos opened: those found that a row has a start, a stop or a moment for.
        unreadable: how many of them could not be opened.
        limits: clips and moments compared with the length of their video.
        beyond: how many of them reach beyond its end by more than the tolerance.
        tolerance_seconds: how far beyond is taken for rounding.
    """

    videos: int
    unreadable: int
    limits: int
    beyond: int
    tolerance_seconds: float


@dataclass(frozen=True, kw_only=True)
class OverlapFacts:
    """What a split of this source shares with another split, mostly of another source.

    Attributes:
        split: of this source.
        other: the other source.
        other_split: its split.
        videos: videos both have.
        rows: rows of this source's split about those videos.
        other_rows: rows of the other split about them; None where only its list of videos is known.
        questions: pairs of video and question both have; None where only the other's list of videos is known.
    """

    split: str
    other: str
    other_split: str
    videos: int
    rows: int
    other_rows: int | None
    questions: int | None


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """Everything a check of one source found.

    Attributes:
        source: the source.
        data_dir: where its files were looked for.
        files: its annotation files.
        parts: the parts that could be read.
        media: its pools, where media were given; otherwise those its rows name.
        clips: None where no media were given.
        compared_with: other sources, and where their files are.
        overlaps: what is shared with them and between own splits; pairs of splits that share nothing have no entry.
        findings: errors first, then warnings, then notes.
        lists: list files written, by what they list.
    """

    source: str
    data_dir: str
    files: Sequence[FileFacts] = ()
    parts: Sequence[PartFacts] = ()
    media: Sequence[MediaFacts] = ()
    clips: ClipFacts | None = None
    compared_with: dict[str, str] = field(default_factory=dict)
    overlaps: Sequence[OverlapFacts] = ()
    findings: Sequence[Finding] = ()
    lists: dict[str, str] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Whether there is neither an error nor a warning."""
        return not any(finding.severity in ("error", "warning") for finding in self.findings)

    def counts(self) -> dict[Severity, int]:
        """Return how many findings there are of each severity."""
        found = Counter(finding.severity for finding in self.findings)
        return {"error": found["error"], "warning": found["warning"], "note": found["note"]}

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready data; its keys are the attributes' names, and stay what they are."""
        return {"source": self.source, "clean": self.clean, "counts": self.counts(), **asdict(self)}
