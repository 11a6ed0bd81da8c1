"""The parts of a mixture as users name them: configs with weights, configs alone, or datasets that are ready."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from datasets import Dataset, DatasetDict, IterableDataset, IterableDatasetDict

from video_sft._config_name import source_of
from video_sft.errors import ConfigError
from video_sft.mixing._options import MixOptions
from video_sft.mixing._order.quotas import Quotas, quotas
from video_sft.mixing._order.weights import named_probabilities, read_weights, shares

__all__ = ["Parts", "read_parts"]


@dataclass(frozen=True)
class Parts:
    """The parts of a mixture in the order of their names: weights if any were given, datasets if they are loaded."""

    names: tuple[str, ...]
    weights: Mapping[str, float] | None
    ready: Mapping[str, Dataset | IterableDataset]

    @property
    def wanted(self) -> tuple[str, ...]:
        """The parts whose weight is not zero."""
        return tuple(name for name in self.names if self.weights is None or self.weights[name] > 0)

    def shares(self, names: Sequence[str], sizes: Sequence[int], options: MixOptions) -> npt.NDArray[np.float64]:
        """Return the shares of some of the parts among themselves.

        Without weights, `exact` mixes by the number of rows and so does a temperature; other strategies take turns.
        """
        if self.weights is not None:
            weights = [self.weights[name] for name in names]
        elif options.stopping_strategy == "exact" or options.temperature is not None:
            weights = [float(size) for size in sizes]
        else:
            weights = [1.0] * len(names)
        return shares(weights, options.temperature)

    def quotas(self, names: Sequence[str], sizes: Sequence[int], options: MixOptions) -> Quotas:
        """Return how many rows each of some parts gives."""
        return quotas(
            names,
            sizes,
            self.shares(names, sizes, options),
            strategy=options.stopping_strategy,
            epochs=options.epochs,
            num_rows=options.num_rows,
            max_epochs=options.limit(names),
        )

    def dataset(self, name: str, options: MixOptions) -> Dataset | IterableDataset:
        """Return a part: as it was given, or loaded with the options that concern its source.

        Raises:
            ConfigError: `data_dir` is one path, and has nothing of the part's source.
        """
        if name in self.ready:
            return self.ready[name]
        from video_sft._given_places import place_of_source  # which needs builders, as mixing ready datasets does not
        from video_sft._loading import load

        arguments = dict(options.load_options)
        source = source_of(name)
        if "data_dir" in arguments:
            arguments["data_dir"] = place_of_source(source, arguments["data_dir"], [*map(source_of, self.wanted)])
        if "files" in arguments:
            arguments["files"] = (arguments["files"] or {}).get(source)
        chosen = {"group": options.group, "repo": options.repo}
        arguments |= {option: value for option, value in chosen.items() if value is not None}
        loaded = load(name, split=options.split, streaming=options.streaming, **arguments)
        _check_dataset(name, loaded, options)
        checked: Dataset | IterableDataset = loaded
        return checked


def read_parts(parts: Any, options: MixOptions) -> Parts:
    """Check `parts`, their weights and the options that name parts; nothing is loaded.

    Raises:
        ConfigError: names what is wrong: an unknown config, a bad weight, a dataset that is not one, a name twice.
    """
    if isinstance(parts, Mapping):
        names = [_name(name) for name in parts]
        ready = {name: value for name, value in parts.items() if not _is_weight(value)}
        if ready and len(ready) < len(names):
            odd = next(name for name in names if name not in ready)
            raise ConfigError(
                f"{odd!r} has a weight and {next(iter(ready))!r} a dataset; give all the one or all the other"
            )
        for name, value in ready.items():
            _check_dataset(name, value, options)
        given: Any = None if ready else dict(parts)
    elif isinstance(parts, Sequence) and not isinstance(parts, (str, bytes)):
        names, ready, given = [_name(name) for name in parts], {}, None
        repeated = next((name for name in names if names.count(name) > 1), None)
        if repeated is not None:
            raise ConfigError(f"{repeated!r} is named twice; give it a weight instead: {{{repeated!r}: 2, ...}}")
    else:
        raise ConfigError(f"parts is a {type(parts).__name__}; give a dict, a list of configs, or a recipe's path")
    if options.probabilities is not None:
        if given is not None:
            raise ConfigError("parts has weights and probabilities are given too; give the one or the other")
        weights: dict[str, float] | None = named_probabilities(names, options.probabilities)
    else:
        weights = None if given is None else read_weights(given)
    if not names:
        raise ConfigError("there is nothing to mix: name at least one part")
    if isinstance(options.max_epochs_per_source, Mapping):
        for name in options.max_epochs_per_source:
            if name not in names:
                raise ConfigError(
                    f"max_epochs_per_source names {name!r}, which is not among the parts ({', '.join(names)})"
                )
    if ready:
        _check_loading(options)
    elif options.repo is None:
        from video_sft.builders import builder_class

        for name in names:
            builder_class(name)
    return Parts(tuple(sorted(names)), weights, ready)


def _check_loading(options: MixOptions) -> None:
    """Refuse options of `load` for datasets that are loaded already, where they would silently do nothing."""
    given = [name for name, value in options.load_options.items() if value is not None]
    given += [name for name in ("group", "repo") if getattr(options, name) is not None]
    if given:
        raise ConfigError(f"{', '.join(given)}: mix has no such option for datasets that are loaded already")


def _check_dataset(name: str, value: object, options: MixOptions) -> None:
    if isinstance(value, (DatasetDict, IterableDatasetDict)):
        splits = ", ".join(str(split) for split in value)
        raise ConfigError(f"{name!r} is a dataset of splits ({splits}); give one of them")
    expected = IterableDataset if options.streaming else Dataset
    if not isinstance(value, expected):
        hint = ""
        if isinstance(value, (Dataset, IterableDataset)):
            hint = f"; streaming={not options.streaming} mixes those"
        elif isinstance(value, str):
            hint = "; a weight is a number"
        raise ConfigError(f"{name!r} is a {type(value).__name__}, not a {expected.__name__}{hint}")


def _is_weight(value: object) -> bool:
    # Everything that is no dataset is taken for a weight, so that a bad one is named as that.
    return not isinstance(value, (Dataset, IterableDataset, DatasetDict, IterableDatasetDict))


def _name(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise ConfigError(f"a part is named {name!r}; names are strings")
    return name
