"""STAR: situated reasoning on clips of Charades videos, multiple choice, with programs and situation graphs.

Accepted where the published files could not be looked at: options in either order (they are put in the order of their
ids); a test row without `answer`, or with an empty or null one; rows without programs or graphs; a keyframe's box that
is null; ids of categories or templates that are not documented; limits that give no clip, for the whole video. The
examples on the project's homepage have another shape and wrong answers, and are refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from datasets import Features, List, Value

from video_sft._annotations import Problems, SourceRow, whole_number
from video_sft._base_builder.builder import SourceBuilder
from video_sft._base_builder.config import SourceConfig
from video_sft._sources.open_part import OpenPart
from video_sft._sources.part import Part, RemoteFile
from video_sft._sources.pool import Pool
from video_sft._sources.record import Media, MultipleChoice, Record
from video_sft._sources.source import Source
from video_sft.builders._choices import index_of_text, without_blanks
from video_sft.builders._row_fields import blank_field, clean_or_blank, clip_times
from video_sft.builders._star_frame_rates import frame_rates
from video_sft.builders._star_graphs import CLASS_ROLES, ClassNames, keyframes, situation_feature
from video_sft.errors import ConfigError, RowError

__all__ = ["SOURCE", "Star", "StarConfig"]

_STORE = "https://star-benchmark.s3.us-east.cloud-object-storage.appdomain.cloud/"
_GIT = "https://raw.githubusercontent.com/csbobby/STAR_Benchmark/8c3971891609e9c8e0665ffa0de1b28a0bfc166d/annotations/"
_CLASS_HASHES = {
    "action_classes": (2876, "57bcc6f883835ec93668540b6e51d86b4da0698b34555e172695857e4d6a71ea"),
    "object_classes": (475, "6e3704279e97750a2ef57b60c2ec56a7d046cc874159f16877670c737eefd660"),
    "relationship_classes": (340, "ea4aab704e38ef9bbda554fb86a102bb07c530584cc0ba27ff129718d85785d5"),
}
#: Categories and how many question templates each has.
TEMPLATES = {"Interaction": 4, "Sequence": 6, "Prediction": 4, "Feasibility": 6}
_QUESTION_ID = re.compile(r"(?P<category>[A-Za-z]+)_T(?P<template>[1-9]\d{0,2})_\d{1,12}", re.ASCII)
_CHARADES_ID = re.compile(r"[A-Za-z0-9]{5}", re.ASCII)
_HOMEPAGE_FILE = re.compile(rb'\s*\{\s*"' + _QUESTION_ID.pattern.encode() + rb'"\s*:')
_HOMEPAGE = (
    "this is the older shape of the examples on STAR's homepage, where `answer` is the video's id instead of an "
    "answer and programs are lists of words"
)
_HOMEPAGE_REMEDY = f"Use STAR_train.json, STAR_val.json or STAR_test.json from {_STORE}Question_Answer_SituationGraph/"


def _files(stem: str) -> dict[str, RemoteFile]:
    name = f"STAR_{stem}.json"
    published = f"Question_Answer_SituationGraph/{name}"
    rows = RemoteFile(
        name=name,
        url=_STORE + published,
        unverified="the object store keeps no versions, and the file was not at hand when the hashes were taken",
        also=(published, f"STAR/{name}", f"data/{name}", f"data/STAR/{name}", f"star_{stem}.json"),
    )
    fps = RemoteFile(
        name="STAR_classes/video_fps",
        url=f"{_GIT}STAR_classes/video_fps",
        unverified="upstream's file is a pickle; a copy of its values as JSON was at hand, the pickle itself was not",
        also=("STAR_classes/video_fps.json", *_also("video_fps"), *_also("video_fps.json")),
    )
    classes = {
        role: RemoteFile(name=name, url=_GIT + name, size=size, sha256=sha256, also=_also(f"{role}.txt"))
        for role, (size, sha256) in _CLASS_HASHES.items()
        for name in [f"STAR_classes/{role}.txt"]
    }
    return {"rows": rows, "fps": fps, **classes}


def _also(name: str) -> tuple[str, ...]:
    return f"annotations/STAR_classes/{name}", f"STAR_Benchmark/annotations/STAR_classes/{name}", name


def _part(split: str, stem: str, rows: int) -> Part:
    optional = frozenset({"fps", *CLASS_ROLES})
    return Part(split=split, files=_files(stem), optional=optional, rows=rows, second_hand="others count")


@dataclass
class StarConfig(SourceConfig):
    """What can be chosen for STAR beside the wording.

    Attributes:
        class_names: in `star-source`, words such as `sandwich` and `in_front_of` in place of class ids such as `o016`
            and `r002`; needs the lists in `STAR_classes/`.
    """

    class_names: bool = False


def parse(part: OpenPart) -> Iterator[Record]:
    """Yield the questions of a split in file order."""
    if _HOMEPAGE_FILE.match(part.data("rows", 1 << 12).removeprefix(b"\xef\xbb\xbf")):
        name = part.file_name("rows")
        raise RowError(file=name, position="byte 0", field=None, problem=_HOMEPAGE, remedy=_HOMEPAGE_REMEDY)
    questions = _Questions(part.part.split, part.problems, _Graphs.of(part) if part.upstream else None)
    yield from part.problems.read(part.json_rows(), questions.record)
    if questions.graphs is not None and questions.graphs.rateless:
        part.problems.notes.append(
            f"{len(questions.graphs.rateless)} videos are not in {part.file_name('fps')}; the times of their keyframes "
            f"are null: {', '.join(sorted(questions.graphs.rateless)[:10])}"
        )


@dataclass
class _Graphs:
    """What `star-source` alone needs: frame rates, and words where they are asked for."""

    problems: Problems
    rates: Mapping[str, float]
    names: ClassNames | None
    rateless: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, part: OpenPart) -> _Graphs:
        wanted = part.options.get("class_names", False)
        if not isinstance(wanted, bool):
            raise ConfigError(f"class_names is {wanted!r}; it is True or False")
        return cls(part.problems, frame_rates(part, "fps"), ClassNames.of(part) if wanted else None)

    def joined(self, row: SourceRow, video: str) -> dict[str, Any]:
        rate = self.rates.get(video)
        if rate is None and self.rates:
            self.rateless.add(video)
        return {"fps": rate, "situations": keyframes(row, rate, self.names, self.problems)}


@dataclass
class _Questions:
    """Reads the rows of one split, knowing which questions it already met."""

    split: str
    problems: Problems
    graphs: _Graphs | None
    _met: Counter[str] = field(default_factory=Counter)

    def record(self, row: SourceRow) -> Record:
        choices = self._choices(row)
        key = row.name("question_id")
        video = _video(row)
        start, stop = clip_times(row, self.problems)
        if row.value.get("start") is None or row.value.get("end") is None:
            self.problems.mend("Rows without a start or an end, taken to be about the whole video")
        answer = self._answer(row)
        right = index_of_text(row, answer, choices, self.problems) if answer else None
        choices, right = without_blanks(row, choices, right, self.problems)
        question = clean_or_blank(row, "question")
        withheld = self.split == "test" and not answer
        return Record(
            key=self._key(key),
            task="reasoning",
            body=MultipleChoice(question, choices, right),
            media=Media("charades", video, f"{video}.mp4", start, stop),
            row=row,
            question_type=self._question_type(key),
            joined={} if self.graphs is None else self.graphs.joined(row, video),
            unusable=blank_field(row, question=question, **({} if withheld else {"answer": answer})),
        )

    def _answer(self, row: SourceRow) -> str:
        """Return the right option's text; only the test split withholds it, to be scored at EvalAI."""
        return row.text_or_empty("answer").strip() if self.split == "test" else row.text_or_blank("answer")

    def _key(self, key: str) -> str:
        self._met[key] += 1
        if self._met[key] == 1:
            return key
        self.problems.mend("Rows with the id of an earlier row; -2, -3 is behind theirs")
        return f"{key}-{self._met[key]}"

    def _question_type(self, key: str) -> str | None:
        match = _QUESTION_ID.fullmatch(key)
        category, template = (match["category"], int(match["template"])) if match else ("", 0)
        if not 0 < template <= TEMPLATES.get(category, 0):
            self.problems.mend("Rows whose question_id names no category and template that upstream documents")
        return f"{category}_T{template}" if match else None

    def _choices(self, row: SourceRow) -> list[str]:
        """Return the options in the order of their ids, or of the list where ids are missing or come twice."""
        texts: list[tuple[int | None, str]] = []
        for choice in row.children("choices"):
            if "op_pro" in choice.value or "answer" in choice.value:
                row.fail("choices", _HOMEPAGE, _HOMEPAGE_REMEDY)
            texts.append((whole_number(choice.value.get("choice_id")), clean_or_blank(choice, "choice")))
        if len(texts) < 2:
            row.fail("choices", f"{len(texts)} options; there should be two or more")
        ids = [number for number, _ in texts if number is not None]
        if sorted(ids) != list(range(len(texts))):
            self.problems.mend("Rows whose options are not numbered 0, 1, 2 and so on")
        if len(set(ids)) == len(texts):
            texts.sort(key=lambda item: item[0] or 0)
        return [text for _, text in texts]


def _video(row: SourceRow) -> str:
    """Return a row's Charades id, which has five capitals and digits."""
    video = row.name("video_id").removesuffix(".mp4")
    return video.upper() if _CHARADES_ID.fullmatch(video) else video


_WHERE = "the Charades site (Charades_v1_480.zip: <id>.mp4)"
_POOL = Pool(name="charades", unique_names=True, ignore_case=True, cut_by_row=True, where=_WHERE)
_PROGRAM = List({"function": Value("string"), "value_input": List(Value("string"))})

SOURCE = Source(
    name="star",
    title="STAR",
    homepage="https://bobbywu.com/STAR",
    paper="2405.09711",
    citation="""\
@inproceedings{wu2021star,
  author    = {Wu, Bo and Yu, Shoubin and Chen, Zhenfang and Tenenbaum, Joshua B and Gan, Chuang},
  title     = {{STAR}: A Benchmark for Situated Reasoning in Real-World Videos},
  booktitle = {Thirty-fifth Conference on Neural Information Processing Systems (NeurIPS)},
  year      = {2021}
}""",
    annotation_terms=(
        "Apache-2.0: the homepage links that LICENSE as the dataset's licence, and the code repository carries it too."
    ),
    video_terms=(
        "Charades videos, to be fetched from the Charades site; its license.txt has to accompany them "
        "(commonly described as non-commercial research)."
    ),
    license="Apache-2.0",
    own_pools=(_POOL,),
    tasks=("reasoning",),
    parts=(_part("train", "train", 45731), _part("validation", "val", 7098), _part("test", "test", 7377)),
    parse=parse,
    upstream_features=Features(
        {
            **dict.fromkeys(("question_id", "question", "video_id"), Value("string")),
            **dict.fromkeys(("start", "end"), Value("float64")),
            "answer": Value("string"),
            "question_program": _PROGRAM,
            "choices": List({"choice_id": Value("int32"), "choice": Value("string"), "choice_program": _PROGRAM}),
            "situations": situation_feature(),
            "fps": Value("float64"),
        }
    ),
    overlaps=(
        "The videos are Charades videos, which no other source here uses.",
        "MVBench draws its action sequence, action prediction and object interaction questions from STAR.",
    ),
    batch_rows=256,
)


class Star(SourceBuilder):
    """STAR: 60,000 situated reasoning questions on clips of Charades videos, with programs and situation graphs."""

    BUILDER_CONFIG_CLASS = StarConfig
    source = SOURCE
