"""A folder of numbered images as a clip: the same calls, times and errors as for a video file."""

from __future__ import annotations

import pickle
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import datasets
import fsspec
import pytest
from PIL import Image

import video_sft
from video_sft import Clip, VideoError
from video_sft.video._reading.frame_folder import frames_url, is_frame, split_frames

COUNT = 12


def shade(number: int) -> int:
    return 20 * number


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 plain pictures of rising shades, 64 x 48, with unpadded numbers; and what else lies in such folders."""
    root = tmp_path_factory.mktemp("frames") / "v_abc-Scene-001"
    root.mkdir()
    for number in range(COUNT):
        Image.new("RGB", (64, 48), (shade(number),) * 3).save(root / f"c01_{number + 1}.png")
    (root / "._c01_1.png").write_bytes(b"not an image")
    (root / "notes.txt").write_text("x")
    return root


def shades(frames: Any) -> list[int]:
    return [round(frame.mean()) for frame in frames.data]


def test_frames_come_in_the_order_of_their_numbers_at_the_stated_rate(folder: Path) -> None:
    clip = Clip(folder, fps=2)
    facts = clip.metadata
    assert (facts.num_frames, facts.fps, facts.duration_seconds) == (COUNT, 2.0, 6.0)
    assert (facts.width, facts.height, facts.codec, facts.container, facts.audio) == (64, 48, "png", "frames", None)
    frames = clip.frames()
    assert shades(frames) == [shade(number) for number in range(COUNT)]
    assert frames.pts_seconds.tolist() == [number / 2 for number in range(COUNT)]
    assert set(frames.duration_seconds) == {0.5}
    assert Clip(folder).metadata.fps == 1.0
    assert Clip(frames_url(str(folder), 30000 / 1001)).metadata.fps == pytest.approx(29.97002997)


def test_choices_limits_and_sizes_work_as_for_a_file(folder: Path) -> None:
    clip = Clip(f"frames://fps=2::{folder}")
    assert clip.frames(count=4).indices.tolist() == [1, 4, 7, 10]
    assert clip.frames(count=4, method="endpoints").indices.tolist() == [0, 3, 7, 11]
    assert clip.frames(fps=1).indices.tolist() == [0, 2, 4, 6, 8, 10]
    assert clip.frames(times=[0.0, 2.6, 6.0]).indices.tolist() == [0, 5, 11]
    assert shades(clip.frames(indices=[-1, 0, -1])) == [shade(11), 0, shade(11)]
    part = clip.clip(1.0, 2.0)
    assert part.frames().indices.tolist() == [2, 3]
    with pytest.raises(IndexError):
        part.frames(indices=[0])
    with pytest.raises(VideoError, match="starts at 9 s, but the video ends at 6 s"):
        clip.clip(9.0, 10.0).frames(count=1)
    assert clip.frames(count=2, size=24).data.shape == (2, 24, 32, 3)
    assert clip.frames(count=2, size=(10, 20), layout="NCHW", dtype="float32").data.shape == (2, 3, 10, 20)
    budget = video_sft.PixelBudget(28 * 28 * 4, multiple_of=28)
    assert clip.frames(count=1, size=budget).data.shape[1:3] == budget.fit(48, 64)


def test_only_the_images_wanted_are_opened(folder: Path, opened_files: Any) -> None:
    with opened_files() as opened:
        Clip(folder, fps=2).frames(indices=[3, 7])
    assert {Path(name).name for name in opened if "c01_" in name} == {"c01_4.png", "c01_8.png"}
    with opened_files() as opened:
        repr(Clip(folder, fps=2)), Clip(folder, fps=2).storage()
    assert not opened


def test_a_cell_comes_back_as_it_was(folder: Path) -> None:
    clip = Clip(folder, 1.0, 2.0, fps=2)
    for copy in (Clip(clip), pickle.loads(pickle.dumps(clip)), Clip.from_storage(clip.storage())):
        assert copy == clip
        assert copy.frames().indices.tolist() == [2, 3]
    rows = datasets.Dataset.from_dict({"video": [clip.storage()]}).cast_column("video", video_sft.Video())
    assert rows[0]["video"].frames().indices.tolist() == [2, 3]
    [frames] = video_sft.read_frames(rows, count=2)
    assert frames is not None
    assert shades(frames) == [shade(2), shade(3)]


def test_a_reader_that_does_not_know_the_name_refuses_it(folder: Path) -> None:
    with pytest.raises(ValueError, match="frames"):
        fsspec.open(frames_url(str(folder), 2.0)).open()


def test_threads_share_a_clip(folder: Path) -> None:
    clip = Clip(folder, fps=2)
    with ThreadPoolExecutor(4) as pool:
        for number, frames in enumerate(pool.map(lambda number: clip.frames(indices=[number]), range(COUNT))):
            assert shades(frames) == [shade(number)]


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_folders_in_archives(folder: Path, tmp_path: Path, kind: str) -> None:
    place = tmp_path / f"frames.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
            for image in folder.iterdir():
                archive.write(image, f"train/{folder.name}/{image.name}")
    else:
        with tarfile.open(place, "w") as archive:
            archive.add(folder, f"train/{folder.name}")
    clip = Clip(f"frames://fps=2::{kind}://train/{folder.name}::{place}")
    assert clip.metadata.num_frames == COUNT
    assert shades(clip.frames(indices=[1, 10])) == [shade(1), shade(10)]


def test_damage(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for image in folder.iterdir():
        (broken / image.name).write_bytes(image.read_bytes())
    (broken / "c01_3.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"junk")
    (broken / "c01_4.png").write_bytes((folder / "c01_4.png").read_bytes()[:40])
    (broken / "c01_5.png").write_bytes(b"")
    clip = Clip(broken, fps=2)
    for number in (2, 3, 4):
        with pytest.raises(VideoError, match=f"c01_{number + 1}.png"):
            clip.frames(indices=[number])
    frames = clip.frames(indices=[2, 3, 5], on_error="nearest")
    assert frames.indices.tolist() == [1, 1, 5]
    assert [(each.position, each.wanted_index, each.given_index) for each in frames.replaced] == [(0, 2, 1), (1, 3, 1)]
    with pytest.raises(VideoError, match=r"c01_3\.png"):
        clip.clip(1.0, 2.4).frames(on_error="nearest")


def test_what_is_no_folder_of_frames_is_said_so(folder: Path, tmp_path: Path, plain: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path, told in [
        (tmp_path / "empty", "no image in this folder"),
        (f"frames://fps=2::{tmp_path}/gone", "no such folder"),
        (f"frames://fps=2::{plain}", "cannot be listed"),
        (f"frames://fps=0::{folder}", "above 0"),
        (f"frames://fps=x::{folder}", "above 0"),
        ("frames://fps=2::https://127.0.0.1:9/x", "download it"),
    ]:
        with pytest.raises(VideoError, match=told):
            _ = Clip(path).metadata
    with pytest.raises(VideoError, match="no audio"):
        Clip(folder).audio()
    with pytest.raises(VideoError, match="no stream 3"):
        _ = Clip(folder, stream_index=3).metadata
    for rate in (0, -1, float("nan"), float("inf"), True):
        with pytest.raises(ValueError, match="above 0"):
            Clip(folder, fps=rate)
    with pytest.raises(ValueError, match="folder of frames"):
        Clip(b"bytes", fps=2)


def test_images_of_all_modes_upright(tmp_path: Path) -> None:
    for number, mode in enumerate(["L", "P", "RGBA", "CMYK", "1"]):
        Image.new("RGB", (8, 6), (255, 255, 255)).convert(mode).save(tmp_path / f"{number}.tiff")
    assert shades(Clip(tmp_path).frames()) == [255] * 5
    turned = tmp_path / "turned"
    turned.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (8, 6)).save(turned / "1.jpg", exif=exif)
    assert Clip(turned).frames().data.shape == (1, 8, 6, 3)
    assert (Clip(turned).metadata.width, Clip(turned).metadata.height) == (6, 8)


def test_names_and_rates() -> None:
    assert all(map(is_frame, ["c01_0001.jpeg", "img_0000001.jpg", "12.PNG", "frame9.webp"]))
    assert not any(map(is_frame, ["._c01_0001.jpeg", "cover.jpg", "0001.txt", "1.gif"]))
    for rate in (2.0, 0.25, 29.97, 1e-05):
        assert split_frames(frames_url("/a::b", rate)) == ("/a::b", rate)
    assert split_frames("frames://::/a") == ("/a", None)
    assert split_frames("/a") == ("/a", None)
