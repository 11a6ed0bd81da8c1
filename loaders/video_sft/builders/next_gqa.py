"""NExT-GQA: NExT-QA's causal and temporal questions with the moments that ground their answers.

Validation and test rows join to `gsub_*.json` on (video, question number); the train rows are not grounded. Here the
CSV's `answer` is the text of the right option, not its index.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from datasets import Features, List, Value

from video_sft._annotations import Problems, SourceRow
from video_sft._base_builder.builder import SourceBuilder
from video_sft._sources.open_part import OpenPart
from video_sft._sources.part import Part, RemoteFile
from video_sft._sources.record import Record
from video_sft._sources.source import Source
from video_sft.builders._next_csv import CHOICE_COLUMNS, QUESTION_COLUMNS, NextQuestions, next_features, upstream_fields
from video_sft.errors import RowError

__all__ = ["SOURCE", "NextGqa"]

_COMMIT = "63772e0256ad9e34b83d6a108f1ba2041b924607"
_RAW = f"https://raw.githubusercontent.com/doc-doc/NExT-GQA/{_COMMIT}/datasets/nextgqa/"
_HASHES = {
    "val.csv": (638860, "ac5a1eb1d6dee9cd84ab7f9c94ab345b2404646f24b79ac182cd2aa9e2d424c1"),
    "gsub_val.json": (115228, "4feb23e53102cb2d4779e857ff8f9fd9b552fc38435621406b2ed9b0bf76204b"),
    "frame2time_val.json": (112598, "61dca3cc960848127e3bc7aa173a64a28f1df730e32b9f4c8c0399d04b04f029"),
    "upbd_val.json": (112918, "a718cb126da5a2e4b5594f72eba83804deb5d1afa3e1f8b29ceee6cd63fa3218"),
    "test.csv": (1052149, "0443ede53f521de4cbfb5e4fb02253926b90f81f62041b18bd17207a3511d114"),
    "gsub_test.json": (195500, "0c16c31699238a0f2b8ace45aeed7f193149ce2f011d6ed4f1ef7170ef5d41e9"),
    "frame2time_test.json": (196789, "e2a043e8c5141f15a212536343cd7d329ab212eac4917eb53aadf341abb30820"),
    "upbd_test.json": (197230, "ac4653ca6e621e5c36e1705ebc4ffd3e3670ac35b79b85e980d489e1e601b0a2"),
    "map_vid_vidorID.json": (331540, "1955d89e7a175346faf8d4a582297ff349619231394f59fd7872f459ac8a8685"),
    "train_gpt4_sub.json": (1330281, "88cc6f058f2ec94b4293d359fe973e36d9fb1af43beaf0c049bb9302e2b258b5"),
}
#: Roles of the files that hold 32 sampled times per video, and the columns they become.
_SAMPLED_TIMES = ("frame2time", "upbd")


def _file(name: str) -> RemoteFile:
    size, sha256 = _HASHES.get(name, (None, None))
    return RemoteFile(
        name=name,
        url=_RAW + name,
        size=size,
        sha256=sha256,
        unverified=None if sha256 else "the file was not at hand when the hashes were taken",
        also=(f"datasets/nextgqa/{name}", f"NExT-GQA/datasets/nextgqa/{name}", f"nextgqa/{name}", f"data/{name}"),
    )


def _grounded(split: str, stem: str, rows: int) -> Part:
    files = {"rows": _file(f"{stem}.csv"), "grounding": _file(f"gsub_{stem}.json")}
    files |= {role: _file(f"{role}_{stem}.json") for role in _SAMPLED_TIMES}
    files["folders"] = _file("map_vid_vidorID.json")
    return Part(split=split, files=files, optional=frozenset({"folders", *_SAMPLED_TIMES}), rows=rows)


def _train() -> Part:
    names = {"rows": "train.csv", "paraphrases": "train_gpt4_sub.json", "folders": "map_vid_vidorID.json"}
    files = {role: _file(name) for role, name in names.items()}
    return Part(split="train", files=files, optional=frozenset({"paraphrases", "folders"}), rows=34132)


def parse(part: OpenPart) -> Iterator[Record]:
    """Yield the questions of a split in file order, with their grounding or, in train, their paraphrases."""
    questions = NextQuestions.of(part, "video_id")
    rows = part.csv_rows("video_id", *QUESTION_COLUMNS, *CHOICE_COLUMNS)
    records = part.problems.read(rows, questions.by_text)
    yield from _paraphrased(part, records) if part.part.split == "train" else _ground(part, records)


@dataclass
class _Grounding:
    """The entries of a `gsub_*.json`: of each video its length, its rate, and moments by question number.

    Upstream's test file has 36 moments that begin at -0.1 or -0.2 s. Those that end a little after the length given
    for the video stay as they are: that length is rounded to whole seconds.
    """

    problems: Problems
    videos: dict[str, SourceRow] = field(default_factory=dict)
    used: set[tuple[str, str]] = field(default_factory=set)
    file: str = ""

    @classmethod
    def of(cls, part: OpenPart) -> _Grounding:
        """Read a part's grounding; an entry of another shape is a bad row."""
        grounding = cls(part.problems, file=part.file_name("grounding"))
        for video, value in part.json_object("grounding").items():
            entry = SourceRow(value if isinstance(value, dict) else {}, grounding.file, ("entry", video, -1))
            if isinstance(entry.value.get("location"), dict):
                grounding.videos[video] = entry
            else:
                problem = "expected an object with duration, fps and location, which is an object of question numbers"
                part.problems.meet(entry.error("location", problem))
        return grounding

    def attach(self, record: Record) -> Record:
        """Return the record with its evidence; start and stop as upstream rounds them to a tenth of a second."""
        video, qid = record.row.value["video_id"].strip(), str(record.row.integer("qid"))
        entry = self.videos.get(video)
        if entry is None or qid not in entry.value["location"]:
            self.problems.mend(f"Rows without moments in {self.file}, whose evidence is empty")
            return record
        segments = entry.value["location"][qid]
        self.used.add((video, qid))
        record.evidence = list(self._moments(entry, qid, segments))
        upstream = {name: value for name, value in entry.value.items() if name not in record.row.value}
        record.joined = {**upstream, "location": segments, **record.joined}
        return record

    def _moments(self, entry: SourceRow, qid: str, segments: Any) -> Iterator[tuple[float, float]]:
        if not isinstance(segments, list):
            entry.fail(f"location.{qid}", "expected a list of [start, end] pairs")
        for segment in segments:
            if not isinstance(segment, list) or len(segment) != 2:
                entry.fail(f"location.{qid}", f"expected a [start, end] pair, found {segment!r}")
            pair = SourceRow({"start": segment[0], "end": segment[1]}, entry.file, entry.place, f"location.{qid}.")
            start, stop = pair.seconds("start", before_start=True), pair.seconds("end", before_start=True)
            if stop <= max(start, 0.0):
                self.problems.mend("Moments that end before they or the video begin, left out of the evidence")
                continue
            if start < 0:
                self.problems.mend("Moments that begin before 0 s, which begin at 0 in the evidence")
            yield max(start, 0.0), stop

    def tell_unused(self) -> None:
        """Note how many grounded questions no row asks, and which videos have none."""
        asked = {(video, qid) for video, entry in self.videos.items() for qid in entry.value["location"]}
        unused = len(asked - self.used)
        if unused and not self.used:
            problem = f"none of the rows has moments in {self.file}, which is of another split then"
            self.problems.meet(SourceRow({}, self.file, ("entry", "any", -1)).error("location", problem))
        elif unused:
            self.problems.notes.append(f"{unused} questions of {self.file} belong to no row of the CSV")
        silent = [video for video, entry in self.videos.items() if not entry.value["location"]]
        if silent:
            shown = ", ".join(silent[:10])
            self.problems.notes.append(f"{len(silent)} videos of {self.file} have no question: {shown}")


def _ground(part: OpenPart, records: Iterator[Record]) -> Iterator[Record]:
    grounding = _Grounding.of(part)
    sampled = {role: part.json_object(role) for role in _SAMPLED_TIMES}
    for record in records:
        video = record.row.value["video_id"].strip()
        record.joined = {role: times[video] for role, times in sampled.items() if video in times}
        try:
            grounded = grounding.attach(record)
        except RowError as error:
            part.problems.meet(error)
        else:
            yield grounded
    grounding.tell_unused()


def _paraphrased(part: OpenPart, records: Iterator[Record]) -> Iterator[Record]:
    paraphrases = part.json_object("paraphrases")
    used = 0
    for record in records:
        value = record.row.value
        found = paraphrases.get(f"{value['video_id'].strip()}_{record.row.integer('qid')}")
        if isinstance(found, dict) and str(found.get("ori")).strip() == value["question"].strip():
            record.joined = {"ori": found["ori"], "gen": found.get("gen")}
            used += 1
        yield record
    if used != len(paraphrases):
        left = len(paraphrases) - used
        part.problems.notes.append(f"{left} entries of {part.file_name('paraphrases')} belong to no row of the CSV")


SOURCE = Source(
    name="next_gqa",
    title="NExT-GQA",
    homepage="https://github.com/doc-doc/NExT-GQA",
    paper="2309.01327",
    citation="""\
@inproceedings{xiao2024nextgqa,
  author    = {Xiao, Junbin and Yao, Angela and Li, Yicong and Chua, Tat-Seng},
  title     = {Can I Trust Your Answer? Visually Grounded Video Question Answering},
  booktitle = {CVPR},
  pages     = {13204--13214},
  year      = {2024}
}""",
    annotation_terms="The repository's LICENSE is MIT; no separate licence for the data is stated.",
    video_terms="The videos of NExT-QA: VidOR (Flickr uploads of YFCC100M), no licence stated for the archive.",
    license="MIT",
    pools=("vidor",),
    tasks=("reasoning",),
    parts=(_train(), _grounded("validation", "val", 3358), _grounded("test", "test", 5553)),
    parse=parse,
    upstream_features=Features(
        {
            **next_features("video_id"),
            **dict.fromkeys(("duration", "fps"), Value("float64")),
            "location": List(List(Value("float64"))),
            **dict.fromkeys(_SAMPLED_TIMES, List(Value("float64"))),
            "ori": Value("string"),
            "gen": List(Value("string")),
        }
    ),
    upstream_row=upstream_fields,
    overlaps=(
        "The validation and test rows are subsets of NExT-QA's multiple-choice ones, with the same video and qid.",
        "One validation row differs in the text of its right option: video 7987845241, qid 6.",
    ),
)


class NextGqa(SourceBuilder):
    """NExT-GQA: causal and temporal questions on VidOR videos, with the moments that ground their answers."""

    source = SOURCE
