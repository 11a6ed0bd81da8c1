"""Rows that are not exported: counted, named and said."""

from __future__ import annotations

import json
from pathlib import Path

import datasets
import pytest
from tests.exporting.readers import by_id
from tests.trainers.clock_rows import as_dataset, clock_row, draw_clock, turn

import video_sft
from video_sft.errors import ConfigError


def test_rows_without_media_or_answer_are_left_out_and_counted(tmp_path: Path, out: Path) -> None:
    good, broken, late = (
        draw_clock(tmp_path / "good.mp4", 4),
        tmp_path / "broken.mp4",
        draw_clock(tmp_path / "a.mp4", 3),
    )
    broken.write_bytes(b"no video")
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(_with_garbage(draw_clock(tmp_path / "b.mp4", 20).read_bytes()))
    asked = [turn("user", "What is it?", "video")]
    rows = [
        clock_row("good", good),
        clock_row("withheld", good, messages=asked),
        clock_row("not attached", messages=[*asked, turn("assistant", "x")]),
        clock_row("gone", tmp_path / "gone.mp4"),
        clock_row("broken", broken),
        clock_row("behind", late, start_seconds=8.0, stop_seconds=9.0),
        clock_row("damaged", damaged, start_seconds=5.0, stop_seconds=15.0),
        clock_row("text"),
    ]
    report = video_sft.export(as_dataset(rows), to="llamafactory", out=out)
    assert set(by_id(report)) == {"good", "text"}
    assert report.rows == 2
    assert report.left_out == {
        "the answer is withheld": 1,
        "the video is not there": 1,
        "the video cannot be read": 2,
        "the clip is not within its video": 1,
        "the clip cannot be decoded": 1,
    }
    assert report.examples["the video cannot be read"] == ("gone", "broken")
    assert "left out 2 rows: the video cannot be read (gone, broken" in str(report)


def _with_garbage(data: bytes) -> bytes:
    """Return a file whose layout is whole and whose pictures are not."""
    begin, end = data.index(b"mdat") + 1_000, data.index(b"moov") - 8
    return data[:begin] + bytes(end - begin) + data[end:]


def test_test_splits_without_answers_give_no_rows(out: Path) -> None:
    rows = video_sft.load("star", sample=True, split="test")
    withheld = sum(answer is None for answer in rows["answer"])
    report = video_sft.export(rows, to="swift", out=out)
    assert withheld
    assert report.left_out == {"the answer is withheld": withheld}
    assert report.rows == len(rows) - withheld


def test_rows_of_another_schema_are_refused(tmp_path: Path, out: Path) -> None:
    source = video_sft.load("star-source", sample=True, split="train")
    with pytest.raises(ConfigError, match="shared schema"):
        video_sft.export(source, to="swift", out=out)
    with pytest.raises(ConfigError, match="one split at a time"):
        video_sft.export(video_sft.load("star", sample=True), to="swift", out=out)
    with pytest.raises(ConfigError, match="takes a Dataset, a stream or a list"):
        video_sft.export("star", to="swift", out=out)
    assert not any(out.iterdir())


def test_rows_that_no_trainer_could_take_are_refused(tmp_path: Path, out: Path) -> None:
    video = draw_clock(tmp_path / "a.mp4", 2)
    twice = [turn("user", "a", "video"), turn("assistant", "b"), turn("user", "c", "video"), turn("assistant", "d")]
    with pytest.raises(ConfigError, match="x: its turns show several videos"):
        video_sft.export(as_dataset([clock_row("x", video, messages=twice)]), to="swift", out=out)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"to": "tensorflow"}, "to is 'tensorflow'; it is one of swift, llamafactory"),
        ({"clips": "cut"}, "clips is 'cut'"),
        ({"name": "../up"}, "made of letters"),
        ({"fps": 0.0}, "above 0"),
        ({"max_frames": 0}, "whole number from 1"),
        ({"shard_bytes": -1}, "whole number from 1"),
    ],
)
def test_options_that_are_not_possible_are_refused(
    rows: datasets.Dataset, out: Path, options: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        video_sft.export(rows, **{"to": "swift", "out": out, **options})  # type: ignore[arg-type]
    assert not out.exists()


def test_streams_and_lists_are_exported_too(rows: datasets.Dataset, tmp_path: Path) -> None:
    whole = by_id(video_sft.export(rows, to="swift", out=tmp_path / "table"))
    stream = by_id(video_sft.export(rows.to_iterable_dataset(), to="swift", out=tmp_path / "stream"))
    listed = by_id(video_sft.export(list(rows), to="swift", out=tmp_path / "list"))
    assert stream == whole
    assert {name: row["messages"] for name, row in listed.items()} == {n: row["messages"] for n, row in whole.items()}


def test_a_mixture_is_exported_in_its_order(out: Path) -> None:
    mixed = video_sft.mix({"star": 0.5, "next_qa": 0.5}, sample=True, num_rows=40)
    report = video_sft.export(mixed, to="llava", out=out)
    lines = [line for name in report.files if name.endswith(".jsonl") for line in (out / name).read_text().splitlines()]
    assert [json.loads(line)["id"] for line in lines] == mixed["id"]
