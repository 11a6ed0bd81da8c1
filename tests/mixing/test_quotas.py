"""How many rows each part gives, and which weights are refused."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from video_sft.errors import ConfigError
from video_sft.mixing._order.quotas import quotas
from video_sft.mixing._order.schedule import schedule
from video_sft.mixing._order.weights import named_probabilities, read_temperature, read_weights, shares

without_deadline = settings(deadline=None, max_examples=80)
parts = st.lists(st.tuples(st.integers(1, 200), st.floats(0.01, 1)), min_size=1, max_size=8)


def ready(drawn: list[tuple[int, float]]) -> tuple[list[str], list[int], Any]:
    sizes = [size for size, _ in drawn]
    return [f"p{place}" for place in range(len(drawn))], sizes, shares([weight for _, weight in drawn])


@without_deadline
@given(parts, st.integers(1, 100_000))
def test_exact_gives_each_part_its_share_to_within_one_row(drawn: list[tuple[int, float]], rows: int) -> None:
    names, sizes, share = ready(drawn)
    counts = quotas(names, sizes, share, num_rows=rows).counts
    assert counts.sum() == rows
    assert (np.abs(counts - share * rows) < 1).all()


@without_deadline
@given(parts, st.integers(1, 3))
def test_an_epoch_of_exact_has_as_many_rows_as_all_parts(drawn: list[tuple[int, float]], epochs: int) -> None:
    names, sizes, share = ready(drawn)
    assert quotas(names, sizes, share, epochs=epochs).counts.sum() == epochs * sum(sizes)


@without_deadline
@given(parts, st.integers(1, 3), st.integers(1, 3))
def test_a_part_that_is_stopped_leaves_its_rows_to_the_others(
    drawn: list[tuple[int, float]], epochs: int, limit: int
) -> None:
    names, sizes, share = ready(drawn)
    counts = quotas(names, sizes, share, epochs=epochs, max_epochs=[limit] * len(sizes)).counts
    caps = limit * np.array(sizes)
    assert (counts <= caps).all()
    assert counts.sum() == min(epochs * sum(sizes), caps.sum())
    free = counts < caps
    if free.sum() > 1:
        assert np.ptp((counts / share)[free]) <= (1 / share[free]).max() * 2


@without_deadline
@given(parts, st.integers(1, 2), st.sampled_from(["first_exhausted", "all_exhausted"]))
def test_a_strategy_ends_with_the_row_that_decides_it(
    drawn: list[tuple[int, float]], epochs: int, strategy: Any
) -> None:
    names, sizes, share = ready(drawn)
    quota = quotas(names, sizes, share, strategy=strategy, epochs=epochs)
    starts = np.cumsum([0, *quota.counts])
    order = schedule([np.arange(a, b, dtype=np.uint64) for a, b in itertools.pairwise(starts)], quota)
    part_of = np.searchsorted(starts[1:], order.astype(np.int64), side="right")
    given_rows = np.bincount(part_of, minlength=len(sizes))
    passes = given_rows >= epochs * np.array(sizes)
    before = np.bincount(part_of[:-1], minlength=len(sizes)) >= epochs * np.array(sizes)
    if strategy == "first_exhausted":
        assert passes.any()
        assert not before.any()
        assert (given_rows <= epochs * np.array(sizes)).all()
    else:
        assert passes.all()
        assert not before.all()


@without_deadline
@given(parts, st.integers(1, 2))
def test_without_replacement_gives_every_row_once_per_epoch(drawn: list[tuple[int, float]], epochs: int) -> None:
    names, sizes, share = ready(drawn)
    counts = quotas(names, sizes, share, strategy="all_exhausted_without_replacement", epochs=epochs).counts
    assert counts.tolist() == [epochs * size for size in sizes]


def test_a_mixture_beyond_measure_is_refused_with_the_part_that_asks_for_it() -> None:
    with pytest.raises(ConfigError, match=r"'rare'.*num_rows"):
        quotas(["big", "rare"], [1000, 1000], np.array([1 - 1e-9, 1e-9]), strategy="all_exhausted")


def test_num_rows_bounds_a_strategy_that_would_go_on() -> None:
    quota = quotas(["big", "rare"], [1000, 1000], np.array([1 - 1e-9, 1e-9]), strategy="all_exhausted", num_rows=5000)
    assert 5000 <= quota.counts.sum() < 6000


def test_temperature_flattens_shares() -> None:
    assert shares([1, 4]).tolist() == [0.2, 0.8]
    assert shares([1, 4], 2).tolist() == pytest.approx([1 / 3, 2 / 3])
    assert shares([1, 4], math.inf).tolist() == pytest.approx([0.5, 0.5])
    assert shares([1e-300, 1e300], 1).sum() == 1


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf, "0.3", None, True])
def test_a_bad_weight_is_named(bad: object) -> None:
    with pytest.raises(ConfigError, match="'star'"):
        read_weights({"next_qa": 1.0, "star": bad})


def test_weights_that_are_all_zero_or_none_at_all_are_refused() -> None:
    with pytest.raises(ConfigError, match="all weights are zero"):
        read_weights({"star": 0, "next_qa": 0.0})
    with pytest.raises(ConfigError, match="nothing to mix"):
        read_weights({})


@pytest.mark.parametrize(
    ("probabilities", "told"),
    [
        ({"star": 0.5, "next_qa": 0.4}, "sum to 0.9"),
        ({"star": 0.5, "next_qb": 0.5}, "'next_qb'"),
        ({"star": 1.0}, "'next_qa'"),
        ([0.5, 0.25, 0.25], "3 probabilities for 2 parts"),
        ([1.5, -0.5], "'next_qa'"),
    ],
)
def test_bad_probabilities_are_named(probabilities: Any, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        named_probabilities(["star", "next_qa"], probabilities)


@pytest.mark.parametrize("bad", [0, -1, math.nan, "hot", True])
def test_a_bad_temperature_is_refused(bad: object) -> None:
    with pytest.raises(ConfigError, match="temperature"):
        read_temperature(bad)
