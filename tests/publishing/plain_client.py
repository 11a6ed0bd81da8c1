"""What a stranger's process does: load published configs with `datasets` alone, and write down what came out.

python plain_client.py <repo> <file of config names> <folder>
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.modules["video_sft"] = None  # type: ignore[assignment]  # importing it is an error from here on

from datasets import Image, Video, load_dataset  # noqa: E402


def undecoded(rows: object) -> object:
    """The rows with media cells as they are stored, since a stranger may have no decoder."""
    for name, kind in dict(rows.features).items():  # type: ignore[attr-defined]
        if isinstance(kind, (Image, Video)):
            rows = rows.cast_column(name, type(kind)(decode=False))  # type: ignore[attr-defined]
    return rows


def main(repo: str, configs: str, folder: str) -> None:
    """Write one JSON file for each config: downloaded rows, and for whole sources streamed ones."""
    for config in json.loads(Path(configs).read_text()):
        found: dict[str, object] = {}
        for streaming in (False,) if "-" in config else (False, True):
            for split, rows in load_dataset(repo, config, streaming=streaming).items():
                features = {name: repr(kind) for name, kind in rows.features.items()}
                key = f"{split}, {'stream' if streaming else 'map'}"
                found[key] = {"features": features, "rows": list(undecoded(rows))}
        Path(folder, f"{config}.json").write_text(json.dumps(found, default=lambda value: f"<{len(value)} bytes>"))


if __name__ == "__main__":
    main(*sys.argv[1:])
