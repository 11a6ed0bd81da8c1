"""Properties of a clip, before and while it is read."""

from __future__ import annotations

import builtins
import copy
import io
import multiprocessing
import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from video_sft.errors import VideoError
from video_sft.video import Clip, split_fragment, with_fragment
from video_sft.video._fragment import disguised


@pytest.mark.parametrize(
    ("start", "stop"),
    [(None, None), (11.1, 19.6), (0.0, None), (None, 3.0), (0.1 + 0.2, 1e-7), (1e22, 123456789.123456789), (5, 7)],
)
def test_limits_travel_on_the_path_exactly(start: float | None, stop: float | None) -> None:
    for path in ("/data/6H78U.mp4", "hf://datasets/a/b@c/v#1.mp4", "strange#t=1.mp4", "ends like one#t=2,3"):
        assert split_fragment(with_fragment(path, start, stop)) == (path, start, stop)


@pytest.mark.parametrize(
    "path", ["a.mp4#t=", "a.mp4#t=1", "a.mp4#t=1,2x", "a#t=1,2.mp4", "a.mp4#t=-1,2", "a.mp4#t=nan,2", "a#x=1,2"]
)
def test_anything_else_belongs_to_the_name(path: str) -> None:
    assert split_fragment(path) == (path, None, None)


@pytest.mark.parametrize("limit", [-1.0, float("nan"), float("inf")])
def test_impossible_limits_are_refused(limit: float) -> None:
    with pytest.raises(ValueError, match="limits"):
        with_fragment("a.mp4", limit, None)
    with pytest.raises(ValueError, match="limits"):
        Clip("a.mp4", limit)


def test_a_clip_opens_nothing_until_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("opened")

    for module, name in ((builtins, "open"), (os, "open"), (os, "stat")):
        monkeypatch.setattr(module, name, refuse)
    clip = Clip("/nowhere/a.mp4#t=1,2").clip(1.5, 1.7)
    assert (clip.path, clip.start_seconds, clip.stop_seconds) == ("/nowhere/a.mp4", 1.5, 1.7)
    assert repr(clip) == "Clip('/nowhere/a.mp4#t=1.5,1.7')"


def test_a_part_never_reaches_beyond_the_clip() -> None:
    clip = Clip("a.mp4", 10, 20)
    assert (clip.clip(5, 30).start_seconds, clip.clip(5, 30).stop_seconds) == (10, 20)
    assert (clip.clip(12).start_seconds, clip.clip(12).stop_seconds) == (12, 20)
    assert clip.clip() == clip
    with pytest.raises(ValueError, match="stop after it starts"):
        clip.clip(3, 2)


def test_times_and_numbers_are_those_of_the_file(plain: Path, reference: tuple[np.ndarray, np.ndarray]) -> None:
    frames, times = reference
    cut = Clip(plain).clip(0.5, 1.5)
    everything = cut.frames()
    assert everything.indices.tolist() == list(range(12, 38))
    assert np.array_equal(everything.data, frames[12:38])
    assert np.array_equal(everything.pts_seconds, times[12:38])
    assert np.allclose(everything.duration_seconds, 0.04)
    assert cut.frames(times=[1.0]).indices.tolist() == [25]
    assert cut.frames(indices=[25]).pts_seconds.tolist() == [1.0]
    assert cut.metadata == Clip(plain).metadata


def test_limits_from_data_that_make_no_sense_are_told_when_the_clip_is_read(plain: Path) -> None:
    for fragment in ("#t=5,5", "#t=3,1", "#t=99,100"):
        clip = Clip(f"{plain}{fragment}")
        with pytest.raises(VideoError, match=r"plain\.mp4: the clip"):
            clip.frames(count=2)


def test_a_clip_pickles_and_copies(plain: Path) -> None:
    clip = Clip(plain, 0.2, 1.0)
    before = clip.frames(count=3)
    for other in (pickle.loads(pickle.dumps(clip)), copy.deepcopy(clip), copy.copy(clip)):
        assert other == clip
        assert hash(other) == hash(clip)
        assert np.array_equal(other.frames(count=3).data, before.data)
    assert len(pickle.dumps(clip)) < 1000
    assert Clip(plain) != clip


def test_a_clip_reads_like_its_stored_cell(plain: Path) -> None:
    assert dict(Clip(plain, 1, 2)) == {"bytes": None, "path": f"clip://t=1.0,2.0::{plain}"}
    assert Clip(dict(Clip(plain, 1, 2))) == Clip(plain, 1.0, 2.0)
    data = plain.read_bytes()
    assert dict(Clip(data)) == {"bytes": data, "path": None}
    assert dict(Clip(data, 1)) == {"bytes": disguised(data), "path": "clip://t=1.0,::"}
    assert Clip(dict(Clip(data, 1))) == Clip(data, 1.0)


def test_anything_that_holds_a_video_will_do(plain: Path) -> None:
    expected = Clip(str(plain)).frames(count=2).data
    data = plain.read_bytes()
    with plain.open("rb") as file:
        file.seek(100)
        for video in (plain, data, bytearray(data), memoryview(data), io.BytesIO(data), file, f"file://{plain}"):
            assert np.array_equal(Clip(video).frames(count=2).data, expected)
    for nonsense in (3, None, ["a.mp4"], {"path": None, "bytes": None}, io.StringIO("text")):
        with pytest.raises(TypeError):
            Clip(nonsense)


def test_paths_are_never_read_as_anything_but_files(tmp_path: Path, plain: Path) -> None:
    odd = tmp_path / "concat:a|b %d ?x=1.mp4"
    odd.write_bytes(plain.read_bytes())
    assert Clip(odd).metadata.num_frames == 50
    (tmp_path / "list.mp4").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{plain}\n#EXT-X-ENDLIST\n")
    with pytest.raises(VideoError, match="not a video"):
        _ = Clip(tmp_path / "list.mp4").metadata
    (tmp_path / "concat.mp4").write_text(f"ffconcat version 1.0\nfile '{plain}'\n")
    with pytest.raises(VideoError, match="not a video"):
        _ = Clip(tmp_path / "concat.mp4").metadata


def test_a_file_replaced_in_between_is_noticed(tmp_path: Path, plain: Path, videos: dict[str, Path]) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(plain.read_bytes())
    clip = Clip(path)
    assert clip.metadata.num_frames == 50
    path.write_bytes(videos["open_gop"].read_bytes())
    with pytest.raises(VideoError, match="changed"):
        clip.frames(count=1)


def test_threads_may_share_a_clip(plain: Path, reference: tuple[np.ndarray, np.ndarray]) -> None:
    clip = Clip(plain)
    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(clip.frames, indices=[n, 49 - n], num_threads=2) for n in range(40)]
        for n, job in enumerate(jobs):
            assert np.array_equal(job.result().data, reference[0][[n, 49 - n]])


def test_descriptors_and_threads_stay_flat(videos: dict[str, Path]) -> None:
    def read_all() -> None:
        for kind in ("plain", "mkv", "gif"):
            Clip(videos[kind]).frames(count=3, size=16, num_threads=2)

    read_all()
    before = len(os.listdir("/proc/self/fd")), threading.active_count()
    kept = []
    for _ in range(30):
        read_all()
        kept.append(Clip(videos["plain"]))
        _ = kept[-1].metadata
        with pytest.raises(VideoError):
            Clip(b"no video").frames()
    assert (len(os.listdir("/proc/self/fd")), threading.active_count()) == before


def _count_frames(clip: Clip) -> tuple[int, int]:
    frames = clip.frames(count=4, size=16)
    return int(frames.data.sum()), clip.metadata.num_frames


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_worker_processes_read_clips_that_were_used_before(plain: Path, method: str) -> None:
    clip = Clip(plain)
    expected = _count_frames(clip)
    with multiprocessing.get_context(method).Pool(2 if method == "fork" else 1) as pool:
        assert pool.map_async(_count_frames, [clip] * 4).get(timeout=60) == [expected] * 4
