"""MDS, the shards of MosaicML Streaming: one folder with an index, media as bytes in the rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from video_sft._exporting.out_folder import OutFolder
from video_sft._exporting.targets.target import Export, PackedTarget, ReadyRow, messages_of
from video_sft._files import writing_whole_folder
from video_sft.errors import ConfigError, one_line

__all__ = ["Mds"]

_COLUMNS = {"id": "str", "messages": "json", "video": "bytes", "image": "bytes", "suffix": "str", "limits": "json"}


class Mds(PackedTarget):
    """Rows for `streaming.StreamingDataset`; `video` and `image` are empty where a row has none."""

    clips = ("trim", "keys")
    shard_bytes = 64 << 20

    def check(self) -> None:
        """See that `mosaicml-streaming` can be imported.

        Releases up to 0.13 ask for transformers below 5, and so for a `huggingface_hub` that is too old for `datasets`,
        but run with newer ones.
        """
        try:
            import streaming  # noqa: F401
        except ImportError as error:
            raise ConfigError(
                f"MDS shards are written by mosaicml-streaming, which cannot be imported ({one_line(error)}): "
                "pip install mosaicml-streaming, then pip install -U transformers huggingface_hub datasets"
            ) from error

    def write(self, rows: Iterator[ReadyRow], export: Export, folder: OutFolder, shard_bytes: int) -> list[str]:
        """Write all rows into a folder that appears whole."""
        from streaming import MDSWriter

        with writing_whole_folder(export.out / export.name) as unfinished:
            with MDSWriter(out=str(unfinished), columns=_COLUMNS, size_limit=shard_bytes, exist_ok=True) as writer:
                for row in rows:
                    writer.write(_sample(row, export.out))
            folder.clear([export.name])
        return [export.name]

    def command(self, export: Export) -> str:
        """Return how the folder is read."""
        place = str(export.out.absolute() / export.name)
        return f"python\n>>> import streaming\n>>> rows = streaming.StreamingDataset(local={place!r}, batch_size=1)"


def _sample(row: ReadyRow, out: Path) -> dict[str, Any]:
    path = row.video or row.image
    assert not isinstance(path, list)
    data = (out / path).read_bytes() if path else b""
    return {
        "id": row.id,
        "messages": messages_of(row),
        "video": data if row.video else b"",
        "image": b"" if row.video else data,
        "suffix": Path(path or "").suffix,
        "limits": list(row.limits or ()),
    }
