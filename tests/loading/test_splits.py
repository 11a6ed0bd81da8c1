"""Splits are built one by one: what is wrong in one, or changes in it, does not touch the others."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

import video_sft
from video_sft._cli import main
from video_sft.builders.next_qa import NextQa
from video_sft.sample_media import sample_folder

Watch = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    shutil.copytree(sample_folder("next_qa"), tmp_path / "data")
    return tmp_path / "data"


def spoil(data: Path, *names: str) -> None:
    for name in names:
        (data / name).write_bytes(b"\xff\xfe not a table at all")


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("config", ["next_qa", "next_qa-open_ended", "next_qa-source"])
def test_a_split_is_read_without_a_look_at_the_others(
    data: Path, tmp_path: Path, opened_files: Watch, config: str, streaming: bool
) -> None:
    spoil(data, "mc/test.csv", "oe/test.csv", "mc/train.csv", "oe/train.csv")
    options: Any = {"data_dir": data, "cache_dir": tmp_path / "cache", "streaming": streaming}
    with opened_files() as names:
        rows: Any = video_sft.load(config, split="validation", **options)
        count = len(list(rows))
    assert count == (2 if config == "next_qa-open_ended" else 5)
    assert not [name for name in names if name.endswith(("test.csv", "train.csv"))]
    with pytest.raises(video_sft.RowError, match=r"t(est|rain)\.csv"):
        list(video_sft.load(config, split="validation+test" if not streaming else "test", **options))  # type: ignore[arg-type]


def test_each_split_is_cached_by_itself(data: Path, tmp_path: Path, opened_files: Watch) -> None:
    options: Any = {"data_dir": data, "cache_dir": tmp_path / "cache"}

    def built() -> set[Path]:
        return set((tmp_path / "cache").rglob("dataset_info.json"))

    video_sft.load("next_qa", split="validation", **options)
    first = built()
    whole: Any = video_sft.load("next_qa", **options)
    assert list(whole) == ["train", "validation", "test"]
    assert first < built()
    assert len(built()) == 3
    (data / "mc" / "test.csv").write_text((data / "oe" / "test.csv").read_text().replace("x", "y"))
    with pytest.raises(video_sft.RowError):
        video_sft.load("next_qa", **options)
    video_sft.load("next_qa", split="train[:2]+validation", **options)
    assert len(built()) == 3


def test_a_change_of_one_member_of_a_zip_rebuilds_its_split_alone(data: Path, tmp_path: Path) -> None:
    def pack() -> None:
        with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
            for path in sorted(data.rglob("*.*")):
                archive.write(path, path.relative_to(data))

    def builds(split: str) -> int:
        video_sft.load("next_qa", split=split, data_dir=tmp_path / "all.zip", cache_dir=tmp_path / "cache")
        return len(list((tmp_path / "cache").rglob("dataset_info.json")))

    pack()
    assert (builds("train"), builds("test")) == (1, 2)
    table = data / "oe" / "test.csv"
    table.write_text(table.read_text().replace("stage", "barge"))
    pack()
    assert builds("train") == 2
    assert builds("test") == 3


def test_split_expressions_join_what_was_built_apart(tmp_path: Path) -> None:
    options: Any = {"sample": True, "cache_dir": tmp_path}
    whole: Any = video_sft.load("next_qa-source", **options)
    ids = {name: list(rows["row_id"]) for name, rows in whole.items()}
    for expression, expected in {
        "train[:1] + test[-1:]+train[1:2]": [ids["train"][0], ids["test"][-1], ids["train"][1]],
        "all": [key for keys in ids.values() for key in keys],
        "validation": ids["validation"],
    }.items():
        rows: Any = video_sft.load("next_qa-source", split=expression, **options)
        assert list(rows["row_id"]) == expected
        assert rows.features == whole["train"].features
    stream: Any = video_sft.load("next_qa", split="all", streaming=True, **options)
    assert len(list(stream)) == sum(map(len, ids.values()))


def test_what_each_split_left_out_is_remembered(data: Path, tmp_path: Path) -> None:
    for name in ("mc/train.csv", "mc/test.csv"):
        (data / name).write_text((data / name).read_text().replace(",DC,", ",ZZ,").replace(",DL,", ",ZZ,"))
    options: Any = {"data_dir": data, "cache_dir": tmp_path / "cache", "on_bad_row": "skip"}
    whole: Any = video_sft.load("next_qa", **options)
    files = [row.file for row in video_sft.skipped_rows(whole)]
    assert set(files) == {"mc/train.csv", "mc/test.csv"}
    for split in ("train", "test"):
        one: Any = video_sft.load("next_qa", split=split, **options)
        assert {row.file for row in video_sft.skipped_rows(one)} == {f"mc/{split}.csv"}
        assert {row.file for row in video_sft.skipped_rows(whole[split])} == {f"mc/{split}.csv"}
    both: Any = video_sft.load("next_qa", split="train+test[:1]", **options)
    assert sorted(row.file for row in video_sft.skipped_rows(both)) == sorted(files)


def test_a_builder_takes_splits_and_does_without(data: Path, tmp_path: Path) -> None:
    builder = NextQa(str(tmp_path), config_name="next_qa", data_dir=str(data), splits=["validation"])
    builder.download_and_prepare()
    assert list(builder.info.splits) == ["validation"]
    builder = NextQa(str(tmp_path), config_name="next_qa-open_ended", data_dir=str(data))
    builder.download_and_prepare()
    assert list(builder.info.splits) == ["train", "validation", "test"]
    with pytest.raises(video_sft.ConfigError, match="has no split dev"):
        NextQa(str(tmp_path), data_dir=str(data), splits=["dev"])


def test_show_builds_one_split(data: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    spoil(data, "mc/test.csv", "oe/test.csv", "mc/validation.csv")
    for words in (["--split", "validation"], []):
        with pytest.raises(SystemExit) as caught:
            main(["show", "next_qa", "--data-dir", str(data), *words])
        assert caught.value.code == 0
    assert "row 0 of 5" in capsys.readouterr().out
