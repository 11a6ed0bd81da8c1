"""STAR's situation graphs: times, words for class ids, and the tables both come from."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest
from tests.builders.reading import stream, write_rows
from tests.builders.star_rows import question, sample

import video_sft
from video_sft.errors import MissingFileError, RowError
from video_sft.sample_media import sample_folder


def with_classes(folder: Path) -> Path:
    shutil.copytree(Path(sample_folder("star")) / "STAR_classes", folder / "STAR_classes")
    return folder


def test_keyframes_have_times_and_words_where_the_tables_are_given() -> None:
    plain = next(iter(sample("star-source", split="train")))
    first, second, third = plain["situations"]
    assert plain["fps"] == 30.0
    assert [frame["seconds"] for frame in plain["situations"]] == [1.2, 3.0, 5.0]
    assert first["bbox"][1] is None
    assert (first["bbox_labels"], third["bbox"]) == (["o004", "o000"], [])
    named = next(iter(sample("star-source", split="train", class_names=True)))["situations"]
    assert named[0]["actions"] == ["tidy up a blanket"]
    assert named[0]["rel_pairs"] == [["person", "blanket"], ["person", "blanket"]]
    assert named[0]["rel_labels"] == ["in_front_of", "holding"]
    assert named[0]["bbox_labels"] == ["blanket", "person"]
    assert [frame["bbox"] for frame in named] == [first["bbox"], second["bbox"], []]


def test_class_names_need_the_lists(tmp_path: Path) -> None:
    write_rows(tmp_path, "STAR_train.json", [question(situations={"000001": {"actions": ["a999"]}})])
    with pytest.raises(MissingFileError, match=r"STAR_classes/action_classes\.txt.*githubusercontent"):
        stream("star-source", tmp_path, class_names=True)
    with_classes(tmp_path)
    for class_names in (False, True):  # an id that is in none of the lists stays one
        rows = stream("star-source", tmp_path, class_names=class_names)
        assert rows[0]["situations"][0]["actions"] == ["a999"]
    with pytest.raises(video_sft.ConfigError, match="class_names"):
        stream("star-source", tmp_path, class_names="yes")


@pytest.mark.parametrize("line", ["a001", "a072 again"])
def test_a_broken_class_list_is_named(tmp_path: Path, line: str) -> None:
    write_rows(with_classes(tmp_path), "STAR_train.json", [question()])
    path = tmp_path / "STAR_classes" / "action_classes.txt"
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}", encoding="utf-8")
    with pytest.raises(RowError, match=r"action_classes\.txt, line 8"):
        stream("star-source", tmp_path, class_names=True)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_frame_rates_from_any_pickle_or_json(tmp_path: Path, protocol: int) -> None:
    write_rows(tmp_path, "STAR_train.json", [question(situations={"000198": {}})])
    rates = {"6H78U.mp4": 17.653, "TJZ0P.mp4": 30.0, "AAAAA.mp4": 60}
    path = tmp_path / "annotations" / "STAR_classes" / "video_fps"
    path.parent.mkdir(parents=True)
    for data in (pickle.dumps(rates, protocol=protocol), json.dumps(rates).encode()):
        path.write_bytes(data)
        row = stream("star-source", tmp_path)[0]
        assert row["fps"] == 17.653
        assert row["situations"][0]["seconds"] == 198 / 17.653


class Harmful:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def test_a_pickle_that_would_run_something_is_refused_unread(tmp_path: Path) -> None:
    write_rows(tmp_path, "STAR_train.json", [question()])
    harmful = pickle.dumps({"6H78U.mp4": Harmful(tmp_path / "harm")})
    huge_memo = b"\x80\x02}r" + struct.pack("<I", 2**32 - 1) + b"(X\x01\x00\x00\x00aG?\xf0\x00\x00\x00\x00\x00\x00u."
    cut = pickle.dumps({"6H78U.mp4": 30.0})[:-9]
    digits = [b"}(Vx\nI" + b"9" * count + b"\nu." for count in (400, 4000, 5000)]
    other = [pickle.dumps([1.0]), pickle.dumps({"6H78U.mp4": 1e300}), b'{"6H78U": "25"}', b'{"6H78U": true}', b"[1]"]
    for data in (harmful, cut, b"", b"\x00" * 40, *other, *digits):
        (tmp_path / "video_fps").write_bytes(data)
        with pytest.raises(RowError, match="video_fps"):
            stream("star-source", tmp_path)
        assert stream("star", tmp_path)
    (tmp_path / "video_fps").write_bytes(huge_memo)
    assert stream("star-source", tmp_path)[0]["fps"] is None
    assert not (tmp_path / "harm").exists()


def test_a_rate_of_zero_is_no_rate(tmp_path: Path) -> None:
    write_rows(tmp_path, "STAR_train.json", [question(situations={"000198": {}})])
    (tmp_path / "video_fps").write_bytes(pickle.dumps({"6H78U.mp4": 0.0, "TJZ0P.mp4": 30.0}))
    row = stream("star-source", tmp_path)[0]
    assert row["fps"] is row["situations"][0]["seconds"] is None


@pytest.mark.parametrize(
    "situations", [[], "000001", {"x": {}}, {"000001": []}, {"000001": {"bbox": "o000"}}, {"1" * 5000: {}}]
)
def test_a_graph_of_another_shape_is_a_bad_row_of_the_source_config_alone(tmp_path: Path, situations: Any) -> None:
    write_rows(tmp_path, "STAR_train.json", [question(situations=situations), question(question_id="Sequence_T6_1")])
    assert len(stream("star", tmp_path)) == 2
    with pytest.raises(RowError, match="situations"):
        stream("star-source", tmp_path)
    assert [row["row_id"] for row in stream("star-source", tmp_path, on_bad_row="skip")] == ["star/Sequence_T6_1"]


def test_unknown_fields_are_kept(tmp_path: Path) -> None:
    row = question(pose=[1], situations={"000007": {"actions": [], "person_pose": {"x": 1}}})
    row["choices"][0]["note"] = "n"
    write_rows(tmp_path, "STAR_train.json", [row])
    kept = json.loads(stream("star-source", tmp_path)[0]["other_fields"])
    assert kept == {"pose": [1], "choices": {"0": {"note": "n"}}, "situations": {"0": {"person_pose": {"x": 1}}}}
