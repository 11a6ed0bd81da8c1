"""The prepared root as the process that leads the job writes it: packs of files, and its part of the manifest."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa

from video_sft._files import unfinished_folder
from video_sft._places import is_remote, join
from video_sft.errors import BuildError, one_line
from video_sft.preparing._manifest import SCHEMA, is_prepared, part_name, read_manifest, read_part, table_of, write_part
from video_sft.preparing._planning import KNOWN
from video_sft.preparing._steps import FRAMES
from video_sft.preparing._storage import put_bytes, put_file
from video_sft.preparing._task import Prepared
from video_sft.video._reading.frame_folder import frames_url, split_frames

__all__ = ["PreparedRoot"]

#: A manifest is written so many seconds after the last time, or later where that takes long.
_SECONDS_BETWEEN, _TIMES_AS_LONG = 30.0, 20.0


class PreparedRoot:
    """A root that is being filled by one shard; used as a context, at whose end all that came is in its manifest.

    Args:
        root: as `root_text` has it.
        shard: number, from 0 on, and count: whose part of the manifest is written.
        packed: put files into zips, of about `pack_bytes` each, rather than one by one.
        pack_bytes: see there.

    Attributes:
        known: what was in the manifest before, the columns `KNOWN` of it.
    """

    def __init__(self, root: str, shard: tuple[int, int], *, packed: bool, pack_bytes: int) -> None:
        self._root, self._shard = root, shard
        self.known: pa.Table = read_manifest(root, KNOWN) if is_prepared(root) else SCHEMA.empty_table()
        self._part: pa.Table | None = None
        self._new: list[dict[str, Any]] = []
        self._pack = _Pack(root, pack_bytes) if packed else None
        self._written = time.monotonic()
        self._takes = 0.0

    def __enter__(self) -> PreparedRoot:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._pack is not None:
            self._new += self._pack.close()
        self._write()

    def add(self, made: Iterable[Prepared]) -> None:
        """Take in what came of a video."""
        for each in made:
            if each.data is None:
                self._new.append(each.row)
            elif self._pack is not None:
                self._new += self._pack.add(each.row, each.data)
            else:
                place = _inside(each.row["location"])
                try:
                    put_bytes(self._root, place, each.data)
                except OSError as error:
                    raise BuildError(f"{join(self._root, place)} cannot be written: {one_line(error)}") from error
                self._new.append(each.row)
        if time.monotonic() - self._written > max(_SECONDS_BETWEEN, _TIMES_AS_LONG * self._takes):
            self._write()

    def _write(self) -> None:
        if not self._new:
            return
        began = time.monotonic()
        if self._part is None:
            try:
                self._part = read_part(self._root, part_name(self._shard))
            except FileNotFoundError:
                self._part = SCHEMA.empty_table()
        self._part = pa.concat_tables([self._part, table_of(self._new)]).combine_chunks()
        self._new = []
        write_part(self._root, self._shard, self._part)
        self._written = time.monotonic()
        self._takes = self._written - began


class _Pack:
    """A zip that is being filled; its rows count once it is in the root."""

    def __init__(self, root: str, pack_bytes: int) -> None:
        self._root, self._most = root, pack_bytes
        parent = Path(tempfile.gettempdir() if is_remote(root) else root)
        parent.mkdir(parents=True, exist_ok=True)
        self._folder = unfinished_folder(parent, mode=0o700)
        self._path = self._folder.__enter__() / "pack.zip"
        self._zip: zipfile.ZipFile | None = None
        self._rows: list[dict[str, Any]] = []
        self._names: set[str] = set()

    def add(self, row: dict[str, Any], data: bytes) -> list[dict[str, Any]]:
        """Put a file into the pack; return the rows of the pack if it is full with it."""
        if self._zip is None:
            self._zip = zipfile.ZipFile(self._path, "w", zipfile.ZIP_STORED)
        folder, rate = split_frames(row["location"])
        name = os.path.basename(_inside(folder))
        if rate is None:
            self._put(name, data)
            place = f"zip://{name}"
        else:
            name = name.removesuffix(".zip")
            with zipfile.ZipFile(io.BytesIO(data)) as pictures:
                for member in pictures.namelist():
                    self._put(f"{name}{member.removeprefix(FRAMES)}", pictures.read(member))
            place = frames_url(f"zip://{name}", rate)
        self._rows.append(row | {"location": place})
        return self._finished() if self._path.stat().st_size >= self._most else []

    def close(self) -> list[dict[str, Any]]:
        """Finish the pack; return its rows."""
        try:
            return self._finished()
        finally:
            self._folder.__exit__(None, None, None)

    def _put(self, name: str, data: bytes) -> None:
        assert self._zip is not None
        if name not in self._names:  # two videos may be the same file
            self._names.add(name)
            self._zip.writestr(zipfile.ZipInfo(name), data)

    def _finished(self) -> list[dict[str, Any]]:
        if self._zip is None:
            return []
        self._zip.close()
        name = hashlib.blake2b("\0".join(sorted(self._names)).encode(), digest_size=16).hexdigest()
        relative = f"packs/{name}.zip"
        put_file(self._root, relative, self._path)
        rows = [row | {"location": f"{row['location']}::{relative}"} for row in self._rows]
        self._zip, self._rows, self._names = None, [], set()
        return rows


def _inside(location: str) -> str:
    return location.rpartition("::")[2]
