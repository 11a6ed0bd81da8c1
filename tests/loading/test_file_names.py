"""Files under the names people have: mirrors, compressed, Parquet, a folder above or below, and any name when given."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from tests.local_hub import LocalHub

import video_sft
from video_sft._cli import main
from video_sft.checking import check_source
from video_sft.sample_media import sample_folder

PACKED: dict[str, Any] = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": lambda data: bytes(pa.Codec("zstd").compress(data, asbytes=True)),
}
NATIVE = {"q": "What is it?", "a": "A dog.", "video_id": "v_k_ZXmr8pmrs"}
LLAVA = {
    "id": "v_k_ZXmr8pmrs",
    "video": "videochatgpt_tune/v_k_ZXmr8pmrs.mp4",
    "conversations": [{"from": "human", "value": "<video>\nWhat is it?"}, {"from": "gpt", "value": "A dog."}],
}
WEBVID = {**LLAVA, "id": "1", "video": "videochat_it/050951_051000/1022713978.mp4"}
LATER = [{"from": "human", "value": "And then?"}, {"from": "gpt", "value": "It sleeps."}]
LONGER = {**WEBVID, "conversations": [*WEBVID["conversations"], *LATER]}
YOUCOOK = {"video": "a/b.mp4", "QA": [{"i": "", "q": "", "a": "Someone cooks."}]}


def write(path: Path, *rows: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows))
    return path


def ids(config: str, **options: Any) -> list[str]:
    rows: Any = video_sft.load(config, streaming=True, **{"split": "train", **options})
    return [row["id"] for row in rows]


@pytest.mark.parametrize(
    ("config", "name", "row", "expected"),
    [
        ("videoinstruct100k", "videochatgpt_tune_.json", LLAVA, "videoinstruct100k/v_k_ZXmr8pmrs"),
        ("videoinstruct100k", "train_json/videochatgpt_tune_.json", LLAVA, "videoinstruct100k/v_k_ZXmr8pmrs"),
        ("videoinstruct100k", "VideoInstruct100K_filter.json", NATIVE, "videoinstruct100k/v_k_ZXmr8pmrs"),
        ("vcg_plus", "vcg-plus_112K_clean_97k.json", LLAVA, "vcg_plus/112k/v_k_ZXmr8pmrs"),
        ("vcg_plus", "annotations/vcg_human_annotated.json", LLAVA, "vcg_plus/human/v_k_ZXmr8pmrs"),
        ("videochat", "videochat_instruct_11k_withurl.json", {**YOUCOOK, "url": "https://x"}, "videochat/b"),
        ("videochat", "caption_videochat.json", WEBVID, "videochat/1022713978"),
        ("videochat2", "annotations/caption_videochat.json", WEBVID, "videochat2/video/caption/videochat/1"),
    ],
)
def test_names_of_mirrors(tmp_path: Path, config: str, name: str, row: Any, expected: str) -> None:
    write(tmp_path / name, row)
    (found,) = ids(config, data_dir=tmp_path)
    assert found.startswith(expected)
    assert ids(f"{config}-source".removesuffix("-source"), data_dir=tmp_path) == [found]


def test_the_two_halves_of_videochat_are_read_together(tmp_path: Path) -> None:
    write(tmp_path / "annotations" / "conversation_videochat1.json", LONGER)
    write(tmp_path / "annotations" / "caption_videochat.json", WEBVID)
    rows: Any = video_sft.load("videochat", data_dir=tmp_path, split="train", streaming=True)
    assert [row["task"] for row in rows] == ["conversation", "detailed_caption"]
    upstream: Any = video_sft.load("videochat-source", data_dir=tmp_path, split="train", streaming=True)
    assert [row["conversations"] for row in upstream] == [LONGER["conversations"], WEBVID["conversations"]]


@pytest.mark.parametrize("suffix", PACKED)
@pytest.mark.parametrize("source", ["activitynet_qa", "next_gqa", "next_qa", "star", "videochat2"])
def test_any_annotation_file_may_be_compressed(tmp_path: Path, source: str, suffix: str) -> None:
    sample = Path(sample_folder(source))
    for path in filter(Path.is_file, sample.rglob("*")):
        target = tmp_path / path.relative_to(sample)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".json", ".csv"):
            target.with_name(target.name + suffix).write_bytes(PACKED[suffix](path.read_bytes()))
        else:
            shutil.copy(path, target)
    for config in (source, f"{source}-source"):
        expected: Any = video_sft.load(config, data_dir=sample, streaming=True)
        packed: Any = video_sft.load(config, data_dir=tmp_path, streaming=True)
        assert {name: list(rows) for name, rows in packed.items()} == {
            name: list(rows) for name, rows in expected.items()
        }


@pytest.mark.parametrize("below", ["", "video", "video/caption", "video/caption/youcook2"])
@pytest.mark.parametrize("zipped", [False, True])
def test_a_tree_may_be_given_from_above_and_from_inside(tmp_path: Path, below: str, zipped: bool) -> None:
    write(tmp_path / "all" / "VideoChat2-IT" / "video" / "caption" / "youcook2" / "train.json", YOUCOOK)
    expected = ["videochat2/video/caption/youcook2/1"]
    if zipped and not below:
        with zipfile.ZipFile(tmp_path / "tree.zip", "w") as archive:
            for path in (tmp_path / "all").rglob("*.json"):
                archive.write(path, path.relative_to(tmp_path / "all"))
        assert ids("videochat2", data_dir=tmp_path / "tree.zip") == expected
    elif not zipped:
        assert ids("videochat2", data_dir=tmp_path / "all" / "VideoChat2-IT" / below) == expected
        assert ids("videochat2", data_dir=tmp_path / "all") == expected


def test_clones_side_by_side_and_two_of_a_kind(tmp_path: Path) -> None:
    sample = Path(sample_folder("next_qa"))
    for repository, kind in (("NExT-QA-main", "mc"), ("NExT-OE-main", "oe")):
        shutil.copytree(sample / kind, tmp_path / repository / "dataset" / "nextqa")
    assert len(ids("next_qa", data_dir=tmp_path)) == len(ids("next_qa", data_dir=sample))
    shutil.copytree(tmp_path / "NExT-QA-main", tmp_path / "another")
    with pytest.raises(video_sft.MissingFileError, match=r"in several folders .*NExT-QA-main, another"):
        ids("next_qa", data_dir=tmp_path)


def parquet(table: Path, place: Path, shards: int = 1, **types: Any) -> None:
    """Write a CSV as the numbered Parquet files of a mirror."""
    rows = pc.read_csv(table, convert_options=pc.ConvertOptions(column_types=types or None))
    place.mkdir(parents=True, exist_ok=True)
    size = -(-rows.num_rows // shards)
    split = {"val": "validation"}.get(table.stem, table.stem)
    for number in range(shards):
        name = f"{split}-{number:05}-of-{shards:05}.parquet"
        pq.write_table(rows.slice(number * size, size), place / name)


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """NExT-QA's sample as lmms-lab/NExTQA has it: `MC/` and `OE/`, ids and counts as numbers."""
    for kind in ("mc", "oe"):
        for table in (Path(sample_folder("next_qa")) / kind).glob("*.csv"):
            parquet(table, tmp_path / "NExTQA" / kind.upper(), shards=2)
    return tmp_path / "NExTQA"


def test_the_parquet_mirror_has_the_same_rows(mirror: Path) -> None:
    for config in ("next_qa", "next_qa-source"):
        expected: Any = video_sft.load(config, data_dir=sample_folder("next_qa"), streaming=True)
        found: Any = video_sft.load(config, data_dir=mirror, streaming=True)
        for split, rows in expected.items():
            kept = [
                {name: cell for name, cell in row.items() if name not in ("video_path", "additional_reference_answer")}
                for row in found[split]
            ]
            assert kept == [{name: cell for name, cell in row.items() if name in kept[0]} for row in rows]


def test_a_shard_that_is_missing_is_named_and_a_bad_row_has_its_file(mirror: Path, tmp_path: Path) -> None:
    table = mirror / "OE" / "test-00001-of-00002.parquet"
    rows = pq.read_table(table)
    kinds = rows.schema.get_field_index("type")
    pq.write_table(rows.set_column(kinds, "type", pa.array(["ZZ"] * rows.num_rows)), table)
    with pytest.raises(video_sft.RowError, match=r"OE/test-00001-of-00002\.parquet, row 1, field 'type': 'ZZ'"):
        ids("next_qa-open_ended", split="test", data_dir=mirror)
    table.write_bytes(table.read_bytes()[:-30])
    with pytest.raises(video_sft.BrokenFileError, match=r"test-00001-of-00002\.parquet is damaged"):
        ids("next_qa-open_ended", split="test", data_dir=mirror)
    table.unlink()
    with pytest.raises(video_sft.MissingFileError, match=r"of 2 files not all are there: test-00001-of-00002\.parquet"):
        ids("next_qa-open_ended", split="test", data_dir=mirror)
    assert ids("next_qa-open_ended", split="train", data_dir=mirror)


def test_parquet_on_the_hub(mirror: Path, tmp_path: Path) -> None:
    questions = json.loads((Path(sample_folder("activitynet_qa")) / "test_q.json").read_text())
    answers = {row["question_id"]: row for row in json.loads(
        (Path(sample_folder("activitynet_qa")) / "test_a.json").read_text()
    )}  # fmt: skip
    rows = [{**row, **answers[row["question_id"]], "question": f"{row['question']}?"} for row in questions]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    tables = {str(path.relative_to(mirror)): path.read_bytes() for path in mirror.rglob("*.parquet")}
    with LocalHub(tmp_path / "hub") as hub, hub.attached():
        hub.add_repo("lmms-lab/NExTQA", {**tables, "videos.zip": b"no zip"})
        hub.add_repo(
            "lmms-lab/ActivityNetQA", {"data/test-00000-of-00001.parquet": (tmp_path / "rows.parquet").read_bytes()}
        )
        found = ids("next_qa", split="test", data_dir="hf://datasets/lmms-lab/NExTQA")
        assert found == ids("next_qa", split="test", data_dir=sample_folder("next_qa"))
        built: Any = video_sft.load(
            "activitynet_qa",
            split="test",
            data_dir="hf://datasets/lmms-lab/ActivityNetQA",
            cache_dir=tmp_path / "cache",
        )
        assert [row["messages"][0]["content"][1]["text"] for row in built] == [row["question"] for row in rows]
        assert [row["answer"] for row in built] == [row["answer"] for row in rows]
        with pytest.raises(video_sft.MissingFileError, match=r"(?s)train_q\.json.*There instead: data/test-"):
            ids("activitynet_qa", data_dir="hf://datasets/lmms-lab/ActivityNetQA")


def test_one_file_in_place_of_a_folder(tmp_path: Path) -> None:
    mine = write(tmp_path / "my rows", NATIVE, LLAVA)
    assert len(ids("videoinstruct100k", data_dir=mine)) == 2
    assert ids("vcg_plus-human", data_dir=write(tmp_path / "h.json", LLAVA)) == ["vcg_plus/human/v_k_ZXmr8pmrs_0"]
    table = shutil.copy(Path(sample_folder("next_qa")) / "oe" / "val.csv", tmp_path / "questions.txt")
    assert all("/oe/" in key for key in ids("next_qa", split="validation", data_dir=table))
    with pytest.raises(video_sft.ConfigError, match="which of the splits test, train, validation it is: give split"):
        video_sft.load("next_qa", data_dir=table)
    with pytest.raises(video_sft.ConfigError, match="several parts: train/112k, train/human"):
        ids("vcg_plus", data_dir=mine)
    with pytest.raises(video_sft.MissingFileError, match=r"(?s)validation needs 2 files .*'answers': \.\.\."):
        ids("activitynet_qa", split="validation", data_dir=mine)
    youcook = write(tmp_path / "video" / "caption" / "youcook2" / "train.json", YOUCOOK)
    assert ids("videochat2", data_dir=youcook) == ["videochat2/video/caption/youcook2/1"]
    with pytest.raises(video_sft.ConfigError, match="several parts: train/video/conversation/videochat1"):
        ids("videochat2", data_dir=write(tmp_path / "train.json", YOUCOOK))
    shutil.copy(Path(sample_folder("next_qa")) / "mc" / "val.csv", tmp_path / "val.csv")
    assert all("/mc/" in key for key in ids("next_qa", split="validation", data_dir=tmp_path / "val.csv"))
    whole: Any = video_sft.load("videoinstruct100k", data_dir=mine, cache_dir=tmp_path / "cache")
    assert len(whole["train"]) == 2


def test_files_by_split_part_and_role(tmp_path: Path) -> None:
    sample = Path(sample_folder("activitynet_qa"))
    rows, answers = (
        shutil.copy(sample / "val_q.json", tmp_path / "a"),
        shutil.copy(sample / "val_a.json", tmp_path / "b"),
    )
    expected = ids("activitynet_qa", split="validation", data_dir=sample)
    for files in (
        {"validation": {"rows": rows, "answers": answers}},
        {"validation": rows, "validation/answers": answers},
        {"validation/rows": rows, "validation/answers": answers, "train": "/nowhere", "test/answers": "/nowhere"},
    ):
        assert ids("activitynet_qa", split="validation", files=files) == expected
    assert ids("activitynet_qa", split="validation", files={"validation": rows}, data_dir=sample) == expected
    one, two = write(tmp_path / "x" / "1.json", NATIVE), write(tmp_path / "y" / "1.json", NATIVE, {"q": 7})
    other = write(tmp_path / "x" / "2.json", NATIVE)
    assert len(set(ids("videoinstruct100k", files={"train": [one, other]}))) == 2
    assert len(ids("videoinstruct100k", files={"train": f"{tmp_path}/x/*.json"})) == 2
    with pytest.raises(video_sft.RowError, match=r"^y/1\.json, row 2"):
        ids("videoinstruct100k", files={"train": [one, two]})
    mine = write(tmp_path / "z" / "train.json", YOUCOOK)
    key = "train/video/caption/youcook2"
    assert ids("videochat2", files={key: mine}) == ["videochat2/video/caption/youcook2/1"]
    more = write(tmp_path / "w" / "train.json", YOUCOOK)
    assert len(set(ids("videochat2", files={key: [mine, more]}))) == 2


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"trian": "x"}, "Did you mean 'train'"),
        ({"train/foo": "x"}, "keys are"),
        ({"train": {"nothing": __file__}}, "has no file with the role 'nothing'; it has rows"),
        ({"train": "nowhere.json"}, "there is no file '.*nowhere.json'"),
        ({"train": [__file__, __file__]}, "twice"),
        ({"train": []}, "it is a file, a list of files, or a mapping"),
        ("x.json", "a mapping such as"),
        ({"train": __file__, "train/rows": __file__}, "twice"),
    ],
)
def test_what_files_may_not_be(files: Any, message: str) -> None:
    with pytest.raises(video_sft.VideoSftError, match=message):
        ids("videoinstruct100k", files=files)


def test_files_go_through_the_other_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = write(tmp_path / "mine.json", NATIVE)
    mixed: Any = video_sft.mix(
        {"videoinstruct100k": 1.0}, files={"videoinstruct100k": {"train": mine}}, cache_dir=tmp_path, decontaminate=None
    )
    assert len(mixed) == 1
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("parts: {videoinstruct100k: 1}\nfiles: {videoinstruct100k: {train: [mine.json]}}\n")
    assert len(video_sft.mix(recipe, cache_dir=tmp_path, decontaminate=None)) == 1  # type: ignore[arg-type]
    report = check_source("videoinstruct100k", files={"train": mine}, others={})
    assert [part.rows for part in report.parts] == [1]
    options: Any = {"files": {"videoinstruct100k": {"train": mine}}, "dry_run": True, "cache_dir": tmp_path / "cache"}
    with LocalHub(tmp_path / "hub") as hub, hub.attached():
        published = video_sft.publish("videoinstruct100k", repo="o/r", **options)
    assert published.repos[0].configs[0].splits["train"].rows == 1
    with pytest.raises(SystemExit) as caught:
        main(["show", "videoinstruct100k", "--file", f"train={mine}", "--split", "train"])
    assert caught.value.code == 0
    assert "row 0 of 1" in capsys.readouterr().out
    with pytest.raises(SystemExit) as caught:
        main(["show", "videoinstruct100k", "--file", "mine.json"])
    assert caught.value.code == 2


def test_what_is_missing_is_told_with_the_names_accepted_and_those_there(tmp_path: Path) -> None:
    write(tmp_path / "VideoInstruct100k.json.bak.json", NATIVE)
    with pytest.raises(video_sft.MissingFileError) as caught:
        ids("videoinstruct100k", data_dir=tmp_path)
    message = str(caught.value)
    for words in (
        "VideoInstruct100K.json (for the train split). Get it from",
        "Accepted as well: ",
        "videochatgpt_tune_.json",
        ".gz, .zst, .xz, .bz2",
        "There instead: VideoInstruct100k.json.bak.json",
        "is VideoInstruct100K.json, give it that name",
    ):
        assert words in message
