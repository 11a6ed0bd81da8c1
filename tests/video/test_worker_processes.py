"""Worker processes and threads read the frames their parent reads, also where the parent read frames before."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

from video_sft.video import Clip, Video, read_frames

#: Seconds after which a worker that gives nothing counts as hung.
HUNG_SECONDS = 120

CHOICE: dict[str, Any] = {"count": 3, "size": (16, 24)}


@pytest.fixture(scope="module")
def rows(videos: dict[str, Path]) -> datasets.Dataset:
    """Twelve rows of several kinds, some cut."""
    paths = [str(videos[kind]) for kind in ("plain", "mkv", "ts", "hevc", "vp9", "mpeg4_avi")]
    cells = [*paths, *(f"{path}#t=0.4,1.6" for path in paths)]
    table = datasets.Dataset.from_dict({"row": list(range(len(cells))), "video": cells})
    return table.cast_column("video", Video())


@pytest.fixture(scope="module")
def expected(rows: datasets.Dataset) -> list[np.ndarray]:
    """Frames of each row, read here with several threads: whatever they leave behind, a forked worker inherits."""
    found = read_frames(rows, **CHOICE, num_threads=4)
    for clip in rows[:]["video"]:
        clip.frames(count=8, num_threads=3)
    return [frames.data for frames in found if frames is not None]


def decode(batch: list[dict[str, Any]]) -> list[tuple[int, np.ndarray]]:
    """Frames of the rows a loader gathered."""
    return [(row["row"], row["video"].frames(**CHOICE).data) for row in batch]


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_data_loader_workers(rows: datasets.Dataset, expected: list[np.ndarray], context: str) -> None:
    data = pytest.importorskip("torch.utils.data")
    workers = 2 if context == "fork" else 1  # a started one imports everything anew
    loader = data.DataLoader(
        rows,
        batch_size=2,
        num_workers=workers,
        collate_fn=decode,
        multiprocessing_context=context,
        timeout=HUNG_SECONDS,
    )
    for _ in range(2 if context == "fork" else 1):  # the second pass starts new workers
        found = dict(pair for batch in loader for pair in batch)
        assert sorted(found) == list(range(len(expected)))
        for row, frames in enumerate(expected):
            assert np.array_equal(found[row], frames), row


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_worker_forked_while_another_thread_decodes(rows: datasets.Dataset, expected: list[np.ndarray]) -> None:
    """Rows are not read beside: Arrow's own memory may be locked at a fork for good, whatever a clip does."""
    data = pytest.importorskip("torch.utils.data")
    stop, clip = threading.Event(), rows[0]["video"]

    def keep_reading() -> None:
        while not stop.is_set():
            clip.frames(count=8, num_threads=2)

    thread = threading.Thread(target=keep_reading)
    thread.start()
    try:
        loader = data.DataLoader(
            rows, batch_size=3, num_workers=2, collate_fn=decode, multiprocessing_context="fork", timeout=HUNG_SECONDS
        )
        found = dict(pair for batch in loader for pair in batch)
    finally:
        stop.set()
        thread.join()
    assert all(np.array_equal(found[row], frames) for row, frames in enumerate(expected))


def test_two_threads_on_one_clip(videos: dict[str, Path]) -> None:
    for kind in ("plain", "mkv", "raw_h264"):
        whole = Clip(videos[kind]).frames().data
        clip = Clip(videos[kind])  # neither thread finds it understood
        barrier = threading.Barrier(2)

        def read(numbers: list[int], clip: Clip = clip, barrier: threading.Barrier = barrier) -> list[np.ndarray]:
            barrier.wait(HUNG_SECONDS)
            return [clip.frames(indices=[number], num_threads=2).data[0] for number in numbers]

        with ThreadPoolExecutor(2) as pool:
            jobs = {pool.submit(read, numbers): numbers for numbers in ([0, 30, 7, 49], [48, 2, 30, 12])}
            for job, numbers in jobs.items():
                assert np.array_equal(job.result(HUNG_SECONDS), whole[numbers]), kind


def answer(questions: Any, answers: Any) -> None:
    """Read clips from one queue and put their frames into another, until there is none."""
    for clip in iter(questions.get, None):
        answers.put((clip, clip.frames(**CHOICE).data))


@pytest.fixture(params=["fork", "spawn"])
def queues(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Any]]:
    """Questions and answers of a process that reads clips."""
    context = multiprocessing.get_context(request.param)
    questions, answers = context.Queue(), context.Queue()
    process = context.Process(target=answer, args=(questions, answers), daemon=True)
    process.start()
    yield questions, answers
    questions.put(None)
    process.join(HUNG_SECONDS)
    assert process.exitcode == 0


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_clips_move_through_queues(rows: datasets.Dataset, expected: list[np.ndarray], queues: tuple[Any, Any]) -> None:
    questions, answers = queues
    for row, frames in enumerate(expected):
        clip = rows[row]["video"]
        _ = clip.metadata  # what is known of the file stays behind
        questions.put(clip)
        returned, found = answers.get(timeout=HUNG_SECONDS)
        assert returned == clip
        assert np.array_equal(found, frames)
        assert np.array_equal(returned.frames(**CHOICE).data, frames)


def add_frames(row: dict[str, Any]) -> dict[str, Any]:
    """The frames of a row, and where they are."""
    frames = row["video"].frames(**CHOICE)
    return {"frames": frames.data, "seconds": frames.pts_seconds}


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_map_with_two_processes(rows: datasets.Dataset, expected: list[np.ndarray]) -> None:
    mapped = rows.map(add_frames, num_proc=2)
    assert mapped["row"][:] == list(range(len(expected)))
    for row, frames in enumerate(expected):
        assert np.array_equal(np.array(mapped[row]["frames"]), frames), row
        assert mapped[row]["video"] == rows[row]["video"]
        assert mapped[row]["seconds"] == rows[row]["video"].frames(**CHOICE).pts_seconds.tolist()
