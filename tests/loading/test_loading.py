"""Loading: splits that are absent, layouts that are understood, caches that are never stale."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path
from typing import Any

import datasets
import pytest

import video_sft
from video_sft.builders.next_qa import NextQa
from video_sft.sample_media import sample_folder


def copied(tmp_path: Path, source: str = "next_qa") -> Path:
    shutil.copytree(sample_folder(source), tmp_path / "data")
    return tmp_path / "data"


def test_splits_that_are_there_load_and_an_absent_one_names_its_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = copied(tmp_path)
    for name in ("mc/test.csv", "oe/test.csv", "mc/train.csv"):
        (data / name).unlink()
    rows: Any = video_sft.load("next_qa", data_dir=data, cache_dir=tmp_path / "cache")
    assert {name: len(part) for name, part in rows.items()} == {"train": 4, "validation": 5}
    assert "mc/train.csv" in caplog.text
    with pytest.raises(
        video_sft.MissingFileError, match=r"(?s)mc/test\.csv \(for the test split\)\. Get it from https://.*oe"
    ):
        video_sft.load("next_qa", split="test", data_dir=data, cache_dir=tmp_path / "cache")
    with pytest.raises(video_sft.MissingFileError, match=r"mc/train\.csv"):
        video_sft.load("next_qa-multiple_choice", split="train", data_dir=data, cache_dir=tmp_path / "cache")
    with pytest.raises(video_sft.ConfigError, match="has no split dev; it has train, validation, test"):
        video_sft.load("next_qa", split="dev", data_dir=data, cache_dir=tmp_path / "cache")
    (tmp_path / "empty").mkdir()
    with pytest.raises(video_sft.MissingFileError, match=r"mc/val\.csv"):
        video_sft.load("next_qa", data_dir=tmp_path / "empty", cache_dir=tmp_path / "cache")
    with pytest.raises(video_sft.MissingFileError, match="nowhere"):
        video_sft.load("next_qa", data_dir=tmp_path / "nowhere", cache_dir=tmp_path / "cache")


@pytest.mark.parametrize("split", ["train[:2]", "train[50%:]", "train+validation", "validation[-1:]", "all"])
def test_splits_may_be_sliced_and_added(split: str, session_cache: str) -> None:
    whole: Any = video_sft.load("next_qa", sample=True, cache_dir=session_cache)
    part: Any = video_sft.load("next_qa", sample=True, split=split, cache_dir=session_cache)
    ids = {name: rows["id"][:] for name, rows in whole.items()}
    expected = {
        "train[:2]": ids["train"][:2],
        "train[50%:]": ids["train"][4:],
        "train+validation": ids["train"] + ids["validation"],
        "validation[-1:]": ids["validation"][-1:],
        "all": [key for keys in ids.values() for key in keys],
    }
    assert part["id"][:] == expected[split]
    assert all(row["video"] is not None for row in part)


def test_upstreams_own_layouts_are_understood(tmp_path: Path) -> None:
    sample = Path(sample_folder("next_qa"))
    for repository, kind in (("NExT-QA", "mc"), ("NExT-OE", "oe")):
        place = tmp_path / repository / "dataset" / "nextqa"
        shutil.copytree(sample / kind, place)
    shutil.copy(sample / "map_vid_vidorID.json", tmp_path / "NExT-QA" / "dataset" / "nextqa")
    expected: Any = video_sft.load("next_qa", data_dir=sample, cache_dir=tmp_path / "cache")
    both: Any = video_sft.load("next_qa", data_dir=tmp_path, cache_dir=tmp_path / "cache")
    for split, rows in expected.items():
        assert both[split].to_list() == rows.to_list()
    for repository, kind in (("NExT-QA", "mc"), ("NExT-OE", "oe")):
        one: Any = video_sft.load("next_qa", data_dir=tmp_path / repository, cache_dir=tmp_path / "cache")
        ids = [key for rows in one.values() for key in rows["id"]]
        assert ids == [key for rows in expected.values() for key in rows["id"] if f"/{kind}/" in key]


@pytest.mark.parametrize("config", ["activitynet_qa", "next_gqa", "next_qa-source"])
def test_a_zip_and_a_url_do_as_well_as_a_folder(config: str, tmp_path: Path) -> None:
    sample = Path(sample_folder(config.partition("-")[0]))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for path in sample.rglob("*"):
            archive.write(path, path.relative_to(sample))
    expected: Any = video_sft.load(config, data_dir=sample, cache_dir=tmp_path / "cache")
    for place in (tmp_path / "all.zip", f"file://{sample}", f"file://{tmp_path}/all.zip"):
        rows: Any = video_sft.load(config, data_dir=place, cache_dir=tmp_path / "cache")
        assert {name: part.to_list() for name, part in rows.items()} == {
            name: part.to_list() for name, part in expected.items()
        }


def test_a_changed_file_is_never_answered_from_the_cache(tmp_path: Path) -> None:
    import os

    data = copied(tmp_path)
    table = data / "oe" / "train.csv"
    before = os.stat(table)

    def answers() -> list[str]:
        rows: Any = video_sft.load("next_qa-open_ended", split="train", data_dir=data, cache_dir=tmp_path / "cache")
        return list(rows["answer"])

    first = answers()
    table.write_text(table.read_text(encoding="utf-8").replace("white", "black"), encoding="utf-8")
    os.utime(table, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert answers() == ["black" if answer == "white" else answer for answer in first] != first
    (data / "map_vid_vidorID.json").unlink()
    rows: Any = video_sft.load("next_qa-open_ended", split="train", data_dir=data, cache_dir=tmp_path / "cache")
    assert rows[0]["video_path"] == "vidor/2990010001.mp4"


def test_options_and_code_are_part_of_the_cache_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from video_sft._base_builder import builder as building

    data = sample_folder("next_qa")

    def place(**options: Any) -> str:
        return str(NextQa(str(tmp_path), config_name="next_qa", data_dir=data, **options).cache_dir)

    places = {
        place(),
        place(choice_style="text"),
        place(choices_seed=1),
        place(on_bad_row="skip"),
        place(choices_seed=2),
        place(prompt_style="sevila"),
        place(prompt_style="lmms_eval"),
    }
    assert len(places) == 7
    assert place() in places
    monkeypatch.setattr(building, "_code_digest", lambda: "another parser")
    assert place() not in places
    monkeypatch.setattr(building, "SCHEMA_VERSION", "another schema")
    assert place() not in places


def test_an_unknown_option_is_named(session_cache: str) -> None:
    with pytest.raises(video_sft.ConfigError, match="has no option choice_stile; it has choice_style"):
        video_sft.load("next_qa", sample=True, cache_dir=session_cache, choice_stile="text")
    with pytest.raises(video_sft.ConfigError, match=r"no config is called 'nextqa'\. Did you mean next_qa"):
        video_sft.load("nextqa", sample=True, cache_dir=session_cache)
    with pytest.raises(video_sft.ConfigError, match="takes no data_dir"):
        video_sft.load("next_qa", sample=True, data_dir="x", cache_dir=session_cache)


def test_several_processes_build_the_same_rows(tmp_path: Path) -> None:
    one: Any = video_sft.load("next_qa", sample=True, cache_dir=tmp_path / "one")
    two: Any = video_sft.load("next_qa", sample=True, cache_dir=tmp_path / "two", num_proc=2)
    for split, rows in one.items():
        assert rows.remove_columns("video").to_list() == two[split].remove_columns("video").to_list()


def test_skipped_rows_are_told_again_from_the_cache(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = copied(tmp_path)
    table = data / "mc" / "train.csv"
    table.write_text(table.read_text(encoding="utf-8").replace(",DC,", ",ZZ,"), encoding="utf-8")
    options: Any = {"data_dir": data, "cache_dir": tmp_path / "cache", "on_bad_row": "skip", "split": "train"}
    for num_proc in (None, None, 2):
        caplog.clear()
        rows: Any = video_sft.load("next_qa", num_proc=num_proc, **options)
        assert "left out 1 rows that could not be read" in caplog.text
        (skipped,) = video_sft.skipped_rows(rows)
        assert (skipped.file, skipped.position, skipped.field) == ("mc/train.csv", "line 3", "type")


def test_nothing_is_left_of_a_build_that_fails(tmp_path: Path) -> None:
    data = copied(tmp_path)
    table = data / "oe" / "val.csv"
    table.write_bytes(table.read_bytes()[:-10])
    with pytest.raises(video_sft.RowError):
        video_sft.load("next_qa", split="validation", data_dir=data, cache_dir=tmp_path / "cache")
    left = [path for path in (tmp_path / "cache" / "next_qa").rglob("*") if path.suffix in (".arrow", ".json")]
    assert not left


def test_rows_survive_datasets_own_steps(session_cache: str) -> None:
    rows: Any = video_sft.load("next_qa", sample=True, split="train", cache_dir=session_cache)
    steps = {
        "filter": rows.filter(lambda kind: kind == "CW", input_columns="question_type"),
        "map": rows.map(lambda row: {"answer": (row["answer"] or "").upper()}),
        "select": rows.select([3, 1]),
        "shuffle": rows.shuffle(seed=1),
        "concatenate": datasets.concatenate_datasets([rows, rows]),
        "interleave": datasets.interleave_datasets([rows, rows]),
        "iterable": rows.to_iterable_dataset(),
    }
    for name, result in steps.items():
        first = next(iter(result))
        assert isinstance(first["video"], video_sft.Clip), name
        assert first["video"].frames(count=1).data.ndim == 4, name


def test_importing_does_no_work_and_loads_nothing_heavy() -> None:
    code = """
        import sys
        import video_sft
        heavy = {"torch", "transformers", "matplotlib", "typer", "IPython"} & set(sys.modules)
        assert not heavy, heavy
        assert all(hasattr(video_sft, name) for name in video_sft.__all__)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def spoiled(tmp_path: Path) -> Path:
    """A copy of next_qa's sample with a bad row in its multiple-choice train file."""
    data = copied(tmp_path)
    table = data / "mc" / "train.csv"
    table.write_text(table.read_text(encoding="utf-8").replace(",DC,", ",ZZ,"), encoding="utf-8")
    return data


@pytest.mark.parametrize("num_proc", [1, 2])
def test_a_bad_row_is_the_same_error_in_any_number_of_processes(tmp_path: Path, num_proc: int) -> None:
    with pytest.raises(video_sft.RowError, match=r"mc/train\.csv, line 3, field 'type'"):
        video_sft.load("next_qa", data_dir=spoiled(tmp_path), cache_dir=tmp_path / "cache", num_proc=num_proc)


def test_what_was_left_out_is_remembered_whatever_was_loaded(tmp_path: Path) -> None:
    options: Any = {"data_dir": spoiled(tmp_path), "cache_dir": tmp_path / "cache", "on_bad_row": "skip"}
    for more in ({}, {"split": "train"}, {"split": "train[:1]"}, {"split": "all"}, {"group": "video"}):
        loaded: Any = video_sft.load("next_qa", **options, **more)  # type: ignore[arg-type]
        assert [row.position for row in video_sft.skipped_rows(loaded)] == ["line 3"], more
    clean: Any = video_sft.load("next_qa", **options, split="validation")
    assert video_sft.skipped_rows(clean) == []
    with pytest.raises(video_sft.ConfigError, match="stream"):
        video_sft.skipped_rows(video_sft.load("next_qa", **options, split="train", streaming=True))  # type: ignore[arg-type]


def test_a_split_without_rows_takes_media_too(tmp_path: Path) -> None:
    data = copied(tmp_path)
    table = data / "oe" / "val.csv"
    table.write_text(table.read_text(encoding="utf-8").split("\n")[0] + "\n", encoding="utf-8")
    rows: Any = video_sft.load(
        "next_qa-open_ended", split="validation", data_dir=data, media=tmp_path, cache_dir=tmp_path / "cache"
    )
    assert len(rows) == 0
    assert rows.features.to_dict() == video_sft.features().to_dict()


def test_splits_have_more_than_one_spelling(session_cache: str) -> None:
    options: Any = {"sample": True, "cache_dir": session_cache}
    named: Any = video_sft.load("next_qa", split=datasets.Split.TEST, **options)
    assert named["id"][:] == video_sft.load("next_qa", split="test", **options)["id"][:]  # type: ignore[index]
    for split, problem in ((3, "it is a name"), ("", "it is a name"), ("tset", "has no split")):
        with pytest.raises(video_sft.ConfigError, match=problem):
            video_sft.load("next_qa", split=split, **options)  # type: ignore[arg-type]
    with pytest.raises(video_sft.ConfigError, match="whole splits"):
        video_sft.load("next_qa", split="train[:2]", streaming=True, **options)
    with pytest.raises(video_sft.ConfigError, match="positive number of processes"):
        video_sft.load("next_qa", num_proc=0, **options)


def test_a_renamed_file_and_a_broken_zip(tmp_path: Path) -> None:
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04 the beginning of a zip")
    with pytest.raises(video_sft.MissingFileError, match=r"cut\.zip' is not a zip file"):
        video_sft.load("next_qa", data_dir=tmp_path / "cut.zip", cache_dir=tmp_path / "cache")
    with pytest.raises(video_sft.MissingMediaError, match=r"cut\.zip"):
        video_sft.load("next_qa", sample=True, media=tmp_path / "cut.zip", cache_dir=tmp_path / "cache")
