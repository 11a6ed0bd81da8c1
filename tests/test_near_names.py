"""Names that are nearly right: what an error asks, in Python as on the command line."""

from __future__ import annotations

from typing import Any

import pytest

import video_sft
from video_sft._near_names import check_one_of, did_you_mean, near_names


@pytest.mark.parametrize(
    ("name", "names", "near"),
    [
        ("val", ["train", "validation"], "validation"),
        ("Dev", ["train", "validation"], "validation"),
        ("training", ["train", "test"], "train"),
        ("val", ["train", "test"], None),
        ("NExT-QA", ["star", "next_qa"], "next_qa"),
        ("stopping", ["split", "stopping_strategy"], "stopping_strategy"),
        ("something", ["else"], None),
        (3, ["three"], None),
    ],
)
def test_the_nearest_name(name: object, names: list[str], near: str | None) -> None:
    assert near_names(name, names) == ([] if near is None else [near])
    assert did_you_mean(name, names) == ("" if near is None else f" Did you mean {near!r}?")


def test_a_value_is_one_of_several() -> None:
    check_one_of("to", "swift", ["swift"])
    with pytest.raises(
        video_sft.ConfigError, match=r"to is 'swfit'; it is one of swift, qwen\. Did you mean 'swift'\?"
    ):
        check_one_of("to", "swfit", ["swift", "qwen"])


@pytest.mark.parametrize(
    ("function", "options", "said"),
    [
        (video_sft.mix, {"parts": ["star"], "numrows": 3}, "mix has no option 'numrows'. Did you mean 'num_rows'"),
        (video_sft.mix, {"parts": ["star"], "stopping": "x"}, "mix has no option 'stopping'. Did you mean 'stopping_s"),
        (video_sft.mix, {"parts": ["star"], "prompt_stile": "x"}, "Did you mean 'prompt_style'"),
        (
            video_sft.mix,
            {"parts": ["star"], "split": "val"},
            "it has train, validation, test. Did you mean 'validation'",
        ),
        (video_sft.load, {"config": "star", "spilt": "train"}, "Did you mean 'split'"),
        (video_sft.load, {"config": "star", "split": "val[:2]"}, "Did you mean 'validation'"),
        (video_sft.load, {"config": "star", "media": {"charade": "/x"}}, "Did you mean 'charades'"),
        (video_sft.load, {"config": "Star"}, "Did you mean star"),
        (video_sft.publish, {"configs": "star", "repo": "a/b", "dryrun": True}, "publish has no option 'dryrun'. Did"),
    ],
)
def test_python_asks_too(function: Any, options: dict[str, Any], said: str, session_cache: str) -> None:
    with pytest.raises(video_sft.ConfigError) as told:
        function(**options, sample=True, cache_dir=session_cache)
    assert said in str(told.value)
