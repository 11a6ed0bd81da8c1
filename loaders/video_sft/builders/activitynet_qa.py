"""ActivityNet-QA: short open-ended questions on ActivityNet videos.

Question and answer rows stand in separate files and are joined on `question_id`. Upstream's video names lack the `v_`
that ActivityNet's files have, and some begin with `v_` themselves (`v_UmAH95xls`), so `v_` is always added once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from datasets import Features, Value

from video_sft._annotations import SourceRow
from video_sft._base_builder.builder import SourceBuilder
from video_sft._sources.open_part import OpenPart
from video_sft._sources.part import Part, RemoteFile
from video_sft._sources.pool import Pool
from video_sft._sources.record import Media, OpenQuestion, Record
from video_sft._sources.source import Source
from video_sft.builders._row_fields import blank_field, clean_or_blank, unusable
from video_sft.errors import RowError

__all__ = ["SOURCE", "ActivitynetQa"]

_RAW = "https://raw.githubusercontent.com/MILVLG/activitynet-qa/2cf80aeb4e45955e53404e1716d3b9c0b1cbd72f/dataset/"
#: The numbers of the field `type`; 3 to 8 are upstream's "free" questions, told apart by their answer.
QUESTION_TYPES = ("motion", "spatial", "temporal", "yes_no", "color", "object", "location", "number", "other")
_YOUTUBE_ID_LENGTH = 11
_HASHES = {
    "train_q.json": (4006264, "a9db856c54af5870e9d24cb61bc14470f75eb31e9634e97ec0fb5a9d2b8acfc9"),
    "train_a.json": (2151424, "f7df4103d38939ac8fd7fbcf316cf3c13f5fab9de0c76eb10c9b772ec7aa6566"),
    "val_q.json": (2250891, "810299378d673bc93e88c507729c8268a1d84c985272f2ef0b7d9fb2bc89beb7"),
    "val_a.json": (1210917, "b388623af61ba18692e597a1441710f95c87aefb93a491c43e96a4ab9a61e2a9"),
    "test_q.json": (999298, "54d729564c3dfa0e795217f4df6023f7e43197fbb2b1fa4fd943ca65bee7eab8"),
    "test_a.json": (540738, "f8fffa0fd6d8dbdb788310c16fe7e6da0aa23758d811cc77b65060436acf97e5"),
}


def _file(name: str, split: str) -> RemoteFile:
    size, sha256 = _HASHES[name]
    # The mirror lmms-lab/ActivityNetQA has questions and answers in one table.
    mirror = (f"data/{split}-*.parquet", f"{split}-*.parquet")
    also = (f"dataset/{name}", f"activitynet-qa/dataset/{name}", *mirror)
    return RemoteFile(name=name, url=_RAW + name, sha256=sha256, size=size, also=also)


def _part(split: str, stem: str, rows: int) -> Part:
    files = {"rows": _file(f"{stem}_q.json", split), "answers": _file(f"{stem}_a.json", split)}
    return Part(split=split, files=files, rows=rows)


def parse(part: OpenPart) -> Iterator[Record]:
    """Yield the questions of a split in file order, each with its answer; then the answers that no question has.

    Questions without an answer, and answers without a question, are upstream's own gaps and unusable, unless none of
    the questions has one: the two files are of different splits then.
    """
    split = _Split(part, _answers(part))
    yield from part.problems.read(part.json_rows(), split.question)
    if split.asked and split.answers and not split.asked.keys() & split.answers.keys():
        first = next(iter(split.asked.values()))
        problem = f"none of the questions has an answer in {part.file_name('answers')}, which is of another split then"
        part.problems.meet(first.error("question_id", problem))
    yield from map(split.unasked, sorted(split.answers.keys() - split.asked.keys()))


def _answers(part: OpenPart) -> dict[str, SourceRow]:
    answers: dict[str, SourceRow] = {}

    def answer(row: SourceRow) -> None:
        key = row.text("question_id").strip()
        first = answers.setdefault(key, row)
        if first is row:
            return
        if first.value != row.value:
            row.fail("question_id", f"{key!r} was already answered otherwise in {first.position}")
        part.problems.mend("Answers that are there twice, word for word")

    for _ in part.problems.read(part.json_rows("answers"), answer):
        pass
    return answers


@dataclass
class _Split:
    """Joins the questions of a split to its answers.

    Attributes:
        part: the split.
        answers: by question id.
        asked: the first question of each id.
    """

    part: OpenPart
    answers: Mapping[str, SourceRow]
    asked: dict[str, SourceRow] = field(default_factory=dict)
    _times: Counter[str] = field(default_factory=Counter)

    def question(self, row: SourceRow) -> Record:
        key = row.text("question_id").strip()
        first = self.asked.setdefault(key, row)
        if first is not row and first.value != row.value:
            row.fail("question_id", f"{key!r} is the id of another question in {first.position}")
        name = _video_name(row)
        video = key.rpartition("_")[0]
        if len(video.removeprefix("v_")) == _YOUTUBE_ID_LENGTH and video not in (f"v_{name}", name):
            row.fail("question_id", f"{key!r} does not belong to the video {name!r}")
        self._times[key] += 1
        if first is not row:
            self.part.problems.mend("Questions that are there again, word for word; -2 is behind their ids")
        return self._record(row, key if first is row else f"{key}-{self._times[key]}", name, self.answers.get(key))

    def unasked(self, key: str) -> Record:
        row = self.answers[key]
        reason = unusable(row, "question_id", f"there is no question in {self.part.file_name('rows')} to this answer")
        return Record(key, "vqa", OpenQuestion("", ""), None, row, unusable=reason)

    def _record(self, row: SourceRow, key: str, name: str, answer: SourceRow | None) -> Record:
        body = OpenQuestion(clean_or_blank(row, "question"), clean_or_blank(answer, "answer") if answer else "")
        reason: RowError | None
        if answer is None:
            reason = unusable(row, "question_id", f"there is no answer to it in {self.part.file_name('answers')}")
        else:
            reason = blank_field(row, question=body.question) or blank_field(answer, answer=body.answer or "")
        joined = {name: value for name, value in (answer.value if answer else {}).items() if name != "question_id"}
        number = None
        if answer is not None and joined.get("type") not in (None, ""):
            number = joined["type"] = answer.integer("type")
        return Record(
            key=key,
            task="vqa",
            body=body,
            media=Media("activitynet", f"v_{name}", f"v_{name}.mp4"),
            row=row,
            question_type=self._type(number) if answer else None,
            joined=joined,
            unusable=reason,
        )

    def _type(self, kind: int | None) -> str | None:
        if kind is not None and 0 <= kind < len(QUESTION_TYPES):
            return QUESTION_TYPES[kind]
        self.part.problems.mend("Rows with a type that upstream does not document, whose question_type is null")
        return None


def _video_name(row: SourceRow) -> str:
    """Return the YouTube id a row names; `v_` is no part of it, unless it has 11 characters with it."""
    name = row.name("video_name").removesuffix(".mp4")
    return name[2:] if len(name) == _YOUTUBE_ID_LENGTH + 2 and name.startswith("v_") else name


_WHERE = "ActivityNet's site (v_<id>.mp4, some .mkv or .webm)"
_POOL = Pool(name="activitynet", unique_names=True, optional_prefix="v_", where=_WHERE)

SOURCE = Source(
    name="activitynet_qa",
    title="ActivityNet-QA",
    homepage="https://github.com/MILVLG/activitynet-qa",
    paper="1906.02467",
    citation="""\
@inproceedings{yu2019activitynetqa,
  author    = {Yu, Zhou and Xu, Dejing and Yu, Jun and Yu, Ting and Zhao, Zhou and Zhuang, Yueting and Tao, Dacheng},
  title     = {ActivityNet-QA: A Dataset for Understanding Complex Web Videos via Question Answering},
  booktitle = {AAAI},
  pages     = {9127--9134},
  year      = {2019}
}""",
    annotation_terms="The LICENSE file is Apache-2.0; the README says MIT and limited to non-commercial use.",
    video_terms="YouTube videos of ActivityNet; no licence to the footage is stated. ActivityNet gives ids and links.",
    license="other",
    own_pools=(_POOL,),
    tasks=("vqa",),
    parts=(_part("train", "train", 32000), _part("validation", "val", 18000), _part("test", "test", 8000)),
    parse=parse,
    upstream_features=Features(
        {
            **dict.fromkeys(("video_name", "question", "question_id", "answer"), Value("string")),
            "type": Value("int32"),
        }
    ),
    overlaps=(
        "2,843 of the 3,200 train videos and 1,583 of the 1,800 validation videos are used by VideoInstruct100K.",
        "All 5,800 videos are ActivityNet v1.3 videos, the pool VCG+ 112K draws on.",
    ),
)


class ActivitynetQa(SourceBuilder):
    """ActivityNet-QA: 58,000 short open-ended questions on 5,800 ActivityNet videos."""

    source = SOURCE
