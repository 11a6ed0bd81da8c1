"""STAR's situation graphs as a list of keyframes, with times and, on request, words for class ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from datasets import Features, List, Value

from video_sft._annotations import Problems, SourceRow
from video_sft._sources.open_part import OpenPart
from video_sft.errors import MissingFileError, RowError

__all__ = ["CLASS_ROLES", "ClassNames", "keyframes", "situation_feature"]

#: Roles of the files that hold the class lists.
CLASS_ROLES = ("action_classes", "object_classes", "relationship_classes")
_CLASS_FILE_BYTES = 1 << 20


def situation_feature() -> List:
    """Return the column type of one row's keyframes, in the order of time."""
    text = Value("string")
    return List(
        Features(
            {
                "keyframe_id": text,
                "seconds": Value("float64"),
                "actions": List(text),
                "bbox": List(List(Value("float64"))),
                "bbox_labels": List(text),
                "rel_pairs": List(List(text)),
                "rel_labels": List(text),
            }
        )
    )


@dataclass(frozen=True)
class ClassNames:
    """The words behind `aNNN`, `oNNN` and `rNNN`."""

    words: Mapping[str, str]

    @classmethod
    def of(cls, part: OpenPart) -> ClassNames:
        """Read the three class lists of a part.

        Raises:
            MissingFileError: one of them is not there.
            RowError: a line is not an id and its words, or an id comes twice.
        """
        words: dict[str, str] = {}
        for role in CLASS_ROLES:
            if role not in part.locations:
                file = part.part.files[role]
                raise MissingFileError(f"class_names needs {file.name}, which is missing. {file.where}")
            words |= _class_list(part, role, words)
        return cls(words)

    def decoded(self, graph: Mapping[str, Any], row: SourceRow, field: str, problems: Problems) -> dict[str, Any]:
        """Return one keyframe's graph with words in place of ids; an id that is in none of the lists is kept."""
        named = dict(graph)
        for name in ("actions", "bbox_labels", "rel_labels"):
            if name in graph:
                named[name] = [self._word(item, problems) for item in _items(graph, name, row, field)]
        if "rel_pairs" in graph:
            pairs = dict(enumerate(_items(graph, "rel_pairs", row, field)))
            named["rel_pairs"] = [
                [self._word(item, problems) for item in _items(pairs, number, row, f"{field}.rel_pairs")]
                for number in pairs
            ]
        return named

    def _word(self, item: Any, problems: Problems) -> Any:
        word = self.words.get(item) if isinstance(item, str) else None
        if word is None:
            problems.mend("Ids that are in none of the class lists, kept as ids")
        return item if word is None else word


def _class_list(part: OpenPart, role: str, met: Mapping[str, str]) -> dict[str, str]:
    name = part.file_name(role)
    words: dict[str, str] = {}
    for number, line in enumerate(part.data(role, _CLASS_FILE_BYTES).split(b"\n"), start=1):
        text = line.decode("utf-8-sig" if number == 1 else "utf-8", errors="replace").strip()
        if not text:
            continue
        key, _, word = text.partition(" ")
        problem = None if word else f"{text[:60]!r} is not an id and its words"
        if key in words or key in met:
            problem = f"{key[:60]!r} appears twice"
        if problem is not None:
            remedy = f"Get the file again. {part.part.files[role].where}"
            raise RowError(file=name, position=f"line {number}", field=None, problem=problem, remedy=remedy)
        words[key] = word.strip()
    return words


def _items(graph: Mapping[Any, Any], name: Any, row: SourceRow, field: str) -> list[Any]:
    items = graph[name]
    if not isinstance(items, list):
        row.fail(f"{field}.{name}", "expected a list")
    return items


def keyframes(
    row: SourceRow, fps: float | None, names: ClassNames | None, problems: Problems
) -> list[dict[str, Any]] | None:
    """Return a row's situation graphs in the order of time; None where the row has none.

    A keyframe's id is its frame number in the video, so its time is the id divided by the video's frame rate, as
    upstream's own generator has it
    (https://github.com/csbobby/STAR_Benchmark/blob/main/code/generation_tools/generator.py, `query_time`).

    Without `fps` the times are null, without `names` class ids stay as they are.

    Raises:
        RowError: the graphs are not of that shape.
    """
    situations = row.value.get("situations")
    if situations is None:
        return None
    if not isinstance(situations, dict):
        row.fail("situations", f"expected an object of keyframes, found a {type(situations).__name__}")
    for keyframe, graph in situations.items():
        if not (keyframe.isascii() and keyframe.isdigit() and len(keyframe) <= 12):
            row.fail(_field(keyframe), "a keyframe's id is its frame number")
        if not isinstance(graph, dict):
            row.fail(_field(keyframe), f"expected an object, found a {type(graph).__name__}")
    if names is not None:
        situations = {key: names.decoded(graph, row, _field(key), problems) for key, graph in situations.items()}
    return [
        {**situations[keyframe], "keyframe_id": keyframe, "seconds": None if fps is None else int(keyframe) / fps}
        for keyframe in sorted(situations, key=int)
    ]


def _field(keyframe: str) -> str:
    return f"situations.{keyframe[:20]}"
