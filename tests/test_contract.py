"""What every source and every config has to keep; a new source is picked up by being there."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import datasets
import pytest

import video_sft
from tests.expectations import as_text, built_rows, expected_path, read_expected
from video_sft.builders import builder_class, find_source
from video_sft.building.source import RemoteFile
from video_sft.rows import ANSWER_FORMATS, COLUMNS, TASKS
from video_sft.sample_media import sample_folder

ROOT = Path(__file__).resolve().parents[1]
SOURCES = video_sft.sources()
CONFIGS = video_sft.configs()
SHARED_CONFIGS = [config for config in CONFIGS if not config.endswith("-source")]
WHOLE = [name for name in CONFIGS if "-" not in name]


def load_sample(config: str, cache: str, **options: Any) -> Any:
    return video_sft.load(config, sample=True, cache_dir=cache, **options)


def comparable(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its media in a form that compares, so that two loads of it do."""
    image = row.get("image") if "messages" in row else None
    shown = {"video": repr(row["video"])} if isinstance(row.get("video"), video_sft.Clip) else {}
    return {**row, **shown, **({} if image is None else {"image": (image.size, image.tobytes())})}


def test_modules_cards_and_samples_have_the_same_names() -> None:
    package = ROOT / "loaders" / "video_sft"
    modules = {path.stem for path in (package / "builders").glob("*.py")} - {"__init__"}
    samples = {path.name for path in (package / "samples").iterdir() if path.is_dir() and path.name != "__pycache__"}
    cards = {path.stem for path in (ROOT / "dataset_cards").glob("*.md")} - {"video-sft"}
    assert set(SOURCES) == modules == samples == cards


@pytest.mark.parametrize("config", CONFIGS)
def test_sample_gives_the_expected_rows(config: str, session_cache: str) -> None:
    rows = [json.loads(line) for line in as_text(built_rows(config, session_cache)).split("\n")[:-1]]
    assert rows == read_expected(config)


def test_no_expectation_is_left_over() -> None:
    assert {path.stem for path in expected_path("x").parent.glob("*.jsonl")} == set(CONFIGS)


@pytest.mark.parametrize("config", SHARED_CONFIGS)
def test_features_are_the_schema(config: str, session_cache: str) -> None:
    for rows in load_sample(config, session_cache).values():
        assert rows.features == video_sft.features()
        assert isinstance(rows.features["video"], video_sft.Video)
        assert tuple(rows.column_names) == COLUMNS


def test_every_shared_config_concatenates(session_cache: str) -> None:
    parts = [rows for config in SHARED_CONFIGS for rows in load_sample(config, session_cache).values()]
    together = datasets.concatenate_datasets(parts)
    assert len(together) == sum(len(part) for part in parts)
    assert together.features.to_dict() == video_sft.features().to_dict()
    shuffled = together.shuffle(seed=0)
    streams = [rows for config in WHOLE for rows in load_sample(config, session_cache, streaming=True).values()]
    interleaved = datasets.interleave_datasets(parts, stopping_strategy="all_exhausted_without_replacement")
    for whole in (together, shuffled, datasets.concatenate_datasets(streams), interleaved):
        assert {type(row["video"]) for row in whole} == {video_sft.Clip, type(None)}


@pytest.mark.parametrize("config", SHARED_CONFIGS)
def test_rows_keep_the_contract(config: str, session_cache: str) -> None:
    source = find_source(config)
    for split, rows in load_sample(config, session_cache).items():
        assert split in source.splits
        for row in rows:
            assert row["id"].startswith(f"{source.name}/")
            assert row["source"] == source.name
            assert row["task"] in TASKS
            assert row["task"] in source.tasks
            assert row["answer_format"] in ANSWER_FORMATS
            assert row["license"]
            part_types = [part["type"] for message in row["messages"] for part in message["content"]]
            has_video, has_image = "video" in part_types, "image" in part_types
            video_sft.validate_messages(row["messages"], video=has_video, image=has_image)
            assert (row["video_id"] is not None) == (has_video or has_image)
            assert (row["video"] is not None) <= has_video
            assert (row["image"] is not None) <= has_image
            if row["video_id"] is not None:
                assert row["video_id"].partition("/")[0] in source.pools
                assert row["video_path"].partition("/")[0] in source.pools
            if row["answer_format"] == "multiple_choice":
                assert len(row["choices"]) >= 2
                if row["answer"] is not None:
                    assert row["choices"][row["answer_index"]] == row["answer"]
            else:
                assert row["choices"] == []
                assert row["answer_index"] is None
            assert (row["messages"][-1]["role"] == "assistant") == (row["answer"] is not None)
            limits = row["start_seconds"], row["stop_seconds"]
            assert None in limits or limits[0] < limits[1]
            assert all(0 <= moment["start_seconds"] < moment["stop_seconds"] for moment in row["evidence"])


@pytest.mark.parametrize("config", CONFIGS)
def test_ids_are_unique_and_splits_disjoint(config: str, session_cache: str) -> None:
    name = "row_id" if config.endswith("-source") else "id"
    ids = [key for rows in load_sample(config, session_cache).values() for key in rows[name]]
    assert len(ids) == len(set(ids))
    if name == "id":
        videos = [set(rows["video_id"]) - {None} for rows in load_sample(config, session_cache).values()]
        assert sum(map(len, videos)) == len(set().union(*videos))


@pytest.mark.parametrize("source", WHOLE)
def test_every_view_is_part_of_the_whole(source: str, session_cache: str) -> None:
    whole = {row["id"]: row for rows in load_sample(source, session_cache).values() for row in map(comparable, rows)}
    for config in video_sft.configs(source)[1:-1]:
        part = [row for rows in load_sample(config, session_cache).values() for row in map(comparable, rows)]
        assert 0 < len(part) < len(whole)
        assert all(whole[row["id"]] == row for row in part)
    upstream = load_sample(f"{source}-source", session_cache)
    assert {key for rows in upstream.values() for key in rows["row_id"]} == set(whole)


@pytest.mark.parametrize("config", CONFIGS)
def test_no_cell_names_a_machine(config: str, session_cache: str) -> None:
    text = as_text(built_rows(config, session_cache))
    assert not re.search(r"(?<![\w.])(/(?:home|root|tmp|var|Users)/|[A-Z]:\\\\)", text)


@pytest.mark.parametrize("config", CONFIGS)
def test_streamed_and_reloaded_rows_equal_built_ones(config: str, session_cache: str, tmp_path: Path) -> None:
    built = load_sample(config, session_cache)
    streamed = load_sample(config, session_cache, streaming=True)
    assert list(streamed) == list(built)
    again = load_sample(config, session_cache)
    built.save_to_disk(str(tmp_path / "saved"))
    for split, rows in built.items():
        expected = [comparable(row) for row in rows]
        assert [comparable(row) for row in streamed[split]] == expected
        assert [comparable(row) for row in again[split]] == expected
        saved = datasets.load_from_disk(str(tmp_path / "saved"))[split]
        names = [name for name in saved.column_names if name not in ("video", "image")]
        assert saved.select_columns(names).to_list() == rows.select_columns(names).to_list()


@pytest.mark.parametrize("config", SHARED_CONFIGS)
def test_iterating_opens_no_video(config: str, session_cache: str, opened_files: Any) -> None:
    splits = load_sample(config, session_cache)
    with opened_files() as opened:
        rows = [row for part in splits.values() for row in part.remove_columns("image")]
    clips = [row["video"] for row in rows if row["video"] is not None]
    assert clips
    assert not [file for file in opened if "video_sft_samples" in file]
    with opened_files() as opened:
        clips[0].frames(count=1)
    assert [file for file in opened if "video_sft_samples" in file]


@pytest.mark.parametrize("source", WHOLE)
def test_sample_clips_decode(source: str, session_cache: str) -> None:
    rows = next(iter(load_sample(source, session_cache).values()))
    clip = next((row["video"] for row in rows if row["video"] is not None), None)
    assert clip is not None
    frames = clip.frames(count=3)
    assert frames.data.shape[0] == 3
    assert len({frame.tobytes() for frame in frames.data}) > 1


@pytest.mark.parametrize("source", SOURCES)
def test_remote_files_are_pinned(source: str) -> None:
    for part in find_source(source).parts:
        for file in part.files.values():
            assert isinstance(file, RemoteFile)
            assert file.url or file.steps
            assert (file.sha256 and file.size) or file.unverified


@pytest.mark.parametrize("source", SOURCES)
def test_missing_media_follow_the_policy(source: str, session_cache: str, tmp_path: Path) -> None:
    folder, pool = sample_folder(source), find_source(source).pools[0]
    (tmp_path / "empty").mkdir()

    def load(missing: Any) -> Any:
        where = {pool: tmp_path / "empty"}
        return video_sft.load(source, data_dir=folder, media=where, missing=missing, cache_dir=session_cache)

    rows = [row for part in load("null").values() for row in part]
    with_media = [row for row in rows if row["video_id"] is not None]
    assert with_media
    assert all(row["video"] is None and row["image"] is None for row in rows)
    kept = [row["id"] for part in load("skip").values() for row in part]
    assert kept == [row["id"] for row in rows if row["video_id"] is None]
    with pytest.raises(video_sft.MissingMediaError, match=re.escape(f"{pool}/")) as caught:
        load("error")
    assert "missing='skip'" in str(caught.value)


@pytest.mark.parametrize("source", SOURCES)
def test_a_truncated_sample_is_an_error_that_names_file_and_row(
    source: str, tmp_path: Path, session_cache: str
) -> None:
    facts = find_source(source)
    data = tmp_path / "data"
    shutil.copytree(sample_folder(source), data)
    part = next(part for part in facts.parts if (data / part.files["rows"].name).is_file())
    file = data / part.files["rows"].name
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(video_sft.RowError) as caught:
        video_sft.load(source, data_dir=data, cache_dir=session_cache)
    assert caught.value.file == part.files["rows"].name
    assert re.match(r"(row|line) \d+", caught.value.position)
    skipped = video_sft.load(source, data_dir=data, cache_dir=session_cache, on_bad_row="skip")
    assert video_sft.skipped_rows(skipped)


@pytest.mark.parametrize("source", SOURCES)
def test_builder_class_works_by_itself(source: str, session_cache: str) -> None:
    builder = builder_class(source)(session_cache, config_name=source, data_dir=sample_folder(source))
    assert builder.name == source
    builder.download_and_prepare()
    assert list(builder.as_dataset()) == list(builder.as_streaming_dataset())
