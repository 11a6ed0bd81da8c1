"""Frames of a row in the terminal: as pictures where it shows them, else as half blocks in 24-bit colour."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.color import Color
from rich.segment import Segment, Segments
from rich.style import Style
from rich.text import Text

from video_sft._cli.console import Console
from video_sft.errors import VideoError

__all__ = ["print_frames"]

_COUNT, _GAP = 4, 1
#: Columns of one frame at most and at least, and of a picture the shortest side of its frames in pixels.
_WIDEST, _NARROWEST, _PICTURE_SIDE = 40, 12, 180
#: Of kitty's protocol, how many characters go into one escape sequence.
_PIECE = 4096


def print_frames(console: Console, row: Mapping[str, Any]) -> None:
    """Print some frames of a row's clip, or its image: on a terminal with colours, and nowhere else."""
    if not console.is_terminal or console.no_color or console.color_system is None:
        return
    try:
        frames, times = _frames(row)
    except VideoError as error:
        console.print(Text(f"no frames: {error}", style="dim"))
        return
    if not len(frames):
        return
    protocol = _protocol(os.environ)
    if protocol is not None:
        console.file.write(_picture(frames, times, protocol) + "\n")
        return
    if console.color_system != "truecolor":
        return
    across = min(len(frames), max(1, (console.width + _GAP) // (_NARROWEST + _GAP)))
    width = min(_WIDEST, (console.width + _GAP) // across - _GAP)
    chosen = np.linspace(0, len(frames) - 1, across).round().astype(int).tolist()
    console.print(_blocks([_small(frames[number], width) for number in chosen]), end="")
    told = (f"{times[number]:.1f} s".ljust(width) if times else "" for number in chosen)
    console.print(Text((" " * _GAP).join(told).rstrip(), style="dim"))


def _frames(row: Mapping[str, Any]) -> tuple[npt.NDArray[np.uint8], list[float]]:
    clip, image = row.get("video"), row.get("image")
    if clip is not None:
        found = clip.frames(count=_COUNT, size=_PICTURE_SIDE, on_error="nearest")
        return found.data, found.pts_seconds.tolist()
    if image is None:
        return np.zeros((0, 2, 2, 3), np.uint8), []
    image = image.convert("RGB")
    image.thumbnail((2 * _PICTURE_SIDE, 2 * _PICTURE_SIDE))
    return np.asarray(image)[None], []


def _protocol(environment: Mapping[str, str]) -> str | None:
    """Return which protocol for pictures the terminal knows, as far as its variables tell; none inside tmux."""
    if "TMUX" in environment or environment.get("TERM", "").startswith(("screen", "tmux")):
        return None
    program = environment.get("TERM_PROGRAM", "")
    if environment.get("TERM") in ("xterm-kitty", "xterm-ghostty") or "KITTY_WINDOW_ID" in environment:
        return "kitty"
    return "iterm2" if program in ("iTerm.app", "WezTerm") else None


def _picture(frames: npt.NDArray[np.uint8], times: list[float], protocol: str) -> str:
    """Return the escape sequences of a picture with all frames."""
    from video_sft.video import contact_sheet

    made = io.BytesIO()
    if times:
        contact_sheet(frames, times).save(made, "PNG")
    else:
        from PIL import Image

        Image.fromarray(frames[0]).save(made, "PNG")
    data = base64.b64encode(made.getvalue()).decode()
    if protocol == "iterm2":
        return f"\x1b]1337;File=inline=1;size={made.tell()}:{data}\x07"
    pieces = [data[first : first + _PIECE] for first in range(0, len(data), _PIECE)]
    heads = ["a=T,f=100,q=2," if number == 0 else "" for number in range(len(pieces))]
    return "".join(
        f"\x1b_G{head}m={int(number < len(pieces) - 1)};{piece}\x1b\\"
        for number, (head, piece) in enumerate(zip(heads, pieces, strict=True))
    )


def _small(frame: npt.NDArray[np.uint8], width: int) -> npt.NDArray[np.uint8]:
    """Return a frame with one pixel for each column and two for each line of the terminal."""
    from PIL import Image

    height = max(2, round(width * frame.shape[0] / frame.shape[1] / 2) * 2)
    return np.asarray(Image.fromarray(frame).resize((width, height)))


def _blocks(frames: list[npt.NDArray[np.uint8]]) -> Segments:
    """Return frames side by side: the upper pixel of each character is the colour of its half block."""
    parts = []
    for line in range(0, frames[0].shape[0], 2):
        for number, frame in enumerate(frames):
            if number:
                parts.append(Segment(" " * _GAP))
            for upper, lower in zip(frame[line].tolist(), frame[line + 1].tolist(), strict=True):
                parts.append(Segment("▀", Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower))))
        parts.append(Segment.line())
    return Segments(parts)
