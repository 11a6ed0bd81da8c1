"""Turns and mirrorings of stored pictures for display, by the matrix that files state them with."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["UPRIGHT", "Orientation", "from_matrix", "orientation_of", "product"]

#: Where a picture's right and down point to: (a, b, c, d) of x' = ax + cy, y' = bx + dy.
Matrix = tuple[int, int, int, int]

#: Numbers so much smaller than the others are taken for zero, which some writers miss by a little.
_NEGLIGIBLE = 0.1

#: (degrees clockwise, mirrored), by the signs of a matrix.
_KINDS = {
    (0, 1, -1, 0): (90, False),
    (-1, 0, 0, -1): (180, False),
    (0, -1, 1, 0): (270, False),
    (-1, 0, 0, 1): (0, True),
    (0, 1, 1, 0): (90, True),
    (1, 0, 0, -1): (180, True),
    (0, -1, -1, 0): (270, True),
}


@dataclass(frozen=True)
class Orientation:
    """What is done to a picture for display.

    Attributes:
        rotation: degrees clockwise: 0, 90, 180 or 270.
        mirrored: whether left and right are changed after that.
    """

    rotation: int = 0
    mirrored: bool = False

    @property
    def lies(self) -> bool:
        """Whether width and height change places."""
        return self.rotation % 180 != 0

    def applied(self, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Give a view of a picture (H, W, ...) as it is to be shown."""
        turned = np.rot90(pixels, -self.rotation // 90) if self.rotation else pixels
        return turned[:, ::-1] if self.mirrored else turned


UPRIGHT = Orientation()


def from_matrix(matrix: Matrix) -> Orientation:
    """Read a matrix; one that turns pictures by other angles than quarters, or skews them, leaves them as they are."""
    least = _NEGLIGIBLE * max(map(abs, matrix))
    signs = tuple((value > least) - (value < -least) for value in matrix)
    return Orientation(*_KINDS[signs]) if signs in _KINDS else UPRIGHT


def product(first: Matrix, second: Matrix) -> Matrix:
    """Return the matrix that does what one does, and then another; fixed-point numbers of 16 bits stay that."""
    (a, b, c, d), (e, f, g, h) = first, second
    return (a * e + b * g) >> 16, (a * f + b * h) >> 16, (c * e + d * g) >> 16, (c * f + d * h) >> 16


def orientation_of(frame: Any) -> Orientation:
    """Read what a decoded frame itself says, by the container or the stream.

    Asked for that, PyAV ties the frame to itself: it stays in memory until the garbage collector comes by, so this is
    for single frames.
    """
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return UPRIGHT
    a, b, _, c, d = struct.unpack_from("=5i", bytes(matrix))
    return from_matrix((a, b, c, d))
