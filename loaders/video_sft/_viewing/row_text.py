"""A row as the page shows it: what is said, the options, moments and facts, all of it plain text and numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["brief", "full", "moments_of", "plain"]

#: Columns that the page shows in places of their own.
_PLACED = frozenset({"messages", "choices", "answer", "answer_index", "evidence", "video", "image"})
_BRIEF = 240
#: Of a text and of a list in upstream's fields, so that a page stays one.
_LONGEST_TEXT, _LONGEST_LIST = 20_000, 2_000


def brief(row: Mapping[str, Any], number: int, medium: str | None) -> dict[str, Any]:
    """Return what a list of rows has of one: its id, its first words, a few facts, and whether it has a medium."""
    words = _first_words(row) if "messages" in row else _any_words(row)
    named = {name: row[name] for name in ("source", "task", "question_type", "license") if row.get(name)}
    return {
        "number": number,
        "id": str(row.get("id") or row.get("row_id") or f"row {number}"),
        "words": words[:_BRIEF] + ("…" if len(words) > _BRIEF else ""),
        "facts": named,
        "medium": medium,
    }


def full(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return all of a row but its medium, which is another request."""
    index, answer = row.get("answer_index"), row.get("answer")
    options = [
        {"text": option, "right": place == index if index is not None else option == answer}
        for place, option in enumerate(row.get("choices") or [])
    ]
    return {
        "turns": [
            {"role": turn["role"], "parts": [{"type": part["type"], "text": part["text"]} for part in turn["content"]]}
            for turn in row.get("messages") or []
        ],
        "options": options,
        "answer": answer,
        "facts": {name: plain(value) for name, value in row.items() if name not in _PLACED and value is not None},
        "moments": moments_of(row),
    }


def moments_of(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a row or upstream's fields of it say of stretches and points of time, in seconds of the file.

    That is `evidence` of the shared rows, and the keyframes of STAR's situation graphs: the actions at a moment, and
    what is related to what.
    """
    found = []
    for moment in row.get("evidence") or []:
        found.append(_moment("evidence", moment.get("start_seconds"), moment.get("stop_seconds"), ""))
    for frame in row.get("situations") or []:
        if isinstance(frame, Mapping) and isinstance(frame.get("seconds"), (int, float)):
            found.append(_moment("graph", frame["seconds"], None, "; ".join(_situation(frame))))
    return [moment for moment in found if moment["start"] is not None]


def _moment(kind: str, start: float | None, stop: float | None, text: str) -> dict[str, Any]:
    return {"kind": kind, "start": _number(start), "stop": _number(stop), "text": text}


def _situation(frame: Mapping[str, Any]) -> Iterator[str]:
    yield from (str(action) for action in frame.get("actions") or [])
    for pair, relation in zip(frame.get("rel_pairs") or [], frame.get("rel_labels") or [], strict=False):
        if len(pair) == 2:
            yield f"{pair[0]} {relation} {pair[1]}"


def plain(value: Any) -> Any:
    """Return a value as JSON has it; what is very long is cut, and bytes are told by their number."""
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        some = [plain(inner) for inner in value[:_LONGEST_LIST]]
        return some + ([f"… and {len(value) - _LONGEST_LIST:,} more"] if len(value) > _LONGEST_LIST else [])
    if isinstance(value, (bytes, bytearray)):
        return f"<{len(value):,} bytes>"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_TEXT else f"{value[:_LONGEST_TEXT]}… (cut)"
    return value if value is None or isinstance(value, (bool, int)) else str(value)


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def _first_words(row: Mapping[str, Any]) -> str:
    """Return what the user says first, or else what is said at all."""
    turns = row.get("messages") or []
    said = [part["text"] for turn in turns if turn["role"] == "user" for part in turn["content"] if part["text"]]
    said = said or [part["text"] for turn in turns for part in turn["content"] if part["text"]]
    return " ".join(said[0].split()) if said else ""


def _any_words(row: Mapping[str, Any]) -> str:
    """Return the text of a row whose columns are not known: a question if there is one, else all there is."""
    for name in ("question", "q", "caption", "text"):
        if isinstance(row.get(name), str):
            return " ".join(str(row[name]).split())
    told = {name: plain(value) for name, value in row.items() if name not in ("id", "row_id") and value is not None}
    return json.dumps(told, ensure_ascii=False)[: 2 * _BRIEF]
