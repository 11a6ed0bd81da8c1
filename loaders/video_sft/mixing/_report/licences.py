"""The strictest of several licences: the one that leaves the least freedom."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["strictest"]


def strictest(licenses: Iterable[str]) -> str | None:
    """Return the strictest of some SPDX ids; None without any.

    From free to strict: public domain, attribution (MIT, Apache, BSD, CC BY), share-alike and copyleft, non-commercial,
    no derivatives, and then what names no terms at all (`other`, `unknown`), since nothing can be taken for granted
    there. Between two of one kind the name decides, so the answer does not depend on their order.
    """
    return max(licenses, key=lambda name: (_strictness(name), name), default=None)


def _strictness(name: str) -> int:
    parts = name.casefold().replace(".", "-").split("-")
    if parts[0] in ("cc0", "unlicense", "pddl", "0bsd"):
        return 0
    if parts[0] == "cc":
        return 1 + ("sa" in parts) + 2 * ("nc" in parts) + 4 * ("nd" in parts)
    if parts[0] in ("gpl", "lgpl", "agpl", "odbl", "mpl"):
        return 2
    return 1 if parts[0] in ("mit", "apache", "bsd", "odc", "isc") else 9
