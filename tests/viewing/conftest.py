"""Pages served in this process, and rows to be shown on them."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import datasets
import pytest
from tests.video.made_videos import encode, remux

import video_sft
from video_sft.video import Video

pytest.importorskip("uvicorn")
pytest.importorskip("starlette")

#: What a page must show as it is, and never act on.
HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>&amp; \u202egnp.exe"


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Site:
    """A page that is being served."""

    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def get(self, path: str, **headers: str) -> Answer:
        """Ask for a path as it is written: no client tidies it up."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.putrequest("GET", path, skip_host="Host" in headers)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())

    def rows(self, **asked: str | list[str]) -> Any:
        """The page of rows that is asked for."""
        words = [(name, one) for name, given in asked.items() for one in ([given] if isinstance(given, str) else given)]
        answer = self.get("/api/rows?" + "&".join(f"{name}={quote(value)}" for name, value in words))
        assert answer.status == 200, answer.body
        return answer.json


@contextlib.contextmanager
def serving(opened: Any, notice: str = "") -> Iterator[Site]:
    """Serve a page until the block ends."""
    from video_sft._viewing.serving import listening, server_of

    with contextlib.closing(listening(0)) as listener:
        server = server_of(opened, notice=notice)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield Site(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(30)
            assert not thread.is_alive()


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two seconds in containers that browsers play and in others."""
    from PIL import Image
    from tests.video.made_videos import pictures

    folder = tmp_path_factory.mktemp("videos")
    plain = encode(folder / "plain.mp4", options={"g": "12", "bf": "2"})
    sound = encode(folder / "sound.mkv", options={"g": "12", "bf": "2"}, audio_codec="aac")
    numbered = folder / "frames"
    numbered.mkdir()
    for number, picture in enumerate(pictures(10)):
        Image.fromarray(picture).save(numbered / f"{number:05}.png")
    return {
        "plain": plain,
        "mkv": remux(plain, folder / "plain.mkv"),
        "sound": sound,
        "ts": remux(plain, folder / "plain.ts"),
        "flv": remux(plain, folder / "plain.flv"),
        "avi": encode(folder / "old.avi", codec="mpeg4", options={"g": "12"}),
        "gif": encode(folder / "a.gif", codec="gif", pixel_format="rgb8", count=20, rate=10),
        "frames": numbered,
    }


def shared_row(number: int, said: str, video: Any = None, **changes: Any) -> dict[str, Any]:
    """One row of the shared schema."""
    turns = [("user", [("video", None), ("text", said)]), ("assistant", [("text", f"answer {number}")])]
    messages = [
        {"role": role, "content": [{"type": kind, "text": text} for kind, text in parts]} for role, parts in turns
    ]
    row = dict.fromkeys(video_sft.features())
    row |= {"id": f"made/{number}", "source": "made", "task": "vqa", "answer_format": "open_ended", "license": "MIT"}
    row |= {"messages": messages, "choices": [], "evidence": [], "answer": f"answer {number}"}
    row["video"] = None if video is None else {"path": str(video), "bytes": None}
    return {**row, **changes}


@pytest.fixture
def opened_rows() -> Callable[..., Any]:
    """Open rows as the page has them, in one split."""
    from video_sft._viewing.opened import Opened
    from video_sft._viewing.row_set import RowSet

    def make(rows: list[dict[str, Any]] | datasets.Dataset, split: str = "train") -> Any:
        if isinstance(rows, list):
            columns = video_sft.features() if "messages" in rows[0] else None
            rows = datasets.Dataset.from_list(rows, features=columns)
        found = rows.cast_column("video", Video()) if "video" in rows.column_names else rows
        return Opened("made", {split: lambda: RowSet(found)}, None)

    return make
