"""What a newcomer runs: the training notebook, and the lines of the help."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.pages import CARDS, HELP

from . import families  # noqa: F401 - skips where transformers is missing, and lets torchvision be imported


def test_the_notebook_trains_and_shows_its_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("matplotlib")
    book = nbformat.read(CARDS / "train.ipynb", as_version=4)
    nbformat.validate(book)
    assert not any(cell.get("outputs") for cell in book.cells)
    for cell in book.cells:
        cell.source = cell.source.replace("num_rows=480", "num_rows=120")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    nbclient.NotebookClient(book, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    text = "".join(output.get("text", "") for output in outputs)
    first, last = (float(number) for number in re.search(r"([\d.]+) to ([\d.]+) in", text).groups())  # type: ignore[union-attr]
    assert last < first / 2
    assert "learnt: B<|im_end|>" in text
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert (tmp_path / "loss.png").stat().st_size > 5_000


@pytest.mark.filterwarnings("ignore::FutureWarning:transformers")
@pytest.mark.filterwarnings("ignore:'pin_memory' argument:UserWarning")  # torch's, where there is no accelerator
@pytest.mark.usefixtures("own_cache")
def test_five_lines_from_the_mixture_to_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("accelerate")
    monkeypatch.chdir(tmp_path)
    text = (HELP / "training.md").read_text(encoding="utf-8")
    found = re.search(r"by a test of training -->\n```python\n(.*?)```", text, re.DOTALL)
    assert found
    lines = [line for line in found[1].partition("mixed = ")[2].splitlines() if line]
    assert len(lines) == 5
    assert lines[-1] == "trainer.train()"
    names: dict[str, Any] = {}
    exec(compile(found[1].replace("num_rows=32", "num_rows=8"), "training.md", "exec"), names)
    assert names["trainer"].state.global_step == 1
    assert names["collator"].counts["rows"] == 8
