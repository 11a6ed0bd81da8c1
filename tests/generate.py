"""Rewrite what is generated from the sources, or check that it is current: sample rows, cards, the README's table."""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import datasets

import video_sft
from tests.expectations import as_text, built_rows, expected_path
from tests.pages import README, ROOT
from video_sft.builders import find_source, own_sources
from video_sft.publishing._card.facts import stated_facts
from video_sft.publishing._card.metadata import card_name, generated_card

BEGIN, END = "<!-- sources:begin (made by `make generate`) -->", "<!-- sources:end -->"


def generated_files(cache_dir: str) -> Iterator[tuple[Path, str]]:
    """Yield every generated file with the text it should have."""
    names = own_sources()
    for config in (config for name in names for config in video_sft.configs(name)):
        yield expected_path(config), as_text(built_rows(config, cache_dir))
    for chosen in [*([name] for name in names), names]:
        place = ROOT / "dataset_cards" / card_name(stated_facts(chosen))
        yield place, generated_card(chosen, place.read_text(encoding="utf-8") if place.is_file() else None)
    yield README, generated_readme(README.read_text(encoding="utf-8"))


def generated_readme(text: str) -> str:
    """The README with its table of sources made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = ["| source | configs beside the whole | rows published | media pools | licence |", "|---|---|---|---|---|"]
    for name in own_sources():
        source = find_source(name)
        views = ", ".join(f"`-{view}`" for view in (*source.views, "source"))
        published = source.published_rows.items()
        rows = ", ".join(
            f"{split} {'?' if count is None else format(count, ',')}"
            + (" (second hand)" if count is not None and split in source.second_hand else "")
            for split, count in published
        )
        pools = ", ".join(f"`{pool}`" for pool in source.pools[:4])
        pools += f" and {len(source.pools) - 4} more" if len(source.pools) > 4 else ""
        lines.append(f"| [`{name}`](dataset_cards/{name}.md) | {views} | {rows} | {pools} | {source.license} |")
    return f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}"


def main() -> int:
    """Write the files, or with `--check` say which are not what they would be written as."""
    check = "--check" in sys.argv
    datasets.disable_progress_bars()
    logging.getLogger("video_sft").setLevel(logging.ERROR)  # samples leave files out on purpose
    stale = []
    with tempfile.TemporaryDirectory() as cache_dir:
        for path, text in generated_files(cache_dir):
            if path.is_file() and path.read_text(encoding="utf-8") == text:
                continue
            stale.append(path)
            if not check:
                path.write_text(text, encoding="utf-8")
    for path in stale:
        print(("not current, run make generate: " if check else "wrote ") + str(path.relative_to(ROOT)))
    return 1 if stale and check else 0


if __name__ == "__main__":
    sys.exit(main())
