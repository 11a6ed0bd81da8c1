"""The package that the help on sources of one's own writes down, made and installed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.pages import HELP

_FILE = re.compile(r"<!-- not run here, but installed and run by a test: (\S+) -->\n```\w+\n(.*?)```\n", re.DOTALL)


def write_package(folder: Path) -> Path:
    """Write the page's files, and the empty one it speaks of."""
    files = dict(_FILE.findall((HELP / "own-source.md").read_text(encoding="utf-8")))
    for name, text in {**files, "mine_pkg/__init__.py": ""}.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    return folder


def install(package: Path, target: Path) -> None:
    """Install a package into a folder, as pip does it, without a network."""
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    words = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(package)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
