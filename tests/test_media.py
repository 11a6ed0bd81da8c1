"""Attaching media: every layout users have, cheap, and honest about what is missing."""

from __future__ import annotations

import logging
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

import video_sft
from video_sft.media import index as media_index
from video_sft.media import listing
from video_sft.media.index import MediaIndex
from video_sft.media.pools import Pool, find_pool
from video_sft.sample_media import sample_folder


def files(root: Path, *names: str) -> str:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return str(root)


@pytest.mark.parametrize(
    ("pool", "path", "layout"),
    [
        ("vidor", "1164/3238737531.mp4", "1164/3238737531.mp4"),
        ("vidor", "1164/3238737531.mp4", "NExTVideo/1164/3238737531.mp4"),
        ("vidor", "1164/3238737531.mp4", "3238737531.mp4"),
        ("vidor", "3238737531.mp4", "videos/1164/3238737531.MP4"),
        ("activitynet", "v_okC18bPTils.mp4", "v_okC18bPTils.mp4"),
        ("activitynet", "v_okC18bPTils.mp4", "ANet_320p_fps30/train/v_okC18bPTils.mkv"),
        ("activitynet", "v_okC18bPTils.mp4", "all_test/okC18bPTils.webm"),
        ("activitynet", "v_v_UmAH95xls.mp4", "v_v_UmAH95xls.mp4"),
        ("activitynet", "v_v_UmAH95xls.mp4", "v_UmAH95xls.mp4"),
        ("activitynet", "v_a.b-c_d.ef1.mp4", "v_a.b-c_d.ef1.mp4"),
        ("charades", "6H78U.mp4", "Charades_v1_480/6h78u.mp4"),
        ("webvid", "050951_051000/1022713978.mp4", "1022713978.mp4"),
        ("other", "a/split_0.mp4", "root/a/split_0.mp4"),
        ("other", "a/split_0.mp4", "a/split_0.mkv"),
    ],
)
def test_layouts_that_hold_the_video(tmp_path: Path, pool: str, path: str, layout: str) -> None:
    root = files(tmp_path, layout, "readme.txt", "3238737531.json")
    assert MediaIndex(find_pool(pool), [root]).find(path, "video") == os.path.join(root, *layout.split("/"))


@pytest.mark.parametrize(
    ("pool", "path", "layout"),
    [
        ("vidor", "1164/3238737531.mp4", "1164/13238737531.mp4"),
        ("vidor", "3238737531.mp4", "3238737531.json"),
        ("activitynet", "v_okC18bPTils.mp4", "v_OKC18bPTils.mp4"),
        ("activitynet", "v_okC18bPTils.mp4", "v_v_okC18bPTils.mp4"),
        ("other", "a/split_0.mp4", "b/split_0.mp4"),
        ("other", "a/split_0.mp4", "ba/split_0.mp4"),
        ("charades", "6H78U.mp4", "frames/6H78U.mp4/000001.png"),
    ],
)
def test_another_items_file_is_never_taken(tmp_path: Path, pool: str, path: str, layout: str) -> None:
    assert MediaIndex(find_pool(pool), [files(tmp_path, layout)]).find(path, "video") is None


def test_of_several_files_the_one_that_agrees_most_is_taken(tmp_path: Path) -> None:
    root = files(tmp_path, "b/1.mp4", "x/a/1.webm", "a/1.webm", "1.mp4")
    index = MediaIndex(Pool(name="p", unique_names=True), [root])
    assert index.find("a/1.mp4", "video") == str(tmp_path / "a" / "1.webm")
    assert index.find("c/1.mp4", "video") == str(tmp_path / "1.mp4")
    assert index.find("a/1.jpg", "image") is None


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    root = files(tmp_path / "pool", "a/1.mp4")
    (tmp_path / "pool" / "a" / "again").symlink_to(tmp_path / "pool")
    assert MediaIndex(Pool(name="p"), [root]).find("a/1.mp4", "video") == str(tmp_path / "pool" / "a" / "1.mp4")


@pytest.fixture(scope="module")
def drawn(session_cache: str) -> Path:
    """The folder of clips the sample of next_qa is drawn into."""
    rows: Any = video_sft.load("next_qa", sample=True, split="train", cache_dir=session_cache)
    return Path(rows[0]["video"].path).parents[1]


def load(session_cache: str, media: Any, config: str = "next_qa", **options: Any) -> Any:
    folder = sample_folder(config.partition("-")[0])
    return video_sft.load(config, data_dir=folder, media=media, split="train", cache_dir=session_cache, **options)


def test_videos_come_from_folders_zips_and_urls(drawn: Path, session_cache: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "videos.zip", "w") as archive:
        for path in drawn.rglob("*.mp4"):
            archive.write(path, f"NExTVideo/{path.parent.name}/{path.name}")
    expected = load(session_cache, {"vidor": drawn})[0]["video"].frames(count=3).data
    assert expected.any()
    places: list[Any] = [str(drawn), f"file://{drawn}", tmp_path / "videos.zip", f"file://{tmp_path}/videos.zip"]
    for place in [*places, [tmp_path, drawn]]:
        for media in ({"vidor": place}, place):
            rows = load(session_cache, media)
            assert all(row["video"] is not None for row in rows)
            assert (rows[0]["video"].frames(count=3).data == expected).all()


def test_missing_videos_are_counted_in_one_line(
    drawn: Path, session_cache: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    video = next(drawn.rglob("2990010001.mp4"))
    (tmp_path / video.name).write_bytes(video.read_bytes())
    with caplog.at_level(logging.INFO, logger="video_sft"):
        rows = load(session_cache, {"vidor": tmp_path})
    told = [record.message for record in caplog.records if "media files" in record.message]
    assert len(told) == 1
    assert "1 of 2 media files found, for 4 of 7 rows" in told[0]
    assert "vidor/9001/10990010002.mp4" in told[0]
    assert [row["video"] is not None for row in rows] == [key == "vidor/2990010001" for key in rows["video_id"]]
    kept = load(session_cache, {"vidor": tmp_path}, missing="skip")
    assert set(kept["video_id"]) == {"vidor/2990010001"}
    with pytest.raises(video_sft.MissingMediaError, match=r"vidor/9001/10990010002\.mp4.*missing='null'"):
        load(session_cache, {"vidor": tmp_path}, missing="error")


def test_streams_follow_the_same_policies(drawn: Path, session_cache: str, tmp_path: Path) -> None:
    video = next(drawn.rglob("2990010001.mp4"))
    (tmp_path / video.name).write_bytes(video.read_bytes())
    media = {"vidor": tmp_path}
    for missing in ("null", "skip"):
        built = load(session_cache, media, missing=missing)
        streamed = list(load(session_cache, media, missing=missing, streaming=True))
        assert [(row["id"], repr(row["video"])) for row in streamed] == [
            (row["id"], repr(row["video"])) for row in built
        ]
    with pytest.raises(video_sft.MissingMediaError, match="10990010002"):
        list(load(session_cache, media, missing="error", streaming=True))


@pytest.mark.parametrize("media", [{"vidor": "nowhere"}, {"vidor": "nowhere.zip"}, {"vidor": "file:///nowhere"}])
def test_a_place_that_is_not_there_is_an_error(session_cache: str, media: Any) -> None:
    with pytest.raises(video_sft.MissingMediaError, match="nowhere"):
        load(session_cache, media)


def test_slips_in_the_pools_name_are_errors(session_cache: str, tmp_path: Path) -> None:
    with pytest.raises(video_sft.ConfigError, match=r"no pool is called vidr.*has vidor"):
        load(session_cache, {"vidr": tmp_path})
    with pytest.raises(video_sft.ConfigError, match="missing is 'drop'"):
        load(session_cache, {"vidor": tmp_path}, missing="drop")


def test_a_pool_is_listed_once_however_many_rows_ask(
    shared: Path, session_cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened_files: Any
) -> None:
    table = (shared / "next_qa" / "oe" / "train.csv").read_text(encoding="utf-8").splitlines()
    names = {line.partition(",")[0] for line in table[1:400]}
    root = files(tmp_path, *(f"{name}.mp4" for name in names))
    calls = []

    def counting(place: str, *args: Any, **options: Any) -> Any:
        calls.append(place)
        return listing.list_files(place, *args, **options)

    monkeypatch.setattr(media_index, "list_files", counting)
    rows: Any = video_sft.load(
        "next_qa-open_ended", data_dir=shared / "next_qa", media={"vidor": root}, split="train", cache_dir=session_cache
    )
    assert len(rows) == 37523
    assert calls == [root]
    with opened_files() as opened:
        found = sum(row["video"] is not None for row in rows)
    assert found == sum(key.partition("/")[2] in names for key in rows["video_id"])
    assert found > 0
    assert not [file for file in opened if file.startswith(root)]


def test_attached_media_change_with_the_folder_and_nothing_is_stale(
    drawn: Path, session_cache: str, tmp_path: Path
) -> None:
    assert {row["video"] for row in load(session_cache, {"vidor": tmp_path})} == {None}
    video = next(drawn.rglob("2990010001.mp4"))
    (tmp_path / video.name).write_bytes(video.read_bytes())
    assert any(row["video"] is not None for row in load(session_cache, {"vidor": tmp_path}))


def test_a_link_that_leads_nowhere_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "3238737531.mp4").symlink_to(tmp_path / "gone.mp4")
    assert MediaIndex(find_pool("vidor"), [str(tmp_path)]).find("3238737531.mp4", "video") is None


def test_a_row_without_its_cut_clip_is_missing_though_another_row_has_one(session_cache: str, tmp_path: Path) -> None:
    rows: Any = video_sft.load("star", sample=True, split="train", cache_dir=session_cache)
    shared_video = next(path for path in rows["video_path"] if rows["video_path"][:].count(path) > 1)
    first = next(row for row in rows if row["video_path"] == shared_video)
    files(tmp_path, f"{first['id'].partition('/')[2]}.mp4")
    with pytest.raises(video_sft.MissingMediaError, match=shared_video):
        load(session_cache, {"charades": tmp_path}, "star", missing="error")
    attached = load(session_cache, {"charades": tmp_path}, "star")
    assert [row["id"] for row in attached if row["video"] is not None] == [first["id"]]
    clip = next(row["video"] for row in attached if row["video"] is not None)
    assert (clip.start_seconds, clip.stop_seconds) == (None, None)


@pytest.mark.parametrize("media", [5, "", {"vidor": None}, {"vidor": [3]}])
def test_what_is_no_place_is_said_so(session_cache: str, media: Any) -> None:
    with pytest.raises(video_sft.ConfigError, match="where a folder, a zip or a URL is expected"):
        load(session_cache, media)
