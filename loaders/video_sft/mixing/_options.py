"""The options of a mixture, checked before anything is loaded."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from video_sft._near_names import check_one_of, near_names
from video_sft._rows.messages import MessageStyle
from video_sft.errors import ConfigError
from video_sft.mixing._eval_lists.chosen import chosen_lists
from video_sft.mixing._eval_lists.lists import EvalList
from video_sft.mixing._option_types import check_types
from video_sft.mixing._order.quotas import STRATEGIES, StoppingStrategy
from video_sft.mixing._order.weights import read_temperature
from video_sft.mixing._selection.filters import DECONTAMINATIONS, Decontaminate

__all__ = ["MixOptions"]


@dataclass(frozen=True, kw_only=True)
class MixOptions:
    """What decides which rows are mixed and in which order: the arguments of `mix`, which explains each of them."""

    split: str = "train"
    probabilities: Mapping[str, float] | Sequence[float] | None = None
    temperature: float | None = None
    seed: int = 0
    epochs: int = 1
    num_rows: int | None = None
    stopping_strategy: StoppingStrategy = "exact"
    max_epochs_per_source: int | Mapping[str, int | None] | None = None
    shuffle: bool = True
    group: str | None = None
    decontaminate: Decontaminate | None = "eval-videos"
    eval_ids: str | None = None
    eval_sets: Sequence[str] | None = None
    dedupe: bool = False
    licenses: Sequence[str] | None = None
    streaming: bool = False
    repo: str | None = None
    load_options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_types({item.name: getattr(self, item.name) for item in fields(self)} | dict(self.load_options))
        MessageStyle(**MessageStyle.keywords(self.load_options))  # before any part is built
        read_temperature(self.temperature)
        check_one_of("stopping_strategy", self.stopping_strategy, STRATEGIES)
        if self.decontaminate is not None:
            check_one_of("decontaminate", self.decontaminate, DECONTAMINATIONS)
        if self.eval_sets is not None:
            if not self.eval_sets:
                raise ConfigError("eval_sets is empty; give a list of names, such as ['next_qa test', 'mvbench']")
            if self.decontaminate is None:
                raise ConfigError(
                    "eval_sets chooses what decontaminate leaves out, and decontaminate=None leaves nothing out"
                )
        _whole("seed", self.seed, None)
        _whole("epochs", self.epochs, 1)
        if self.num_rows is not None:
            _whole("num_rows", self.num_rows, 1)
        if self.licenses is not None and not self.licenses:
            raise ConfigError("licenses is empty; give a list of licence ids, such as ['MIT', 'Apache-2.0']")
        limits = self.max_epochs_per_source
        for name, limit in limits.items() if isinstance(limits, Mapping) else [("", limits)]:
            if limit is not None:
                _whole(f"max_epochs_per_source{f' of {name!r}' if name else ''}", limit, 1)
        if self.streaming and self.decontaminate == "eval-content":
            raise ConfigError(
                "decontaminate='eval-content' looks into all videos before the first row comes, which a stream does "
                "not wait for; load with streaming=False"
            )
        if self.streaming and self.dedupe:
            raise ConfigError(
                "dedupe compares all rows with each other, which a stream cannot; load with streaming=False"
            )

    def eval_lists(self) -> list[EvalList]:
        """Return the lists the mixture is to be kept clear of; only one of `train`, or of a slice of it, is.

        Raises:
            ConfigError: `eval_sets` has a name there is no list of.
        """
        if self.decontaminate is None:
            return []
        by_questions = self.decontaminate == "eval-questions"
        lists = chosen_lists(self.eval_sets, self.eval_ids, with_questions=by_questions)
        return lists if self.split.partition("[")[0] == "train" else []

    def limit(self, names: Sequence[str]) -> list[int | None]:
        """Return for each part how many passes over it are allowed."""
        limits = self.max_epochs_per_source
        return [limits.get(name) if isinstance(limits, Mapping) else limits for name in names]

    def over(self, recipe: Mapping[str, Any], where: str) -> MixOptions:
        """Return the options of a recipe, with those given in Python (other than the defaults) in their place.

        Raises:
            ConfigError: the recipe has an option there is none of.
        """
        defaults = {item.name: getattr(MixOptions(), item.name) for item in fields(self)}
        unknown = [name for name in recipe if name not in defaults]
        if unknown:
            near = near_names(unknown[0], defaults)
            hint = f"did you mean {near[0]}?" if near else f"there are parts, {', '.join(defaults)}"
            raise ConfigError(f"{where}: a recipe has no option {unknown[0]!r}; {hint}")
        given = {name: getattr(self, name) for name in defaults if getattr(self, name) != defaults[name]}
        loading = {**recipe.get("load_options", {}), **self.load_options}
        try:
            return replace(MixOptions(), **{**recipe, **given, "load_options": loading})
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None


def _whole(name: str, value: object, least: int | None) -> None:
    good = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not good or (least is not None and int(str(value)) < least):
        lower = "" if least is None else f" from {least} up"
        got = "nan" if isinstance(value, float) and math.isnan(value) else repr(value)
        raise ConfigError(f"{name} is {got}; it should be a whole number{lower}")
