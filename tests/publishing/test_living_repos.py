"""A published repo that is renamed, copied, downloaded, or loses a part keeps working."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import DatasetDict, load_dataset
from huggingface_hub import snapshot_download
from tests.local_hub import LocalHub

import video_sft
from video_sft.errors import ConfigError
from video_sft.publishing import PublishError, publish
from video_sft.publishing._upload.repo_run import GivenMedia, LoadedConfig, RepoRun
from video_sft.publishing._upload.repository import HubRepo

from .conftest import PublishedSamples
from .made_rows import made_run, make_rows, make_videos, video_cells

REPO = "org/made"


def cells(hub: LocalHub, repo: str, config: str = "star") -> list[Any]:
    paths = [path for path in hub.tree(repo) if path.startswith(f"{config}/")]
    return [cell for path in paths for cell in video_cells(hub.read(repo, path))]


def videos(hub: LocalHub, repo: str = REPO) -> set[str]:
    return {path for path in hub.tree(repo) if path.count("/") == 3}


def copied(hub: LocalHub, repo: str, name: str) -> str:
    """A copy of a repo under another name, in one commit of its own."""
    hub.add_repo(name, {path: hub.read(repo, path) for path in hub.tree(repo)})
    return name


def two_configs(tmp_path: Path) -> tuple[list[Path], RepoRun]:
    """`star` on videos 0 to 5, and `next_qa` on videos 4 to 7."""
    files = make_videos(tmp_path / "pool", 8)
    loaded = [
        LoadedConfig("star", DatasetDict(train=make_rows(files[:6]))),
        LoadedConfig("next_qa", DatasetDict(train=make_rows(files[4:]))),
    ]
    return files, RepoRun(HubRepo(REPO), loaded, GivenMedia("reference"), state_dir=tmp_path / "state")


def test_a_copy_is_relinked_to_itself(hub: LocalHub, tmp_path: Path, video_sft_command: Callable[..., Any]) -> None:
    made_run(make_rows(make_videos(tmp_path / "pool", 4), rows=9), tmp_path).publish(private=False)
    copy = copied(hub, REPO, "else/copy")
    assert all(cell["path"].startswith(f"hf://datasets/{REPO}@") for cell in cells(hub, copy))
    pin = hub.repo(copy).refs["main"]
    places = [row["video"].path for row in video_sft.load("star", repo=copy, split="train")]
    assert all(place.startswith(f"hf://datasets/{copy}@main/videos/charades/") for place in places), "as it is, too"
    done = video_sft_command("repo", "relink", copy)
    assert done.code == 0
    assert "1 Parquet files were written anew (4 videos)" in done.out
    before, after = cells(hub, REPO), cells(hub, copy)
    assert [cell["path"].partition("@")[0] for cell in after] == ["hf://datasets/else/copy"] * 9
    assert {cell["path"].partition("@")[2][:40] for cell in after} == {pin}
    assert [cell["path"][-20:] for cell in after] == [cell["path"][-20:] for cell in before]
    card = hub.read(copy, "README.md").decode()
    assert 'load_dataset("else/copy"' in card
    assert REPO not in card
    rows = video_sft.load("star", repo=copy, split="train")
    assert rows[3]["video"].start_seconds == 3.0
    commits = len(hub.repo(copy).commits)
    assert "point at the right place already" in video_sft_command("repo", "relink", copy).out
    assert len(hub.repo(copy).commits) == commits


def test_a_copy_without_its_videos_is_not_relinked(hub: LocalHub, tmp_path: Path) -> None:
    made_run(make_rows(make_videos(tmp_path / "pool", 3)), tmp_path).publish(private=False)
    hub.add_repo("else/bare", {path: hub.read(REPO, path) for path in hub.tree(REPO) if path.count("/") < 3})
    with pytest.raises(PublishError, match=r"else/bare lacks 3 videos that its rows name, such as videos/charades/"):
        video_sft.relink("else/bare")
    with pytest.raises(ConfigError, match="else/nothing is neither a folder nor a dataset repo"):
        video_sft.relink("else/nothing")


def test_a_downloaded_repo_is_read_from_its_folder(samples: PublishedSamples, tmp_path: Path) -> None:
    with samples.hub.attached(cache="living"):
        chosen = ["star/*", "videos/charades/*"]
        folder = snapshot_download(
            samples.name, repo_type="dataset", local_dir=tmp_path / "copy", allow_patterns=chosen
        )
        there = video_sft.load("star", repo=samples.name, split="train")
        expected = [row["video"] and row["video"].frames(count=1).data.sum() for row in there]
    samples.hub.forget_served()
    assert set(video_sft.load("star", repo=folder)) == {"train", "validation", "test"}
    for streaming in (False, True):
        rows = video_sft.load("star", repo=folder, split="train", streaming=streaming)
        found = list(rows)
        assert [row["video"] and row["video"].frames(count=1).data.sum() for row in found] == expected
        assert [row["video"].start_seconds for row in found] == [row["video"].start_seconds for row in there]
    assert samples.hub.requests() == []


def test_a_folder_opens_nothing_outside_it(hub: LocalHub, tmp_path: Path) -> None:
    (film,) = make_videos(tmp_path / "made", 1)
    made_run(make_rows([film]), tmp_path).publish(private=False)
    folder = Path(snapshot_download(REPO, repo_type="dataset", local_dir=tmp_path / "copy"))
    shutil.rmtree(folder / "videos")
    row = video_sft.load("star", repo=folder, split="train")[0]
    with pytest.raises(video_sft.VideoError, match=r"copy/videos/charades/\w\w/00000\.mp4.*no such file"):
        row["video"].frames(count=1)
    (file,) = folder.glob("star/*.parquet")
    table = pq.read_table(file)
    place = table.column_names.index("video")
    cell = pa.array([{"bytes": None, "path": str(film)}], table.schema.field(place).type)
    pq.write_table(table.set_column(place, table.schema.field(place), cell), file)
    row = video_sft.load("star", repo=folder, split="train")[0]
    with pytest.raises(video_sft.VideoError, match="not in that repo"):
        row["video"].frames(count=1)


def test_a_relinked_folder_is_read_without_this_package(hub: LocalHub, tmp_path: Path) -> None:
    files = make_videos(tmp_path / "videos" / "pool", 3)
    made_run(make_rows(files), tmp_path).publish(private=False)
    folder = Path(snapshot_download(REPO, repo_type="dataset", local_dir=tmp_path / "videos" / "copy"))
    report = video_sft.relink(folder)
    assert (report.videos, len(report.files)) == (3, 1)
    rows = load_dataset(str(folder), "star", split="train")
    assert [Path(row["video"]["path"]).read_bytes() for row in rows] == [file.read_bytes() for file in files]
    clips = [row["video"] for row in video_sft.load("star", repo=folder, split="train")]
    assert [clip.stop_seconds for clip in clips] == [5.0, 6.0, 7.0]
    assert video_sft.relink(folder).files == ()
    cached = snapshot_download(REPO, repo_type="dataset")
    with pytest.raises(ConfigError, match="is in the Hub's cache"):
        video_sft.relink(cached)


def test_the_videos_of_one_config_are_fetched(
    hub: LocalHub, tmp_path: Path, video_sft_command: Callable[..., Any]
) -> None:
    files, run = two_configs(tmp_path)
    run.publish(private=False)
    out = tmp_path / "out"
    assert video_sft_command("repo", "fetch", "next_qa", "--repo", REPO, "--out", out).code == 0
    fetched = {path.name: path.read_bytes() for path in out.glob("videos/*/*/*.mp4")}
    assert fetched == {file.name: file.read_bytes() for file in files[4:]}
    assert not (out / "star").exists()
    assert (out / "LICENSE").is_file()
    hub.forget_served()
    video_sft.fetch_videos("next_qa", repo=REPO, out=out)
    assert hub.bytes_sent("*.mp4") == 0, "what is there is not downloaded again"
    with hub.attached(token=None, cache="offline"):
        hub.forget_served()
        paths = [row["video"].path for row in video_sft.load("next_qa", repo=out, split="train")]
        assert all(Path(path).is_file() and str(out) in path for path in paths)
        assert hub.requests() == []
    with pytest.raises(ConfigError, match=r"has no config 'next_qa' with a split 'test'; it has next_qa, star"):
        video_sft.fetch_videos("next_qa", repo=REPO, out=out, split="test")


def test_unpublished_configs_take_their_videos_along(
    hub: LocalHub, tmp_path: Path, video_sft_command: Callable[..., Any]
) -> None:
    _, run = two_configs(tmp_path)
    run.publish(private=False)
    assert len(videos(hub)) == 8
    told = video_sft_command("repo", "unpublish", "star", "--repo", REPO, "--dry-run")
    assert "5 files of org/made would be deleted; next_qa stays" in told.out
    assert len(videos(hub)) == 8
    assert video_sft_command("repo", "unpublish", "star", "--repo", REPO).code == 0
    assert {path[-9:] for path in videos(hub)} == {f"0000{number}.mp4" for number in (4, 5, 6, 7)}
    assert not any(path.startswith("star/") for path in hub.tree(REPO))
    manifest = csv.DictReader(hub.read(REPO, "videos/manifest.csv").decode().splitlines())
    assert {line["path"] for line in manifest} == videos(hub)
    assert '"next_qa": {' in hub.read(REPO, "README.md").decode()
    assert "config_name: star" not in hub.read(REPO, "README.md").decode()
    assert len(load_dataset(REPO, "next_qa", split="train")) == 4
    with pytest.raises(ConfigError, match="has no config star; it has next_qa"):
        video_sft.unpublish("star", repo=REPO)
    assert video_sft.unpublish("next_qa", repo=REPO).configs == ()
    assert set(hub.tree(REPO)) == {".gitattributes"}


def test_rows_without_videos_say_what_becomes_of_those_that_are_there(
    hub: LocalHub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _, run = two_configs(tmp_path)
    run.publish(private=False)
    rows = [LoadedConfig("star", DatasetDict(train=make_rows([], rows=6)))]
    RepoRun(HubRepo(REPO), rows, GivenMedia("none"), state_dir=tmp_path / "state").publish(private=False)
    assert len(videos(hub)) == 8
    assert "4 videos stay there, though no row refers to them any more; --videos none" in caplog.text
    run.publish(private=False)
    told = RepoRun(HubRepo(REPO), rows, GivenMedia("none", removed=True), state_dir=tmp_path / "state")
    assert len(told.dry_run().deleted) == 4
    assert len(videos(hub)) == 8
    again = RepoRun(HubRepo(REPO), rows, GivenMedia("none", removed=True), state_dir=tmp_path / "state")
    assert len(again.publish(private=False).deleted) == 4
    assert {path[-9:] for path in videos(hub)} == {f"0000{number}.mp4" for number in (4, 5, 6, 7)}
    assert hub.repo(REPO).commits[hub.repo(REPO).refs["main"]].title == "Add rows and card", "in the same commit"


def test_the_manifest_tells_size_hash_and_length(hub: LocalHub, tmp_path: Path, session_cache: str) -> None:
    options = {"sample": True, "repo": REPO, "cache_dir": session_cache, "state_dir": tmp_path / "state"}
    report = publish(["star", "next_gqa"], **options).repos[0]  # type: ignore[arg-type]
    lines = list(csv.DictReader(hub.read(REPO, "videos/manifest.csv").decode().splitlines()))
    tree = hub.tree(REPO)
    assert {line["path"]: line["sha256"] for line in lines} == {path: tree[path] for path in videos(hub)}
    assert all(int(line["bytes"]) == len(hub.read(REPO, line["path"])) for line in lines)
    assert all(float(line["duration_seconds"]) >= 6 for line in lines)
    assert report.totals.files == report.totals.timed == len(lines)
    assert report.totals.seconds == pytest.approx(sum(float(line["duration_seconds"]) for line in lines))
    assert report.totals.nbytes == sum(int(line["bytes"]) for line in lines)
    assert sum(config.published.files for config in report.configs) == len(lines)
    licence = hub.read(REPO, "LICENSE").decode()
    assert "STAR" in licence
    assert "https://spdx.org/licenses/MIT.html" in licence
    publish("star", **options)  # type: ignore[arg-type]
    assert list(csv.DictReader(hub.read(REPO, "videos/manifest.csv").decode().splitlines())) == lines


def test_a_licence_beside_the_videos_goes_along(hub: LocalHub, tmp_path: Path, session_cache: str) -> None:
    pool = tmp_path / "pool"
    pool.mkdir()
    (pool / "license.txt").write_text("Charades is for research.")
    (pool / "notes.txt").write_text("private")
    options = {"repo": REPO, "cache_dir": session_cache, "state_dir": tmp_path / "state", "media": {"charades": pool}}
    options |= {"allow_restricted_videos": True, "data_dir": Path(video_sft.__file__).parent / "samples" / "star"}
    publish("star", **options)  # type: ignore[arg-type]
    assert hub.read(REPO, "videos/charades-license.txt") == b"Charades is for research."
    assert not any("notes" in path for path in hub.tree(REPO))
    (pool / "LICENSE").symlink_to(tmp_path / "pool" / "notes.txt")
    with pytest.raises(PublishError, match="bears the name of a licence and is a link"):
        publish("star", **options)  # type: ignore[arg-type]


def test_nothing_is_left_beside_videos_that_go(hub: LocalHub, tmp_path: Path) -> None:
    rows = make_rows(make_videos(tmp_path / "pool", 3))
    made_run(rows, tmp_path).publish(private=False)
    hub.add_files(REPO, {"videos/charades-license.txt": b"terms", "LICENSE": b"my own words"})
    made_run(rows, tmp_path, mode="none").publish(private=False)
    assert not any(path.startswith("videos/") for path in hub.tree(REPO))
    assert hub.read(REPO, "LICENSE") == b"my own words"
