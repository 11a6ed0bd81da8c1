"""Rows, videos and a mixture for the tests of training; test modules are skipped where `transformers` is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest
from tests.video.made_videos import encode

import video_sft


@pytest.fixture(autouse=True, scope="package")
def _one_thread() -> Iterator[None]:
    """Models this small take longer to divide among threads than to run."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def samples(session_cache: str) -> list[dict[str, Any]]:
    """Every row of every source's sample, all splits, with clips and images."""
    rows: list[dict[str, Any]] = []
    for source in video_sft.sources():
        splits: Any = video_sft.load(source, sample=True, cache_dir=session_cache)
        rows += [row for split in splits.values() for row in split]
    return rows


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A video of 30 s at 10 frames a second, one of a rate that changes, one with sound, one without an end."""
    folder = tmp_path_factory.mktemp("videos")
    jumps = [number * 100 if number < 60 else 6000 + (number - 60) * 850 for number in range(90)]
    made = {
        "long": encode(folder / "long.mp4", count=300, rate=10),
        "variable": encode(folder / "variable.mkv", count=90, rate=10, times=jumps.__getitem__),
        "sounding": encode(folder / "sounding.mp4", count=60, rate=10, audio_codec="aac"),
        "silent": encode(folder / "silent.mp4", count=60, rate=10),
    }
    whole = Path(made["long"]).read_bytes()
    (folder / "broken.mp4").write_bytes(whole[: len(whole) // 3])
    return {name: str(path) for name, path in made.items()} | {
        "broken": str(folder / "broken.mp4"),
        "absent": str(folder / "absent.mp4"),
    }


@pytest.fixture
def row(videos: dict[str, str]) -> Callable[..., dict[str, Any]]:
    """Make a row: `row("long", 20, 24)` of a video, `row(None)` of text; `turns` are questions and answers in turn."""

    def make(
        video: str | None,
        start: float | None = None,
        stop: float | None = None,
        *,
        turns: tuple[str, ...] = ("what is it?", "a yellow dot"),
        system: str | None = None,
        image: Any = None,
        part: str | None = None,
    ) -> dict[str, Any]:
        media = part or ("video" if video else "image" if image is not None else None)
        messages = [{"role": "system", "content": [{"type": "text", "text": system}]}] if system else []
        for number, words in enumerate(turns):
            parts: list[dict[str, Any]] = [{"type": "text", "text": words}]
            if number == 0 and media:
                parts.insert(0, {"type": media, "text": None})
            messages.append({"role": "user" if number % 2 == 0 else "assistant", "content": parts})
        clip = video_sft.Clip(videos[video], start, stop) if video else None
        return {"id": f"made/{video}", "messages": messages, "video": clip, "image": image, "video_path": None}

    return make


@pytest.fixture(scope="session")
def mixed(session_cache: str) -> datasets.Dataset:
    """A mixture of all samples."""
    found: Any = video_sft.mix(video_sft.sources(), sample=True, num_rows=24, seed=0, cache_dir=session_cache)
    return found
