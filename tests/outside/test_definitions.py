"""Sources defined outside the package: known from then on, or refused with the fact that will not do."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest
from tests.outside.made_sources import made_builder, made_record, made_source, parse, write_rows

import video_sft
from video_sft import source_kit
from video_sft._cli import main
from video_sft._sources.registry import find_pool
from video_sft.builders.star import Star
from video_sft.errors import ConfigError, MissingMediaError
from video_sft.source_kit import Part, Pool, RemoteFile, SourceBuilder
from video_sft.testing import known_while

ROWS = {"rows": RemoteFile(name="train.json")}


def test_the_kit_has_what_it_says_and_nothing_else() -> None:
    assert {name for name in vars(source_kit) if not name.startswith("_")} == set(source_kit.__all__)
    assert list(source_kit.__all__) == sorted(source_kit.__all__)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"name": "my-source"}, "source 'my-source': its name is to be an identifier"),
        ({"name": "a/../b"}, "identifier"),
        ({"name": ""}, "identifier"),
        ({"name": 3}, "identifier"),
        ({"name": "all"}, "stands for every source"),
        ({"tasks": ()}, "tasks is empty; there are conversation,"),
        ({"tasks": ("vqas",)}, "'vqas' is no task; there are conversation, classification"),
        ({"tasks": "vqa"}, r"tasks is 'vqa', where a tuple is expected: tasks=\('vqa',\)"),
        ({"views": ("short",)}, "'short' is no view; configs are <source>-<view>, and the views are conversation"),
        ({"views": ("source",)}, "'source' is no view"),
        ({"views": ("vqa", "vqa")}, "a view is named twice"),
        ({"pools": ("../elsewhere",)}, "a pool is called '../elsewhere'"),
        ({"pools": (Pool(name="made"),)}, "the pool 'made' is declared in own_pools"),
        ({"own_pools": ("made",)}, "own_pools holds 'made', which is no Pool"),
        ({"license": " "}, "license is empty; give an SPDX id, or 'other'"),
        ({"paper": None}, "paper is None, where text is expected"),
        ({"parse": None}, "parse is None, where a function is expected"),
        ({"upstream_features": {"id": "string"}}, "where datasets.Features is expected"),
        ({"parts": (ROWS["rows"],)}, "which is no Part"),
        ({"parts": (Part(split="dev", files=ROWS),)}, "a split is one of train, validation, test"),
        ({"parts": (Part(split="train", files={"main": ROWS["rows"]}),)}, "the file the rows come from as 'rows'"),
        ({"parts": (Part(split="train", files=ROWS, optional=frozenset({"x"})),)}, "optional names 'x'"),
        ({"parts": (Part(split="train", files=ROWS, views=frozenset({"x"})),)}, "'x' is no view"),
        ({"parts": (Part(split="train", files=ROWS),) * 2}, "two parts are called train; tell them apart by kind"),
        ({"parts": (Part(split="train", files={"rows": RemoteFile(name="../x.json")}),)}, "climbs out of its folder"),
        ({"parts": (Part(split="train", files={"rows": RemoteFile(name="x", sha256="ab")}),)}, "64 hexadecimal digits"),
    ],
)
def test_a_fact_that_will_not_do_is_refused_where_it_is_stated(facts: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        made_source(**facts)


def test_a_class_without_files_or_facts_is_refused() -> None:
    with pytest.raises(ConfigError, match="source 'made': parts is empty; there is nothing to read"):
        made_builder(parts=())
    with pytest.raises(ConfigError, match=r"Odd\.source is a dict; it has to be a Source"):
        type("Odd", (SourceBuilder,), {"source": {"name": "odd"}})

    class Base(SourceBuilder):
        """For others to inherit from."""

    with pytest.raises(ConfigError, match="Base states no source"):
        Base()


def test_what_is_not_stated_has_a_value_that_says_so() -> None:
    source = made_source()
    assert (source.title, source.license, source.video_terms) == ("made", "other", "not stated")
    assert not source.redistributable_videos


def test_a_class_in_a_function_is_known_only_when_it_says_so(tmp_path: Path) -> None:
    made_builder()
    assert "made" not in video_sft.sources()
    with pytest.raises(ConfigError, match="no config is called 'made'"):
        video_sft.load("made", data_dir=tmp_path)
    with known_while(made_builder()):
        assert video_sft.configs("made") == ["made", "made-source"]
    assert "made" not in video_sft.sources()

    class Kept(SourceBuilder, known=True):
        """Known from here on."""

        source = made_source(name="kept_one")

    try:
        assert "kept_one" in video_sft.sources()
    finally:
        from video_sft._sources.registry import forget

        forget("kept_one")
        del Kept
        gc.collect()


def test_two_sources_of_one_name_are_an_error_that_names_both() -> None:
    for name in ("star", "STAR"):
        with pytest.raises(ConfigError, match=rf"two sources are called '{name}': video_sft\.builders\.star") as told:
            type("Mine", (SourceBuilder,), {"source": made_source(name=name), "__module__": "my_module"})
        assert "my_module.Mine" in str(told.value)
    with known_while(made_builder()):
        with pytest.raises(ConfigError, match=r"two sources are called 'made': .*<locals>\.Made, in .*my_module\.Mine"):
            type("Mine", (SourceBuilder,), {"source": made_source(), "__module__": "my_module"})
        with known_while(made_builder(title="the same class, defined anew")):
            assert video_sft.builders.find_source("made").title == "the same class, defined anew"
    assert video_sft.builders.builder_class("star") is Star


def test_a_subclass_of_a_source_is_the_same_source_until_it_has_its_own() -> None:
    class Faster(Star):
        """Nothing new."""

    assert video_sft.builders.builder_class("star") is Star
    assert Faster.source is Star.source


def test_own_pools_are_known_and_say_how_files_are_recognised(tmp_path: Path) -> None:
    pool = Pool(name="lab", unique_names=True, optional_prefix="lab_", where="the laboratory's share")
    data = write_rows(tmp_path / "data", train=[{"video": "lab_1", "pool": "lab"}, {"video": "lab_2", "pool": "lab"}])
    videos = tmp_path / "videos" / "in" / "some" / "folder"
    videos.mkdir(parents=True)
    (videos / "1.mp4").write_bytes(b"")
    options: Any = {"data_dir": data, "cache_dir": tmp_path / "cache", "split": "train"}
    with known_while(made_builder(pools=(), own_pools=(pool,))):
        assert find_pool("lab") == pool
        rows: Any = video_sft.load("made", media={"lab": tmp_path / "videos"}, missing="skip", **options)
        assert rows["video_path"][:] == ["lab/lab_1.mp4"]
        with pytest.raises(MissingMediaError, match=r"lab/lab_2\.mp4.*to be had from the laboratory's share"):
            video_sft.load("made", media=tmp_path / "videos", missing="error", **options)
        with pytest.raises(ConfigError, match=r"no pool is called labs; made has lab"):
            video_sft.load("made", media={"labs": tmp_path}, **options)
    assert find_pool("lab") == Pool(name="lab")


def test_one_pool_is_recognised_in_one_way() -> None:
    with (
        pytest.raises(ConfigError, match="declares the pool 'charades' otherwise than this package"),
        known_while(made_builder(own_pools=(Pool(name="charades"),))),
    ):
        pass
    with known_while(made_builder(own_pools=(Pool(name="lab", unique_names=True, where="here"),))):
        same = {"source": made_source(name="made_2", own_pools=(Pool(name="lab", unique_names=True, where="there"),))}
        with known_while(type("Same", (SourceBuilder,), {**same, "__qualname__": "f.<locals>.Same"})):
            pass
        other = {"source": made_source(name="made_3", own_pools=(Pool(name="lab"),)), "__module__": "my_module"}
        with pytest.raises(ConfigError, match=r"my_module\.Other declares the pool 'lab' otherwise than .*Made"):
            type("Other", (SourceBuilder,), other)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"pool": "elsewhere"}, r"rows of the pool elsewhere, which is none of its pools \(made\); add it to Source"),
        ({"task": "vqas"}, r"rows of the task vqas, which is none of its tasks \(vqa\)"),
    ],
)
def test_rows_keep_to_what_the_source_declares(row: dict[str, str], said: str, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "data", train=[{}, row])
    with known_while(made_builder()), pytest.raises(ConfigError, match=said):
        video_sft.load("made", data_dir=data, cache_dir=tmp_path / "cache")


def test_a_parser_that_stumbles_says_where_and_can_leave_the_row_out(tmp_path: Path) -> None:
    def stumbling(part: Any) -> Any:
        return part.problems.read(part.json_rows(), lambda row: made_record(row) if row.value["a"] != "?" else row.nope)

    data = write_rows(tmp_path / "data", train=[{}, {"a": "?"}])
    with known_while(made_builder(parse=stumbling)):
        with pytest.raises(
            video_sft.RowError, match=r"train\.json, row 2 \(byte \d+\): the source's parser failed with Attr"
        ):
            video_sft.load("made", data_dir=data, cache_dir=tmp_path / "cache")
        rows = video_sft.load("made", data_dir=data, cache_dir=tmp_path / "cache", split="train", on_bad_row="skip")
        assert [row.position.split(" (")[0] for row in video_sft.skipped_rows(rows)] == ["row 2"]


def test_without_a_sample_the_error_says_where_it_would_be(tmp_path: Path) -> None:
    where = Path(__file__).parent / "samples" / "made"
    with known_while(made_builder()), pytest.raises(ConfigError, match=f"made comes without a sample: {where}"):
        video_sft.load("made", sample=True, cache_dir=tmp_path)


def test_its_evaluation_split_makes_a_list_that_mixtures_are_kept_clear_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VIDEO_SFT_EVAL_IDS", str(tmp_path / "lists"))
    data = write_rows(tmp_path / "made", train=[{"video": "a"}, {"video": "b"}], test=[{"video": "a", "q": "who?"}])
    with known_while(made_builder(pools=("made",))):
        with pytest.raises(SystemExit) as ended:
            main(["eval-ids", "--data-dir", f"made={data}"])
        assert ended.value.code == 0
        assert "made" in capsys.readouterr().out
        mixed: Any = video_sft.mix(["made"], data_dir={"made": data}, cache_dir=tmp_path / "cache", num_rows=2)
        assert set(mixed["video_id"]) == {"made/b"}


def test_functions_of_any_kind_will_do(tmp_path: Path) -> None:
    import functools

    class Reader:
        def __call__(self, part: Any) -> Any:
            return parse(part)

    data = write_rows(tmp_path / "data", train=[{}])
    for function in (functools.partial(parse), Reader(), Reader().__call__):
        with known_while(made_builder(parse=function)):
            rows: Any = video_sft.load("made", data_dir=data, split="train", cache_dir=tmp_path / "cache")
            assert rows["answer"][:] == ["a cup"]
