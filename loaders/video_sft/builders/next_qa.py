"""NExT-QA: causal, temporal and descriptive questions on VidOR videos, multiple choice and open-ended.

Two upstream repositories use the same file names: NExT-QA (multiple choice, `answer` is an index) and NExT-OE
(open-ended, `answer` is free text). Here they lie under `mc/` and `oe/`; a clone of either, or a folder that holds both
clones, is understood too, the header telling the files apart; and so is the Parquet mirror lmms-lab/NExTQA, whose
open-ended rows hold the second answer as `additional_ref_answer`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from datasets import Features, Value

from video_sft._annotations import SourceRow
from video_sft._base_builder.builder import SourceBuilder
from video_sft._sources.open_part import OpenPart
from video_sft._sources.part import Part, RemoteFile
from video_sft._sources.pool import Pool
from video_sft._sources.record import Record
from video_sft._sources.source import Source
from video_sft.builders._next_csv import CHOICE_COLUMNS, QUESTION_COLUMNS, NextQuestions, next_features, upstream_fields

__all__ = ["SOURCE", "NextQa"]

_RAW = "https://raw.githubusercontent.com/doc-doc/"
_MC = f"{_RAW}NExT-QA/6b92588ab4496268fa1caab9414a8b998ee063c5/dataset/nextqa/"
_OE = f"{_RAW}NExT-OE/a83f8f581191da07675e0fc83074e0dfcf907273/dataset/nextqa/"
_UNSEEN = "the file was not at hand when the hashes were taken"
_HASHES = {
    "mc/val.csv": (814107, "43198bdef8436b8d64a9b75d846b0987c10cbf94ebf4be325c4a4e54634d66b8"),
    "oe/train.csv": (3729576, "5e20b082a8a30bcd173533f1238c5dcaf7d784f14da89d86be2cc3dd1a9ab150"),
    "oe/val.csv": (528915, "5f2ca097b85ec571a6e73442d0a6faea19c15dfa54cf5a26434eac90a8ef41c5"),
    "mc/test.csv": (1385657, "cdf46de237b3b3b846ff0209ae1394ad559791b5a0de0bb8c78648f74da83542"),
    "oe/test.csv": (899595, "d9aa6022d66ab9bde814911cf357a2dd76a0fbabef16aa74752389d63817e522"),
}

_FOLDERS = RemoteFile(
    name="map_vid_vidorID.json",
    url=f"{_MC}map_vid_vidorID.json",
    size=331540,
    sha256="1955d89e7a175346faf8d4a582297ff349619231394f59fd7872f459ac8a8685",
    also=("dataset/nextqa/map_vid_vidorID.json", "NExT-QA/dataset/nextqa/map_vid_vidorID.json"),
)
_SECOND_ANSWERS = RemoteFile(
    name="oe/add_reference_answer_test.json",
    url=f"{_OE}add_reference_answer_test.json",
    size=166056,
    sha256="3418ace242446b53292a3b4bd635bcb9dd3255d6f59852c228d5f564d4d277dd",
    also=tuple(
        f"{folder}add_reference_answer_test.json" for folder in ("dataset/nextqa/", "NExT-OE/dataset/nextqa/", "")
    ),
)


def _part(kind: str, split: str, rows: int) -> Part:
    stem = "val" if split == "validation" else split
    name = f"{kind}/{stem}.csv"
    size, sha256 = _HASHES.get(name, (None, None))
    repository, base, a0 = ("NExT-QA", _MC, "a0") if kind == "mc" else ("NExT-OE", _OE, "-a0")
    folders = (f"{repository}/dataset/nextqa/", "dataset/nextqa/", "nextqa/", "")
    mirror = f"{kind.upper()}/{split}-*.parquet"  # lmms-lab/NExTQA
    table = RemoteFile(
        name=name,
        url=f"{base}{stem}.csv",
        size=size,
        sha256=sha256,
        unverified=None if sha256 else _UNSEEN,
        also=(*(f"{folder}{stem}.csv" for folder in folders), mirror),
        columns=("video", a0),
    )
    files = {"rows": table, "folders": _FOLDERS}
    if (kind, split) == ("oe", "test"):
        files["second_answers"] = _SECOND_ANSWERS
    view = "multiple_choice" if kind == "mc" else "open_ended"
    optional = frozenset(files) - {"rows"}
    return Part(split=split, kind=kind, files=files, optional=optional, rows=rows, views=frozenset({view}))


def parse(part: OpenPart) -> Iterator[Record]:
    """Yield the questions of one CSV in file order."""
    kind = part.part.kind
    questions = NextQuestions.of(part, "video", f"{kind}/")
    if kind == "mc":
        rows = part.csv_rows("video", *QUESTION_COLUMNS, *CHOICE_COLUMNS)
        yield from part.problems.read(rows, questions.by_index)
        return
    second = part.json_object("second_answers") if "second_answers" in part.part.files else {}
    used: set[tuple[str, str]] = set()

    def open_question(row: SourceRow) -> Record:
        record = questions.open(row)
        if own := row.value.get("additional_ref_answer"):
            record.joined = {"additional_reference_answer": own}
        key = row.value["video"].strip(), row.value["qid"].strip()
        answers = second.get(key[0])
        if isinstance(answers, Mapping) and key[1] in answers:
            record.joined = {"additional_reference_answer": answers[key[1]]}
            used.add(key)
        return record

    yield from part.problems.read(part.csv_rows("video", *QUESTION_COLUMNS), open_question)
    unused = sum(len(answers) for answers in second.values() if isinstance(answers, Mapping)) - len(used)
    if unused:
        part.problems.notes.append(f"{unused} answers of {_SECOND_ANSWERS.name} have no question")


SOURCE = Source(
    name="next_qa",
    title="NExT-QA",
    homepage="https://github.com/doc-doc/NExT-QA",
    paper="2105.08276",
    citation="""\
@inproceedings{xiao2021nextqa,
  author    = {Xiao, Junbin and Shang, Xindi and Yao, Angela and Chua, Tat-Seng},
  title     = {NExT-QA: Next Phase of Question-Answering to Explaining Temporal Actions},
  booktitle = {CVPR},
  pages     = {9777--9786},
  month     = {June},
  year      = {2021}
}""",
    annotation_terms="Both repositories carry an MIT LICENSE; no separate licence for the data is stated.",
    video_terms="VidOR videos (Flickr uploads of YFCC100M); the NExTVideo archive states no licence.",
    license="MIT",
    own_pools=(
        Pool(name="vidor", unique_names=True, where="NExT-QA's page (NExTVideo.zip: <folder>/<id>.mp4, or flat)"),
    ),
    tasks=("reasoning",),
    views=("multiple_choice", "open_ended"),
    parts=(
        _part("mc", "train", 34132),
        _part("oe", "train", 37523),
        _part("mc", "validation", 4996),
        _part("oe", "validation", 5343),
        _part("mc", "test", 8564),
        _part("oe", "test", 9178),
    ),
    parse=parse,
    upstream_features=Features({**next_features("video"), "additional_reference_answer": Value("string")}),
    upstream_row=upstream_fields,
    overlaps=(
        "NExT-GQA's validation and test rows are subsets of the multiple-choice ones, with the same video and qid.",
        "VideoChat2-IT's video/reasoning/next_qa is the multiple-choice train set, rewritten.",
        "The multiple-choice and the open-ended half ask mostly the same questions on the same videos.",
    ),
)


class NextQa(SourceBuilder):
    """NExT-QA: causal, temporal and descriptive questions on 5,440 VidOR videos, multiple choice and open-ended."""

    source = SOURCE
