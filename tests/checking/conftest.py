"""Running `video-sft check` as a user does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.conftest import CommandResult


class Outcome(CommandResult):
    """What a user sees of one check."""

    @property
    def report(self) -> dict[str, Any]:
        return json.loads(self.out)

    def findings(self, check: str, severity: str | None = None) -> list[dict[str, Any]]:
        found = [finding for finding in self.report["findings"] if finding["check"] == check]
        return [finding for finding in found if severity in (None, finding["severity"])]


Check = Callable[..., Outcome]


@pytest.fixture
def check(video_sft_command: Callable[..., CommandResult]) -> Check:
    """Run `video-sft check` with these words."""
    return lambda *words: Outcome(**vars(video_sft_command("check", *words)))
