"""Cards as a whole: those of a published repo and of a checkout, with the YAML at their head."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any

from datasets import DatasetInfo, SplitDict, SplitInfo
from huggingface_hub import DatasetCardData

from video_sft._datasets import DatasetInfosDict, MetadataConfigs
from video_sft.publishing._card.blocks import blocks
from video_sft.publishing._card.changes import change_line
from video_sft.publishing._card.facts import (
    CardFacts,
    config_features,
    published_facts,
    recorded_changes,
    recorded_configs,
    recorded_form,
    stated_facts,
)
from video_sft.publishing._card.files import read_card_file, source_card
from video_sft.publishing._card.text import SKELETON, fill, without_markers
from video_sft.publishing._column_types import stated_features
from video_sft.publishing._layout import rows_glob
from video_sft.publishing._report import ConfigReport, VideoTotals

__all__ = ["NOTEBOOK", "PublishedCard", "card_name", "generated_card"]

logger = logging.getLogger("video_sft")
_SIZES = {"n<1K": 1_000, "1K<n<10K": 10_000, "10K<n<100K": 100_000, "100K<n<1M": 1_000_000, "1M<n<10M": 10_000_000}
_UMBRELLA = "video-sft.md"
NOTEBOOK = "explore.ipynb"
_CHANGES_KEPT = 30
_TITLE = re.compile(r"^# .+$", re.MULTILINE)
_SAMPLE_NOTE = """> [!NOTE]
> These are invented sample rows and clips, to try things out with. They hold nothing of the dataset described here."""


def card_name(facts: CardFacts) -> str:
    """Return the file name of the card that fits the sources described."""
    return f"{facts.sources[0].name}.md" if len(facts.sources) == 1 else _UMBRELLA


def generated_card(names: Sequence[str], text: str | None) -> str:
    """Return the card of some sources in a checkout with its generated parts made anew; a new one without `text`."""
    facts = stated_facts(names)
    return _filled(text or SKELETON.format(title=facts.title, about="What it is, in a few sentences by hand."), facts)


def _filled(text: str, facts: CardFacts) -> str:
    return fill(text, _metadata(facts), blocks(facts))


def _metadata(facts: CardFacts) -> str:
    """Return the YAML of a card: what the Hub indexes, and what `load_dataset` reads."""
    named: dict[str, Any] = {}
    if facts.license == "other":  # which the Hub wants a name beside
        named["license_name"] = "see-card" if len(facts.sources) == 1 else "one-per-source"
    data = DatasetCardData(
        language=sorted({language for source in facts.sources for language in source.languages}),
        license=facts.license.lower(),
        **named,
        pretty_name=facts.title,
        size_categories=[next((name for name, limit in _SIZES.items() if facts.rows < limit), "10M<n<100M")],
        task_categories=["video-text-to-text", "visual-question-answering"],
        tags=["video", "video-question-answering", "instruction-tuning", *(source.name for source in facts.sources)],
    )
    infos = {config.name: _info(config, counted=facts.counted) for config in facts.configs}
    DatasetInfosDict(infos).to_dataset_card_data(data)
    _config_entries(facts.configs).to_dataset_card_data(data)
    return str(data.to_yaml())


def _info(config: ConfigReport, *, counted: bool) -> DatasetInfo:
    columns = stated_features(config_features(config.name), config.types)
    info = DatasetInfo(features=columns, config_name=config.name)
    if counted:
        splits = config.splits
        info.splits = SplitDict({name: SplitInfo(name, split.nbytes, split.rows) for name, split in splits.items()})
        info.dataset_size = sum(split.nbytes for split in splits.values())
        info.download_size = sum(split.file_bytes for split in splits.values())
    return info


def _config_entries(configs: Sequence[ConfigReport]) -> MetadataConfigs:
    whole = [config.name for config in configs if "-" not in config.name] or [config.name for config in configs]
    entries: dict[str, dict[str, Any]] = {}
    for config in configs:
        files = [{"split": split, "path": rows_glob(config.name, split)} for split in config.splits]
        entries[config.name] = {"data_files": files, **({"default": True} if config.name == whole[0] else {})}
    return MetadataConfigs(entries)


class PublishedCard:
    """The card of one repo, knowing what was published there before by the text of the card that is there.

    Attributes:
        configs: what was published before, by name.
        videos: what the repo's videos come to; set before the card is made.
    """

    def __init__(self, repo: str, previous: str | None) -> None:
        self._repo = repo
        self.configs, self._lost = recorded_configs(previous)
        self.videos = VideoTotals()
        self._recorded = {name: recorded_form(config) for name, config in self.configs.items()}
        self._changes = recorded_changes(previous)

    def videos_commit(self, config: str) -> str | None:
        """Return the commit that a config's videos are pinned to; None where the card knows of none."""
        return self.configs[config].videos_commit if config in self.configs else None

    def facts(self, configs: Sequence[ConfigReport]) -> CardFacts:
        """Return the facts about configs that are published now, and those that stay."""
        now = {**self.configs, **{config.name: config for config in configs}}
        told = change_line(self._recorded, {name: recorded_form(config) for name, config in now.items()})
        changes = [*self._changes, *([told] if told else [])][-_CHANGES_KEPT:]
        return published_facts(self._repo, now.values(), self.videos, changes)

    def notebook(self, configs: Sequence[ConfigReport]) -> bytes:
        """Return the notebook that is published beside the card; it opens the first config at its first split."""
        text, config = read_card_file(NOTEBOOK), self.facts(configs).configs[0]
        for name, value in (("", self._repo), ("star", config.name), ("train", next(iter(config.splits)))):
            text = text.replace(f'\\"{name}\\"  # here', f'\\"{value}\\"')
        return text.encode()

    def render(self, configs: Sequence[ConfigReport]) -> str:
        """Return the card's text."""
        if self._lost:
            logger.warning(
                "%s: its card has %s, which no source here has, and the new one has not. Install the package they come "
                "from and publish them again to have them back",
                self._repo,
                ", ".join(self._lost),
            )
        facts = self.facts(configs)
        only = facts.sources[0].name if len(facts.sources) == 1 else None
        card = read_card_file(_UMBRELLA) if only is None else source_card(only)
        text = without_markers(_filled(card, facts))
        if any(config.sample for config in facts.configs):
            text = _TITLE.sub(lambda title: f"{title[0]}\n\n{_SAMPLE_NOTE}", text, count=1)
        return f"{text.rstrip()}\n\n{facts.record}\n"
