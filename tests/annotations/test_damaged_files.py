"""Files that are damaged in the middle: the rows around the damage are read, and what is lost is counted right."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from video_sft._annotations import Problems, csv_rows, json_rows
from video_sft.errors import BrokenFileError, RowError

ROWS = [{"n": number, "QA": [{"q": f'what "{number}"', "a": "y" * 40}, {"q": "b", "a": "c"}]} for number in range(300)]
PIECES = [json.dumps(row) for row in ROWS]
ARRAY = json.dumps(ROWS)
LINES = "\n".join(PIECES)
PRETTY = "\n".join(json.dumps(row, indent=2) for row in ROWS)
LONG = '{"n": 1, "QA": [{"q": "%s", "a": "x"}]}' % ("z" * (65 << 20))


def read(folder: Path, content: str | bytes) -> tuple[list[Any], Problems]:
    path = folder / "rows.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    problems = Problems("skip")
    rows = [row.value for row in json_rows(str(path), "rows.json", problems)]
    with pytest.raises((RowError, BrokenFileError)):  # and none of it passes unnoticed where bad rows are errors
        list(json_rows(str(path), "rows.json", Problems()))
    return rows, problems


def spoilt(number: int, change: Callable[[str], str], between: str = ", ") -> str:
    pieces = [*PIECES[:number], change(PIECES[number]), *PIECES[number + 1 :]]
    return "[" + between.join(pieces) + "]" if between != "\n" else "\n".join(pieces)


WHOLE = {
    "a second array": ARRAY + "\n" + ARRAY,
    "lines behind an array": ARRAY + "\n" + LINES,
    "objects behind an array": ARRAY + PRETTY,
    "closed by a brace": ARRAY[:-1] + "}",
    "a brace too many in the middle": ARRAY.replace("}]}, ", "}]}}, ", 1),
    "a bracket too many in the middle": ARRAY.replace("}]}, ", "}]}], ", 1),
    "a comma missing": ARRAY.replace("}]}, ", "}]} ", 1),
    "no commas at all": "[" + " ".join(PIECES) + "]",
}


@pytest.mark.parametrize("content", WHOLE.values(), ids=WHOLE)
def test_rows_are_read_on_where_the_file_is_not_one_array(tmp_path: Path, content: str) -> None:
    rows, problems = read(tmp_path, content)
    assert rows == ROWS * (len(rows) // len(ROWS))
    assert len(rows) in (len(ROWS), 2 * len(ROWS))
    assert (len(rows) == 2 * len(ROWS)) == ("behind" in content or len(content) > 1.5 * len(ARRAY))
    assert not problems.skipped
    assert problems.damage


ONE_LOST = {
    "a quote missing": spoilt(150, lambda row: row.replace('"y', "y", 1)),
    "a quote missing in the first row": spoilt(0, lambda row: row.replace('"y', "y", 1)),
    "a quote missing in the last row": spoilt(299, lambda row: row.replace('"y', "y", 1)),
    "a brace missing": spoilt(150, lambda row: row[:-1]),
    "a row that breaks off": spoilt(150, lambda row: row[:45]),
    "garbage in place of a row": spoilt(150, lambda _: 'it"s no row'),
    "a row over 64 MiB": spoilt(150, lambda _: LONG),
    "a last row over 64 MiB": spoilt(299, lambda _: LONG),
    "a line too long": spoilt(150, lambda _: LONG, "\n"),
    "a line that breaks off in a text": spoilt(150, lambda row: row[:45], "\n"),
    "a line that breaks off behind a comma": spoilt(150, lambda _: '{"n": 7,', "\n"),
    "a line of garbage": spoilt(150, lambda _: "### no row ###", "\n"),
    "a last line that breaks off": spoilt(299, lambda row: row[:-3], "\n"),
}


@pytest.mark.parametrize("content", ONE_LOST.values(), ids=ONE_LOST)
def test_of_one_bad_row_one_is_lost(tmp_path: Path, content: str) -> None:
    rows, problems = read(tmp_path, content)
    assert len(problems.skipped) == 1
    assert len(rows) == 299
    assert all(row in ROWS for row in rows)


def test_lines_with_several_values_and_none_are_counted(tmp_path: Path) -> None:
    two = "\n".join([*PIECES[:5], PIECES[5] + PIECES[6], "", "   ", *PIECES[7:]])
    rows, problems = read(tmp_path, two)
    assert rows == ROWS[:5] + ROWS[7:]
    assert [error.position for error in problems.skipped] == ["line 6", "line 6"]


@pytest.mark.parametrize("content", [PRETTY, ",\n".join(PIECES), LINES.replace("\n", "\n\n \n")])
def test_values_over_several_lines_are_rows(tmp_path: Path, content: str) -> None:
    (tmp_path / "rows.json").write_text(content)
    problems = Problems()
    assert [row.value for row in json_rows(str(tmp_path / "rows.json"), "rows.json", problems)] == ROWS


def test_where_every_row_is_broken_all_are_counted(tmp_path: Path) -> None:
    rows, problems = read(tmp_path, "[" + ", ".join(row[:-3] for row in PIECES) + "]")
    assert (rows, len(problems.skipped)) == ([], 300)


def zstandard(data: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(data, asbytes=True))


PACKED = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstandard}


@pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED)
@pytest.mark.parametrize("name", ["rows.json", "rows.json.packed"])
def test_a_compressed_file_is_known_by_its_bytes(tmp_path: Path, pack: Any, name: str) -> None:
    (tmp_path / name).write_bytes(pack(ARRAY.encode()))
    assert [row.value for row in json_rows(str(tmp_path / name), name, Problems())] == ROWS


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
@pytest.mark.parametrize("content", [ARRAY, LINES])
def test_a_compressed_file_cut_short_gives_its_rows_and_one_reason(tmp_path: Path, pack: Any, content: str) -> None:
    import random

    noisy = [dict(row, noise=random.Random(row["n"]).randbytes(30).hex()) for row in ROWS]
    text = json.dumps(noisy) if content is ARRAY else "\n".join(map(json.dumps, noisy))
    data = pack(text.encode())
    rows, problems = read(tmp_path, data[: len(data) // 2])
    assert 50 < len(rows) < 250
    assert rows == noisy[: len(rows)]
    (error,) = problems.skipped
    assert "compressed data ends early" in error.problem
    assert str(len(rows) + 1) in error.position


@pytest.mark.parametrize("pack", PACKED.values(), ids=PACKED)
def test_damage_in_compressed_data_is_never_passed_over(tmp_path: Path, pack: Any) -> None:
    data = bytearray(pack(ARRAY.encode()))
    for place in range(len(data) // 2, len(data) // 2 + 8):
        data[place] ^= 0x55
    (tmp_path / "rows.json").write_bytes(data)
    with pytest.raises(BrokenFileError, match="Get it again"):
        list(json_rows(str(tmp_path / "rows.json"), "rows.json", Problems("skip")))


def test_a_csv_goes_on_behind_a_line_that_is_too_long(tmp_path: Path) -> None:
    lines = ["a,b", *(f"{number},x" for number in range(100))]
    lines[50] = "49," + "y" * (17 << 20)
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    problems = Problems("skip")
    rows = [row.value["a"] for row in csv_rows(str(tmp_path / "rows.csv"), "rows.csv", problems, columns=["a", "b"])]
    assert rows == [str(number) for number in range(100) if number != 49]
    assert [error.position for error in problems.skipped] == ["line 51"]
