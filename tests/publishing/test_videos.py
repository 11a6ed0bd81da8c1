"""Videos go up once each, before the rows that point at them, in batches the Hub accepts."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset
from tests.local_hub import LocalHub

import video_sft
from video_sft.errors import ConfigError, MissingMediaError
from video_sft.publishing import publish
from video_sft.publishing._cells import VideoMode, published_videos
from video_sft.publishing._layout import video_path, was_cut
from video_sft.publishing._upload import hashes
from video_sft.publishing._upload.refusals import PublishError
from video_sft.sample_media import sample_folder

from .made_rows import made_run, make_rows, make_videos, video_cells

REPO = "org/made"


def published_cells(hub: LocalHub, config: str = "star") -> list[dict[str, object] | None]:
    paths = [path for path in hub.tree(REPO) if path.startswith(f"{config}/")]
    return [cell for path in paths for cell in video_cells(hub.read(REPO, path))]


def videos(hub: LocalHub) -> dict[str, str]:
    return {path: digest for path, digest in hub.tree(REPO).items() if path.count("/") == 3}


def test_a_video_of_many_rows_is_there_once(hub: LocalHub, tmp_path: Path) -> None:
    rows = make_rows(make_videos(tmp_path / "pool", 5), rows=40)
    made_run(rows, tmp_path).publish(private=False)
    assert len(videos(hub)) == 5
    assert len(hub.requests("PUT", "/_storage/*")) == 5 + 1, "five videos and one Parquet file"
    cells = published_cells(hub)
    assert len(cells) == 40
    assert len({cell["path"] for cell in cells if cell}) == 5, "the clip's limits are not part of a published path"


def test_rows_come_after_all_their_videos(hub: LocalHub, tmp_path: Path) -> None:
    made_run(make_rows(make_videos(tmp_path / "pool", 260)), tmp_path).publish(private=False)
    commits = list(hub.repo(REPO).commits.values())
    assert [len(commit.changed) for commit in commits[1:-1]] == [200, 60]
    assert all(path.startswith("videos/charades/") for commit in commits[1:-1] for path in commit.changed)
    beside = {"README.md", "LICENSE", "explore.ipynb", "videos/manifest.csv"}
    assert {path for path in commits[-1].changed if not path.startswith("star/")} == beside
    pins = {str(cell["path"]).partition("@")[2][:40] for cell in published_cells(hub) if cell}
    assert pins == {commits[-2].oid}


def test_publishing_again_sends_nothing(hub: LocalHub, tmp_path: Path) -> None:
    run = made_run(make_rows(make_videos(tmp_path / "pool", 8)), tmp_path)
    first = run.publish(private=False)
    before = hub.tree(REPO)
    hub.forget_served()
    again = run.publish(private=False)
    assert hub.tree(REPO) == before
    assert again.commit == first.commit
    assert again.videos.new == 0
    assert hub.requests("PUT") == []
    assert hub.requests("POST", "*/commit/*") == []


def test_a_hub_that_does_not_tell_last_commits_gets_the_same_rows_again(
    hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("video_sft.publishing._upload.repository.HubRepo.last_change", lambda self, folders: None)
    run = made_run(make_rows(make_videos(tmp_path / "pool", 8)), tmp_path)
    run.publish(private=False)
    before = hub.tree(REPO)
    run.publish(private=False)
    assert hub.tree(REPO) == before


def test_hashes_are_remembered(hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = make_videos(tmp_path / "pool", 4)
    read: list[str] = []
    opened = hashes.open_binary
    monkeypatch.setattr(hashes, "open_binary", lambda location: read.append(location) or opened(location))
    made_run(make_rows(files), tmp_path).publish(private=False)
    assert read == [], "the client hashes what it sends, and the Hub tells the hashes"
    os.utime(files[2], ns=(1, 1))
    assert made_run(make_rows(files), tmp_path).publish(private=False).videos.new == 0
    assert read == [str(files[2])], "only the file whose time has changed is read again"


def test_only_a_changed_video_is_sent(hub: LocalHub, tmp_path: Path) -> None:
    files = make_videos(tmp_path / "pool", 6)
    made_run(make_rows(files), tmp_path).publish(private=False)
    before = videos(hub)
    files[3].write_bytes(b"\0\0\0\x18ftypother")
    report = made_run(make_rows(files), tmp_path).publish(private=False)
    assert (report.videos.files, report.videos.new) == (6, 1)
    changed = {path for path, digest in videos(hub).items() if digest != before[path]}
    assert len(changed) == 1
    assert changed.pop().endswith("/00003.mp4")


def test_videos_in_a_zip_are_taken_out_of_it(hub: LocalHub, tmp_path: Path) -> None:
    (file,) = make_videos(tmp_path / "pool", 1)
    with zipfile.ZipFile(tmp_path / "pool.zip", "w") as archive:
        archive.write(file, "inner/00000.mp4")
    rows = make_rows([file]).remove_columns("video")
    cell = {"bytes": None, "path": f"zip://inner/00000.mp4::{tmp_path / 'pool.zip'}#t=0.0,5.0"}
    rows = rows.add_column("video", [cell], feature=make_rows([file]).features["video"])
    made_run(rows, tmp_path).publish(private=False)
    (path,) = videos(hub)
    assert hub.read(REPO, path) == file.read_bytes()


def test_a_clip_cut_to_its_row_is_kept_apart(hub: LocalHub, tmp_path: Path) -> None:
    files = make_videos(tmp_path / "cut", 2)
    made_run(make_rows(files, limits=False), tmp_path).publish(private=False)
    assert {path.split("/")[1] for path in videos(hub)} == {"charades-clips"}
    assert all(cell is not None and was_cut(str(cell["path"])) for cell in published_cells(hub))


def test_embedded_videos_are_in_the_rows(hub: LocalHub, tmp_path: Path) -> None:
    files = make_videos(tmp_path / "pool", 9)
    made_run(make_rows(files), tmp_path, mode="embed").publish(private=False)
    assert videos(hub) == {}
    cells = published_cells(hub)
    assert [cell["bytes"] for cell in cells if cell] == [file.read_bytes() for file in files]
    (path,) = [path for path in hub.tree(REPO) if path.endswith(".parquet")]
    footer = pq.ParquetFile(io.BytesIO(hub.read(REPO, path))).metadata
    assert [footer.row_group(number).num_rows for number in range(footer.num_row_groups)] == [4, 4, 1]


def test_without_videos_cells_are_null(hub: LocalHub, tmp_path: Path) -> None:
    made_run(make_rows(make_videos(tmp_path / "pool", 3)), tmp_path, mode="none").publish(private=False)
    assert videos(hub) == {}
    assert published_cells(hub) == [None, None, None]


def test_a_video_that_is_gone_stops_before_any_row(hub: LocalHub, tmp_path: Path) -> None:
    files = make_videos(tmp_path / "pool", 3)
    rows = make_rows(files)
    files[1].unlink()
    with pytest.raises(MissingMediaError, match=r"00001\.mp4"):
        made_run(rows, tmp_path).publish(private=False)
    assert "README.md" not in hub.tree(REPO)


def test_a_video_at_a_url_has_the_suffix_of_its_path(tmp_path: Path) -> None:
    (row,) = make_rows(make_videos(tmp_path, 1)).to_list()
    rows = Dataset.from_list([row], features=make_rows([], rows=1).features)
    for location, suffix in (
        ("https://host/a.webm?key=b.c", ".webm"),
        ("zip://in/a.MKV::https://host/x.zip", ".mkv"),
        ("s3://bucket/noend", ".mp4"),
    ):
        cell = pa.array([{"bytes": None, "path": location}], rows.data.schema.field("video").type)
        table = rows.data.table.set_column(rows.column_names.index("video"), "video", cell)
        (file,) = published_videos(table)
        assert file is not None
        assert file.path.endswith(suffix)


@pytest.mark.parametrize(
    ("pool", "key", "suffix", "name"),
    [
        ("vidor", "4010069381", ".mp4", r"4010069381\.mp4"),
        ("activitynet", "v_-a_b-C", ".MKV", r"v_-a_b-C\.mkv"),
        ("ssv2", "a/1", ".webm", r"a__1\.webm"),
        ("k710", "class, with: odd/nämes", ".mp4", r"class__with__odd__n_mes-[0-9a-f]{12}\.mp4"),
        ("k710", "x" * 300, ".mp4", r"x{120}-[0-9a-f]{12}\.mp4"),
    ],
)
def test_paths_in_the_repo_are_plain(pool: str, key: str, suffix: str, name: str) -> None:
    import re

    assert re.fullmatch(rf"videos/{pool}/[0-9a-f]{{2}}/{name}", video_path(pool, key, suffix))


def test_no_two_items_share_a_path() -> None:
    keys = ["a/b", "a__b", "a/b/", "a b", "a_b", ".a", "a", "x" * 200, "x" * 201]
    assert len({video_path("pool", key, ".mp4") for key in keys}) == len(keys)


@pytest.mark.parametrize("mode", ["reference", "embed"])
def test_only_videos_are_sent(hub: LocalHub, tmp_path: Path, mode: VideoMode) -> None:
    files = make_videos(tmp_path / "pool", 3)
    files[1].write_text("a secret under the name of a video")
    with pytest.raises(PublishError, match=r"00001\.mp4 is neither a video nor an image.*begins with b'a secret under"):
        made_run(make_rows(files), tmp_path, mode=mode).publish(private=False)
    assert videos(hub) == {}
    assert published_cells(hub) == []


def test_media_reached_by_a_link_out_of_their_folder_are_refused(
    hub: LocalHub, tmp_path: Path, session_cache: str
) -> None:
    folder = sample_folder("star")
    drawn = video_sft.load("star", sample=True, split="train", cache_dir=session_cache)[0]["video"].path
    outside, pool = tmp_path / "outside.mp4", tmp_path / "pool"
    shutil.copy(drawn, outside)
    pool.mkdir()
    (pool / Path(drawn).name).symlink_to(outside)
    options = {"repo": "org/linked", "data_dir": folder, "cache_dir": session_cache, "state_dir": tmp_path / "state"}
    options |= {"allow_restricted_videos": True}
    with pytest.raises(PublishError, match=r"is a link to .*outside\.mp4, outside of the media folders"):
        publish("star", media={"charades": pool}, **options)
    report = publish("star", media={"charades": [pool, tmp_path]}, **options)
    assert report.repos[0].videos.files == 1
    (tmp_path / "root").symlink_to(pool)  # the folder that is given may be a link itself
    (pool / Path(drawn).name).unlink()
    shutil.copy(drawn, pool)
    assert publish("star", media={"charades": tmp_path / "root"}, **options).repos[0].videos.files == 1


def test_clips_of_one_video_have_files_of_their_own(tmp_path: Path) -> None:
    scenes = [f"v_1nvented0ne-Scene-{number:03d}" for number in (1, 2)]
    cells = [{"bytes": None, "path": str(tmp_path / f"{scene}.mp4")} for scene in scenes]
    columns = {
        "id": ["a/1", "a/2"],
        "video": cells,
        "video_id": ["activitynet/v_1nvented0ne"] * 2,
        "video_path": [f"sharegptvideo/{scene}" for scene in scenes],
        "start_seconds": pa.nulls(2, pa.float64()),
        "stop_seconds": pa.nulls(2, pa.float64()),
    }
    files = [file and file.path for file in published_videos(pa.table(columns))]
    assert files == [video_path("sharegptvideo", scene, ".mp4") for scene in scenes]


def test_a_folder_of_frames_is_refused_with_the_remedy(tmp_path: Path) -> None:
    rows = make_rows(make_videos(tmp_path / "pool", 1), rows=1)
    table = rows.data.table
    cell = [{"bytes": None, "path": f"frames://fps=2::{tmp_path}"}]
    place = table.schema.get_field_index("video")
    table = table.set_column(place, table.schema.field(place), pa.array(cell, table.schema.field(place).type))
    with pytest.raises(ConfigError, match=r"folder of frames.*--videos none"):
        list(published_videos(table))
