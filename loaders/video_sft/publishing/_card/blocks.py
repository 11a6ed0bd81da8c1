"""The generated blocks of a card, by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from video_sft._config_name import is_upstream
from video_sft._rows.prompt_styles import PROMPT_STYLES
from video_sft._rows.schema import features
from video_sft._sources.part import RemoteFile
from video_sft._sources.source import Source
from video_sft._text import visible
from video_sft.publishing._card.facts import CardFacts
from video_sft.publishing._report import ConfigReport

__all__ = ["COLUMN_MEANINGS", "blocks"]

COLUMN_MEANINGS: Mapping[str, str] = {
    "id": "`<source>/<native key>`, unique in its config",
    "source": "name of the source",
    "task": "`conversation`, `classification`, `detailed_caption`, `simple_caption`, `reasoning` or `vqa`",
    "answer_format": "`open_ended` or `multiple_choice`",
    "question_type": "the source's own code; null where it has none",
    "messages": "chat turns; the media part stands first in the first user turn",
    "video": "the video, or null; several rows may refer to one file",
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


def blocks(facts: CardFacts) -> dict[str, str]:
    """Return the content of every block a card may have."""
    return {
        "facts": _facts(facts),
        "sources": _sources(facts),
        "load": _load(facts),
        "configs": _configs(facts),
        "question_types": _question_types(facts),
        "schema": _schema(),
        "provenance": _provenance(facts),
        "licenses": _licenses(facts.sources),
        "overlaps": _overlaps(facts.sources),
        "citation": _citation(facts.sources),
    }


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _number(count: int) -> str:
    return f"{count:,}" if count else "not stated"


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
    return _table(("", ""), rows)


def _sources(facts: CardFacts) -> str:
    rows = []
    for source in facts.sources:
        whole = next((config for config in facts.configs if config.name == source.name), ConfigReport(source.name))
        splits = ", ".join(f"{name} {_number(split.rows)}" for name, split in whole.splits.items()) or "not here"
        tasks = ", ".join(f"`{task}`" for task in source.tasks)
        title = f"[{source.title}]({source.homepage})" if source.homepage else source.title
        rows.append((f"`{source.name}`", title, tasks, splits, f"`{source.license}`"))
    return _table(("config", "source", "tasks", "rows", "licence"), rows)


def _load(facts: CardFacts) -> str:
    config = facts.configs[0]
    split = next(iter(config.splits))
    columns = "" if is_upstream(config.name) else '.select_columns(["id", "messages", "answer"])'
    return _LOADING.format(repo=facts.repo, config=config.name, split=split, columns=columns)


def _configs(facts: CardFacts) -> str:
    rows = []
    for config in facts.configs:
        for split, counted in config.splits.items():
            videos = f"{counted.videos:,}" if counted.videos else ""
            size = _megabytes(counted.file_bytes) if counted.file_bytes else ""
            cells = (f"`{config.name}`", split, _number(counted.rows))
            rows.append((*cells, videos, size) if facts.counted else cells)
    head = ("config", "split", "rows")
    table = _table((*head, "distinct videos", "Parquet") if facts.counted else head, rows)
    return "\n".join([table, *_wording(facts.configs)])


def _wording(configs: Sequence[ConfigReport]) -> Iterator[str]:
    """Yield a line for each way questions are worded in other than the usual one, with the configs that have it."""
    ways: dict[str, list[str]] = {}
    for config in configs:
        chosen = ", ".join(f"{name}={value!r}" for name, value in sorted(config.wording.items()))
        if chosen:
            ways.setdefault(chosen, []).append(f"`{config.name}`")
    for chosen, names in ways.items():
        used = next((style.used for name, style in PROMPT_STYLES.items() if f"prompt_style={name!r}" in chosen), "")
        where = f" ({used})" if used else ""
        yield f"\nQuestions and answers in `messages` of {', '.join(names)} are worded with `{chosen}`{where}."


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 50_000 else f"{size / 1e3:,.1f} kB"


def _question_types(facts: CardFacts) -> str:
    if not facts.counted:
        return "They are counted here when the rows are published."
    whole = [config for config in facts.configs if "-" not in config.name]
    rows = [line for config in whole for line in _counted(config)]
    return _table(("config", "what", "rows"), rows) if rows else "This repo has views or upstream's own fields only."


def _counted(config: ConfigReport) -> Iterator[tuple[str, str, str]]:
    """Yield a line for each task and question type, with its rows by split."""
    for what, field in (("task", "tasks"), ("question type", "question_types")):
        by_split = {name: getattr(split, field) for name, split in config.splits.items()}
        for value in sorted({value for counts in by_split.values() for value in counts}):
            counts = ", ".join(f"{name} {found[value]:,}" for name, found in by_split.items() if value in found)
            yield f"`{config.name}`", f"{what} {_code(value)}", counts


def _code(value: str) -> str:
    """Return a value of the rows as code: what is in it is shown, in one line, and ends nothing."""
    text = visible(" ".join(value.split()))
    return f"`{text}`" if "`" not in text else f"`` {text.replace('``', '` `')} ``"


def _schema() -> str:
    columns = features()
    return _table(
        ("column", "type", "meaning"), [(f"`{name}`", _type(columns[name]), COLUMN_MEANINGS[name]) for name in columns]
    )


def _type(feature: object) -> str:
    name = type(feature).__name__
    if name == "Value":
        return str(feature.dtype)  # type: ignore[attr-defined]
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
    return _table(("source", "split", "file", "bytes", "SHA-256"), rows)


def _file_cells(file: RemoteFile) -> tuple[str, str, str]:
    """Return a file's name, linked to where it is, its size and its hash, or why there is none."""
    name = f"[{file.name}]({_web_address(file.url)})" if file.url else f"{file.name} ({file.where.rstrip('.')})"
    size = f"{file.size:,}" if file.size else ""
    return name, size, f"`{file.sha256}`" if file.sha256 else file.unverified or ""


def _web_address(url: str) -> str:
    """Return where a browser finds a file, which may be named by its place on the Hub."""
    return re.sub(r"^hf://datasets/([^/]+/[^/@]+)@([^/]+)/", r"https://huggingface.co/datasets/\1/blob/\2/", url)


def _licenses(found: Sequence[Source]) -> str:
    rows = [(f"`{one.name}`", one.annotation_terms, one.video_terms, f"`{one.license}`") for one in found]
    return _table(("source", "annotations", "videos", "on each row"), rows)


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
