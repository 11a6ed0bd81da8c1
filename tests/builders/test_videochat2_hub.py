"""VideoChat2-IT from its gated Hub repo: by itself with the user's token, with exact steps without one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.builders.videochat2_trees import image_row, video_row
from tests.local_hub import LocalHub

import video_sft

REPO = "OpenGVLab/VideoChat2-IT"
READER, STRANGER = "hf_accepted_the_terms", "hf_did_not"
LOAD = """
import json, sys
import video_sft
try:
    rows = video_sft.load("videochat2", split="train")
    print(json.dumps([row["id"] for row in rows]))
except video_sft.VideoSftError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


@pytest.fixture
def gated(tmp_path: Path) -> Iterator[LocalHub]:
    """A Hub with the gated repo, which holds two files of the tree, a subset and one nobody knows."""
    webvid = [video_row(f"1/{number}.mp4") for number in range(3)]
    tree = {
        "video/caption/webvid/train.json": webvid,
        "video/caption/webvid/train_80k.json": webvid[:1],
        "video/caption/new/train.json": webvid,
        "image/vqa/dvqa/train_80k.json": [image_row("a.png")],
    }
    files = {path: json.dumps(rows).encode() for path, rows in tree.items()}
    with LocalHub(tmp_path / "hub") as hub:
        hub.add_token(STRANGER)
        hub.add_repo(REPO, files, gated=True, readers=(READER,))
        yield hub


def load(hub: LocalHub, token: str | None, **options: Any) -> list[str]:
    with hub.attached(token=token):
        rows: Any = video_sft.load("videochat2", split="train", **options)
        return [row["id"] for row in rows]


def in_another_process(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", LOAD], env=environment, capture_output=True, text=True, timeout=120)


WEBVID = [f"videochat2/video/caption/webvid/{number}" for number in (1, 2, 3)]
DVQA = "videochat2/image/vqa/dvqa/train_80k/1"


def test_it_loads_with_the_users_token(gated: LocalHub, caplog: pytest.LogCaptureFixture) -> None:
    assert load(gated, READER) == [*WEBVID, DVQA]
    assert "'video/caption/new': ('<task>', 'video')" in caplog.text
    fetched = {served.file for served in gated.served if "/resolve/" in served.path and served.status == 200}
    assert "video/caption/webvid/train_80k.json" not in fetched


def test_it_loads_in_a_fresh_process(gated: LocalHub) -> None:
    done = in_another_process(gated.environment(token=READER))
    assert json.loads(done.stdout) == [*WEBVID, DVQA]


def test_a_change_upstream_is_seen(gated: LocalHub) -> None:
    load(gated, READER)
    more = json.dumps([image_row("a.png"), image_row("b.png")]).encode()
    gated.add_files(REPO, {"image/vqa/dvqa/train_80k.json": more})
    assert load(gated, READER)[-1] == "videochat2/image/vqa/dvqa/train_80k/2"


def test_what_was_built_loads_without_the_hub(gated: LocalHub) -> None:
    load(gated, READER)
    gated.fail("GET", "/api/*", status=503, times=1000)
    assert load(gated, READER) == [*WEBVID, DVQA]


def test_a_commit_can_be_pinned(gated: LocalHub) -> None:
    first = gated.repo(REPO).resolve("main").oid
    gated.add_files(REPO, {"image/vqa/dvqa/train_80k.json": b"[]"})
    assert load(gated, READER, data_dir=f"hf://datasets/{REPO}@{first}") == [*WEBVID, DVQA]


@pytest.mark.parametrize(
    ("token", "options"),
    [(None, {}), (STRANGER, {}), (STRANGER, {"streaming": True}), (None, {"data_dir": f"hf://datasets/{REPO}"})],
)
def test_without_access_the_error_has_the_steps(gated: LocalHub, token: str | None, options: dict[str, Any]) -> None:
    with pytest.raises(video_sft.MissingFileError) as caught:
        load(gated, token, **options)
    message = str(caught.value)
    assert message.startswith("video/caption/webvid/train.json c")
    assert f"https://huggingface.co/datasets/{REPO}, log in and accept its terms" in message
    assert "hf auth login" in message
    assert "\n" not in message


def test_a_stream_reads_from_the_hub(gated: LocalHub) -> None:
    assert load(gated, READER, streaming=True) == [*WEBVID, DVQA]


def test_without_a_hub_the_error_has_the_steps(gated: LocalHub) -> None:
    done = in_another_process({**gated.environment(token=READER), "HF_ENDPOINT": "http://127.0.0.1:9"})
    assert done.stderr.strip().splitlines()[-1].startswith(f"MissingFileError: the Hub cannot be asked for {REPO}")
