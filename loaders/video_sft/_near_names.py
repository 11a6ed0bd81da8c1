"""The names near one that there is none of: what an error asks whether it was meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable

from video_sft.errors import ConfigError

__all__ = ["check_one_of", "check_splits", "did_you_mean", "near_names", "refuse_slips"]

#: What others call the splits.
_SPLITS = {
    **dict.fromkeys(("val", "valid", "dev", "eval", "evaluation"), "validation"),
    **dict.fromkeys(("training", "tr"), "train"),
    **dict.fromkeys(("testing", "tests"), "test"),
}
#: A keyword that goes on to another function is refused only where it is this near to one of the first.
_SURE = 0.75


def near_names(name: object, names: Iterable[str], *, most: int = 1, cutoff: float = 0.6) -> list[str]:
    """Return those of some names that one is nearest to, whatever its case and its dashes; or those it begins."""
    by_plain: dict[str, str] = {}
    for known in names:
        by_plain.setdefault(_plain(known), known)
    if (usual := _SPLITS.get(_plain(name))) in by_plain.values():
        return [str(usual)]
    near = difflib.get_close_matches(_plain(name), by_plain, n=most, cutoff=cutoff)
    begun = [plain for plain in by_plain if plain.startswith(f"{_plain(name)}_")]
    return [by_plain[plain] for plain in near or begun[:most]]


def did_you_mean(name: object, names: Iterable[str], *, most: int = 1) -> str:
    """Return the question to end an error with, a blank in front; nothing where no name is near."""
    near = near_names(name, names, most=most)
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""


def check_one_of(option: str, value: object, allowed: Collection[str]) -> None:
    """Refuse a value that an option does not take.

    Raises:
        ConfigError: the message has the values it takes, and the nearest.
    """
    if not (isinstance(value, str) and value in allowed):
        known = ", ".join(allowed)
        raise ConfigError(f"{option} is {value!r}; it is one of {known}.{did_you_mean(value, allowed)}")


def check_splits(config: str, wanted: Iterable[str], there: Collection[str]) -> None:
    """Refuse splits that a config does not have.

    Raises:
        ConfigError: the message has those it has, and what `val` and its like are called here.
    """
    if absent := sorted(set(wanted) - set(there)):
        hint = did_you_mean(absent[0], there)
        raise ConfigError(f"{config} has no split {', '.join(absent)}; it has {', '.join(there)}.{hint}")


def refuse_slips(function: Callable[..., object], given: Iterable[str], further: Collection[str]) -> None:
    """Refuse a keyword that goes on to another function and is a misspelt one of the first.

    Args:
        function: whose keywords they are.
        given: those that it does not have itself.
        further: those that the other function has.

    Raises:
        ConfigError: one is neither, and near to one of the first.
    """
    code = function.__code__
    own = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    for name in given:
        near = [] if name in further else near_names(name, own, cutoff=_SURE)
        if near:
            raise ConfigError(f"{function.__name__} has no option {name!r}. Did you mean {near[0]!r}?")


def _plain(name: object) -> str:
    return re.sub(r"[\W_]+", "_", str(name).casefold())
