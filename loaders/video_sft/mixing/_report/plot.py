"""A mixture's report as a figure."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from video_sft._files import writing_whole
from video_sft._text import visible
from video_sft.errors import ConfigError
from video_sft.mixing._report.facts import MixFacts, SourceReport

__all__ = ["draw"]

#: Okabe and Ito's colours, which people with colour blindness can tell apart.
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999")
_INK = "#222222"


def draw(report: MixFacts, path: str | os.PathLike[str]) -> None:
    """Write the figure: on the left shares asked for and reached, on the right what each part consists of.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigError("drawing a report needs matplotlib: pip install 'video-sft[report]'") from None
    with rc_context({"text.parse_math": False}):  # a name with dollars in it is a name
        figure = _figure(report, Figure)
        FigureCanvasAgg(figure)
        with writing_whole(path) as unfinished:
            figure.savefig(unfinished, format="png")


def _figure(report: MixFacts, figure_class: Any) -> Any:
    sources = sorted(report.sources, key=lambda source: source.share)
    figure = figure_class(figsize=(9.5, 1.5 + 0.42 * len(sources)), dpi=200, layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    _shares(left, sources)
    _tasks(right, sources, list(report.total.tasks))
    videos = f"{report.total.videos:,} videos"
    figure.suptitle(
        f"{report.total.rows:,} rows, {videos}, licence {visible(report.license or 'not stated')}", fontsize=10
    )
    return figure


def _shares(axes: Any, sources: Sequence[SourceReport]) -> None:
    places = range(len(sources))
    axes.barh(places, [100 * source.share for source in sources], height=0.62, color=_COLOURS[0], label="reached")
    asked = [(place, source.requested) for place, source in zip(places, sources, strict=True) if source.requested]
    if asked:
        at, shares = zip(*asked, strict=True)
        axes.plot([100 * share for share in shares], at, "d", color=_COLOURS[5], markersize=5, label="asked for")
    widest = max([1e-9, *(100 * max(source.share, source.requested or 0) for source in sources)])
    for place, source in zip(places, sources, strict=True):
        passes = "" if source.passes is None else f", {source.passes:.3g} passes"
        end = 100 * max(source.share, source.requested or 0)
        axes.text(end + widest * 0.03, place, f"{source.rows:,} rows{passes}", va="center", fontsize=7, color=_INK)
    axes.set_yticks(places, [visible(source.name) for source in sources], fontsize=8)
    axes.set_xlim(0, widest * 1.5)
    axes.set_xlabel("share of rows, %", fontsize=8)
    axes.legend(fontsize=7, frameon=False, loc="lower right")
    _plain(axes)


def _tasks(axes: Any, sources: Sequence[SourceReport], tasks: Sequence[str]) -> None:
    ends = [0.0] * len(sources)
    for number, task in enumerate(tasks):
        widths = [100 * source.tasks.get(task, 0) / source.rows if source.rows else 0.0 for source in sources]
        colour = _COLOURS[number % len(_COLOURS)]
        axes.barh(
            range(len(sources)), widths, left=ends, height=0.62, color=colour, label=visible(task.replace("_", " "))
        )
        ends = [end + width for end, width in zip(ends, widths, strict=True)]
    axes.set_xlim(0, 100)
    axes.set_xlabel("task, % of the part's rows", fontsize=8)
    axes.tick_params(axis="y", length=0)
    if tasks:
        axes.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    _plain(axes)


def _plain(axes: Any) -> None:
    axes.tick_params(axis="x", labelsize=7)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
