"""`mix`: a genuine dataset whose order depends on its parts and the seed alone."""

from __future__ import annotations

import collections
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import datasets
import numpy as np
import pytest
from datasets import Dataset, DatasetDict
from hypothesis import given, settings
from hypothesis import strategies as st

from video_sft._rows.schema import COLUMNS
from video_sft.errors import ConfigError
from video_sft.mixing import mix

without_deadline = settings(deadline=None, max_examples=25)
Make = Callable[..., Dataset]


def sources_of(rows: Any) -> collections.Counter[str]:
    return collections.Counter(name.partition("/")[0] for name in rows["id"])


def test_a_mixture_is_a_dataset_of_the_shared_schema_and_the_pass(part: Make) -> None:
    mixed = mix({"star": part("star", 5), "next_qa": part("next_qa", 7)}, probabilities={"star": 0.5, "next_qa": 0.5})
    assert isinstance(mixed, Dataset)
    assert mixed.column_names == [*COLUMNS, "mix_epoch"]
    assert len(mixed) == 12
    assert sources_of(mixed) == {"star": 6, "next_qa": 6}
    assert collections.Counter(mixed.filter(lambda row: row["source"] == "star")["mix_epoch"]) == {0: 5, 1: 1}
    assert mixed[3]["messages"][0]["content"][0] == {"type": "video", "text": None}


def test_without_weights_every_row_comes_once(part: Make) -> None:
    parts = {"star": part("star", 4), "next_qa": part("next_qa", 9), "vcg_plus": part("vcg_plus", 1)}
    assert sorted(mix(parts)["id"]) == sorted(name for rows in parts.values() for name in rows["id"])


@without_deadline
@given(
    sizes=st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 40), min_size=1),
    weights=st.data(),
    seed=st.integers(0, 2**70),
    rows=st.integers(1, 300),
)
def test_shares_order_and_random_access_hold_for_any_parts(
    ids: Make, sizes: dict[str, int], weights: st.DataObject, seed: int, rows: int
) -> None:
    chosen = {name: weights.draw(st.sampled_from([0, 1e-9, 0.1, 0.5, 3]), label=name) for name in sizes}
    present = {name: weight for name, weight in chosen.items() if weight and sizes[name]}
    parts = {name: ids(name, size) for name, size in sizes.items()}
    total = sum(chosen.values())
    probabilities = {name: weight / total for name, weight in chosen.items()} if total else chosen
    if not present:
        with pytest.raises(ConfigError):
            mix(parts, probabilities=probabilities, seed=seed, num_rows=rows)
        return
    mixed = mix(parts, probabilities=probabilities, seed=seed, num_rows=rows)
    names = mixed["id"]
    counts = sources_of(mixed)
    for name, weight in present.items():
        assert abs(counts[name] - rows * weight / sum(present.values())) < 1
    assert len(set(zip(names, mixed["mix_epoch"], strict=True))) == len(names) == rows
    backwards = dict(reversed(parts.items()))
    assert mix(backwards, probabilities=probabilities, seed=seed, num_rows=rows)["id"][:] == names[:]
    place = weights.draw(st.integers(0, rows - 1))
    assert mixed[place]["id"] == names[place]
    assert mixed.skip(place)["id"][:] == names[place:]
    assert [row["id"] for row in mixed.__getitems__([place, 0, -1])] == [names[place], names[0], names[-1]]


def test_another_seed_is_another_order_of_the_same_rows(ids: Make) -> None:
    parts = {"a": ids("a", 60), "b": ids("b", 40)}
    one, other = mix(parts, seed=1), mix(parts, seed=2)
    assert one["id"][:] != other["id"][:]
    assert sorted(one["id"]) == sorted(other["id"])
    assert mix(parts, seed=1)._fingerprint == one._fingerprint != other._fingerprint


def test_every_pass_is_shuffled_anew(ids: Make) -> None:
    mixed = mix({"a": ids("a", 50)}, epochs=3)
    passes = [mixed["id"][50 * number : 50 * number + 50] for number in range(3)]
    assert mixed["mix_epoch"][:] == [0] * 50 + [1] * 50 + [2] * 50
    assert all(sorted(each) == sorted(passes[0]) for each in passes)
    assert passes[0] != passes[1] != passes[2] != passes[0]


def test_unshuffled_parts_keep_their_order(ids: Make) -> None:
    mixed = mix({"a": ids("a", 4), "b": ids("b", 4)}, shuffle=False, epochs=2)
    assert [name for name in mixed["id"] if name[0] == "a"] == [f"a/{number}" for number in range(4)] * 2


def test_another_process_makes_the_same_order(ids: Make) -> None:
    code = (
        "import datasets; from video_sft.mixing import mix\n"
        "parts = {n: datasets.Dataset.from_dict({'id': [f'{n}/{i}' for i in range(30)]}) for n in ('b', 'a')}\n"
        "print(','.join(mix(parts, seed=5)['id']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = mix({"a": ids("a", 30), "b": ids("b", 30)}, seed=5)
    assert done.stdout.strip() == ",".join(here["id"])


def test_weights_of_zero_and_empty_parts_are_simply_absent(ids: Make) -> None:
    parts = {"a": ids("a", 10), "none": ids("none", 0), "off": ids("off", 10)}
    mixed = mix(parts, probabilities={"a": 0.5, "none": 0.5, "off": 0.0}, num_rows=20)
    assert sources_of(mixed) == {"a": 20}
    for strategy in ("first_exhausted", "all_exhausted", "all_exhausted_without_replacement"):
        each = mix(parts, probabilities={"a": 0.5, "none": 0.5, "off": 0.0}, stopping_strategy=strategy)
        assert sources_of(each) == {"a": 10}


def test_strategies_stop_where_datasets_stops(ids: Make) -> None:
    parts = {"a": ids("a", 100), "b": ids("b", 200)}
    first = mix(parts, stopping_strategy="first_exhausted")
    assert sources_of(first) == {"a": 100, "b": 100} or sources_of(first) == {"a": 100, "b": 99}
    every = mix(parts, stopping_strategy="all_exhausted")
    assert len(set(every["id"])) == 300
    assert 399 <= len(every) <= 400
    once = mix(parts, probabilities=[0.9, 0.1], stopping_strategy="all_exhausted_without_replacement")
    assert sorted(once["id"]) == sorted([*parts["a"]["id"], *parts["b"]["id"]])
    assert sources_of(once[:100])["a"] == pytest.approx(90, abs=4)


def test_a_million_passes_over_a_single_row_are_a_small_table(ids: Make) -> None:
    mixed = mix({"a": ids("a", 1), "b": ids("b", 1000)}, probabilities=[0.5, 0.5], num_rows=2_000_000)
    assert max(mixed["mix_epoch"][-4:]) == 999_999
    assert mixed.data.nbytes < 100_000_000
    assert {name.partition("/")[0] for name in mixed[1_999_990:]["id"]} == {"a", "b"}


def test_parts_that_are_selections_and_mixtures_can_be_mixed(ids: Make) -> None:
    chosen = ids("a", 100).select([7, 3, 50]).shuffle(seed=1)
    mixed = mix({"chosen": chosen, "b": ids("b", 3)})
    assert sorted(mixed["id"]) == ["a/3", "a/50", "a/7", "b/0", "b/1", "b/2"]
    again = mix({"mixed": mixed, "c": ids("c", 2)})
    assert sorted(again["id"]) == sorted([*mixed["id"], "c/0", "c/1"])
    assert again.column_names == ["id", "mix_epoch"]


def test_tables_in_tiny_batches_are_rewritten_once(part: Make, tmp_path: Any) -> None:
    """`datasets` writes rows with a video column ten at a time; that would make every later operation slow."""
    whole = part("star", 700)
    written = Dataset.from_generator(lambda: iter(whole), features=whole.features, cache_dir=str(tmp_path))
    assert written.data.column("id").num_chunks >= 64
    mixed = mix({"star": written}, epochs=2)
    assert mixed.data.column("id").num_chunks == 2
    assert sorted(mixed["id"]) == sorted([*whole["id"]] * 2)
    files = sorted(tmp_path.rglob("video-sft-batches-*"))
    before = [file.stat().st_mtime_ns for file in files]
    assert mix({"star": written})["id"][:] == mix({"star": whole})["id"][:]
    assert len(files) == 1
    assert [file.stat().st_mtime_ns for file in files] == before


def test_a_mixture_survives_pickling_saving_and_mapping(part: Make, tmp_path: Any) -> None:
    mixed = mix({"star": part("star", 30), "next_qa": part("next_qa", 30)})
    names = mixed["id"][:]
    assert pickle.loads(pickle.dumps(mixed))["id"][:] == names
    mixed.save_to_disk(str(tmp_path / "saved"))
    assert datasets.load_from_disk(str(tmp_path / "saved"))["id"][:] == names
    assert mixed.map(lambda row: {"id": row["id"].upper()})["id"][:] == [name.upper() for name in names]


@pytest.mark.parametrize("kind", [None, "numpy", "torch", "arrow", "pandas"])
def test_batches_are_those_of_datasets(part: Make, kind: str | None) -> None:
    mixed = mix({"star": part("star", 20), "next_qa": part("next_qa", 20)})
    keys = [5, 39, 0, 5, 7]
    if kind in ("arrow", "pandas"):
        mixed = mixed.select_columns(["mix_epoch"])
        assert [int(row["mix_epoch"]) for row in mixed.__getitems__(keys)] == [0] * 5
        return
    quick = mixed.with_format(kind, columns=["id", "mix_epoch", "choices"] if kind else None)
    plain = Dataset.__getitems__(quick, keys)
    assert repr(quick.__getitems__(keys)) == repr(plain)
    assert repr(quick.skip(3).__getitems__([0])) == repr(Dataset.__getitems__(quick, [3]))
    with pytest.raises(IndexError):
        quick.__getitems__([len(quick)])


def test_a_transform_still_applies_to_batches(ids: Make) -> None:
    mixed = mix({"a": ids("a", 5)}).with_transform(lambda batch: {"upper": [name.upper() for name in batch["id"]]})
    assert all(row["upper"].startswith("A/") for row in mixed.__getitems__([0, 1]))


def test_ten_million_rows_of_eight_parts(ids: Make) -> None:
    parts = {f"p{number}": ids(f"p{number}", size) for number, size in enumerate([0, 1, 2, 1000, 5000, 20_000, 3, 7])}
    shares = [0.05, 0.05, 0.1, 0.2, 0.2, 0.2, 0.1, 0.1]
    mixed = mix(parts, probabilities=shares, num_rows=10**7)
    assert len(mixed) == 10**7
    there = np.array(shares[1:]) / sum(shares[1:])
    counts = sources_of(mixed[7_000_000:7_001_000])
    assert all(abs(counts[f"p{number + 1}"] - 1000 * share) < 4 for number, share in enumerate(there))
    assert mixed.skip(9_999_999)[0]["id"] == mixed[-1]["id"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"epochs": 1.5}, "epochs is 1.5"),
        ({"num_rows": 0}, "num_rows"),
        ({"seed": "x"}, "seed"),
        ({"stopping_strategy": "some"}, "all_exhausted_without_replacement"),
        ({"max_epochs_per_source": {"c": 1}}, "'c'"),
        ({"max_epochs_per_source": 0}, "max_epochs_per_source"),
        ({"decontaminate": "all"}, "eval-videos"),
        ({"licenses": "MIT"}, "licenses"),
        ({"temperature": -1}, "temperature"),
        ({"probabilities": {"a": 1.0, "b": 1.0}}, "sum to 2"),
        ({"streaming": True}, "streaming=False"),
        ({"sede": 1}, "sede"),
        ({"group": "video"}, "group"),
    ],
)
def test_a_wrong_option_is_named_at_once(ids: Make, options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        mix({"a": ids("a", 2), "b": ids("b", 2)}, **options)


def test_numbers_may_be_numpys(ids: Make) -> None:
    parts = {"a": ids("a", 4), "b": ids("b", 4)}
    same = mix(parts, probabilities=[0.5, 0.5], num_rows=6, seed=3)
    numpys = mix(parts, probabilities=np.array([0.5, 0.5]), num_rows=np.int64(6), seed=np.int64(3))
    assert numpys["id"][:] == same["id"][:]


def test_wrong_parts_are_named(ids: Make, part: Make) -> None:
    for parts, told in [
        ({"a": ids("a", 1), "b": 0.5}, "'b' has a weight"),
        ({"a": DatasetDict({"train": ids("a", 1)})}, "train"),
        ({"a": ids("a", 1), "star": part("star", 1)}, "different columns"),
        ({"starr": 1.0}, "star"),
        ({"star": -1}, "'star'"),
        (["star", "star"], "named twice"),
        ({}, "nothing to mix"),
        ([], "nothing to mix"),
        (7, "int"),
    ]:
        with pytest.raises(ConfigError, match=told):
            mix(parts)
    with pytest.raises(ConfigError, match="weights and probabilities"):
        mix({"star": 1.0}, probabilities=[1.0])
