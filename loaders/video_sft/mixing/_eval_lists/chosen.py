"""The choice of evaluation lists by name, and the splits and benchmarks there is no list of."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping, Sequence

from video_sft.errors import ConfigError
from video_sft.mixing._eval_lists.lists import EvalList, eval_lists

__all__ = ["GROUPS", "UNAVAILABLE", "chosen_lists", "unlisted"]

#: Names that stand for several lists.
GROUPS = {
    "default": "what is left out when nothing is chosen: all lists but those that have to be named",
    "sources": "the evaluation splits of the sources here",
    "benchmarks": "the other lists that come with the package and are in `default`",
    "own": "your own lists",
}
#: Benchmarks no list is shipped of, and why.
UNAVAILABLE = {
    "cg_bench": "its ids are on the Hub only",
    "hourvideo": "its ids are on the Hub only; its videos are Ego4D's",
    "mlvu": "its file names (movie101_66, needle_32) name no source videos, so there is nothing to compare with",
    "mmbench_video": "its ids are in a table on the Hub only",
    "msrvtt_qa": "the table of its YouTube addresses is published as a Git LFS object or a download only",
    "perception_test": "its ids are in downloads from a bucket only (MVBench's part of them is in mvbench)",
    "tvbench": "its ids are on the Hub only",
    "vcgbench": "the names of Video-ChatGPT's 500 test videos are in a download only",
    "vcgbench_diverse": "its ids are on the Hub only",
}


def chosen_lists(
    names: Sequence[str] | None = None, folder: str | os.PathLike[str] | None = None, *, with_questions: bool = False
) -> list[EvalList]:
    """Return the lists of some names, leaving out those without questions where these are asked for.

    Names are of lists (`activitynet_qa validation`), of sources and benchmarks (`next_qa`: both its splits), of a
    user's own lists, or of `GROUPS`; None is for `default`.

    Raises:
        ConfigError: there is no list of a name, or none with questions; the message has those that are near, or why
            there is none.
    """
    by_name = _by_name(eval_lists(folder))
    chosen: dict[str, EvalList] = {}
    for name in ("default",) if names is None else names:
        if name not in by_name:
            raise ConfigError(_no_list(name, by_name))
        fit = [entry for entry in by_name[name] if entry.questions or not with_questions]
        if by_name[name] and not fit:
            raise ConfigError(
                f"the list of {name!r} has videos and no questions; decontaminate='eval-videos' keeps clear of it"
            )
        chosen |= {entry.name: entry for entry in fit}
    return [chosen[name] for name in sorted(chosen)]


def unlisted(lists: Iterable[EvalList]) -> tuple[str, ...]:
    """Return the evaluation splits of all sources, and the benchmarks, that none of the lists is of."""
    there = {entry.name for entry in lists} | {entry.source for entry in lists}
    return tuple(name for name in (*_splits(), *sorted(UNAVAILABLE)) if name not in there)


def _splits() -> list[str]:
    from video_sft.builders import find_source, sources

    return [f"{name} {split}" for name in sources() for split in find_source(name).splits if split != "train"]


def _by_name(lists: Iterable[EvalList]) -> dict[str, list[EvalList]]:
    from video_sft.builders import sources

    here = set(sources())
    by_name: dict[str, list[EvalList]] = {name: [] for name in GROUPS}
    for entry in lists:
        group = "own" if not entry.split else "sources" if entry.source in here else "benchmarks"
        names = {entry.name, entry.source}
        if entry.default:
            names |= {group, "default"}
        for name in names:
            by_name.setdefault(name, []).append(entry)
    return by_name


def _no_list(name: object, by_name: Mapping[str, Sequence[EvalList]]) -> str:
    if not isinstance(name, str):
        return f"eval_sets has {name!r}; it should be a list of names, such as ['activitynet_qa validation', 'mvbench']"
    plain = name.strip().casefold().replace("-", "_")
    if plain in UNAVAILABLE:
        return f"no list of {name!r} comes with the package: {UNAVAILABLE[plain]}; `video-sft eval-ids add` makes one"
    if plain in _splits():
        return f"there is no list of {name!r} yet; `video-sft eval-ids --data-dir SOURCE=FOLDER` makes it of your files"
    near = difflib.get_close_matches(plain, by_name, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(sorted(by_name))}"
    return f"there is no evaluation list {name!r}; {hint}"
