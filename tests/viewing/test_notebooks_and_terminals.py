"""Clips, frames and mixtures show themselves in notebooks, and rows in terminals: small, and with text as text."""

from __future__ import annotations

import base64
import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import video_sft
from video_sft import Clip
from video_sft._cli.console import Console
from video_sft._cli.pictures import print_frames

from .conftest import shared_row


def embedded(html: str, kind: str) -> list[bytes]:
    """The files of one kind that are part of a page."""
    return [base64.b64decode(data) for data in re.findall(rf"data:{kind};base64,([A-Za-z0-9+/=]+)", html)]


def test_a_clip_shows_frames_facts_and_plays(videos: dict[str, Path]) -> None:
    clip = Clip(videos["plain"], 0.5, 1.25)
    html = clip._repr_html_()
    (sheet,), (file,) = embedded(html, "image/jpeg"), embedded(html, "video/mp4")
    assert Image.open(io.BytesIO(sheet)).width > 300
    assert file == videos["plain"].read_bytes()
    assert "#t=0.5,1.25" in html
    assert "96 x 64" in html
    assert len(html) < 200_000


def test_a_video_browsers_do_not_play_is_made_anew_for_the_notebook(videos: dict[str, Path]) -> None:
    (file,) = embedded(Clip(videos["avi"], 0.5, 1.5)._repr_html_(), "video/mp4")
    assert Clip(file).metadata.duration_seconds == pytest.approx(1.0, abs=0.05)


def test_a_large_file_does_not_become_part_of_the_notebook(videos: dict[str, Path], tmp_path: Path) -> None:
    large = tmp_path / "large.mp4"
    large.write_bytes(videos["plain"].read_bytes() + b"\0\0\0\x08free" * 600_000)  # 4.8 MB of empty boxes
    html = Clip(large, 0.0, 1.0)._repr_html_()
    assert "<video" in html
    assert len(html) < 300_000


def test_what_cannot_be_read_says_why_and_does_not_fail() -> None:
    html = Clip("/nowhere/<b>x.mp4")._repr_html_()
    assert "no such file" in html
    assert "<b>" not in html


def test_a_video_on_a_server_is_linked_to_at_its_limits() -> None:
    from video_sft.video._notebook import _url

    assert _url("https://host/a.mp4") == "https://host/a.mp4"
    assert str(_url("hf://datasets/org/name@main/videos/a.mp4")).endswith(
        "/datasets/org/name/resolve/main/videos/a.mp4"
    )
    assert _url("/data/a.mp4") is None
    assert _url("zip://a.mp4::https://host/b.zip") is None


def test_frames_tell_their_shape_instead_of_their_pixels(videos: dict[str, Path]) -> None:
    clip = Clip(videos["plain"])
    frames = clip.frames(count=4)
    assert repr(frames) == "Frames(uint8 4 x 64 x 96 x 3, 0.24 to 1.72 s)"
    assert len(embedded(frames._repr_html_(), "image/jpeg")) == 1
    planes = clip.frames(count=2, layout="NCHW", dtype="float32")
    assert repr(planes).startswith("Frames(float32 2 x 3 x 64 x 96")
    assert embedded(planes._repr_html_(), "image/jpeg") == []
    many = clip.frames()
    assert len(many._repr_html_()) < 100_000
    sound = Clip(videos["sound"]).audio()
    assert repr(sound) == f"Audio(float32 {len(sound.data)} at 16000 Hz, from 0.00 s)"


@pytest.mark.usefixtures("own_cache")
def test_mixtures_and_reports_show_tables() -> None:
    mixed: Any = video_sft.mix(["next_gqa", "next_qa"], sample=True, dedupe=True)
    html = mixed._repr_html_()
    assert html.count("<table") == 2
    assert "1 question of another source" in html
    assert mixed.skip(2)._repr_html_().startswith("<div><p><b>A mixture of 5 rows")
    assert "<h2>A mixture of next_gqa, next_qa</h2>" in video_sft.describe(mixed)._repr_html_()


def test_text_of_rows_is_no_html_in_a_mixture() -> None:
    import datasets

    rows = datasets.Dataset.from_list([shared_row(0, "<script>1</script>")], features=video_sft.features())
    html = video_sft.mix({"<b>": rows})._repr_html_()  # type: ignore[operator]
    assert "<script>" not in html
    assert "<b></b>" not in html
    assert "&lt;script&gt;" in html


def test_contact_sheets_of_clips_frames_and_arrays(videos: dict[str, Path]) -> None:
    clip = Clip(videos["plain"])
    sheet = video_sft.contact_sheet(clip, count=6, size=32, columns=3, title="six")
    frames = clip.frames(count=6, size=32)
    assert np.array_equal(np.asarray(sheet), np.asarray(video_sft.contact_sheet(frames, columns=3, title="six")))
    times = frames.pts_seconds.tolist()
    same = video_sft.contact_sheet(frames.data, times, columns=3, title="six")
    assert np.array_equal(np.asarray(sheet), np.asarray(same))
    few = video_sft.contact_sheet(clip.clip(0.0, 0.08), count=8)  # two frames
    assert few.width < 3 * 96
    with pytest.raises(ValueError, match="their times"):
        video_sft.contact_sheet(frames.data)
    with pytest.raises(ValueError, match="uint8"):
        video_sft.contact_sheet(clip.frames(count=1, dtype="float32"))


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What is printed of a row on a terminal, or elsewhere."""

    def make(row: dict[str, Any], *, terminal: bool = True, width: int = 100, **environment: str) -> str:
        for name in ("TERM", "TERM_PROGRAM", "TMUX", "KITTY_WINDOW_ID", "NO_COLOR", "COLORTERM"):
            monkeypatch.delenv(name, raising=False)
        for name, value in {"TERM": "xterm-256color", "COLORTERM": "truecolor", **environment}.items():
            monkeypatch.setenv(name, value)
        out = io.StringIO()
        # The console would look at the environment as it was when `rich` was imported.
        looks: Any = {"legacy_windows": False, "_environ": os.environ}
        print_frames(Console(file=out, force_terminal=terminal, width=width, **looks), row)
        return out.getvalue()

    return make


def test_frames_are_printed_as_blocks_that_fit(printed: Callable[..., str], videos: dict[str, Path]) -> None:
    row = {"video": Clip(videos["plain"])}
    plain = re.sub(r"\x1b\[[0-9;]*m", "", printed(row))
    *blocks, times = plain.rstrip("\n").splitlines()
    assert {len(line) for line in blocks} == {99}
    assert times.split() == ["0.2", "s", "0.7", "s", "1.2", "s", "1.7", "s"]
    narrow = re.sub(r"\x1b\[[0-9;]*m", "", printed(row, width=20))
    assert {len(line) for line in narrow.splitlines()[:-1]} == {20}


def test_terminals_with_pictures_are_given_pictures(printed: Callable[..., str], videos: dict[str, Path]) -> None:
    row = {"video": Clip(videos["plain"])}
    kitty = printed(row, TERM="xterm-kitty")
    pieces = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", kitty)
    assert "".join(f"\x1b_G{keys};{data}\x1b\\" for keys, data in pieces) == kitty.rstrip("\n")
    assert [keys[-3:] for keys, _ in pieces] == ["m=1"] * (len(pieces) - 1) + ["m=0"]
    assert Image.open(io.BytesIO(base64.b64decode("".join(data for _, data in pieces)))).width > 200
    iterm = printed(row, TERM_PROGRAM="iTerm.app")
    found = re.fullmatch(r"\x1b\]1337;File=inline=1;size=(\d+):([^\x07]+)\x07\n", iterm)
    assert found
    assert len(base64.b64decode(found[2])) == int(found[1])
    assert "\x1b_G" not in printed(row, TERM="xterm-kitty", TMUX="/tmp/tmux")


@pytest.mark.parametrize("without", [{"terminal": False}, {"NO_COLOR": "1"}, {"TERM": "dumb", "COLORTERM": ""}])
def test_nothing_is_printed_where_it_could_not_be_seen(
    printed: Callable[..., str], videos: dict[str, Path], without: dict[str, Any]
) -> None:
    assert printed({"video": Clip(videos["plain"])}, **without) == ""


def test_a_video_that_cannot_be_read_does_not_stop_the_row(printed: Callable[..., str]) -> None:
    assert "no such file" in printed({"video": Clip("/nowhere.mp4")})
    assert printed({"video": None, "image": None}) == ""
    assert "▀" in printed({"image": Image.new("RGBA", (30, 20), (1, 2, 3, 255))})
