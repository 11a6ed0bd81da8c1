"""Streams of JSON rows: whatever the file holds, the rows come out right or the error says where it is wrong."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from video_sft._annotations import Problems, json_object, json_rows
from video_sft._annotations.json_arrays import array_rows
from video_sft.errors import RowError

texts = st.text(
    alphabet=st.one_of(st.sampled_from('"\\{}[],: \n'), st.characters(exclude_categories=["Cs"])), max_size=9
)
scalars = st.one_of(texts, st.integers(-(2**53), 2**53), st.booleans(), st.none(), st.floats(-1e9, 1e9))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=9,
)
rows_of_json = st.lists(st.dictionaries(texts, values, max_size=4), max_size=6)


def write(folder: Path, content: bytes | str) -> str:
    path = folder / "rows.json"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def read(location: str, policy: Any = "error") -> tuple[list[Any], list[RowError]]:
    problems = Problems(policy)
    return [row.value for row in json_rows(location, "rows.json", problems)], problems.skipped


@settings(deadline=None, max_examples=150)
@given(rows_of_json, st.booleans(), st.sampled_from([None, 1]), st.integers(1, 40))
def test_any_array_is_cut_into_its_rows(rows: list[Any], ascii_only: bool, indent: int | None, block: int) -> None:
    data = f" \n{json.dumps(rows, ensure_ascii=ascii_only, indent=indent)}\n ".encode()
    found = list(array_rows(io.BytesIO(data), "rows.json", Problems(), block_bytes=block))
    assert [row.value for row in found] == rows
    for row in found:
        begin = int(row.position.partition("(byte ")[2][:-1])
        assert json.JSONDecoder().raw_decode(data[begin:].decode())[0] == row.value


@settings(deadline=None, max_examples=60)
@given(rows_of_json, st.booleans(), st.booleans())
def test_rows_come_back_from_arrays_and_lines(rows: list[Any], lines: bool, mark: bool) -> None:
    text = "\n".join(json.dumps(row) for row in rows) if lines else json.dumps(rows)
    with pytest.MonkeyPatch.context() as patched, io.BytesIO() as memory:
        memory.write((b"\xef\xbb\xbf" if mark else b"") + text.encode())
        memory.seek(0)
        patched.setattr("video_sft._annotations.json_files.open_binary", lambda _: memory)
        if lines and not rows:
            with pytest.raises(RowError, match="empty"):
                read("anywhere")
        else:
            assert read("anywhere")[0] == rows


def test_a_row_knows_its_number_and_byte(tmp_path: Path) -> None:
    content = '[{"a": 1},\n {"b": 2}]'
    problems = Problems()
    first, second = json_rows(write(tmp_path, content), "rows.json", problems)
    assert (first.position, second.position) == ("row 1 (byte 1)", "row 2 (byte 12)")
    with pytest.raises(RowError, match=r"rows\.json, row 2 \(byte 12\), field 'a': the field is missing"):
        second.text("a")


def test_bad_rows_are_told_apart_and_counted(tmp_path: Path) -> None:
    content = '[{"a":1,"a":2},{"b":"\\ud800"},{"c":3},5,{"d":{"e":1,"e":2}},{"f":1},,{"g":NaN},{"h":1}]'
    location = write(tmp_path, content)
    rows, skipped = read(location, "skip")
    assert rows == [{"c": 3}, {"f": 1}, {"g": None}, {"h": 1}]
    assert [error.position.split(" (")[0] for error in skipped] == [f"row {n}" for n in (1, 2, 4, 5, 7)]
    assert [error.field for error in skipped] == ["a", None, None, "e", None]
    with pytest.raises(RowError, match=r"row 1 \(byte 1\), field 'a': the key appears twice"):
        read(location)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the file is empty"),
        (b"\x00\x01\x02\xff" * 64, "expected a JSON array"),
        (b"\xff\xfe[\x00]\x00", "expected a JSON array"),
        (b'"text"', "expected a JSON array"),
        (b'[{"a": 1}, {"a"', "ends before the array is closed"),
        (b'[{"a": 1}] [', "after the end of the array"),
        (b'[{"a": "' + b"x" * 100, "ends before the array is closed"),
        (b'{\n "a": {}\n}', "one JSON object over many lines"),
        (b"[" * 100_000 + b"]" * 100_000, "recursion|not valid JSON|expected an object"),
    ],
)
def test_what_is_no_array_is_an_error_with_a_place(tmp_path: Path, content: bytes, problem: str) -> None:
    with pytest.raises(RowError, match=problem) as caught:
        read(write(tmp_path, content))
    assert caught.value.file == "rows.json"
    assert any(character.isdigit() for character in caught.value.position)


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    rows = [{"q": 'a "b" \\', "n": [1, {"x": None}]}, {"q": "鈥", "n": []}]
    content = json.dumps(rows, ensure_ascii=False).encode()
    for length in range(len(content)):
        location = write(tmp_path, content[:length])
        with pytest.raises(RowError):
            read(location)
        kept, skipped = read(location, "skip") if length else ([], [1])
        assert kept in ([], rows[:1], rows)
        assert skipped


def test_a_row_that_never_ends_is_refused_before_memory_is_full(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    with open(path, "wb") as handle:
        handle.write(b'[{"a": 1}, {"b": "')
        for _ in range(70):
            handle.write(b"x" * (1 << 20))
    with pytest.raises(RowError, match=r"row 2 .*longer than 64 MiB"):
        read(str(path))


def test_an_array_of_any_length_streams(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    with open(path, "w") as handle:
        handle.write("[" + ",".join(f'{{"n": {n}, "t": "{"y" * 500}"}}' for n in range(20_000)) + "]")
    assert [row.value["n"] for row in json_rows(str(path), "rows.json", Problems())] == list(range(20_000))


def test_a_compressed_file_is_read_as_it_is(tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "rows.json.gz"
    path.write_bytes(gzip.compress(b'[{"a": 1}]'))
    assert read(str(path))[0] == [{"a": 1}]


@pytest.mark.parametrize(
    ("content", "problem"),
    [("[]", "expected one JSON object"), ('{"a": 1, "a": 2}', "appears twice"), ('{"a": ', "unexpected end|EOF")],
)
def test_a_table_that_is_no_object_is_an_error(tmp_path: Path, content: str, problem: str) -> None:
    with pytest.raises(RowError, match=problem):
        json_object(write(tmp_path, content), "table.json")
