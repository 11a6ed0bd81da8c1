"""The places of media that a user gives, sorted by pool and checked."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence

from video_sft._media.attach import Location, MediaPlaces
from video_sft._media.prepared import is_prepared_place
from video_sft._near_names import did_you_mean
from video_sft.builders import find_source, sources
from video_sft.errors import ConfigError

__all__ = ["media_by_pool"]


def media_by_pool(
    source: str, pools: Collection[str], media: MediaPlaces | Location | Sequence[Location] | None
) -> dict[str, list[Location]]:
    """Return the places of each of a source's pools.

    Args:
        source: the source's name, for messages.
        pools: the pools its rows point into.
        media: places by pool; or a place or several, where there is one pool or they are prepared roots, which know
            all pools. Pools of other sources are passed over, so that one mapping serves several sources.

    Raises:
        ConfigError: one place for several pools, or a pool no source has: a slip worth stopping for.
    """
    if media is None:
        return {}
    if not isinstance(media, Mapping):
        places = _places(media)
        if len(pools) != 1 and not all(map(is_prepared_place, places)):
            raise ConfigError(f"{source} has several pools; give media by pool: {', '.join(pools)}")
        return dict.fromkeys(pools, places)
    known = {pool for name in sources() for pool in find_source(name).pools} | set(pools)
    unknown = sorted(set(media) - known)
    if unknown:
        hint = did_you_mean(unknown[0], known)
        raise ConfigError(f"no pool is called {', '.join(unknown)}; {source} has {', '.join(pools)}.{hint}")
    return {pool: _places(place) for pool, place in media.items() if pool in pools}


def _places(given: object) -> list[Location]:
    places: list[Location] = []
    for place in given if isinstance(given, (list, tuple)) else [given]:
        if not isinstance(place, (str, os.PathLike)) or not os.fspath(place):
            raise ConfigError(f"media is {place!r} where a folder, a zip or a URL is expected")
        places.append(place)
    return places
