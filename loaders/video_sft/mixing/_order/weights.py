"""Weights as a user wrote them, made into the share of the mixture each part gets."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from video_sft.errors import ConfigError

__all__ = ["named_probabilities", "read_temperature", "read_weights", "shares"]

#: How far probabilities may sum from one: what rounding to a few decimals costs.
SUM_TOLERANCE = 1e-3


def read_weights(weights: Mapping[str, object]) -> dict[str, float]:
    """Check the weight of every part and return them as floats; any positive sum is fine.

    Raises:
        ConfigError: a weight is not a number, negative, NaN or infinite, or all are zero; the culprit is named.
    """
    checked = {}
    for name, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, numbers.Real):
            raise ConfigError(f"the weight of {name!r} is {weight!r}; it should be a number, zero or more")
        try:
            value = float(weight)
        except OverflowError:
            value = math.inf
        if not 0 <= value < math.inf:
            raise ConfigError(f"the weight of {name!r} is {value}; it should be a finite number, zero or more")
        checked[name] = value
    if not checked:
        raise ConfigError("there is nothing to mix: name at least one part")
    if not any(checked.values()):
        raise ConfigError(f"all weights are zero ({', '.join(checked)}); at least one part needs a positive weight")
    return checked


def named_probabilities(
    names: Sequence[str], probabilities: Mapping[str, object] | Sequence[object]
) -> dict[str, float]:
    """Check probabilities of parts: by exactly their names, or one number for each in the order the user gave.

    Raises:
        ConfigError: a name is missing or unknown, the lengths differ, a value is bad, or they do not sum to one.
    """
    if not isinstance(probabilities, Mapping):
        values = list(probabilities)
        if len(values) != len(names):
            raise ConfigError(f"{len(values)} probabilities for {len(names)} parts ({', '.join(names)})")
        probabilities = dict(zip(names, values, strict=True))
    unknown = [name for name in probabilities if name not in names]
    if unknown:
        raise ConfigError(f"probabilities name {unknown[0]!r}, which is not among the parts ({', '.join(names)})")
    missing = [name for name in names if name not in probabilities]
    if missing:
        raise ConfigError(f"probabilities lack {missing[0]!r}; give every part one, 0 to leave it out")
    checked = read_weights(probabilities)
    total = math.fsum(checked.values())
    if abs(total - 1) > SUM_TOLERANCE:
        listed = ", ".join(f"{name} {value:g}" for name, value in checked.items())
        raise ConfigError(
            f"the probabilities sum to {total:g}, not 1 ({listed}); give weights as the values of `parts` "
            "to have them scaled"
        )
    return checked


def read_temperature(temperature: object) -> float | None:
    """Check a temperature; None means weights as they are.

    Raises:
        ConfigError: not a number above zero.
    """
    if temperature is None:
        return None
    if isinstance(temperature, bool) or not isinstance(temperature, numbers.Real) or not float(temperature) > 0:
        raise ConfigError(
            f"temperature is {temperature!r}; it should be above zero: 1 changes nothing, more is flatter"
        )
    return float(temperature)


def shares(weights: Sequence[float], temperature: float | None = None) -> npt.NDArray[np.float64]:
    """Return positive weights as shares that sum to one, each raised to `1 / temperature` before.

    1 (or None) leaves the shares, 2 takes roots, infinity makes all equal. With row counts as weights this is the usual
    temperature sampling of multi-task training.
    """
    if temperature is None:
        scaled = np.asarray(weights) / max(weights)
    else:
        logs = np.log(np.asarray(weights, dtype=np.float64)) / temperature
        scaled = np.exp(logs - logs.max())
    return np.asarray(scaled / math.fsum(scaled), dtype=np.float64)
