"""Cards: generated parts follow the sources, prose stays, and what is published is true."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from datasets import Dataset
from huggingface_hub import DatasetCard
from tests.local_hub import LocalHub

import video_sft
from video_sft._rows.schema import COLUMNS
from video_sft.errors import ConfigError
from video_sft.publishing._card.blocks import COLUMN_MEANINGS
from video_sft.publishing._card.files import checkout_folder
from video_sft.publishing._card.metadata import generated_card
from video_sft.publishing._card.text import block_names, fill, section

from .conftest import PublishedSamples
from .made_rows import made_run, make_rows, make_videos

CARDS = checkout_folder() or Path()
NAMES = [*video_sft.sources(), "video-sft"]
BLOCKS = {
    *("load", "configs", "question_types", "examples", "schema", "videos", "provenance", "licenses", "overlaps"),
    *("changes", "citation"),
}


@pytest.mark.parametrize("name", NAMES)
def test_generated_parts_are_those_the_sources_give_now(name: str) -> None:
    text = (CARDS / f"{name}.md").read_text(encoding="utf-8")
    made = generated_card(video_sft.sources() if name == "video-sft" else [name], text)
    assert text == made, "run `make generate`"


def test_there_is_a_card_for_every_source_and_none_besides() -> None:
    assert {place.stem for place in CARDS.glob("*.md")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_what_a_reader_needs(name: str) -> None:
    text = (CARDS / f"{name}.md").read_text(encoding="utf-8")
    assert set(block_names(text)) >= BLOCKS
    card = DatasetCard(text)
    assert card.data.license
    assert card.data.configs
    assert card.data.pretty_name
    assert "[More Information Needed]" not in text
    prose = re.sub(r"(?s)<!-- generated.*?<!-- end: \w+ -->", "", card.text)
    assert len(re.findall(r"\w+", prose)) > 120, "by hand: what it is, what it is good for, what to beware of"
    assert "by hand" not in prose
    for heading in ("Intended use", "Limits and biases", "Personal data"):
        said = section(text, heading)
        assert said is not None
        assert len(said.split()) > 25, heading


@pytest.mark.parametrize("name", NAMES)
def test_links_are_whole_and_no_picture_is_missing(name: str) -> None:
    text = (CARDS / f"{name}.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]*)\)", text):
        assert re.fullmatch(r"https://\S+|#[\w-]+|explore\.ipynb", target), target
    for anchor in re.findall(r"\]\(#([\w-]+)\)", text):
        assert anchor in {re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-") for line in text.splitlines()}
    assert "![" not in text
    assert "<img" not in text


def test_a_new_card_begins_with_its_metadata_once() -> None:
    for text in ("# New\n", "---\n---\n# New\n", "---\na: 1\n---\n# New\n"):
        assert fill(text, "new: 2", {}) == "---\nnew: 2\n---\n# New\n"


def test_every_column_has_a_meaning() -> None:
    assert tuple(COLUMN_MEANINGS) == COLUMNS


def test_prose_is_kept_and_an_unknown_block_is_an_error() -> None:
    text = "---\nold: 1\n---\n# Mine\n<!-- generated: load -->\nold\n<!-- end: load -->\nmine too\n"
    assert fill(text, "new: 2", {"load": "fresh"}) == (
        "---\nnew: 2\n---\n# Mine\n<!-- generated: load -->\nfresh\n<!-- end: load -->\nmine too\n"
    )
    with pytest.raises(ConfigError, match="blocks nothing generates: lode"):
        fill(text.replace("load", "lode"), "", {"load": ""})


def test_the_published_card_counts_what_was_published(samples: PublishedSamples) -> None:
    card = DatasetCard(samples.hub.read(samples.name, "README.md").decode())
    infos = {info["config_name"]: info for info in card.data.dataset_info}
    assert sorted(infos) == sorted(video_sft.configs())
    tree = samples.hub.tree(samples.name)
    for config, info in infos.items():
        for split in info["splits"]:
            paths = [path for path in tree if path.startswith(f"{config}/{split['name']}-")]
            tables = [pq.read_table(io.BytesIO(samples.hub.read(samples.name, path))) for path in paths]
            assert split["num_examples"] == sum(map(len, tables)) > 0
        size = sum(len(samples.hub.read(samples.name, path)) for path in tree if path.startswith(f"{config}/"))
        assert info["download_size"] == size
    assert [config["config_name"] for config in card.data.configs if config.get("default")] == ["activitynet_qa"]
    assert card.data.license == "other"


def test_the_published_card_warns_of_evaluation_videos(samples: PublishedSamples) -> None:
    text = samples.hub.read(samples.name, "README.md").decode()
    warning = text.partition("> [!WARNING]")[2]
    assert "1,583 of ActivityNet-QA's 1,800 validation videos" in warning


def test_a_published_card_is_for_readers(samples: PublishedSamples) -> None:
    text = samples.hub.read(samples.name, "README.md").decode().partition("<!-- published:")[0].split("---\n", 2)[2]
    assert "<!--" not in text
    assert "at hand" not in text
    repeated = Counter(cell.strip() for line in text.splitlines() for cell in line.split("|") if len(cell) > 30)
    assert max(repeated.values()) < 5, repeated.most_common(3)
    paragraphs = Counter(part for part in text.split("\n\n") if len(part) > 60 and not part.startswith("```text"))
    assert max(paragraphs.values()) == 1
    for source in video_sft.sources():
        assert re.search(rf"^`{source}`, \w+, `{source}/.*\n\n```text\n(system|user):\n", text, re.MULTILINE), source
    assert re.search(r"\d+ videos are in this repo: [\d.]+ [kM]B, [\d.]+ minutes", text)
    assert "| `videochat2` | train | 38 | 97% | 34 |" in text
    assert re.search(r"## Changes\n\n- \d{4}-\d\d-\d\d: first published, with `activitynet_qa`", text)


def test_a_row_ends_nothing_in_the_card(hub: LocalHub, tmp_path: Path) -> None:
    said = "```\n# Mine\n--> <!-- published: {} -->\x1b[31m"
    row = {**make_rows([], rows=1)[0], "id": "star/`a|b`"}
    row["messages"] = [{"role": "user", "content": [{"type": "text", "text": said}]}]
    for _ in range(2):
        made_run(Dataset.from_list([row], features=video_sft.features()), tmp_path).publish(private=False)
        text = hub.read("org/made", "README.md").decode()
        shown, _, record = text.partition("\n<!-- published: ")
        assert "````text\nuser:\n  ```\n  # Mine\n  --> <!-- published: {} -->\\x1b[31m\n````" in shown
        assert len(record.splitlines()) == 2
        assert "-->" not in record.splitlines()[0].removesuffix("-->")


def test_changes_are_told_and_the_same_rows_change_nothing(hub: LocalHub, tmp_path: Path) -> None:
    files = make_videos(tmp_path / "videos", 3)
    told = [
        (make_rows(files), "reference", r"- [\d-]+: first published, with `star`\."),
        (make_rows(files), "reference", r"- [\d-]+: first published, with `star`\."),
        (make_rows(files, rows=5), "reference", r"- [\d-]+: `star` has train 5 rows, before train 3 rows\.\n- .*first"),
        (make_rows(files, rows=5), "none", r"- [\d-]+: `star` has 0 videos here, before 3\.\n- .*\n- .*first"),
    ]
    for rows, mode, expected in told:
        made_run(rows, tmp_path, mode=mode).publish(private=False)  # type: ignore[arg-type]
        said = section(hub.read("org/made", "README.md").decode(), "Changes")
        assert re.match(expected, said or ""), said


def test_a_card_says_that_sample_rows_are_no_dataset(samples: PublishedSamples) -> None:
    text = samples.hub.read(samples.name, "README.md").decode()
    assert "> [!NOTE]\n> These are invented sample rows" in text.partition("# Video SFT")[2][:200]


def test_the_published_card_passes_the_hubs_check(samples: PublishedSamples) -> None:
    with samples.hub.attached():
        DatasetCard(samples.hub.read(samples.name, "README.md").decode()).validate(repo_type="dataset")


def test_the_cards_snippets_run(samples: PublishedSamples, tmp_path: Path) -> None:
    snippets = re.findall(r"```python\n(.*?)```", samples.hub.read(samples.name, "README.md").decode(), re.DOTALL)
    assert len(snippets) >= 2
    script = tmp_path / "snippets.py"
    script.write_text("\n".join(snippets))
    done = subprocess.run(
        [sys.executable, str(script)], env=samples.hub.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "'messages': [{'role': 'user'" in done.stdout
    assert "(8, 144, 192, 3)" in done.stdout
