"""WebDataset: tar files with a JSON file and the video or image of each row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from video_sft._exporting.out_folder import OutFolder
from video_sft._exporting.targets.target import Export, PackedTarget, ReadyRow, messages_of
from video_sft._files import writing_whole
from video_sft.errors import ConfigError, one_line

__all__ = ["WebDataset"]


class WebDataset(PackedTarget):
    """Rows as samples of `webdataset`: `json` with id, messages and limits, and `mp4`, `jpg` or the like."""

    clips = ("trim", "keys", "frames")

    def check(self) -> None:
        """See that `webdataset` can be imported."""
        try:
            import webdataset  # noqa: F401
        except ImportError as error:
            raise ConfigError(
                f"tar shards are written by webdataset, which cannot be imported ({one_line(error)}): "
                "pip install webdataset"
            ) from error

    def write(self, rows: Iterator[ReadyRow], export: Export, folder: OutFolder, shard_bytes: int) -> list[str]:
        """Write all rows; files that an earlier run finished stay."""
        names = []
        for number, samples in enumerate(_groups(rows, export, shard_bytes)):
            name = f"{export.name}-{number:06d}.tar"
            digest = hashlib.blake2b(orjson.dumps([[row, files] for row, files in samples]), digest_size=16).hexdigest()
            if not folder.has(name, digest):
                with writing_whole(export.out / name) as unfinished:
                    _write_tar(unfinished, samples, export.out)
                folder.note(name, digest)
            names.append(name)
        return names

    def command(self, export: Export) -> str:
        """Return how the files are read."""
        last = len(export.shards) - 1
        shards = f"{export.out.absolute()}/{export.name}-{{000000..{last:06d}}}.tar"
        return f"python\n>>> import webdataset\n>>> samples = webdataset.WebDataset({shards!r}).decode()"


#: A row as it is written, and its media files: suffix, path and size.
_Sample = tuple[dict[str, Any], list[tuple[str, str, int]]]


def _groups(rows: Iterator[ReadyRow], export: Export, shard_bytes: int) -> Iterator[list[_Sample]]:
    samples: list[_Sample] = []
    size = total = 0
    for row in rows:
        line: dict[str, Any] = {"id": row.id, "messages": messages_of(row)}
        if row.limits is not None:
            line |= {"start_seconds": row.limits[0], "stop_seconds": row.limits[1]}
        paths = row.video if isinstance(row.video, list) else [path for path in (row.video, row.image) if path]
        files = [(_name(path, row), path, (export.out / path).stat().st_size) for path in paths]
        needed = sum(each[2] for each in files)
        if samples and size + needed > shard_bytes:
            yield samples
            samples, size = [], 0
        samples.append(({**line, "__key__": f"{total:09d}"}, files))
        size, total = size + needed, total + 1
    if samples:
        yield samples


def _name(path: str, row: ReadyRow) -> str:
    """Return what a file is called in a sample: its suffix, with its number before it where there are several."""
    name = Path(path)
    return f"{name.stem}{name.suffix}" if isinstance(row.video, list) else name.suffix.removeprefix(".")


def _write_tar(target: Path, samples: list[_Sample], out: Path) -> None:
    import webdataset

    with target.open("wb") as stream, webdataset.TarWriter(stream, encoder=False, mtime=0) as writer:
        for line, files in samples:
            key = line["__key__"]
            told = {name: value for name, value in line.items() if name != "__key__"}
            media = {name: (out / path).read_bytes() for name, path, _ in files}
            writer.write({"__key__": key, "json": orjson.dumps(told), **media})
