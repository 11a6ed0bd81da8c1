"""ActivityNet-QA: short open-ended questions on ActivityNet videos.

Question and answer rows stand in separate files and are joined on `question_id`. Upstream's video names lack the `v_`
that ActivityNet's files have, and some begin with `v_` themselves (`v_UmAH95xls`), so `v_` is always added once.
"""

from __future__ import annotations

from collections.abc import Iterator

from datasets import Features, Value

from video_sft.annotations import Row
from video_sft.building import OpenPart, Part, RemoteFile, Source, SourceBuilder
from video_sft.errors import RowError
from video_sft.records import Media, OpenQuestion, Record
from video_sft.texts import cleaned

__all__ = ["SOURCE", "ActivitynetQa"]

_RAW = "https://raw.githubusercontent.com/MILVLG/activitynet-qa/2cf80aeb4e45955e53404e1716d3b9c0b1cbd72f/dataset/"
#: The numbers of the field `type`; 3 to 8 are upstream's "free" questions, told apart by their answer.
QUESTION_TYPES = ("motion", "spatial", "temporal", "yes_no", "color", "object", "location", "number", "other")


def _file(name: str, size: int, sha256: str | None, split: str) -> RemoteFile:
    unverified = None if sha256 else "the file was not at hand when the hashes were taken; its size was"
    # The mirror lmms-lab/ActivityNetQA has questions and answers in one table.
    mirror = (f"data/{split}-*.parquet", f"{split}-*.parquet")
    also = (f"dataset/{name}", f"activitynet-qa/dataset/{name}", *mirror)
    return RemoteFile(name=name, url=_RAW + name, sha256=sha256, size=size, unverified=unverified, also=also)


def _part(split: str, stem: str, rows: int, questions: tuple[int, str | None], answers: tuple[int, str | None]) -> Part:
    files = {"rows": _file(f"{stem}_q.json", *questions, split), "answers": _file(f"{stem}_a.json", *answers, split)}
    return Part(split=split, files=files, rows=rows)


def parse(part: OpenPart) -> Iterator[Record]:
    """Yield the questions of a split in file order, each with its answer."""
    answers: dict[str, Row] = {}
    for row in part.json_rows("answers"):
        try:
            key = row.text("question_id")
            if key in answers:
                row.fail("question_id", f"{key!r} was already answered in {answers[key].position}")
            answers[key] = row
        except RowError as error:
            part.problems.meet(error)
    asked: set[str] = set()

    def question(row: Row) -> Record:
        key = row.text("question_id")
        if key in asked:
            row.fail("question_id", f"{key!r} appears twice")
        if key not in answers:
            row.fail("question_id", f"{key!r} has no answer in {part.file_name('answers')}")
        asked.add(key)
        return _record(row, key, answers[key])

    yield from part.problems.read(part.json_rows(), question)
    for key, row in answers.items():
        if key not in asked:
            part.problems.meet(row.error("question_id", f"{key!r} has no question in {part.file_name('rows')}"))


def _record(row: Row, key: str, answer: Row) -> Record:
    name = row.name("video_name")
    if key.rpartition("_")[0] != f"v_{name}":
        row.fail("question_id", f"{key!r} does not belong to the video {name!r}")
    kind = answer.integer("type", lowest=0, highest=len(QUESTION_TYPES) - 1)
    video = f"v_{name}"
    return Record(
        key=key,
        task="vqa",
        body=OpenQuestion(cleaned(row.text("question")), cleaned(answer.text("answer"))),
        media=Media("activitynet", video, f"{video}.mp4"),
        row=row,
        question_type=QUESTION_TYPES[kind],
        joined={**{name: value for name, value in answer.value.items() if name != "question_id"}, "type": kind},
    )


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
    pools=("activitynet",),
    tasks=("vqa",),
    parts=(
        _part(
            "train",
            "train",
            32000,
            (4006264, "a9db856c54af5870e9d24cb61bc14470f75eb31e9634e97ec0fb5a9d2b8acfc9"),
            (2151424, "f7df4103d38939ac8fd7fbcf316cf3c13f5fab9de0c76eb10c9b772ec7aa6566"),
        ),
        _part("validation", "val", 18000, (2250891, None), (1210917, None)),
        _part(
            "test",
            "test",
            8000,
            (999298, "54d729564c3dfa0e795217f4df6023f7e43197fbb2b1fa4fd943ca65bee7eab8"),
            (540738, "f8fffa0fd6d8dbdb788310c16fe7e6da0aa23758d811cc77b65060436acf97e5"),
        ),
    ),
    parse=parse,
    upstream_features=Features(
        {
            "video_name": Value("string"),
            "question": Value("string"),
            "question_id": Value("string"),
            "answer": Value("string"),
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
