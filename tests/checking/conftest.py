"""Running `video-sft check` as a user does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from video_sft._cli import main


@dataclass
class Outcome:
    """What a user sees of one run."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        return json.loads(self.out)

    def findings(self, check: str, severity: str | None = None) -> list[dict[str, Any]]:
        found = [finding for finding in self.report["findings"] if finding["check"] == check]
        return [finding for finding in found if severity in (None, finding["severity"])]


Check = Callable[..., Outcome]


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]) -> Check:
    """Run `video-sft check` with these words."""

    def run(*words: object) -> Outcome:
        with pytest.raises(SystemExit) as ended:
            main(["check", *map(str, words)])
        told = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), told.out, told.err)

    return run
