"""`check_source`: one source's files, rows, media and neighbours, looked at once and reported together."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from video_sft._config_name import is_upstream, view_of
from video_sft._given_places import DataDir, place_of_source, places_of_sources
from video_sft._media import Location, MediaPlaces, media_by_pool
from video_sft._media.attach import index_pools
from video_sft._media.index import MediaIndexes
from video_sft._near_names import check_splits
from video_sft._places import is_remote, root_of
from video_sft._source_files.found_parts import find_parts
from video_sft._source_files.given_files import Files, SourcePlace
from video_sft._sources.part import Part
from video_sft._sources.source import Source
from video_sft.builders import find_source, sources
from video_sft.checking._clip_limits import TOLERANCE_SECONDS, check_clips
from video_sft.checking._footage import compare_footage
from video_sft.checking._media import FoundMedia, find_media, media_findings
from video_sft.checking._overlap import OtherSplit, Overlap, listed_splits, other_splits, overlaps
from video_sft.checking._part_rows import NO_VIDEO, PartRows, read_part
from video_sft.checking._repeats import repeat_findings, repeats_in
from video_sft.checking._report import CheckReport, ClipFacts, Finding, MediaFacts, PartFacts
from video_sft.checking._rows import id_findings, row_findings
from video_sft.checking._source_files import FoundFiles, file_findings, find_files, is_verified, published_rows
from video_sft.checking._written_lists import ListFiles
from video_sft.errors import ConfigError
from video_sft.sample_media import draw_sample_media, sample_folder

__all__ = ["check_source"]

_ORDER = {"error": 0, "warning": 1, "note": 2}


def check_source(
    source: str,
    *,
    data_dir: DataDir | None = None,
    files: Files | None = None,
    media: MediaPlaces | Location | Sequence[Location] | None = None,
    others: Mapping[str, Location] | None = None,
    splits: Sequence[str] | None = None,
    sample: bool = False,
    lists: Location | None = None,
    tolerance_seconds: float = TOLERANCE_SECONDS,
    num_threads: int = 4,
    content: bool = False,
) -> CheckReport:
    """Check a source's files before anything is built or trained on.

    Nothing is written but the lists asked for, and no row stops the check: what is wrong is counted, with where it is.
    The report is clean when it has no error and no warning; `video_sft.checking.Finding` says what is which. Rows are
    those of the shared schema: fields that only `<source>-source` has are not looked into.

    Args:
        source: a source's name; or one of its views, to check that view's files alone.
        data_dir: the folder, zip or fsspec URL with upstream's files; or one file; or such a place by source.
        files: files of any name, by split and role, as for `video_sft.load`.
        media: for each pool the folder, zip or URL with its files, or several; a single one will do where the source
            has one pool. Without it media are not looked for and clips not compared with their videos.
        others: other sources to compare with, and where their files are. None takes the folders beside `data_dir`
            that bear a source's name; an empty mapping compares with none. Evaluation splits whose video lists come
            with the package are compared with either way, unless `others` is empty.
        splits: check only these.
        sample: check the embedded sample; its files are not compared with the published ones.
        lists: a folder for lists of missing media, bad rows, repeats, and rows on evaluation videos; or a file with a
            suffix, for the missing media alone.
        tolerance_seconds: how far a clip may reach beyond its video's end.
        num_threads: how many videos are opened at a time.
        content: look into the videos of all splits, and warn of training rows that show a video of an evaluation
            split, or of a list with fingerprints, under another id. What is learnt is kept.

    Raises:
        ConfigError: an unknown source, split or pool, or neither `data_dir` nor `sample`.
        MissingFileError: there is no file of the source at all; the message says which are needed.
        MissingMediaError: a media folder is not there.
    """
    check = _SourceCheck(find_source(source), source, sample)
    if is_upstream(source):
        raise ConfigError(f"{source} is read from the files of {check.source.name}; check that")
    pools = media_by_pool(check.source.name, check.source.pools, media)
    indexes = index_pools(pools)
    check.read_files(_place(check.source, data_dir, files, sample), check.wanted_parts(splits))
    check.read_rows(with_media=bool(pools) or sample)
    if sample:
        indexes = MediaIndexes({**index_pools(_drawn(check.rows)), **indexes})
    listing = ListFiles(lists, check.source.name)
    check.look_for_media(indexes, listing, tolerance_seconds, num_threads)
    compared = {} if sample and others is None else _others(check.source, check.files.root, others)
    with_lists = not sample and others != {}
    shared = check.compare(compared, with_lists=with_lists)
    same = check.compare_footage(shared, with_lists=with_lists) if content else []
    listing.rows(check.rows, [*shared, *same])
    return check.report(compared, shared, listing.written)


@dataclass
class _SourceCheck:
    """One check on its way: what was read and found so far."""

    source: Source
    config: str
    sample: bool
    files: FoundFiles = field(default_factory=lambda: FoundFiles(""))
    rows: list[PartRows] = field(default_factory=list)
    published: list[int | None] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    media: list[MediaFacts] = field(default_factory=list)
    clips: ClipFacts | None = None
    found: FoundMedia | None = None

    def wanted_parts(self, splits: Sequence[str] | None) -> list[Part]:
        view = view_of(self.config)
        parts = [part for part in self.source.parts if part.in_view(view)]
        check_splits(self.source.name, splits or (), self.source.splits)
        return [part for part in parts if not splits or part.split in splits]

    def read_files(self, place: SourcePlace, parts: Sequence[Part]) -> None:
        self.files = find_files(parts, place, self.config, known=self.source.parts, published=not self.sample)
        self.findings += file_findings(self.files, self.source.parts, published=not self.sample)

    def read_rows(self, *, with_media: bool) -> None:
        for part, locations in self.files.readable:
            rows = read_part(
                self.source, part, locations, with_media=with_media, what=f"{self.source.name} {part.name}"
            )
            published = None if self.sample else published_rows(part, locations)
            self.findings += row_findings(rows, published)
            self.rows.append(rows)
            self.published.append(published)
        self.findings += id_findings(self.rows)
        self.findings += repeat_findings(self.rows, lambda rows: is_verified(self.files, rows.part))

    def look_for_media(self, indexes: MediaIndexes, listing: ListFiles, tolerance: float, num_threads: int) -> None:
        if not indexes:
            videos = len(np.unique(np.concatenate([rows.column("videos") for rows in self.rows])))
            what = f"Media were not looked for: no place was given for what the rows are about, {videos:,} in all"
            remedy = " ".join(f"--media {pool}=FOLDER" for pool in self.source.pools[:4])
            remedy = f"Give {remedy}" + (" and so on" if len(self.source.pools) > 4 else "")
            self.findings.append(Finding("note", "media", what, remedy, videos))
            return
        self.found = found = find_media(self.rows, indexes)
        self.media = found.facts
        self.findings += media_findings(found, indexes, listing.missing_media(found.missing))
        checked = check_clips(self.rows, found, tolerance=tolerance, num_threads=num_threads)
        self.clips = checked.facts()
        self.findings += checked.findings()

    def compare(self, others: Mapping[str, Location], *, with_lists: bool) -> list[Overlap]:
        known: list[OtherSplit] = []
        for name, place in others.items():
            known += other_splits(find_source(name), place)
        if with_lists:
            known += listed_splits(self.source.name, known)
        found = list(overlaps(self.source.name, self.rows, known))
        self.findings += [overlap.finding() for overlap in found]
        return found

    def compare_footage(self, by_id: Sequence[Overlap], *, with_lists: bool) -> list[Overlap]:
        if self.found is None:
            raise ConfigError("content compares what videos show, and no place of media was given (--media POOL=PLACE)")
        compared = compare_footage(self.source.name, self.rows, self.found, by_id, with_lists=with_lists)
        self.findings += compared.findings
        return compared.found

    def report(self, others: Mapping[str, Location], shared: Sequence[Overlap], written: dict[str, str]) -> CheckReport:
        parts = [_part_facts(rows, count) for rows, count in zip(self.rows, self.published, strict=True)]
        return CheckReport(
            source=self.source.name,
            data_dir=self.files.root,
            files=self.files.facts,
            parts=parts,
            media=self.media,
            clips=self.clips,
            compared_with={name: os.fspath(place) for name, place in others.items()},
            overlaps=[overlap.facts for overlap in shared],
            findings=sorted(self.findings, key=lambda finding: _ORDER[finding.severity]),
            lists=written,
        )


def _place(source: Source, data_dir: DataDir | None, files: Files | None, sample: bool) -> SourcePlace:
    if sample and (data_dir is not None or files is not None):
        raise ConfigError("the sample comes with the package; give either sample or data_dir")
    if sample:
        return SourcePlace(sample_folder(source.name))
    place = place_of_source(source.name, data_dir)
    if place is None and files is None:
        raise ConfigError(f"give the folder, zip or URL with {source.name}'s files as data_dir (--data-dir)")
    return SourcePlace.of(place, files)


def _drawn(parts: Sequence[PartRows]) -> dict[str, list[Location]]:
    """Draw the sample's clips and images, and return where they are."""
    columns = pa.concat_tables([table for rows in parts for table in rows.media])
    stops = pc.fill_null(pc.max_element_wise(columns["stop"], columns["evidence_stop"]), 0.0)
    drawn = draw_sample_media(zip(columns["path"].to_pylist(), stops.to_pylist(), strict=True))
    return {pool: [place] for pool, place in drawn.items()}


def _others(source: Source, data_dir: str, others: Mapping[str, Location] | None) -> dict[str, Location]:
    """Return the other sources to compare with: those given, or those in folders beside the source's own."""
    if others is not None:
        return {find_source(name).name: place for name, place in others.items() if name != source.name}
    if not data_dir or is_remote(root := root_of(data_dir)):
        return {}
    beside = places_of_sources(os.path.dirname(root), [name for name in sources() if name != source.name])
    return {
        name: folder
        for name, folder in beside.items()
        if find_parts(find_source(name).parts, SourcePlace(folder)).present
    }


def _part_facts(rows: PartRows, published: int | None) -> PartFacts:
    videos = np.unique(rows.column("videos"))
    return PartFacts(
        split=rows.part.split,
        part=rows.part.name,
        file=rows.file,
        rows=len(rows),
        published_rows=published,
        bad_rows=sum(bad.count for bad in rows.problems.kinds.values()),
        left_out=rows.problems.left_out_rows(),
        without_answer=rows.without_answer.count,
        multiple_choice=rows.choices,
        repeated_options=rows.repeated_options.count,
        videos=int((videos != NO_VIDEO).sum()),
        repeats=repeats_in(rows),
    )
