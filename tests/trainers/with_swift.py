"""ms-swift's own loading and encoding of an export. Runs in an environment with ms-swift.

Usage: python with_swift.py MODELS EXPORT EXPECTED.json
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tiny_models import KINDS, make, mend_imports, seconds_shown

from expectations import Expected


def main(models: Path, export: Path, expected: Path) -> None:
    os.environ.update(ROOT_IMAGE_DIR=str(export), MODELSCOPE_CACHE=str(models / "cache"), VIDEO_MAX_TOKEN_NUM="16")
    os.environ.update(VIDEO_MIN_TOKEN_NUM="4", IMAGE_MAX_TOKEN_NUM="64")
    os.chdir(export)  # which is where lists of frames are looked up
    mend_imports()
    from swift.dataset import load_dataset
    from swift.model import get_processor
    from swift.template import get_template

    shards = sorted(str(path) for path in export.glob("*.jsonl"))
    rows, _ = load_dataset(shards, strict=True)
    names = ids_of(shards)
    assert len(rows) == len(names), f"{len(names)} rows were written, {len(rows)} read"
    for kind in KINDS:
        folder = models / kind
        processor = get_processor(str(folder if folder.exists() else make(kind, folder)), model_type=kind)
        template = get_template(processor, max_length=None, template_type=kind)
        template.set_mode("train")
        check = Expected(expected)
        for name, row in zip(names, rows, strict=True):
            encoded = template.encode(row)
            pixels = encoded.get("pixel_values_videos")
            check.check(
                name,
                question_to_answer=template.tokenizer.decode(encoded["input_ids"]),
                learnt=template.tokenizer.decode([label for label in encoded["labels"] if label >= 0]),
                seconds=None
                if pixels is None
                else seconds_shown(pixels, encoded["video_grid_thw"][0], processor.video_processor),
            )
        check.finish(f"ms-swift, {kind}, {export.name}")


def ids_of(shards: list[str]) -> list[str]:
    import json

    return [json.loads(line)["id"] for shard in shards for line in Path(shard).read_text().splitlines()]


if __name__ == "__main__":
    main(*(Path(word).absolute() for word in sys.argv[1:]))
