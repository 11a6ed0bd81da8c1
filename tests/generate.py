"""Rewrite what is generated from the sources: expected sample rows and the cards' tables; or check that it is current."""

from __future__ import annotations

import sys
import tempfile

import datasets

import video_sft
from tests.expectations import as_text, built_rows, expected_path


def generated_files(cache_dir: str) -> dict[str, str]:
    """The text of every generated file, by path."""
    return {str(expected_path(config)): as_text(built_rows(config, cache_dir)) for config in video_sft.configs()}


def main() -> int:
    """Write the files, or with `--check` say which are not what they would be written as."""
    datasets.disable_progress_bars()
    stale = []
    with tempfile.TemporaryDirectory() as cache_dir:
        for path, text in generated_files(cache_dir).items():
            try:
                with open(path, encoding="utf-8") as handle:
                    current = handle.read() == text
            except FileNotFoundError:
                current = False
            if current:
                continue
            stale.append(path)
            if "--check" not in sys.argv:
                with open(path, "w", encoding="utf-8") as handle:
                    handle.write(text)
    for path in stale:
        print(("not current, run make generate: " if "--check" in sys.argv else "wrote ") + path)
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
