"""Places of media as users have them, made for a test."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from PIL import Image

import video_sft
from video_sft.sample_media import sample_folder


def files(root: Path, *names: str) -> str:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return str(root)


def load(session_cache: str, media: Any, config: str = "next_qa", **options: Any) -> Any:
    folder = sample_folder(config.partition("-")[0])
    return video_sft.load(config, data_dir=folder, media=media, split="train", cache_dir=session_cache, **options)


def zipped(place: Path, drawn: Path, folder: str) -> Path:
    with zipfile.ZipFile(place, "w") as archive:
        for path in sorted(drawn.rglob("*.mp4")):
            archive.write(path, f"{folder}/{path.name}")
    return place


def pieces(whole: Path, endings: list[str]) -> list[Path]:
    data = whole.read_bytes()
    size = -(-len(data) // len(endings))
    made = [Path(f"{whole}{ending}") for ending in endings]
    for number, piece in enumerate(made):
        piece.write_bytes(data[number * size : (number + 1) * size])
    whole.unlink()
    return made


def frames_of(root: Path, name: str, count: int = 3) -> None:
    (root / name).mkdir(parents=True)
    for number in range(count):
        Image.new("RGB", (16, 12), (number * 40,) * 3).save(root / name / f"c01_{number + 1:04d}.jpeg")
