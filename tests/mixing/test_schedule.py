"""The order of a mixture: complete, even in every window, seeded, and the same everywhere."""

from __future__ import annotations

import collections

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from video_sft.mixing._order.quotas import Quotas, quotas
from video_sft.mixing._order.schedule import passes_over, schedule

without_deadline = settings(deadline=None, max_examples=80)
lengths = st.lists(st.integers(0, 400), min_size=1, max_size=12)


def numbered(counts: list[int]) -> list[np.ndarray]:
    starts = np.cumsum([0, *counts[:-1]])
    return [np.arange(start, start + count, dtype=np.uint64) for start, count in zip(starts, counts, strict=True)]


def interleaved(sequences: list[np.ndarray]) -> np.ndarray:
    counts = np.array([len(sequence) for sequence in sequences])
    return schedule(sequences, Quotas(counts, counts.astype(float), np.zeros_like(counts)))


def spread(order: np.ndarray, counts: list[int]) -> float:
    """The largest difference, over all windows and parts, between the rows a window has of a part and its share."""
    part_of = np.searchsorted(np.cumsum(counts), order.astype(np.int64), side="right")
    worst = 0.0
    for place, count in enumerate(counts):
        ahead = np.concatenate([[0], np.cumsum(part_of == place)]) - np.arange(len(order) + 1) * count / len(order)
        worst = max(worst, float(ahead.max() - ahead.min()))
    return worst


@without_deadline
@given(lengths)
def test_merging_keeps_every_row_once_and_each_part_in_its_own_order(counts: list[int]) -> None:
    order = interleaved(numbered(counts))
    assert sorted(order.tolist()) == list(range(sum(counts)))
    for own in numbered(counts):
        assert [number for number in order.tolist() if own.size and own[0] <= number <= own[-1]] == own.tolist()


@without_deadline
@given(lengths.filter(any))
def test_every_window_holds_its_share_to_within_four_rows(counts: list[int]) -> None:
    assert spread(interleaved(numbered(counts)), counts) < 3.37


@pytest.mark.parametrize(
    "counts",
    [
        [1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377],
        [1] * 64,
        [1, 100_000],
        [2**k for k in range(14)],
        [999, 1, 999, 1, 999],
        list(range(1, 65)),
    ],
)
def test_windows_stay_even_where_trees_are_deepest(counts: list[int]) -> None:
    assert spread(interleaved(numbered(counts)), counts) < 3.37


def test_a_row_with_a_share_of_one_in_a_billion_is_neither_lost_nor_doubled() -> None:
    quota = quotas(["big", "rare"], [1000, 5], np.array([1 - 1e-9, 1e-9]), num_rows=100_000)
    assert quota.counts.tolist() == [100_000, 0]
    quota = quotas(["big", "rare"], [1000, 5], np.array([1 - 1e-9, 1e-9]), strategy="all_exhausted_without_replacement")
    order = schedule(numbered(quota.counts.tolist()), quota)
    assert sorted(order.tolist()) == list(range(1005))


@without_deadline
@given(st.integers(1, 60), st.integers(1, 400), st.text(max_size=5))
def test_every_pass_has_every_row_once(size: int, count: int, key: str) -> None:
    number, row = np.divmod(passes_over(size, count, key=key).astype(np.int64), size)
    assert number.tolist() == sorted(number.tolist())
    for each in range(int(number.max()) + 1):
        rows = row[number == each].tolist()
        assert len(set(rows)) == len(rows) == min(size, count - each * size)


@without_deadline
@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 3000))
def test_a_shorter_schedule_is_the_beginning_of_a_longer_one(size: int, count: int, more: int) -> None:
    assert (passes_over(size, count + more, key="k")[:count] == passes_over(size, count, key="k")).all()


def test_each_pass_has_an_order_of_its_own_and_so_has_each_key() -> None:
    rows = passes_over(500, 1500, key="a") % np.uint64(500)
    other = passes_over(500, 500, key="b")
    assert (rows[:500] != rows[500:1000]).any()
    assert (rows[500:1000] != rows[1000:]).any()
    assert (rows[:500] != other).any()


def test_without_shuffling_every_pass_is_in_the_parts_own_order() -> None:
    assert (passes_over(3, 8, key="a", shuffle=False) % np.uint64(3)).tolist() == [0, 1, 2, 0, 1, 2, 0, 1]


def test_every_order_of_three_rows_is_as_likely() -> None:
    rows = (passes_over(3, 3 * 60_000, key="fair") % np.uint64(3)).reshape(-1, 3)
    seen = collections.Counter(map(tuple, rows.tolist()))
    assert len(seen) == 6
    assert all(abs(times - 10_000) < 500 for times in seen.values())


def test_the_order_is_what_it_was_when_it_was_written_down() -> None:
    """Mixtures must not change between machines, numpy versions or releases."""
    rows = passes_over(10, 15, key="0/star").tolist()
    assert rows == [6, 3, 8, 5, 4, 2, 0, 7, 1, 9, 17, 10, 12, 11, 13]
    assert interleaved(numbered([5, 3, 1])).tolist() == [0, 5, 1, 8, 2, 6, 3, 7, 4]


@without_deadline
@given(st.lists(st.integers(1, 300), min_size=1, max_size=6), st.data())
def test_parts_that_end_early_leave_the_rest_even(counts: list[int], data: st.DataObject) -> None:
    rates = np.array(data.draw(st.lists(st.floats(0.01, 1), min_size=len(counts), max_size=len(counts))))
    rates /= rates.sum()
    whole = np.array(counts, dtype=np.int64)
    order = schedule(numbered(counts), Quotas(whole, rates, np.zeros_like(whole)))
    assert sorted(order.tolist()) == list(range(sum(counts)))
    first_end = int((whole / rates).min() * 0.999)
    part_of = np.searchsorted(np.cumsum(counts), order.astype(np.int64), side="right")
    for place, rate in enumerate(rates):
        given_there = int((part_of[:first_end] == place).sum())
        assert abs(given_there - rate * first_end) < 5


def test_ten_million_rows_of_sixty_four_parts_are_exact() -> None:
    random = np.random.default_rng(0)
    sizes = [0 if place == 7 else 1 if place == 9 else int(random.integers(1, 300_000)) for place in range(64)]
    present = [place for place in range(64) if sizes[place]]
    shares = random.dirichlet(np.ones(len(present)))
    quota = quotas([str(place) for place in present], [sizes[place] for place in present], shares, num_rows=10**7)
    draws, start = [], 0
    for place, count in zip(present, quota.counts, strict=True):
        draws.append(passes_over(sizes[place], int(count), key=str(place)) + np.uint64(start))
        start += int(count) + sizes[place]
    order = schedule(draws, quota)
    assert len(order) == 10**7
    assert (np.abs(quota.counts - shares * 10**7) < 1).all()
