"""The pages that people read, and what is written as code on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
HELP = ROOT / "loaders" / "video_sft" / "help"
GITHUB = ROOT / ".github"
CARDS = ROOT / "dataset_cards"

_BLOCK = re.compile(r"(?:<!-- (not run[^\n]*) -->\n)?```(\w+)\n(.*?)```", re.DOTALL)
_SPAN = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Block:
    """One fenced block; `skip` is the comment above those that need a user's own files."""

    language: str
    code: str
    skip: str

    def command_lines(self) -> Iterator[str]:
        """Yield the lines of a shell block, continued ones joined, without their comments."""
        for line in self.code.replace("\\\n", " ").splitlines():
            if told := line.partition(" #")[0].strip():
                yield told


@dataclass(frozen=True)
class Page:
    """One page and what is written on it."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def blocks(self) -> list[Block]:
        return [Block(language, code, skip) for skip, language, code in _BLOCK.findall(self.text)]

    @property
    def spans(self) -> list[str]:
        """The code within sentences and tables."""
        paragraphs = re.split(r"\n\s*\n|\n(?=\|)", _BLOCK.sub("\n\n", self.text))
        return [" ".join(span.split()) for text in paragraphs for span in _SPAN.findall(text)]

    @property
    def commands(self) -> list[str]:
        """Every command line on the page, run by a test or not."""
        lines = [line for block in self.blocks if block.language == "sh" for line in block.command_lines()]
        return [line for line in [*lines, *self.spans] if line.startswith("video-sft ")]


#: What users of the package read, and what is run of it.
FOR_USERS = [Page(README), *map(Page, sorted(HELP.glob("*.md")))]
ALL_PAGES = [*FOR_USERS, *map(Page, sorted(GITHUB.rglob("*.md"))), *map(Page, sorted(CARDS.glob("*.md")))]
