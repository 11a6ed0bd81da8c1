"""Each test of the contract fails for a source that breaks it, and says what is wrong."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.outside.made_sources import write_rows

from video_sft.source_kit import SourceBuilder
from video_sft.testing import SourceContract, known_while

MODULE = '''
from dataclasses import replace
from video_sft.source_kit import Part, RemoteFile, SourceBuilder
from tests.outside.made_sources import made_record, made_source

def parse(part):
    for number, record in enumerate(part.problems.read(part.json_rows(), made_record)):
        {change}
        yield record

parts = tuple(
    Part(split=split, files={{"rows": RemoteFile(name=split + ".json", unverified="made up")}})
    for split in ("train", "test")
)

class Made(SourceBuilder, known=False):
    """Made up, for a test of the tests."""

    source = made_source(parse=parse, {facts})
'''


@pytest.fixture
def made(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[type[SourceBuilder]]:
    """A source in a module of its own, with a sample beside it, changed as the test asks."""
    change, facts, rows = ({"change": "pass", "facts": "parts=parts", "rows": {}} | request.param).values()
    (tmp_path / "made_up.py").write_text(MODULE.format(change=change, facts=facts))
    (tmp_path / "samples").mkdir()
    write_rows(tmp_path / "samples" / "made", **{"train": [{}, {}], "test": [{}], **rows})
    spec = importlib.util.spec_from_file_location("made_up", tmp_path / "made_up.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "made_up", module)
        spec.loader.exec_module(module)
        with known_while(module.Made):
            yield module.Made


@pytest.mark.parametrize(
    ("made", "test", "said"),
    [
        ({"rows": {"test": []}}, "the_sample_gives_rows", "made, test: the sample has no row"),
        ({"change": "record.key = 'same'"}, "ids_are_unique_and_splits_disjoint", "two rows have the id made/same"),
        ({"rows": {"test": [{"video": "train0"}]}}, "ids_are_unique_and_splits_disjoint", "is in two splits"),
        ({"facts": "parts=parts, views=('vqa',)"}, "every_view_is_part_of_the_whole", "3 of 3 rows are no part"),
        ({"change": "record.question_type = '/home/me/x'"}, "no_cell_names_a_machine", "a path of this machine in"),
        ({"change": "record.evidence = [(3.0, 1.0)]"}, "rows_keep_the_contract", "made/train-0 in train: a moment of"),
        ({"change": "record.media.start_seconds = record.media.stop_seconds = 1.0"}, "rows_keep_the_contract", "ends"),
        (
            {"change": "import random; record.body.answer = str(random.random())"},
            "streamed_and_reloaded_rows_equal_built_ones",
            "made, train: streamed, its rows are others",
        ),
        ({}, "files_are_pinned", None),
        ({"facts": ""}, "files_are_pinned", "why not in unverified"),
        (
            {"change": "part.problems.policy = 'skip'"},
            "a_truncated_sample_is_an_error_that_names_file_and_row",
            "two thirds of train.json were read as if",
        ),
        ({"rows": {"train": [{"a": " "}, {}]}, "change": "record"}, "check_finds_no_error", "cannot be read"),
    ],
    indirect=["made"],
)
def test_it_fails_for_a_source_that_breaks_it(
    made: type[SourceBuilder], test: str, said: str | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    class Contract(SourceContract):
        sources = ("made",)

    arguments: tuple[Any, ...] = () if test in ("files_are_pinned", "check_finds_no_error") else (tmp_path_factory,)
    check = getattr(Contract(), f"test_{test}")
    if said is None:
        check("made", *arguments)
        return
    with pytest.raises(AssertionError) as told:
        check("made", *arguments)
    assert said in str(told.value)
