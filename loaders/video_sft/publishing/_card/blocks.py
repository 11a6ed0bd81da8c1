"""The generated blocks of a card, by name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from video_sft._config_name import is_upstream
from video_sft._rows.schema import features
from video_sft._sources.part import RemoteFile
from video_sft._sources.source import Source
from video_sft.publishing._card import counted
from video_sft.publishing._card.facts import CardFacts
from video_sft.publishing._card.files import source_card
from video_sft.publishing._card.text import section, table
from video_sft.publishing._report import ConfigReport

__all__ = ["COLUMN_MEANINGS", "blocks"]

COLUMN_MEANINGS: Mapping[str, str] = {
    "id": "`<source>/<native key>`, unique in its config",
    "source": "name of the source",
    "task": "`conversation`, `classification`, `detailed_caption`, `simple_caption`, `reasoning` or `vqa`",
    "answer_format": "`open_ended` or `multiple_choice`",
    "question_type": "the source's own code; null where it has none",
    "messages": "chat turns; the media part stands first in the first user turn",
    "video": "its bytes, or where it is; or null; several rows may refer to one file",
    "image": "the image, or null",
    "video_id": "the same video, or a clip of it, has the same id in every source",
    "video_path": "usual path inside the pool, for attaching your own copy of the videos",
    "start_seconds": "where the part begins that the row is about; null is the beginning",
    "stop_seconds": "where it ends; null is the end",
    "choices": "options; empty unless multiple choice",
    "answer": "null where upstream withholds it",
    "answer_index": "index of the answer in `choices`",
    "evidence": "moments that ground the answer",
    "license": "SPDX id or `other`: the strictest of what upstream states",
}


#: What stands in the card of each source, and together in that of several.
_SECTIONS = {"uses": "Intended use", "limits": "Limits and biases", "personal_data": "Personal data"}
_LOADING = """With `datasets` alone, on any machine:

```python
from datasets import load_dataset

rows = load_dataset("{repo}", "{config}", split="{split}")
print(rows{columns}[0])
```

With `pip install video-sft`, the same rows with clips that open when their frames are asked for:

```python
import video_sft

rows = video_sft.load("{config}", split="{split}", repo="{repo}")
clip = rows[0].get("video")
if clip is not None:
    print(clip.frames(count=8).data.shape)
```"""


#: Why types are not those of the table everywhere.
_STATED_TYPES = """

Where a column of a config has no values, its type is `null`; some numbers, lists and text are stated as `json` or
`utf8`, so that the Hub can make statistics of every split. The values are the same. A further column `videos` has the
video as a list of one, which the Hub's viewer plays. With `datasets` alone, `rows.cast_column("video", Video())`
decodes the whole file; the part a row is about lies between its seconds."""


def blocks(facts: CardFacts) -> dict[str, str]:
    """Return the content of every block a card may have."""
    return {
        "facts": _facts(facts),
        "sources": _sources(facts),
        "load": _load(facts),
        "configs": counted.configs(facts),
        "examples": counted.examples(facts),
        "question_types": counted.question_types(facts),
        "schema": _schema(facts),
        "videos": counted.videos(facts),
        **{name: _of_sources(facts, heading) for name, heading in _SECTIONS.items()},
        "provenance": _provenance(facts),
        "licenses": _licenses(facts.sources),
        "overlaps": _overlaps(facts.sources),
        "citation": _citation(facts.sources),
        "changes": counted.changes(facts),
    }


def _of_sources(facts: CardFacts, heading: str) -> str:
    """Return what the sources' own cards say under a heading."""
    titles: dict[str, list[str]] = {}
    for source in facts.sources:
        if text := section(source_card(source.name), heading):
            titles.setdefault(text, []).append(source.title)
    said = (f"### {', '.join(of)}\n\n{text}" for text, of in titles.items())
    return "\n\n".join(said) or "Nothing is known."


def _paper(source: Source) -> str:
    return f"[arXiv {source.paper}](https://arxiv.org/abs/{source.paper})"


def _facts(facts: CardFacts) -> str:
    rows = []
    for source in facts.sources:
        stated = (("Upstream", source.homepage), ("Paper", _paper(source) if source.paper else ""))
        rows += [
            *((what, text) for what, text in stated if text),
            ("Tasks", ", ".join(f"`{task}`" for task in source.tasks)),
            ("Media pools", ", ".join(f"`{pool}`" for pool in source.pools) or "none"),
            ("Language", ", ".join(source.languages)),
            ("Licence of a row", f"`{source.license}`"),
        ]
    return table(("", ""), rows)


def _sources(facts: CardFacts) -> str:
    rows = []
    for source in facts.sources:
        whole = next((config for config in facts.configs if config.name == source.name), ConfigReport(source.name))
        splits = ", ".join(f"{name} {counted.number(split.rows)}" for name, split in whole.splits.items()) or "not here"
        tasks = ", ".join(f"`{task}`" for task in source.tasks)
        title = f"[{source.title}]({source.homepage})" if source.homepage else source.title
        rows.append((f"`{source.name}`", title, tasks, splits, f"`{source.license}`"))
    return table(("config", "source", "tasks", "rows", "licence"), rows)


def _load(facts: CardFacts) -> str:
    config = facts.configs[0]
    split = next(iter(config.splits))
    columns = "" if is_upstream(config.name) else '.select_columns(["id", "messages", "answer"])'
    return _LOADING.format(repo=facts.repo, config=config.name, split=split, columns=columns)


def _schema(facts: CardFacts) -> str:
    columns = features()
    rows = [(f"`{name}`", _type(columns[name]), COLUMN_MEANINGS[name]) for name in columns]
    return table(("column", "type", "meaning"), rows) + (_STATED_TYPES if facts.counted else "")


def _type(feature: object) -> str:
    name = type(feature).__name__
    if name == "Value":
        return str(feature.dtype)  # type: ignore[attr-defined]
    if name == "Video":
        return "{bytes, path}"
    if name != "List":
        return name
    inner = feature.feature  # type: ignore[attr-defined]
    return f"list of {{{', '.join(inner)}}}" if isinstance(inner, dict) else f"list of {_type(inner)}"


def _provenance(facts: CardFacts) -> str:
    splits: dict[tuple[str, ...], list[str]] = {}
    for source in facts.sources:
        for part in source.parts:
            for file in part.files.values():
                seen = splits.setdefault((f"`{source.name}`", *_file_cells(file)), [])
                if part.split not in seen:
                    seen.append(part.split)
    rows = [(source, ", ".join(splits[cells]), *rest) for cells in splits for source, *rest in [cells]]
    unknown = sum(not cells[-1] for cells in splits)
    note = f"\n\nFor {unknown:,} of these {len(rows):,} files no hash is published." if unknown else ""
    return table(("source", "split", "file", "bytes", "SHA-256"), rows) + note


def _file_cells(file: RemoteFile) -> tuple[str, str, str]:
    """Return a file's name, linked to where it is, its size and its hash, as far as they are known."""
    name = f"[{file.name}]({_web_address(file.url)})" if file.url else f"{file.name} ({file.where.rstrip('.')})"
    size = f"{file.size:,}" if file.size else ""
    return name, size, f"`{file.sha256}`" if file.sha256 else ""


def _web_address(url: str) -> str:
    """Return where a browser finds a file, which may be named by its place on the Hub."""
    return re.sub(r"^hf://datasets/([^/]+/[^/@]+)@([^/]+)/", r"https://huggingface.co/datasets/\1/blob/\2/", url)


def _licenses(found: Sequence[Source]) -> str:
    rows = [(f"`{one.name}`", one.annotation_terms, one.video_terms, f"`{one.license}`") for one in found]
    return table(("source", "annotations", "videos", "on each row"), rows)


def _overlaps(found: Sequence[Source]) -> str:
    warnings = [f"> {source.title}: {line}" for source in found for line in source.warnings]
    lines = [f"- {source.title}: {line}" for source in found for line in source.overlaps]
    alert = ["> [!WARNING]", *warnings, ""] if warnings else []
    return "\n".join([*alert, *(lines or ["None is known."])])


def _citation(found: Sequence[Source]) -> str:
    entries = [source.citation.strip() for source in found if source.citation.strip()]
    if not entries:
        return "None is stated."
    return "```bibtex\n" + "\n\n".join(entries) + "\n```"
