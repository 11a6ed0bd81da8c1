"""The contract of every source and config, as tests that pytest collects from a subclass."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import datasets
from huggingface_hub import DatasetCard

from video_sft._config_name import is_upstream, upstream_config
from video_sft._loading import load
from video_sft._rows.messages import MessageError, validate_messages
from video_sft._rows.schema import ANSWER_FORMATS, COLUMNS, TASKS, features
from video_sft._rows.skipped_rows import skipped_rows
from video_sft.builders import builder_class, configs, find_source
from video_sft.checking import check_source
from video_sft.errors import MissingMediaError, RowError
from video_sft.mixing import mix
from video_sft.publishing._card.files import source_card
from video_sft.publishing._card.metadata import generated_card
from video_sft.sample_media import sample_folder
from video_sft.testing._opened_files import opened_files
from video_sft.video import Clip, Video

__all__ = ["SourceContract"]

_MACHINE = re.compile(r"(?<![\w.])(/(?:home|root|tmp|var|Users)/|[A-Z]:\\\\)")
_POSITION = re.compile(r"(row|line|entry) \S+")


def expect(holds: object, told: str) -> None:
    """Fail a test with a sentence; unlike `assert`, whether or not pytest rewrites this module."""
    if not holds:
        raise AssertionError(told)


class SourceContract:
    """Tests of sources against the contract their users rely on; a subclass says which sources.

    Every test works on the sources' samples: invented rows in upstream's shape, `samples/<source>` beside the module.

    Attributes:
        sources: their names.
        splits_share_videos: why a video may be in two splits; empty where none is.

    Example:
        >>> class TestMine(SourceContract):
        ...     sources = ("mine",)
    """

    sources: ClassVar[Sequence[str]] = ()
    splits_share_videos: ClassVar[str] = ""
    _folders: ClassVar[dict[type, str]] = {}

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Give each test the sources, or their configs, one by one."""
        every = [config for source in self.sources for config in configs(source)]
        known = {
            "source": list(self.sources),
            "config": every,
            "shared_config": [config for config in every if not is_upstream(config)],
        }
        for name, values in known.items():
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, values)

    def cache(self, tmp_path_factory: Any) -> str:
        """Return the folder the class's tests build datasets in; one for all of them."""
        if type(self) not in self._folders:
            self._folders[type(self)] = str(tmp_path_factory.mktemp("source-contract"))
        return self._folders[type(self)]

    def test_the_sample_gives_rows(self, config: str, tmp_path_factory: Any) -> None:
        """Every config, and every split the source states, has rows in the sample."""
        found = load(config, data_dir=sample_folder(find_source(config).name), cache_dir=self.cache(tmp_path_factory))
        expect(found, f"{config}: the sample has no split")
        for split, rows in found.items():
            expect(split in find_source(config).splits, f"{config}: the source does not state the split {split}")
            expect(len(rows), f"{config}, {split}: the sample has no row")

    def test_features_are_the_schema(self, shared_config: str, tmp_path_factory: Any) -> None:
        """Columns and their types are the shared ones."""
        for split, rows in self._sample(shared_config, tmp_path_factory).items():
            expect(rows.features == features(), f"{shared_config}, {split}: {rows.features} is not the shared schema")
            expect(isinstance(rows.features["video"], Video), f"{shared_config}, {split}: videos are not lazy clips")
            expect(tuple(rows.column_names) == COLUMNS, f"{shared_config}, {split}: the columns are in another order")

    def test_rows_keep_the_contract(self, shared_config: str, tmp_path_factory: Any) -> None:
        """Each row is one that trainers can take as it is."""
        for split, rows in self._sample(shared_config, tmp_path_factory).items():
            for row in rows:
                for problem in _problems(row, shared_config):
                    raise AssertionError(f"{row['id']} in {split}: {problem}")

    def test_ids_are_unique_and_splits_disjoint(self, config: str, tmp_path_factory: Any) -> None:
        """An id is one row's, and a video in one split unless the class says why not."""
        name = "row_id" if is_upstream(config) else "id"
        splits = self._sample(config, tmp_path_factory)
        ids = [key for rows in splits.values() for key in rows[name]]
        twice = sorted({key for key in ids if ids.count(key) > 1})
        expect(not twice, f"{config}: two rows have the id {', '.join(twice)}")
        if name == "id" and not self.splits_share_videos:
            videos = [video for rows in splits.values() for video in set(rows["video_id"]) - {None}]
            shared = sorted({video for video in videos if videos.count(video) > 1})
            expect(not shared, f"{config}: {', '.join(shared)} is in two splits")

    def test_every_view_is_part_of_the_whole(self, source: str, tmp_path_factory: Any) -> None:
        """A view's rows are some of the whole's, and `-source` has all of them."""
        whole = {row["id"]: row for row in _rows(self._sample(source, tmp_path_factory))}
        for config in configs(source)[1:-1]:
            part = list(_rows(self._sample(config, tmp_path_factory)))
            expect(0 < len(part) < len(whole), f"{config}: {len(part)} of {len(whole)} rows are no part of the whole")
            expect(all(whole.get(row["id"]) == row for row in part), f"{config}: has rows that {source} has otherwise")
        upstream = {row["row_id"] for row in _rows(self._sample(upstream_config(source), tmp_path_factory))}
        expect(upstream == set(whole), f"{source}-source has other rows: {sorted(upstream ^ set(whole))}")

    def test_no_cell_names_a_machine(self, config: str, tmp_path_factory: Any) -> None:
        """What is published holds no path of the machine it was built on."""
        folder = sample_folder(find_source(config).name)
        for row in _rows(load(config, data_dir=folder, cache_dir=self.cache(tmp_path_factory))):
            text = json.dumps(row, ensure_ascii=False)
            expect(not _MACHINE.search(text) and folder not in text, f"{config}: a path of this machine in {text}")

    def test_streamed_and_reloaded_rows_equal_built_ones(self, config: str, tmp_path_factory: Any) -> None:
        """The same rows come by every way."""
        built = self._sample(config, tmp_path_factory)
        streamed = self._sample(config, tmp_path_factory, streaming=True)
        again = self._sample(config, tmp_path_factory)
        saved_to = str(tmp_path_factory.mktemp("saved") / config)
        built.save_to_disk(saved_to)
        saved: Any = datasets.load_from_disk(saved_to)
        expect(list(streamed) == list(built), f"{config}: streamed it has the splits {', '.join(streamed)}")
        for split, rows in built.items():
            whole = list(map(_comparable, rows))
            for way, others in (("streamed", streamed), ("loaded again", again)):
                expect(list(map(_comparable, others[split])) == whole, f"{config}, {split}: {way}, its rows are others")
            names = [name for name in rows.column_names if name not in ("video", "image")]
            same = saved[split].select_columns(names).to_list() == rows.select_columns(names).to_list()
            expect(same, f"{config}, {split}: saved to disk and read back, its rows are others")

    def test_rows_mix_with_another_source(self, source: str, tmp_path_factory: Any) -> None:
        """Rows concatenate, interleave and mix with those of another source, clips and all."""
        cache = self.cache(tmp_path_factory)
        other = "star" if source == "next_qa" else "next_qa"
        parts = [rows for name in (source, other) for rows in self._sample(name, tmp_path_factory).values()]
        streamed = (self._sample(name, tmp_path_factory, streaming=True) for name in (source, other))
        streams = [rows for splits in streamed for rows in splits.values()]
        for together in (
            datasets.concatenate_datasets(parts).shuffle(seed=0),
            datasets.interleave_datasets(parts, stopping_strategy="all_exhausted_without_replacement"),
            datasets.concatenate_datasets(streams),
        ):
            rows = list(together)
            expect(len(rows) == sum(map(len, parts)), f"{source} with {other}: rows got lost")
            expect(any(isinstance(row["video"], Clip) for row in rows), f"{source} with {other}: clips got lost")
        if "train" in find_source(source).splits:
            mixed: Any = mix({source: 0.5, other: 0.5}, num_rows=8, seed=0, sample=True, cache_dir=cache)
            expect(set(mixed["source"]) == {source, other}, f"mixed with {other}: rows of {set(mixed['source'])} alone")

    def test_iterating_opens_no_video(self, shared_config: str, tmp_path_factory: Any) -> None:
        """Rows are looked at without a video being opened; a clip opens its file when it is asked for frames."""
        splits = self._sample(shared_config, tmp_path_factory)
        with opened_files() as opened:
            rows = [row for part in splits.values() for row in part.remove_columns("image")]
        touched = [file for file in opened if "video_sft_samples" in file]
        expect(not touched, f"{shared_config}: looking at rows opened {', '.join(touched)}")
        clips = [row["video"] for row in rows if row["video"] is not None]
        if clips:
            with opened_files() as opened:
                frames = clips[0].frames(count=3)
            expect([file for file in opened if "video_sft_samples" in file], f"{clips[0]} opened no file")
            expect(len({frame.tobytes() for frame in frames.data}) > 1, f"{clips[0]}: its frames are all the same")

    def test_missing_media_follow_the_policy(self, source: str, tmp_path_factory: Any) -> None:
        """A video that is not there leaves its cell null, leaves its row out, or stops: as asked for."""
        folder, empty = sample_folder(source), str(tmp_path_factory.mktemp("empty"))

        def rows(missing: Any) -> list[dict[str, Any]]:
            where, cache = dict.fromkeys(find_source(source).pools[:1], empty), self.cache(tmp_path_factory)
            given: Any = load(source, data_dir=folder, media=where, missing=missing, cache_dir=cache)
            return [row for part in given.values() for row in part]

        with_null = rows("null")
        cells = [row[kind] for row in with_null for kind in ("video", "image")]
        expect(not any(cell is not None for cell in cells), f"{source}: cells out of nowhere")
        without = [row["id"] for row in with_null if row["video_id"] is None]
        expect([row["id"] for row in rows("skip")] == without, f"{source}: missing='skip' keeps other rows than those")
        if len(without) < len(with_null):
            try:
                rows("error")
            except MissingMediaError as error:
                named = any(f"{pool}/" in str(error) for pool in find_source(source).pools)
                expect(named and "missing='skip'" in str(error), f"{source}: no video or no remedy in {error}")
            else:
                raise AssertionError(f"{source}: missing='error' let missing videos pass")

    def test_files_are_pinned(self, source: str) -> None:
        """A file has its size and hash, or a reason why not."""
        for part in find_source(source).parts:
            for file in part.files.values():
                pinned, where = file.sha256 and file.size, file.url or file.steps
                expect(pinned or file.unverified, f"{file.name}: state its sha256 and size, or why not in unverified")
                expect(where or file.unverified, f"{file.name}: say where it can be had, in url or steps")

    def test_a_truncated_sample_is_an_error_that_names_file_and_row(self, source: str, tmp_path_factory: Any) -> None:
        """A file that ends too soon is never read as a shorter one."""
        data = Path(tmp_path_factory.mktemp("truncated")) / "data"
        shutil.copytree(sample_folder(source), data)
        files = [part.files["rows"] for part in find_source(source).parts]
        names = [name for file in files for name in (file.name, *file.also)]
        name = next((name for name in names if (data / name).is_file()), None)
        if name is None:
            raise AssertionError(f"{source}: the sample has none of {', '.join(names)}")
        content = (data / name).read_bytes()
        (data / name).write_bytes(content[: len(content) * 2 // 3])
        cache = self.cache(tmp_path_factory)
        try:
            load(source, data_dir=data, cache_dir=cache)
        except RowError as error:
            expect(error.file == name, f"{source}: the error names the file {error.file}, not {name}")
            expect(_POSITION.match(error.position), f"{source}: {error.position!r} is no row's position")
        else:
            raise AssertionError(f"{source}: two thirds of {name} were read as if they were all of it")
        skipped = skipped_rows(load(source, data_dir=data, cache_dir=cache, on_bad_row="skip"))
        expect(skipped, f"{source}: on_bad_row='skip' counted nothing")

    def test_the_builder_works_by_itself(self, source: str, tmp_path_factory: Any) -> None:
        """The builder class is a `datasets` builder, whose cache folder bears the source's name."""
        cache = self.cache(tmp_path_factory)
        builder = builder_class(source)(cache, config_name=source, data_dir=sample_folder(source))
        expect(builder.dataset_name == source.lower(), f"{source}: its folder is {builder.dataset_name}")
        builder.download_and_prepare()
        streamed = builder.as_streaming_dataset()
        expect(list(builder.as_dataset()) == list(streamed), f"{source}: other splits as a stream")

    def test_check_finds_no_error(self, source: str) -> None:
        """`video-sft check` has nothing against the sample."""
        errors = [finding for finding in check_source(source, sample=True).findings if finding.severity == "error"]
        expect(not errors, f"{source}: {errors}")

    def test_its_card_can_be_made(self, source: str) -> None:
        """There is a card, by hand or of the class's docstring, with the blocks that are generated."""
        card = DatasetCard(generated_card([source], source_card(source)))
        facts = find_source(source)
        licence = getattr(card.data, "license", None)
        expect(licence == facts.license.lower(), f"{source}: the card's licence is {licence}")
        expect(f"# {facts.title}" in card.text, f"{source}: the card has no title")
        prose = re.sub(r"(?s)<!-- generated.*?<!-- end: \w+ -->|^#.*?$", "", card.text, flags=re.MULTILINE)
        expect(len(prose.split()) > 3, f"{source}: nothing by hand; write a docstring, or dataset_cards/{source}.md")

    def _sample(self, config: str, tmp_path_factory: Any, **options: Any) -> Any:
        return load(config, sample=True, cache_dir=self.cache(tmp_path_factory), **options)


def _rows(splits: Any) -> Iterator[dict[str, Any]]:
    return (_comparable(row) for rows in splits.values() for row in rows)


def _comparable(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its media in a form that compares, so that two loads of it do."""
    image = row.get("image") if "messages" in row else None
    shown = {"video": repr(row["video"])} if isinstance(row.get("video"), Clip) else {}
    return {**row, **shown, **({} if image is None else {"image": (image.size, image.tobytes())})}


def _problems(row: dict[str, Any], config: str) -> Iterator[str]:
    """Yield what is wrong with a shared row."""
    source, pools = find_source(config), builder_class(config).source.pools
    kinds = [part["type"] for message in row["messages"] for part in message["content"]]
    has_video, has_image = "video" in kinds, "image" in kinds
    try:
        validate_messages(row["messages"], video=has_video, image=has_image)
    except MessageError as error:
        yield str(error)
    video, path, limits = row["video_id"], row["video_path"], (row["start_seconds"], row["stop_seconds"])
    moments = [(moment["start_seconds"], moment["stop_seconds"]) for moment in row["evidence"]]
    told = row["messages"][-1]["role"] == "assistant"
    of_choices = row["answer_format"] == "multiple_choice"
    right = None if row["answer_index"] is None else row["choices"][row["answer_index"]]
    rules = {
        f"the id does not begin with {source.name}/": row["id"].startswith(f"{source.name}/"),
        f"source is {row['source']}": row["source"] == source.name,
        f"{row['task']} is none of the source's tasks": row["task"] in TASKS and row["task"] in source.tasks,
        f"answer_format is {row['answer_format']}": row["answer_format"] in ANSWER_FORMATS,
        "there is no licence": bool(row["license"]),
        "video_id and the media part of messages do not go together": (video is not None) == (has_video or has_image),
        "a video beside messages without one": (row["video"] is not None) <= has_video,
        "an image beside messages without one": (row["image"] is not None) <= has_image,
        f"video_id {video} is in none of the source's pools": video is None or video.partition("/")[0] in pools,
        f"video_path {path} is in none of the source's pools": path is None or path.partition("/")[0] in pools,
        "fewer than two options": not of_choices or len(row["choices"]) >= 2,
        "answer is not the option that answer_index says": right == row["answer"] or not of_choices,
        "options beside an open question": of_choices or (not row["choices"] and right is None),
        "the last turn does not go with the answer": told == (row["answer"] is not None),
        f"the clip {limits} ends before it begins": None in limits or limits[0] < limits[1],
        "a moment of the evidence ends before it begins": all(0 <= start < stop for start, stop in moments),
    }
    yield from (problem for problem, kept in rules.items() if not kept)
