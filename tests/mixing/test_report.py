"""`describe`: figures that can be checked by hand, in every form."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset
from PIL import Image
from rich.console import Console

from video_sft.errors import ConfigError
from video_sft.mixing import describe, mix
from video_sft.mixing._report.figures import strictest

Make = Callable[..., Dataset]


@pytest.fixture
def mixed(part: Make) -> Dataset:
    star = part(
        "star",
        [
            {"video_id": "charades/A", "start_seconds": 0.0, "stop_seconds": 1800.0},
            {"video_id": "charades/A", "start_seconds": 0.0, "stop_seconds": 1800.0},
            {"video_id": "charades/B", "start_seconds": 10.0, "stop_seconds": 3610.0},
            {"video_id": "charades/C", "license": None},
        ],
        answer_format="multiple_choice",
        task="reasoning",
        license="Apache-2.0",
    )
    chat = part("videochat", [{"question": ["one?", "two?"], "license": "other"}] * 5 + [{"license": "GPL-3.0"}])
    return mix(
        {"star": star, "videochat": chat}, probabilities=[0.8, 0.2], licenses=["apache-2.0", "other"], num_rows=20
    )


def test_figures_are_those_of_the_rows(mixed: Dataset) -> None:
    report = describe(mixed)
    star, chat = report.sources
    assert (star.name, star.requested, star.share, star.rows) == ("star", 0.8, 0.8, 16)
    assert (star.available, star.passes, star.videos) == (3, 16 / 3, 2)
    assert star.hours == pytest.approx(1.5)
    assert star.timed_rows == 16
    assert (star.tasks, star.answer_formats) == ({"reasoning": 16}, {"multiple_choice": 16})
    assert star.left_out == {"no license stated": 1}
    assert (chat.rows, chat.turns, chat.hours, chat.left_out) == (4, 2.0, None, {"license GPL-3.0": 1})
    assert chat.characters == len("one?two?answer 0answer 1")
    assert report.license == "other"
    assert report.total.rows == 20
    assert report.total.videos == star.videos + chat.videos
    assert report.total.licenses == {"Apache-2.0": 16, "other": 4}
    assert report.recipe["num_rows"] == 20


def test_what_is_left_of_a_mixture_is_described(mixed: Dataset, tmp_path: Path) -> None:
    rest = describe(mixed.skip(15))
    assert rest.total.rows == sum(source.rows for source in rest.sources) == 5
    assert describe(mixed.shuffle(seed=1)).sources == describe(mixed).sources
    some = describe(mixed.filter(lambda row: row["source"] == "star"))
    assert [(source.name, source.rows, source.requested) for source in some.sources] == [
        ("star", 16, 0.8),
        ("videochat", 0, 0.2),
    ]
    written = describe(mixed.map(lambda row: {"task": "vqa"}))
    assert [(source.name, source.rows, source.tasks) for source in written.sources] == [
        ("star", 16, {"vqa": 16}),
        ("videochat", 4, {"vqa": 4}),
    ]
    mixed.save_to_disk(str(tmp_path / "saved"))
    loaded = Dataset.load_from_disk(str(tmp_path / "saved"))
    assert describe(loaded).sources == describe(mixed).sources
    assert len(describe(mixed.select([])).sources) == 2


def test_parts_of_one_source_keep_their_names(part: Make) -> None:
    mixed = mix({"mine": part("star", 4), "yours": part("star", [{"id": "star/x"}])})
    assert [(source.name, source.rows) for source in describe(mixed).sources] == [("mine", 4), ("yours", 1)]


def test_datasets_that_are_no_mixtures_are_described_too(part: Make, ids: Make) -> None:
    report = describe(part("star", 6))
    assert [(source.name, source.rows, source.requested, source.passes) for source in report.sources] == [
        ("star", 6, None, None)
    ]
    assert describe(ids("a", 3)).total.rows == 3
    assert describe(part("star", 0)).total.rows == 0
    with pytest.raises(ConfigError, match="streaming=False"):
        describe(part("star", 6).to_iterable_dataset())  # type: ignore[arg-type]


class Cells(HTMLParser):
    """Collects the texts of table cells."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open += [] if tag == "meta" else [tag]
        self.cells += [""] if tag in ("td", "th") else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data


def test_every_form_has_the_same_figures(mixed: Dataset, part: Make) -> None:
    report = describe(mixed)
    text = report.to_markdown()
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    star = next(line for line in lines if line[0] == "star")
    assert star[:5] == ["star", "80.0%", "80.0%", "16", "5.33"]
    assert ["star", "no license stated", "1"] in lines
    assert "Strictest licence: other." in text
    parser = Cells()
    parser.feed(report.to_html())
    assert not parser.open
    told = [cell for line in lines if "---" not in line for cell in line if cell]
    assert set(told) == {cell for cell in parser.cells if cell}
    assert "<h1>A mixture of" in report.to_html()
    out = io.StringIO()
    Console(file=out, width=140).print(report)
    assert re.search(r"star +80\.0% +80\.0% +16 +5\.33", out.getvalue())
    assert re.search(r"videochat +license GPL-3\.0 +1\b", out.getvalue())
    assert "<script" not in describe(mix({"<script>|": part("star", 1)})).to_html()


def test_the_figure_is_a_picture(mixed: Dataset, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    describe(mixed).to_png(tmp_path / "mixture.png")
    with Image.open(tmp_path / "mixture.png") as picture:
        assert picture.width > 1000
        colours = picture.convert("RGB").getcolors(1 << 20)
    assert colours is not None
    assert (0x00, 0x72, 0xB2) in {colour for _, colour in colours}
    assert [path.name for path in tmp_path.iterdir()] == ["mixture.png"]


def test_without_matplotlib_the_extra_is_named(mixed: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ConfigError, match=r"video-sft\[report\]"):
        describe(mixed).to_png(tmp_path / "mixture.png")


@pytest.mark.parametrize(
    ("licenses", "expected"),
    [
        (["MIT", "CC0-1.0"], "MIT"),
        (["CC-BY-4.0", "CC-BY-SA-4.0", "MIT"], "CC-BY-SA-4.0"),
        (["CC-BY-NC-4.0", "CC-BY-SA-4.0"], "CC-BY-NC-4.0"),
        (["CC-BY-NC-SA-4.0", "CC-BY-NC-ND-4.0"], "CC-BY-NC-ND-4.0"),
        (["CC-BY-NC-ND-4.0", "other"], "other"),
        (["unknown", "other"], "unknown"),
        ([], None),
    ],
)
def test_the_strictest_licence(licenses: list[str], expected: str | None) -> None:
    assert strictest(licenses) == strictest(reversed(licenses)) == expected
