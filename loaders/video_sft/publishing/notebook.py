"""The notebook that is published beside a card."""

from __future__ import annotations

from video_sft.publishing.card_files import read_card_file

__all__ = ["NOTEBOOK", "explore_notebook"]

NOTEBOOK = "explore.ipynb"


def explore_notebook(repo: str, config: str) -> bytes:
    """Return `explore.ipynb` for a repo.

    Args:
        repo: `org/name`.
        config: the config it opens first.
    """
    text = read_card_file(NOTEBOOK)
    return text.replace("{{repo}}", repo).replace("{{config}}", config).encode()
