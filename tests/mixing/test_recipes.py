"""Recipes: mixtures as YAML files, by path, by name, and on the command line."""

from __future__ import annotations

import collections
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset, load_from_disk

from video_sft.errors import ConfigError, MissingFileError
from video_sft.mixing import bundled_recipes, describe, mix

Run = Callable[..., Any]
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str) -> Path:
        path = tmp_path / "recipe.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.mark.parametrize("name", bundled_recipes())
def test_bundled_recipes_mix_the_samples(name: str) -> None:
    mixed = mix(name, sample=True)
    report = describe(mixed)
    assert len(mixed) == report.total.rows > 0
    assert all(source.rows for source in report.sources)


def test_the_recipe_that_has_everything_has_every_source() -> None:
    names = {source.name for source in describe(mix("everything", sample=True)).sources}
    from video_sft import sources

    assert names == set(sources())


def test_options_in_a_recipe_hold_unless_others_are_given(write: Write) -> None:
    path = write("parts: {star: 1, next_qa: 3}\nnum_rows: 40\nseed: 7\nsample: true\n")
    mixed = mix(path)
    assert collections.Counter(mixed["source"]) == {"star": 10, "next_qa": 30}
    assert mixed["id"][:] == mix({"star": 1, "next_qa": 3}, num_rows=40, seed=7, sample=True)["id"][:]
    assert len(mix(path, num_rows=20)) == 20


def test_what_a_mixture_was_made_with_is_a_recipe_again(write: Write) -> None:
    import yaml

    mixed = mix({"star": 1, "next_qa": 3}, num_rows=40, seed=7, sample=True, max_epochs_per_source={"star": 9})
    again = mix(write(yaml.safe_dump(dict(describe(mixed).recipe))), sample=True)
    assert again["id"][:] == mixed["id"][:]


def test_folders_in_a_recipe_are_relative_to_it(write: Write, tmp_path: Path) -> None:
    path = write("parts: [star]\ndata_dir: {star: files/star}\n")
    with pytest.raises(MissingFileError, match=str(tmp_path / "files" / "star")):
        mix(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("parts: [star\n", "is not YAML.*line"),
        ("- star\n", "should have `parts:`"),
        ("star: 1\n", "should have `parts:`"),
        ("parts: {star: -1}\n", "'star'"),
        ("parts: [stra]\n", "star"),
        ("parts: [star]\nsede: 1\n", "'sede'; did you mean seed"),
        ("parts: [star]\nepochs: many\n", "recipe.yaml: epochs is 'many'"),
        ("parts: " + "[" * 2000 + "]" * 2000, "recipe.yaml is not a recipe: .*nested too deeply"),
        ("parts: [star]\nsplit: 2024-13-45\n", "is not YAML: month"),
        ("parts: {star: 1" + "0" * 400 + "}\n", "weight of 'star' is inf"),
        ('parts: [star]\nsample: "false"\n', "recipe.yaml: sample is 'false'; give true or false"),
        ("parts: [star]\nshuffle: 0\n", "shuffle is 0; give true or false"),
        ("parts: [star]\nstreaming: [true]\n", "streaming is"),
        ("parts: [star]\ndedupe: null\n", "dedupe is None"),
        ("parts: [star]\nsplit: [train]\n", "split is .*give a text"),
        ("parts: [star]\nrevision: 3\n", "revision is 3; give a text"),
        ("parts: [star]\ncache_dir: {a: b}\n", "cache_dir is .*give a path"),
        ("parts: [star]\neval_ids: true\n", "eval_ids is True; give a path"),
        ("parts: [star]\nlicenses: MIT\n", "licenses is 'MIT'; give a list"),
        ("parts: [star]\neval_sets: [{a: 1}]\n", "eval_sets is .*give a list of names"),
        ("parts: [star]\ndata_dir: [a]\n", "data_dir is .*a path, or one by source"),
        ("parts: [star]\nfiles: rows.json\n", "files is .*by source and split"),
        ("parts: [star]\nmedia: {1: 2}\n", "media is .*these by pool"),
        ("parts: [star]\ndata_dir: &a {star: *a}\n", "data_dir is"),
    ],
)
def test_a_recipe_that_is_wrong_is_told_where(write: Write, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        mix(write(text))


def test_a_recipe_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(MissingFileError, match="balanced"):
        mix("nowhere.yaml")


def test_the_command_reports_and_saves(write: Write, tmp_path: Path, video_sft_command: Run) -> None:
    recipe = str(write("parts: {star: 1, next_qa: 1}\nnum_rows: 12\n"))
    reports = [str(tmp_path / f"report.{suffix}") for suffix in ("html", "md", "png")]
    pytest.importorskip("matplotlib")
    words = [recipe, "--sample", "--out", str(tmp_path / "saved"), *(w for path in reports for w in ("--report", path))]
    done = video_sft_command("mix", *words)
    assert done.code == 0, done.err
    assert "next_qa" in done.out
    assert "| star | 50.0% |" in Path(reports[1]).read_text()
    assert Path(reports[0]).read_text().startswith("<!doctype html>")
    assert Path(reports[2]).read_bytes().startswith(b"\x89PNG")
    saved = load_from_disk(str(tmp_path / "saved"))
    assert isinstance(saved, Dataset)
    assert len(saved) == 12


def test_the_command_refuses_what_it_cannot_write(write: Write, tmp_path: Path, video_sft_command: Run) -> None:
    recipe = str(write("parts: [star]\n"))
    for said, words in {
        "should end in .html": ["--sample", "--report", "report.pdf"],
        "no folder": ["--sample", "--report", str(tmp_path / "no" / "r.md")],
        "give each as a=PLACE": ["--data-dir", "a=b", "--data-dir", "c"],
    }.items():
        assert said in video_sft_command("mix", recipe, *words).err
    assert "balanced" in video_sft_command("mix", "?").out
