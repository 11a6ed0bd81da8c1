"""The notebook beside the card runs as it was published."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from video_sft.publishing._card.files import read_card_file

from .conftest import PublishedSamples


def test_the_template_has_no_outputs_and_names_no_machine() -> None:
    text = read_card_file("explore.ipynb")
    book = nbformat.reads(text, as_version=4)
    nbformat.validate(book)
    for cell in book.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
    assert not any(word in text for word in ("/home", "/root", "/tmp", "/work", "C:\\\\"))
    assert set(book.metadata) <= {"kernelspec", "language_info"}


def test_the_notebook_runs_as_it_stands_on_the_samples(
    session_cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("matplotlib")
    book = nbformat.reads(read_card_file("explore.ipynb"), as_version=4)
    named = {"HF_DATASETS_CACHE": session_cache, "HF_HUB_OFFLINE": "1", "HF_ENDPOINT": "http://127.0.0.1:9"}
    for name, value in {**named, "IPYTHONDIR": str(tmp_path / "ipython")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MPLBACKEND", raising=False)
    nbclient.NotebookClient(book, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = {cell.id: cell.get("outputs", []) for cell in book.cells}
    (clip,) = (output.data["text/html"] for output in outputs["play"])
    assert "<video controls" in clip
    assert "#t=1.2,5.6" in clip.partition("<video")[2]
    pictures = [
        output for name in ("frames", "mix") for output in outputs[name] if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 2
    assert "-> The blanket." in json.dumps(outputs["rows"])
    assert len(json.dumps(outputs)) < 500_000


def test_the_published_notebook_runs_from_top_to_bottom(
    samples: PublishedSamples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbclient = pytest.importorskip("nbclient")
    published = samples.hub.read(samples.name, "explore.ipynb").decode()
    assert "# here" not in published
    book = nbformat.reads(published, as_version=4)
    for name, value in samples.hub.environment(token=None, cache="notebook").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    nbclient.NotebookClient(book, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = json.dumps([cell.get("outputs", []) for cell in book.cells])
    assert "<video controls" in shown
    assert "user: " in shown
