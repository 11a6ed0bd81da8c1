"""The page's server: rows and media by number, to this machine alone, and nothing else."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import video_sft
from video_sft import Clip, VideoError

from .conftest import HOSTILE, Site, serving, shared_row

Open = Callable[..., Any]


def frames_of(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    frames = Clip(data).frames()
    return frames.data, frames.pts_seconds


def media(site: Site, number: int = 0, anew: str = "") -> tuple[Any, bytes]:
    """How a row's video is shown, and the file that is sent."""
    told = site.get(f"/api/medium/train/{number}{anew}")
    assert told.status == 200, told.body
    sent = site.get(f"/video/train/{number}{anew}")
    assert sent.status == 200, sent.body
    assert sent.headers["content-type"].startswith("video/")
    return told.json, sent.body


def test_rows_come_by_pages_filters_and_words(opened_rows: Open) -> None:
    made = [shared_row(number, f"question {number}", task="vqa" if number % 3 else "reasoning") for number in range(45)]
    with serving(opened_rows(made), notice="Look!") as site:
        assert site.get("/api/about").json == {
            "title": "made",
            "splits": ["train"],
            "notice": "Look!",
            "mixture": False,
        }
        first, last = site.rows(), site.rows(page="2")
        assert (first["total"], first["pages"], len(first["rows"])) == (45, 3, 20)
        assert [row["number"] for row in last["rows"]] == list(range(40, 45))
        assert site.rows(page="99")["page"] == 2
        some = site.rows(task="reasoning", q="QUESTION 3", size="2")
        assert [row["id"] for row in some["rows"]] == ["made/3", "made/30"]
        assert (some["total"], some["all"]) == (5, 45)
        assert {each["value"]: each["rows"] for each in some["facets"]["task"]} == {"reasoning": 5, "vqa": 6}
        assert site.rows(q="nothing of this")["rows"] == []
        row = site.get("/api/row/train/44").json
        assert row["turns"][0] == {
            "role": "user",
            "parts": [{"type": "video", "text": None}, {"type": "text", "text": "question 44"}],
        }
        assert row["answer"] == "answer 44"
        for path, status in (("/api/row/train/45", 404), ("/api/row/test/0", 400), ("/api/rows?split=test", 400)):
            answer = site.get(path)
            assert answer.status == status
            assert "error" in answer.json


@pytest.mark.usefixtures("own_cache")
def test_a_config_shows_options_evidence_and_upstreams_fields() -> None:
    from video_sft._viewing.opened import open_config

    with serving(open_config("next_gqa", sample=True)) as site:
        assert site.get("/api/about").json["splits"] == ["train", "validation", "test"]
        row = site.get("/api/row/validation/0").json
        assert [option["text"] for option in row["options"] if option["right"]] == ["pull the string"]
        spans = [(moment["kind"], moment["start"], moment["stop"]) for moment in row["moments"]]
        assert spans == [("evidence", 1.2, 4.8), ("evidence", 9.0, 12.5)]
        upstream = site.get("/api/upstream/validation/0").json
        assert upstream["fields"]["location"] == [[1.2, 4.8], [9.0, 12.5]]
    for config in ("star", "star-source"):
        with serving(open_config(config, sample=True, split="train")) as site:
            upstream = site.get("/api/upstream/train/0").json
            assert [moment["start"] for moment in upstream["moments"]] == [1.2, 3.0, 5.0]
            assert "tidy up a blanket; person in_front_of blanket" in upstream["moments"][0]["text"]
            assert site.get("/api/row/train/0").json["answer"] == "The blanket."
            medium = site.get("/api/medium/train/0").json
            assert (medium["way"], medium["begin"], medium["end"]) == ("direct", 1.2, 5.6)


@pytest.mark.usefixtures("own_cache")
def test_a_mixture_tells_what_it_does_and_has_its_report(tmp_path: Path) -> None:
    from video_sft._viewing.opened import open_recipe

    recipe = tmp_path / "mine.yaml"
    recipe.write_text("parts: {star: 1, next_gqa: 1}\nnum_rows: 8\nstreaming: true\n", encoding="utf-8")
    with serving(open_recipe(str(recipe), load_options={"sample": True})) as site:
        assert site.get("/api/about").json["mixture"] is True
        rows = site.rows(part="star", mixture="in the mixture")
        assert rows["rows"]
        assert all(row["fate"]["what"].startswith("drawn") for row in rows["rows"])
        report = site.get("/report")
        assert b"<h1>A mixture of" in report.body
        assert "script-src" not in report.headers["content-security-policy"]


def test_a_file_that_browsers_play_is_sent_as_it_is_and_in_parts(opened_rows: Open, videos: dict[str, Path]) -> None:
    data = videos["plain"].read_bytes()
    with serving(opened_rows([shared_row(0, "what?", videos["plain"], start_seconds=0.5, stop_seconds=1.25)])) as site:
        told, body = media(site)
        assert body == data
        assert (told["way"], told["offset"], told["begin"], told["end"]) == ("direct", 0, 0.5, 1.25)
        for asked, begin, end in (
            ("bytes=0-", 0, len(data)),
            ("bytes=10-19", 10, 20),
            ("bytes=-5", len(data) - 5, len(data)),
            (f"bytes=100-{len(data) + 999}", 100, len(data)),
        ):
            part = site.get("/video/train/0", Range=asked)
            assert part.status == 206
            assert part.body == data[begin:end]
            assert part.headers["content-range"] == f"bytes {begin}-{end - 1}/{len(data)}"
        assert site.get("/video/train/0", Range=f"bytes={len(data)}-").status == 416
        for nonsense in ("bytes=9-3", "lines=1-2", "bytes=-", "bytes=1-2,5-6"):
            assert site.get("/video/train/0", Range=nonsense).body == data
        told, body = media(site, anew="?anew=1")
        assert (told["way"], told["offset"]) == ("converted", 0.5)
        assert frames_of(body)[1] == pytest.approx(Clip(data).clip(0.5, 1.25).frames().pts_seconds.clip(0.5) - 0.5)


@pytest.mark.parametrize("kind", ["mkv", "sound", "ts", "flv"])
def test_other_containers_are_repacked_frame_by_frame(opened_rows: Open, videos: dict[str, Path], kind: str) -> None:
    clip = Clip(videos[kind])
    with serving(opened_rows([shared_row(0, "what?", videos[kind])])) as site:
        told, body = media(site)
    assert told["way"] == "repacked"
    data, times = frames_of(body)
    wanted = clip.frames()
    assert np.array_equal(data, wanted.data)
    assert times + told["offset"] == pytest.approx(wanted.pts_seconds, abs=1e-3)
    if kind == "sound":
        sound, kept = clip.audio().data, Clip(body).audio().data
        assert np.abs(sound[: len(kept)] - kept[: len(sound)]).max() < 0.05


@pytest.mark.parametrize("kind", ["avi", "gif", "frames"])
def test_what_no_browser_plays_is_converted_from_the_clips_start(
    opened_rows: Open, videos: dict[str, Path], kind: str
) -> None:
    limits = {"start_seconds": 0.5, "stop_seconds": 1.5}
    with serving(opened_rows([shared_row(0, "what?", videos[kind], **limits)])) as site:
        told, body = media(site)
    assert (told["way"], told["offset"]) == ("converted", 0.5)
    wanted = Clip(videos[kind]).clip(0.5, 1.5).frames()
    data, _ = frames_of(body)
    assert Clip(body).metadata.duration_seconds == pytest.approx(1.0, abs=0.05)
    assert len(data) == max(2, len(wanted))  # a single frame comes twice
    for number, picture in enumerate(data[: len(wanted)]):
        likeness = [np.corrcoef(picture.mean(-1).ravel(), each.mean(-1).ravel())[0, 1] for each in wanted.data]
        assert int(np.argmax(likeness)) == number
        assert likeness[number] > 0.8


def test_videos_in_archives_and_in_rows_are_sent(opened_rows: Open, videos: dict[str, Path], tmp_path: Path) -> None:
    data = videos["plain"].read_bytes()
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("in/a.mp4", data)
    zipped = shared_row(0, "what?", f"zip://in/a.mp4::{tmp_path / 'all.zip'}")
    inside = shared_row(1, "what?")
    inside["video"] = {"path": None, "bytes": data}
    with serving(opened_rows([zipped, inside])) as site:
        assert [row["medium"] for row in site.rows()["rows"]] == ["video", "video"]
        for number in (0, 1):
            assert media(site, number)[1] == data
            assert site.get(f"/video/train/{number}", Range="bytes=5-8").body == data[5:9]


def test_pictures_of_clips_and_images(opened_rows: Open, videos: dict[str, Path], tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGBA", (40, 20), (10, 200, 30, 255)).save(tmp_path / "a.png")
    pictured = shared_row(1, "what?", image={"path": str(tmp_path / "a.png"), "bytes": None})
    (tmp_path / "b.png").write_bytes(b"no image at all")
    broken = shared_row(2, "what?", image={"path": str(tmp_path / "b.png"), "bytes": None})
    with serving(opened_rows([shared_row(0, "what?", videos["plain"]), pictured, broken])) as site:
        for path, size in (("/sheet/train/0", None), ("/thumb/train/0", None), ("/image/train/1", (40, 20))):
            answer = site.get(path)
            assert answer.headers["content-type"] == "image/jpeg"
            picture = Image.open(io.BytesIO(answer.body))
            assert size in (None, picture.size)
        assert site.get("/api/medium/train/1").json == {"kind": "image"}
        assert site.get("/image/train/2").status == 422
        assert site.get("/image/train/0").status == 404


def test_what_cannot_be_read_is_told_in_a_sentence(opened_rows: Open, videos: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"\0" * 5000)
    rows = [
        shared_row(0, "what?", tmp_path / "nowhere.mp4"),
        shared_row(1, "what?", tmp_path / "broken.mp4"),
        shared_row(2, "what?", videos["plain"], start_seconds=7.0, stop_seconds=9.0),
        shared_row(3, "what?", "/etc/passwd"),
        shared_row(4, "what?"),
    ]
    with serving(opened_rows(rows)) as site:
        for number, said in enumerate(["no such file", "broken.mp4", "not within its video", "/etc/passwd"]):
            for path in (f"/api/medium/train/{number}", f"/video/train/{number}"):
                answer = site.get(path)
                assert answer.status == 422
                assert said in answer.json["error"]
        assert b"root:" not in site.get("/video/train/3").body
        assert site.get("/api/medium/train/4").json == {"kind": "none"}
        assert site.get("/video/train/4").status == 404


def test_no_address_leads_to_another_file(opened_rows: Open) -> None:
    with serving(opened_rows([shared_row(0, "what?")])) as site:
        for path in (
            "/static/../app.py",
            "/static/..%2fapp.py",
            "/static//etc/passwd",
            "/video/train//etc/passwd",
            "/video/../../etc/passwd/0",
            "/video/train/0/../../../etc/passwd",
            "/video/%2fetc%2fpasswd/0",
            "/video/train/-1",
            "/video/train/1e3",
            "/api/row/train/99999999999999999999",
        ):
            answer = site.get(path)
            assert answer.status in (400, 404), path
            assert b"root:" not in answer.body
            assert b"import" not in answer.body
        with pytest.raises(VideoError):
            Clip("/etc/passwd").frames(count=1)


def test_other_sites_and_names_get_nothing(opened_rows: Open) -> None:
    with serving(opened_rows([shared_row(0, HOSTILE, question_type=HOSTILE)])) as site:
        for host in ("evil.example", "127.0.0.1.evil.example", "evil.example:80", ""):
            assert site.get("/api/row/train/0", Host=host).status == 400, host
        assert site.get("/api/about", Host=f"localhost:{site.port}").status == 200
        page = site.get("/")
        assert HOSTILE not in page.body.decode()
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "unsafe" not in page.headers["content-security-policy"]
        for path in ("/api/row/train/0", "/api/rows"):
            answer = site.get(path)
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"
            assert "access-control-allow-origin" not in answer.headers
        assert site.get("/api/row/train/0").json["turns"][0]["parts"][1]["text"] == HOSTILE


def test_folders_are_opened_for_what_they_hold(videos: dict[str, Path], tmp_path: Path, session_cache: str) -> None:
    import datasets

    from video_sft._viewing.opened import open_folder

    opened = open_folder(str(videos["plain"].parent))
    assert [row["id"] for row in opened.rows("videos").read(range(8))] == [
        "a.gif", "frames", "old.avi", "plain.flv", "plain.mkv", "plain.mp4", "plain.ts", "sound.mkv",
    ]  # fmt: skip
    rows: Any = video_sft.load("star", sample=True, cache_dir=session_cache)
    rows.save_to_disk(str(tmp_path / "saved"))
    saved = open_folder(str(tmp_path / "saved"))
    assert set(saved.splits) == {"train", "validation", "test"}
    assert saved.row("train", 0)["id"] == "star/Interaction_T1_2"
    (tmp_path / "parquet" / "star").mkdir(parents=True)
    rows["train"].cast_column("video", datasets.Video(decode=False)).to_parquet(
        str(tmp_path / "parquet" / "star" / "train-00000-of-00001.parquet")
    )
    with serving(open_folder(str(tmp_path / "parquet"))) as site:
        assert site.get("/api/about").json["splits"] == ["star/train"]
        assert site.get("/api/row/star/train/0").json["id"] == "star/Interaction_T1_2"
        assert site.get("/api/medium/star/train/0").json["way"] == "direct"
    (tmp_path / "empty").mkdir()
    with pytest.raises(video_sft.MissingFileError, match="holds neither"):
        open_folder(str(tmp_path / "empty"))


def test_the_command_serves_samples_until_it_is_stopped_and_writes_nothing(tmp_path: Path, session_cache: str) -> None:
    code = "from video_sft._cli import main; main()"
    environment = {**os.environ, "HF_DATASETS_CACHE": session_cache, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", code, "view", "star", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment
    ) as running:
        assert running.stdout is not None
        line = running.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        assert found, line
        assert "invented rows" in line
        site = Site(int(found[1]))
        assert site.get("/api/row/train/0").json["id"] == "star/Interaction_T1_2"
        assert site.get("/video/train/0", Range="bytes=0-9").status == 206
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
        assert "Traceback" not in said
        assert running.returncode == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["star2"], "Did you mean star"),
        (["nothing/here"], "there is no file or folder"),
        (["star", "--port", "70000"], "65535"),
    ],
)
def test_wrong_words_are_told(video_sft_command: Callable[..., Any], words: list[str], said: str) -> None:
    result = video_sft_command("view", *words)
    assert result.code == 2
    assert said in result.err


def test_without_the_extra_the_command_says_what_to_install(
    video_sft_command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = video_sft_command("view", "star")
    assert result.code == 2
    assert "pip install 'video-sft[view]'" in result.err


def test_a_port_that_is_taken_is_told() -> None:
    from video_sft._viewing.serving import listening

    with listening(0) as taken, pytest.raises(video_sft.ConfigError, match="cannot be had"):
        listening(taken.getsockname()[1])
