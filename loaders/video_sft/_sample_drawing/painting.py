"""The painter of the samples' scenes: a picture of one second of a scene, from the shapes and scenes beside it."""

from __future__ import annotations

import bisect
import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from PIL import Image, ImageDraw, ImageFont

__all__ = ["paint", "scenes"]

_FOLDER = Path(__file__).parent
_COLOURS = {
    "skin": "#dd9a6d", "ink": "#20242a", "white": "#f7f7f5", "grey": "#a4a9ae", "darkgrey": "#5c6268",
    "steel": "#7f93a6", "navy": "#2c3a57", "blue": "#2f6fc0", "paleblue": "#bcd9ee", "sky": "#a8d4f2",
    "sea": "#3f8fb8", "lake": "#8fa3ad", "teal": "#2a9d8f", "green": "#4c9a4a", "yellow": "#f2cf45",
    "gold": "#e0b050", "orange": "#e8833a", "red": "#cf3b34", "pink": "#ea8fa8", "purple": "#6b4a8f",
    "brown": "#7a4f2c", "wood": "#a9743f", "clay": "#b5643c", "brick": "#b0563f", "sand": "#ecd9a4",
    "sand2": "#cfae6a", "cream": "#f3e9d2", "stripes": "#5aa3c8", "lawn": "#a3cc7e", "floor": "#d9b891",
}  # fmt: skip
#: Drawn so many times as large and made smaller, for edges without steps.
_FINER = 2


@dataclass(frozen=True)
class Moment:
    """Where a thing is at a second: across and down in per cent, its size, its turn; None where it is not there."""

    second: float
    place: tuple[float, float, float, float] | None


@dataclass(frozen=True)
class Thing:
    """A shape in its colours, and where it is when."""

    shape: str
    colours: Mapping[str, str]
    moments: Sequence[Moment]

    def at(self, second: float) -> tuple[float, float, float, float] | None:
        """Return where it is at a second, None where it is not there."""
        number = bisect.bisect_right([moment.second for moment in self.moments], second + 1e-9) - 1
        if number < 0:
            return None
        here = self.moments[number]
        after = self.moments[number + 1] if number + 1 < len(self.moments) else here
        if here.place is None or after.place is None or after is here:
            return here.place
        part = (second - here.second) / (after.second - here.second)
        across, down, size, turn = (a + part * (b - a) for a, b in zip(here.place, after.place, strict=True))
        return across, down, size, turn


@dataclass(frozen=True)
class Scene:
    """What a clip shows: the colours above and below a line, and the things in front of them, from back to front."""

    above: str
    below: str
    horizon: float
    things: Sequence[Thing]


@functools.cache
def scenes() -> dict[str, Scene]:
    """Return the scenes of the package's samples, by the path of the clip or image."""
    text = (_FOLDER / "scenes.yaml").read_text(encoding="utf-8")
    return {path: _scene(each) for path, each in yaml.safe_load(text).items()}


@functools.cache
def _shapes() -> dict[str, list[list[str]]]:
    text = (_FOLDER / "shapes.yaml").read_text(encoding="utf-8")
    return {name: [stroke.split() for stroke in strokes] for name, strokes in yaml.safe_load(text).items()}


def _scene(content: Mapping[str, Any]) -> Scene:
    above, below, horizon = content["place"].split()
    return Scene(above, below, float(horizon), [_thing(line) for line in content["things"]])


def _thing(line: str) -> Thing:
    shape, *words = line.split()
    colours = [word for word in words if ":" not in word]
    own = dict(zip(("c", "d"), colours, strict=False))
    moments: list[Moment] = []
    size, turn = 20.0, 0.0
    for word in words[len(colours) :]:
        second, _, place = word.partition(":")
        if place == "off":
            moments.append(Moment(float(second), None))
            continue
        across, down, *more = (float(number) for number in place.split(","))
        size, turn = (*more, *(size, turn)[len(more) :])
        moments.append(Moment(float(second), (across, down, size, turn)))
    return Thing(shape, own, moments)


def paint(scene: Scene, second: float, width: int, height: int) -> Image.Image:
    """Return what a scene shows at a second."""
    wide, high = width * _FINER, height * _FINER
    picture = Image.new("RGB", (wide, high), _COLOURS[scene.above])
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, high * scene.horizon / 100, wide, high), fill=_COLOURS[scene.below])
    for thing in scene.things:
        place = thing.at(second)
        if place is not None:
            across, down, size, turn = place
            brush = _Brush(draw, wide * across / 100, high * down / 100, high * size / 10_000, turn, thing.colours)
            brush.draw(thing.shape)
    return picture.reduce(_FINER)


class _Brush:
    """Draws the strokes of one shape at its place."""

    def __init__(
        self, draw: ImageDraw.ImageDraw, x: float, y: float, unit: float, turn: float, colours: Mapping[str, str]
    ) -> None:
        self._pen, self._x, self._y, self._unit, self._colours = draw, x, y, unit, colours
        self._cos, self._sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))

    def draw(self, shape: str) -> None:
        if shape.startswith("text:"):
            self._pen.text(
                (self._x, self._y),
                shape[5:],
                fill=self._colour("c"),
                font=ImageFont.load_default(self._unit * 100),
                anchor="ms",
            )
            return
        for kind, colour, *numbers in _shapes()[shape]:
            self._stroke(kind, self._colour(colour), [float(number) for number in numbers])

    def _colour(self, name: str) -> str:
        return _COLOURS[self._colours.get(name, "ink") if name in ("c", "d") else name]

    def _points(self, numbers: Sequence[float]) -> list[tuple[float, float]]:
        return [
            (
                self._x + self._unit * (x * self._cos - y * self._sin),
                self._y + self._unit * (x * self._sin + y * self._cos),
            )
            for x, y in zip(numbers[::2], numbers[1::2], strict=True)
        ]

    def _stroke(self, kind: str, colour: str, numbers: list[float]) -> None:
        if kind == "line":
            points, thick = self._points(numbers[1:]), max(1.0, numbers[0] * self._unit)
            self._pen.line(points, fill=colour, width=round(thick), joint="curve")
            for x, y in (points[0], points[-1]):
                self._pen.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=colour)
        elif kind == "circle":
            ((x, y),), radius = self._points(numbers[:2]), numbers[2] * self._unit
            self._pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
        elif kind == "half":
            x, y, radius = numbers
            angles = (math.pi * step / 12 for step in range(13))
            arc = [part for angle in angles for part in (x + radius * math.cos(angle), y - radius * math.sin(angle))]
            self._pen.polygon(self._points(arc), fill=colour)
        elif kind == "box":
            left, top, right, bottom = numbers
            self._pen.polygon(self._points([left, top, right, top, right, bottom, left, bottom]), fill=colour)
        else:
            self._pen.polygon(self._points(numbers), fill=colour)
