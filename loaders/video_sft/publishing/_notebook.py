"""The notebook that is published beside a card."""

from __future__ import annotations

from video_sft.publishing._card.files import read_card_file
from video_sft.publishing._report import ConfigReport

__all__ = ["NOTEBOOK", "explore_notebook"]

NOTEBOOK = "explore.ipynb"


def explore_notebook(repo: str, config: ConfigReport) -> bytes:
    """Return `explore.ipynb` for a repo.

    Args:
        repo: `org/name`.
        config: the config it opens, at its first split.
    """
    text = read_card_file(NOTEBOOK)
    for name, value in (("org/video-sft", repo), ("star", config.name), ("train", next(iter(config.splits)))):
        text = text.replace(f'\\"{name}\\"  # here', f'\\"{value}\\"')
    return text.encode()
