"""The rows that each rank takes of an order: all take turns, one row each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["places_of"]

#: 2**64 over the golden ratio: multiples of it are spread over the 64-bit numbers as evenly as can be.
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def places_of(turns: npt.NDArray[np.int64], rank: int, world_size: int, *, run: int = 0) -> npt.NDArray[np.int64]:
    """Return the place in the order that a rank takes in each of its turns, which ascend as the turns do.

    After t turns of all ranks exactly the first `t * world_size` places are taken. Who is first changes from turn to
    turn, because in an even mixture a fixed place would see some parts only (every other row of A B A B ... is A).

    Args:
        turns: numbers of turns, from 0.
        rank: from 0.
        world_size: how many ranks there are.
        run: places that each takes one after the other before it is the next one's turn, as workers of a loader take
            batches; 0 is the rule above.
    """
    if run:
        batch, row = np.divmod(turns, run)
        return (batch * world_size + rank) * run + row
    # The upper half of the product is a fraction of 2**32; times the world size, its whole part is who begins.
    fraction = (turns.astype(np.uint64) * _GOLDEN) >> np.uint64(32)
    first = ((fraction * np.uint64(world_size)) >> np.uint64(32)).astype(np.int64)
    places: npt.NDArray[np.int64] = turns * world_size + (rank - first) % world_size
    return places
