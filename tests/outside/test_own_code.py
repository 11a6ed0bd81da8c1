"""The code of a source from outside decides whether rows that were built are used again."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from tests.outside.made_sources import write_rows

MODULE = """
import json
from collections.abc import Iterator
{imports}
from video_sft.source_kit import Media, OpenPart, OpenQuestion, Part, Record, RemoteFile, Source, SourceBuilder

def parse(part):
    return part.problems.read(part.json_rows(), record)

def record(row):
    {late}
    return Record(key=row.text("id"), task="vqa", body=OpenQuestion("what?", {answer}), media=None, row=row)

class Made(SourceBuilder, known={known}):
    parts = (Part(split="train", files={{"rows": RemoteFile(name="train.json")}}),)
    source = Source(name="made", tasks=("vqa",), parts=parts, parse=parse)
"""


def module(imports: str = "", late: str = "", answer: str = "'one'", known: object = False) -> str:
    return MODULE.format(imports=imports, late=late, answer=answer, known=known)


def key(file: Path, name: str) -> str:
    """What the code of a module's class adds to the cache key, the module being imported under a name."""
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    stubs = {parent: ModuleType(parent) for parent in (name.rpartition(".")[0],) if parent}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(file.parent))
        for each, stub in {**stubs, name: loaded}.items():
            patch.setitem(sys.modules, each, stub)
        spec.loader.exec_module(loaded)
        digest: str = loaded.Made._outside.digest()
        assert loaded.Made._outside.live == ()
    sys.modules.pop("made_words", None)
    return digest


PLAIN, LATE = module(), module(late="import made_words.all")
FIRST = module("from made_words import ONE")
WORDS = {"made_words/__init__.py": "", "made_words/all.py": "ONE = 1\n"}


@pytest.mark.parametrize(
    ("name", "files", "edited", "counts"),
    [
        ("made_a", {"made_a.py": PLAIN}, "made_a.py", True),
        ("made_b", {"made_b.py": FIRST, "made_words.py": "ONE = 1\n"}, "made_words.py", True),
        ("made_c", {"made_c.py": LATE, **WORDS}, "made_words/all.py", True),
        ("made_d", {"made_d.py": PLAIN, **WORDS}, "made_words/all.py", False),
        (
            "made_e.x",
            {"made_e/x.py": PLAIN, "made_e/__init__.py": "", "made_e/deep/y.py": ""},
            "made_e/deep/y.py",
            True,
        ),
        ("made_f.x", {"made_f/x.py": PLAIN, "made_f/__init__.py": "", **WORDS}, "made_words/all.py", False),
        ("made_g.x", {"made_g/x.py": LATE, "made_g/__init__.py": "", **WORDS}, "made_words/all.py", True),
        ("made_h", {"made_h.py": LATE, "x-1.dist-info/METADATA": "", **WORDS}, "made_words/all.py", False),
    ],
)
def test_an_edit_counts_where_the_code_is(
    name: str, files: dict[str, str], edited: str, counts: bool, tmp_path: Path
) -> None:
    for place, text in files.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text)
    file = tmp_path / f"{name.replace('.', '/')}.py"
    before = key(file, name)
    assert key(file, name) == before
    with (tmp_path / edited).open("a") as handle:
        handle.write("# another parser\n")
    assert (key(file, name) != before) == counts


SHOW = """
import datasets, video_sft
datasets.disable_progress_bars()
rows = video_sft.load("made", data_dir={data!r}, split="train")
print(rows["answer"][:], rows._fingerprint)
"""


@pytest.mark.parametrize("way", ["a module", "a notebook"])
def test_an_edited_parser_builds_anew_and_an_unchanged_one_does_not(way: str, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "data", train=[{}])

    def shown(helper: str) -> list[str]:
        text = module(f"def helper(row):\n    return {helper}\n", answer="helper(row)", known=None)
        show = SHOW.format(data=str(data))
        (tmp_path / "made_in_file.py").write_text(text)
        words = {"a module": ["-c", "import made_in_file\n" + show], "a notebook": ["-"]}
        path = os.pathsep.join([str(tmp_path), *(place for place in sys.path if place)])
        done = subprocess.run(
            [sys.executable, *words[way]],
            input=text + show,
            env={**os.environ, "PYTHONPATH": path, "HF_HOME": str(tmp_path / "cache")},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    first = shown("'one'")
    assert first[0] == "['one']"
    if way == "a notebook":  # what a module's file adds to the key is tried above
        assert shown("'one'") == first
    second = shown("'two'")
    assert second[0] == "['two']"
    assert len(list((tmp_path / "cache" / "datasets" / "made").glob("*/*/*/*.arrow"))) == 2
