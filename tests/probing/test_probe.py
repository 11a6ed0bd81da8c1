"""`probe`: facts about each row's file, read once and kept."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import datasets
import pytest
from tests.trainers.clock_rows import as_dataset, clock_row, clock_rows, draw_clock
from tests.video.video_server import VideoServer

import video_sft
from video_sft.errors import ConfigError, VideoError
from video_sft.video._reading.video_reader import VideoReader

Opened = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> datasets.Dataset:
    return clock_rows(tmp_path_factory.mktemp("clock"))


def test_each_row_has_the_facts_of_its_file(drawn: datasets.Dataset, cache: Path) -> None:
    facts = video_sft.probe(drawn, cache_dir=cache)
    assert len(facts) == len(drawn)
    by_id = dict(zip(drawn["id"], facts, strict=True))
    whole = by_id["clock/whole"]
    assert (whole["duration_seconds"], whole["clip_seconds"], whole["fps"]) == (6.0, 6.0, 10.0)
    assert (whole["num_frames"], whole["width"], whole["height"], whole["has_sound"]) == (60, 112, 112, False)
    assert (by_id["clock/cut"]["duration_seconds"], by_id["clock/cut"]["clip_seconds"]) == (30.0, 4.0)
    assert by_id["clock/end"]["clip_seconds"] == 5.0
    image = by_id["clock/image"]
    assert (image["width"], image["height"], image["duration_seconds"], image["error"]) == (112, 112, None, None)
    assert not any(value for value in by_id["clock/text"].values())
    beside = datasets.concatenate_datasets([drawn, facts], axis=1)
    assert beside[3]["clip_seconds"] == 4.0


def test_a_file_that_was_probed_is_not_opened_again(drawn: datasets.Dataset, cache: Path, opened_files: Opened) -> None:
    with opened_files() as opened:
        first = video_sft.probe(drawn, cache_dir=cache)
    looks = [name for name in opened if name.endswith("long.mp4")]
    assert len(looks) <= 2  # for its layout, by two readers; four rows are about it
    with opened_files() as opened:
        again = video_sft.probe(drawn.select([3, 5]), cache_dir=cache)
    assert not any(name.endswith(".mp4") for name in opened)
    assert again[0] == first[3]


def test_a_file_that_changed_is_probed_anew(tmp_path: Path, cache: Path) -> None:
    video = draw_clock(tmp_path / "a.mp4", 2)
    assert video_sft.probe([video_sft.Clip(video)], cache_dir=cache)[0]["duration_seconds"] == 2.0
    draw_clock(video, 3)
    assert video_sft.probe([video_sft.Clip(video)], cache_dir=cache)[0]["duration_seconds"] == 3.0


def test_a_broken_file_is_a_row_with_its_error(tmp_path: Path, cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    good, broken = draw_clock(tmp_path / "good.mp4", 2), tmp_path / "broken.mp4"
    broken.write_bytes(b"no video at all")
    rows = [clock_row("a", broken), clock_row("b", good), clock_row("c", tmp_path / "absent.mp4")]
    with caplog.at_level(logging.WARNING, "video_sft"):
        facts = video_sft.probe(as_dataset(rows), cache_dir=cache)
    assert "2 of 3 files cannot be read" in caplog.text
    assert str(broken) in facts[0]["error"]
    assert facts[0]["duration_seconds"] is None
    assert (facts[1]["duration_seconds"], facts[1]["error"]) == (2.0, None)
    assert "no such file" in facts[2]["error"]
    with pytest.raises(VideoError, match=r"can be opened|no such file"):
        video_sft.probe(as_dataset(rows), cache_dir=cache, on_error="raise")
    shutil.copyfile(good, broken)
    assert video_sft.probe(as_dataset(rows), cache_dir=cache)[0]["duration_seconds"] == 2.0


def test_a_clip_behind_the_end_of_its_video_is_told(tmp_path: Path, cache: Path) -> None:
    video = draw_clock(tmp_path / "a.mp4", 2)
    facts = video_sft.probe([video_sft.Clip(video, 5.0, 6.0)], cache_dir=cache)
    assert facts[0]["clip_seconds"] is None
    assert "goes on until 2 s" in facts[0]["error"]


def test_what_a_stopped_call_learnt_is_kept(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, opened_files: Opened
) -> None:
    clips = [video_sft.Clip(draw_clock(tmp_path / f"{number}.mp4", 2)) for number in range(4)]
    track = VideoReader.track

    def stopping(self: VideoReader, **keywords: bool) -> object:
        if (self.source.path or "").endswith("2.mp4"):
            raise KeyboardInterrupt
        return track(self, **keywords)

    monkeypatch.setattr(VideoReader, "track", stopping)
    with pytest.raises(KeyboardInterrupt):
        video_sft.probe(clips, cache_dir=cache, num_threads=1)
    monkeypatch.setattr(VideoReader, "track", track)
    with opened_files() as opened:
        facts = video_sft.probe(clips, cache_dir=cache)
    assert facts["duration_seconds"] == [2.0] * 4
    assert not any(name.endswith(("0.mp4", "1.mp4")) for name in opened)


def test_a_line_that_was_cut_short_costs_only_itself(tmp_path: Path, cache: Path) -> None:
    one, two = (video_sft.Clip(draw_clock(tmp_path / f"{name}.mp4", 2)) for name in "ab")
    video_sft.probe([one], cache_dir=cache)
    (kept,) = (cache / "video_sft_facts").iterdir()
    kept.write_bytes(kept.read_bytes()[:-20])
    video_sft.probe([two], cache_dir=cache)
    assert video_sft.probe([one, two], cache_dir=cache)["num_frames"] == [20, 20]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_cache_that_is_read_only_is_done_without(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o500)
    assert video_sft.probe([video_sft.Clip(draw_clock(tmp_path / "a.mp4", 2))], cache_dir=cache)["fps"] == [10.0]
    assert "cannot be kept there" in caplog.text


@pytest.fixture
def server(tmp_path: Path) -> Iterator[VideoServer]:
    draw_clock(tmp_path / "served" / "a.mp4", 5)
    with VideoServer(tmp_path / "served") as running:
        yield running


def test_a_remote_file_is_known_by_its_version(server: VideoServer, cache: Path) -> None:
    clip = video_sft.Clip(server.url("a.mp4"))
    assert video_sft.probe([clip], cache_dir=cache)["duration_seconds"] == [5.0]
    server.asked.clear()
    assert video_sft.probe([clip], cache_dir=cache)["duration_seconds"] == [5.0]
    assert len(server.asked) == 1
    draw_clock(server.folder / "a.mp4", 7)
    server.etag = '"two"'
    assert video_sft.probe([clip], cache_dir=cache)["duration_seconds"] == [7.0]


def test_images_turned_by_their_camera_are_as_wide_as_shown(tmp_path: Path, cache: Path) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(tmp_path / "a.jpg", exif=exif)
    rows = as_dataset([clock_row("a", image={"bytes": None, "path": str(tmp_path / "a.jpg")})])
    assert (rows[0]["image"].width, rows[0]["image"].height) == (20, 40)
    facts = video_sft.probe(rows, cache_dir=cache)[0]
    assert (facts["width"], facts["height"]) == (20, 40)


def test_a_mixture_is_described_by_the_hours_of_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened_files: Opened
) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    whole, long = draw_clock(tmp_path / "a.mp4", 6), draw_clock(tmp_path / "b.mp4", 30)
    rows = [clock_row("clock/a", whole, video_id="pool/a"), clock_row("clock/again", whole, video_id="pool/a")]
    rows += [
        clock_row("clock/b", long, video_id="pool/b", start_seconds=4.0, stop_seconds=16.0),
        clock_row("clock/c", long, video_id="pool/b", start_seconds=20.0),
        clock_row("clock/none"),
    ]
    mixed = video_sft.mix({"clock": as_dataset(rows)}, probabilities=[1.0], decontaminate=None)
    report = video_sft.describe(mixed)
    assert report.total.hours == pytest.approx((6 + 12 + 10) / 3600)
    assert report.total.timed_rows == 4
    with opened_files() as opened:
        without = video_sft.describe(mixed, hours=False)
        video_sft.describe(mixed)
    assert (without.total.hours, without.total.timed_rows) == (pytest.approx(12 / 3600), 1)
    assert not any(name.endswith(".mp4") for name in opened)


def test_what_is_no_row_is_refused(cache: Path) -> None:
    with pytest.raises(ConfigError, match="rows are a Dataset"):
        video_sft.probe("star", cache_dir=cache)
    with pytest.raises(ConfigError, match="neither video nor image"):
        video_sft.probe(datasets.Dataset.from_dict({"text": ["a"]}), cache_dir=cache)
    with pytest.raises(ConfigError, match="on_error"):
        video_sft.probe([], on_error="skip", cache_dir=cache)  # type: ignore[arg-type]
    assert len(video_sft.probe([], cache_dir=cache)) == 0
