"""Rows are chosen, counted and searched as columns; what a mixture does with each is told."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

import video_sft

from .conftest import shared_row

pytest.importorskip("starlette")

from video_sft._viewing.mixed_rows import MixedRows
from video_sft._viewing.row_set import RowSet
from video_sft.mixing._outcomes import outcomes


def numbers(rows: RowSet, query: str = "", **filters: list[str]) -> list[int]:
    return rows.matching(filters, query).tolist()


@pytest.fixture
def some() -> datasets.Dataset:
    rows = [
        shared_row(0, "Where is the CAT?", task="vqa", license="MIT", question_type="where"),
        shared_row(1, "What does the dog do?", task="reasoning", license="other", choices=["sits", "runs after a cat"]),
        shared_row(2, "Tell me all.", task="conversation", license="MIT", video_path="pool/cat.mp4"),
        shared_row(3, "Count. (a+b)", task="vqa", license="other", answer="2 c\u00e4ts"),
    ]
    return datasets.Dataset.from_list(rows, features=video_sft.features())


def test_rows_are_found_by_words_wherever_they_stand(some: datasets.Dataset) -> None:
    rows = RowSet(some)
    assert numbers(rows, "cat") == [0, 1, 2]
    assert numbers(rows, "DOES the dog") == [1]
    assert numbers(rows, "C\u00c4TS") == [3]
    assert numbers(rows, "(a+b)") == [3]
    assert numbers(rows, "made/2") == [2]
    assert numbers(rows, "  ") == [0, 1, 2, 3]
    # Not in what is no text of the row: roles, kinds of content, names of columns.
    for word in ("assistant", "video", "messages", "vqa"):
        assert numbers(rows, word) == []


def test_filters_narrow_and_are_counted_by_the_others(some: datasets.Dataset) -> None:
    rows = RowSet(some)
    assert numbers(rows, task=["vqa"]) == [0, 3]
    assert numbers(rows, task=["vqa", "reasoning"], license=["other"]) == [1, 3]
    assert numbers(rows, "cat", license=["MIT"]) == [0, 2]
    counts = {name: dict(pairs) for name, pairs in rows.counts({"license": ["MIT"], "task": ["vqa"]}, "").items()}
    assert counts["license"] == {"MIT": 1, "other": 1}
    assert counts["task"] == {"vqa": 1, "conversation": 1, "reasoning": 0}
    assert counts["question_type"] == {"where": 1, "(none)": 0}
    with pytest.raises(video_sft.ConfigError, match="cannot be chosen by 'colour'"):
        rows.mask({"colour": ["red"]}, "")


def test_rows_in_another_order_are_read_and_found_in_it(some: datasets.Dataset) -> None:
    rows = RowSet(some.select([3, 1, 1, 0]))
    assert numbers(rows, "cat") == [1, 2, 3]
    assert numbers(rows, task=["vqa"]) == [0, 3]
    assert [row["id"] for row in rows.read([0, 3])] == ["made/3", "made/0"]
    assert rows.number_of("id", "made/0") == 3
    assert rows.number_of("id", "made/2") is None
    with pytest.raises(IndexError, match="no row 4"):
        rows.read([4])


def test_rows_of_other_columns_are_searched_through_and_chosen_too() -> None:
    nested = [
        {"name": f"n{number}", "kind": "ab"[number % 2], "deep": [{"said": [f"word{number}"]}]} for number in range(50)
    ]
    rows = RowSet(datasets.Dataset.from_list(nested))
    assert not rows.shared
    assert numbers(rows, "WORD49") == [49]
    assert set(rows.facets) == {"kind"}
    assert numbers(rows, kind=["b"]) == list(range(1, 50, 2))


def test_half_a_million_rows_in_pieces_of_ten_are_searched(tmp_path: Path) -> None:
    size = 500_000
    rows = datasets.Dataset.from_dict(
        {"id": [f"r{number}" for number in range(size)], "kind": ["a", "b"] * (size // 2)}
    )
    rows.save_to_disk(tmp_path / "rows", max_shard_size="1GB")
    found = RowSet(datasets.load_from_disk(str(tmp_path / "rows")))
    assert numbers(found, "r49999") == [49_999, *range(499_990, 500_000)]
    assert dict(found.counts({}, "")["kind"]) == {"a": size // 2, "b": size // 2}


@pytest.mark.usefixtures("own_cache")
def test_what_a_mixture_does_with_each_row_agrees_with_the_mixture() -> None:
    parts = {"next_gqa": 0.2, "next_qa": 0.8}
    made = outcomes(parts, load_options={"sample": True}, dedupe=True, num_rows=7)
    mixed: Any = video_sft.mix(parts, sample=True, dedupe=True, num_rows=7)
    rows = MixedRows.of(made.outcomes)
    drawn = Counter(mixed["id"])
    fates = [rows.fate(number) for number in range(len(rows))]
    stored = rows.read(range(len(rows)))
    for row, fate in zip(stored, fates, strict=True):
        if fate["what"] == "left out":
            assert fate["times"] == 0
        else:
            assert drawn[row["id"]] == fate["times"], row["id"]
    report = video_sft.describe(mixed, hours=False)
    for source in report.sources:
        own = [fate for fate in fates if fate["part"] == source.name]
        assert Counter(fate["why"] for fate in own if fate["what"] == "left out") == dict(source.left_out)
        assert sum(fate["times"] for fate in own) == source.rows
        assert f"{source.share:.1%} reached" in own[0]["share"]
    assert dict(rows.facets["mixture"].counts(None))["left out: question of another source"] == 1
    assert np.flatnonzero(rows.mask({"part": ["next_gqa"]}, "")).tolist() == [
        number for number, fate in enumerate(fates) if fate["part"] == "next_gqa"
    ]


def test_rows_on_evaluation_videos_and_of_other_licences_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEO_SFT_EVAL_IDS", str(tmp_path / "none"))
    rows = [
        shared_row(number, "what?", video_id=name, license=licence)
        for number, (name, licence) in enumerate(
            [("vidor/4010069381", "MIT"), ("vidor/1", "GPL-3.0"), ("vidor/1", "MIT")]
        )
    ]
    part = datasets.Dataset.from_list(rows, features=video_sft.features())
    made = MixedRows.of(outcomes({"made": part}, load_options={}, licenses=["MIT"]).outcomes)
    told = [made.fate(number) for number in range(3)]
    assert [fate["what"] for fate in told] == ["left out", "left out", "drawn 1 time"]
    assert told[0]["why"] == "video of next_gqa validation"
    assert told[1]["why"] == "license GPL-3.0"
