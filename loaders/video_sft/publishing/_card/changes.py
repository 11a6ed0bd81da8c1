"""The line of a card on what a publication changed."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from video_sft._config_name import source_of

__all__ = ["change_line"]


def change_line(before: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Return today's line; None where nothing changed, so that the same rows have the same card.

    Args:
        before: what the last card recorded of each config.
        now: what the new one records.
    """
    if not before:
        told = [f"first published, with {_named(now)}"]
    else:
        both = before.keys() & now.keys()
        counts = [name for name in now if name in both and _rows(before[name]) != _rows(now[name])]
        films = [name for name in now if name in both and _films(before[name]) != _films(now[name])]
        told_of = {*counts, *films}
        others = [name for name in now if name in both and name not in told_of and before[name] != now[name]]
        told = [
            *_told("added", [name for name in now if name not in before]),
            *(f"`{name}` has {_counted(now[name])}, before {_counted(before[name])}" for name in counts),
            *(f"`{name}` has {_films(now[name]):,} videos here, before {_films(before[name]):,}" for name in films),
            *_told("changed, with as many rows as before", others),
            *_told("taken out", [name for name in before if name not in now]),
        ]
    day = datetime.datetime.now(datetime.timezone.utc).date()
    return f"{day}: {'; '.join(told)}." if told else None


def _told(what: str, names: list[str]) -> list[str]:
    return [f"{_named(names)} {what}"] if names else []


def _named(names: Iterable[str]) -> str:
    """Name configs, those of a source together."""
    by_source: dict[str, list[str]] = {}
    for name in names:
        by_source.setdefault(source_of(name), []).append(name)
    return ", ".join(
        f"`{source}` and {len(of) - 1} of its parts"
        if source in of and len(of) > 2
        else ", ".join(f"`{one}`" for one in of)
        for source, of in by_source.items()
    )


def _rows(config: Mapping[str, Any]) -> dict[str, int]:
    return {split: facts["rows"] for split, facts in config["splits"].items()}


def _films(config: Mapping[str, Any]) -> int:
    return int(config.get("published", {}).get("files", 0))


def _counted(config: Mapping[str, Any]) -> str:
    return ", ".join(f"{split} {rows:,}" for split, rows in _rows(config).items()) + " rows"
