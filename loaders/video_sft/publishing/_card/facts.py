"""The facts of a card: from the source modules alone, or from what was published."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from datasets import Features

from video_sft._base_builder.source_columns import upstream_schema
from video_sft._config_name import is_upstream, view_of
from video_sft._rows.schema import features
from video_sft._sources.source import Source
from video_sft.builders import find_source, sources
from video_sft.publishing._card.example_rows import sample_row
from video_sft.publishing._report import ConfigReport, ExampleRow, SplitReport, VideoTotals
from video_sft.video._columns.feature import stock_features

__all__ = [
    "CardFacts",
    "config_features",
    "published_facts",
    "recorded_changes",
    "recorded_configs",
    "recorded_form",
    "stated_facts",
    "stated_rows",
]

#: The repo that cards name before they are published anywhere.
EXAMPLE_REPO = "org/video-sft"
_RECORD = re.compile(r"<!-- published: (\{.*\}) -->")
_CHANGES = re.compile(r"<!-- changes: (\[.*\]) -->")


@dataclass(frozen=True)
class CardFacts:
    """The facts a card is made from.

    Attributes:
        repo: `org/name`.
        sources: whose rows it describes.
        configs: what there is, with what was counted; of a card that was not published, with upstream's numbers of
            rows, and nothing else counted.
        counted: whether the rows were at hand.
        videos: what all videos of the repo come to; each config has its own in `published`.
        changes: what was published when, a line for each time, the newest last.
    """

    repo: str
    sources: tuple[Source, ...]
    configs: tuple[ConfigReport, ...]
    counted: bool
    videos: VideoTotals = field(default_factory=VideoTotals)
    changes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of the sources' whole configs, as far as they are known; of any config where there are no whole ones."""
        whole = [config for config in self.configs if "-" not in config.name] or self.configs
        return sum(split.rows for config in whole for split in config.splits.values())

    @property
    def license(self) -> str:
        """The licence of all of it: that of its sources where they agree, else `other`."""
        found = {source.license for source in self.sources}
        return found.pop() if len(found) == 1 else "other"

    @property
    def title(self) -> str:
        """What the card is called."""
        return self.sources[0].title if len(self.sources) == 1 else "Video SFT"

    @property
    def record(self) -> str:
        """Comments that hold what was counted, and what changed, for the next card of the same repo."""
        recorded = {config.name: recorded_form(config) for config in self.configs}
        texts = {"published": recorded, "changes": list(self.changes)}
        return "\n".join(f"<!-- {what}: {_in_comment(held)} -->" for what, held in texts.items())


def recorded_form(config: ConfigReport) -> dict[str, Any]:
    """Return what a card records of a config: what was sent is about one call of `publish`, and not among it."""
    recorded = asdict(config)
    for split in recorded["splits"].values():
        del split["new_files"]
    return recorded


def _in_comment(held: Any) -> str:
    """Return JSON that ends no comment, whatever is in a row."""
    return json.dumps(held).replace("--", "-\\u002d").replace(">", "\\u003e")


def config_features(config: str) -> Features:
    """Return the columns of a config."""
    return upstream_schema(find_source(config)) if is_upstream(config) else stock_features(features())


def stated_facts(names: Sequence[str], repo: str = EXAMPLE_REPO) -> CardFacts:
    """Return what the source modules state."""
    chosen = tuple(find_source(name) for name in names)
    configs = tuple(_stated_config(source, config) for source in chosen for config in source.configs)
    return CardFacts(repo, chosen, configs, counted=False)


def published_facts(
    repo: str, configs: Iterable[ConfigReport], videos: VideoTotals, changes: Sequence[str] = ()
) -> CardFacts:
    """Return what was counted when configs were published, in the sources' order, and what the videos come to."""
    found = {config.name: config for config in configs}
    order = [config for source in sources() for config in find_source(source).configs if config in found]
    names = list(dict.fromkeys(find_source(config).name for config in order))
    members = tuple(map(find_source, names)), tuple(found[name] for name in order)
    return CardFacts(repo, *members, counted=True, videos=videos, changes=tuple(changes))


def recorded_configs(text: str | None) -> tuple[dict[str, ConfigReport], list[str]]:
    """Return what a published card recorded, by config, and the configs that no source here has.

    A card that is not ours recorded nothing.
    """
    found = _RECORD.search(text or "")
    recorded = json.loads(found[1]) if found else {}
    known = recorded.keys() & {config for source in sources() for config in find_source(source).configs}
    configs = {name: ConfigReport(**config) for name, config in recorded.items() if name in known}
    for config in configs.values():
        config.splits = {name: SplitReport(**facts) for name, facts in config.splits.items()}  # type: ignore[arg-type]
        if isinstance(config.published, dict):
            config.published = VideoTotals(**config.published)
        if isinstance(config.example, dict):
            config.example = ExampleRow(**config.example)
    return configs, sorted(recorded.keys() - known)


def recorded_changes(text: str | None) -> list[str]:
    """Return the lines on what was published when that a card recorded."""
    found = _CHANGES.search(text or "")
    return list(json.loads(found[1])) if found else []


def _stated_config(source: Source, config: str) -> ConfigReport:
    report = ConfigReport(config, example=sample_row(config) if config == source.name else None)
    for split, rows in stated_rows(source, config).items():
        report.splits[split] = SplitReport(rows=rows or 0)
    return report


def stated_rows(source: Source, config: str) -> dict[str, int | None]:
    """Return how many rows upstream states of each split of a config; None where it does not."""
    view = view_of(config)
    parts = [part for part in source.parts if part.in_view(view)]
    found: dict[str, int | None] = {}
    for split in source.splits:
        members = [part for part in parts if part.split == split]
        sure = all(part.rows is not None and (view is None or part.views is not None) for part in members)
        if members:
            found[split] = sum(part.rows or 0 for part in members) if sure else None
    return found
