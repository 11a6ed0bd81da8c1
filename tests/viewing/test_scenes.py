"""The samples' clips have a scene each, and what it says to be seen is to be seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.expectations import read_expected

from video_sft._sample_drawing.painting import paint, scenes
from video_sft.builders import own_sources


def drawn() -> set[str]:
    """The clips and images that the sample rows name."""
    rows = [row for source in own_sources() for row in read_expected(source)]
    return {row["video_path"] for row in rows if row.get("video_path")}


def test_every_clip_of_the_samples_has_a_scene_and_no_other_has() -> None:
    assert set(scenes()) == drawn()


@pytest.mark.parametrize("path", sorted(scenes()))
def test_scenes_are_painted_at_every_second(path: str) -> None:
    scene = scenes()[path]
    moments = {0.0, *(moment.second for thing in scene.things for moment in thing.moments)}
    pictures = [np.asarray(paint(scene, second, 48, 36)) for second in sorted(moments)]
    assert all(len(np.unique(picture.reshape(-1, 3), axis=0)) > 2 for picture in pictures)
    if path.endswith((".mp4", ".mkv", ".webm", ".gif")):
        assert any(not np.array_equal(pictures[0], other) for other in pictures[1:])


def test_things_are_where_the_answers_say() -> None:
    at: Any = lambda path, name, second: [  # noqa: E731
        thing.at(second) for thing in scenes()[path].things if thing.shape == name and thing.at(second) is not None
    ]
    (left, *_), (right, *_) = (at("ssv2/100001.webm", "cup", second)[0] for second in (0.0, 6.0))
    assert left + 30 < right  # pushed from left to right
    (_, low, *_), (_, high, *_) = (at("didemo/sample_didemo_1.mp4", "balloon", second)[0] for second in (1.5, 4.0))
    assert high < low - 20  # rises
    assert len(at("webvid/000101_000150/1000000102.mp4", "kite", 5.9)) == 3
    assert at("vidor/9003/2990010004.mp4", "sitting_dog", 1.0)
    assert not at("vidor/9003/2990010004.mp4", "person", 1.0)  # alone at the start
    raised = [bool(at("vidor/9004/10990010005.mp4", "waver", second)) for second in (19.0, 22.0, 25.0)]
    assert raised == [False, True, False]
