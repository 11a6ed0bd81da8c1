"""Streams of CSV rows: cells stay text, and what does not fit the header is an error with its line."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from video_sft._annotations import Problems, csv_header, csv_rows
from video_sft.errors import RowError

cells = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=12)


def read(
    location: str, policy: Any = "error", columns: tuple[str, ...] = ("a", "b")
) -> tuple[list[Any], list[RowError]]:
    problems = Problems(policy)
    return [row.value for row in csv_rows(location, "t.csv", problems, columns=columns)], problems.skipped


def write(folder: Path, content: str | bytes) -> str:
    path = folder / "t.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


@settings(deadline=None, max_examples=80)
@given(st.lists(st.tuples(cells.filter(bool), cells), max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_what_csv_writes_is_read_back(rows: list[tuple[str, str]], ending: str) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=ending)
    writer.writerows([("a", "b"), *rows])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("video_sft._annotations.csv_files.open_binary", lambda _: io.BytesIO(text.getvalue().encode()))
        assert [(row["a"], row["b"]) for row in read("anywhere")[0]] == rows


def test_numbers_and_null_words_stay_text(tmp_path: Path) -> None:
    location = write(tmp_path, "a,b\n0071,NA\n,null\n")
    assert read(location)[0] == [{"a": "0071", "b": "NA"}, {"a": "", "b": "null"}]


def test_rows_of_the_wrong_length_are_counted_with_their_line(tmp_path: Path) -> None:
    location = write(tmp_path, "a,b\n1,2\n3\n4,5,6\n\n7,8\n")
    rows, skipped = read(location, "skip")
    assert rows == [{"a": "1", "b": "2"}, {"a": "7", "b": "8"}]
    assert [error.position for error in skipped] == ["line 3", "line 4"]
    with pytest.raises(RowError, match=r"t\.csv, line 3, field 'b': 1 cells where the header has 2"):
        read(location)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the file is empty"),
        (b"x,y\n1,2\n", "header should have the columns a,b"),
        (b"a,b,b\n1,2,3\n", "header should have"),
        (b"a,b\n1,\xff\xfe\n", "not UTF-8"),
        (b"\xff\xfea\x00,\x00b\x00", "not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not UTF-8"),
        (b"a,b\n1,\x00\n", "null character"),
        (b'a,b\n1,"open\n', "not valid CSV"),
        (b'a,b\n1,"x"y\n', "not valid CSV"),
    ],
)
def test_what_is_no_such_table_is_an_error_with_its_line(tmp_path: Path, content: bytes, problem: str) -> None:
    with pytest.raises(RowError, match=problem) as caught:
        read(write(tmp_path, content))
    assert caught.value.position.startswith("line ")


def test_one_endless_line_is_refused_before_memory_is_full(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with open(path, "wb") as handle:
        handle.write(b"a,b\n")
        for _ in range(200):
            handle.write(b"x," * (1 << 19))
    with pytest.raises(RowError, match=r"line 2: the line is longer than 16 MiB"):
        read(str(path))


def test_the_header_alone_can_be_read(tmp_path: Path) -> None:
    assert csv_header(write(tmp_path, "\ufeffvideo,a0\n1,2\n")) == ["video", "a0"]
    assert csv_header(write(tmp_path, b"\xff\xff")) == []


@pytest.mark.parametrize("closed_later", [False, True])
def test_a_quote_left_open_costs_its_own_line_only(tmp_path: Path, closed_later: bool) -> None:
    lines = ["a,b", *(f"{number},x" for number in range(50))]
    lines[7] = '6,"x'
    if closed_later:
        lines[40] = '39,"y"'
    rows, skipped = read(write(tmp_path, "\n".join(lines) + "\n"), "skip")
    assert [row["a"] for row in rows] == [str(number) for number in range(50) if number != 6]
    assert [error.position for error in skipped] == ["line 8"]


def test_a_cell_may_span_lines(tmp_path: Path) -> None:
    location = write(tmp_path, 'a,b\n1,"one\ntwo"\n2,x\n')
    assert read(location)[0] == [{"a": "1", "b": "one\ntwo"}, {"a": "2", "b": "x"}]
