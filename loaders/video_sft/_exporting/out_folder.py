"""The folder of an export: whose it is, how far it is, and what may be replaced in it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from video_sft._files import UNFINISHED, writing_whole
from video_sft.errors import ConfigError

__all__ = ["OutFolder"]

_STATE = "export.json"


class OutFolder:
    """A folder that holds one export and nothing else.

    `export.json` in it says which, from the beginning on: the same call goes on with what a stopped one left, and
    another one is refused unless it may overwrite.

    Args:
        out: the folder, which may be missing or empty.
        overwrite: replace the export that is there by another.

    Raises:
        ConfigError: there is something else in it.
    """

    def __init__(self, out: Path, *, overwrite: bool) -> None:
        self.out = out
        self._overwrite, self._replaced = overwrite, False
        self._state = self._read()
        others = out.exists() and (not out.is_dir() or any(not _is_left(path) for path in out.iterdir()))
        if self._state is None and others:
            raise ConfigError(f"{out} is there already and holds no export; give a new folder")

    def _read(self) -> dict[str, Any] | None:
        try:
            state = json.loads((self.out / _STATE).read_bytes())
        except (OSError, ValueError):
            return None
        return state if isinstance(state, dict) and "digest" in state else None

    def claim(self, options: Mapping[str, Any], rows_digest: str) -> None:
        """Make the folder that of one export.

        Args:
            options: of the export.
            rows_digest: of its rows.

        Raises:
            ConfigError: it is that of another, which may not be overwritten.
        """
        content = json.dumps([options, rows_digest], sort_keys=True, default=str)
        digest = hashlib.blake2b(content.encode(), digest_size=16).hexdigest()
        state = self._state or {}
        if state and state["digest"] != digest:
            before = state.get("options") or {}
            other = [f"{name}={value!r}" for name, value in before.items() if options.get(name) != value]
            if not self._overwrite:
                raise ConfigError(
                    f"{self.out} holds another export ({', '.join(other) or 'of other rows'}); give another folder, "
                    "or overwrite=True (--overwrite) to replace it"
                )
            self.clear([name for name in state.get("files", []) if isinstance(name, str)])
            if before.get("media") in ("media", "shareVideoGPTV") and before["media"] != options["media"]:
                self.clear([before["media"]])
            self._replaced, state = True, {}
        self._state = {"digest": digest, "options": dict(options), "shards": state.get("shards", {})}
        self._state["files"] = state.get("files", [])
        self._save()

    def has(self, name: str, digest: str) -> bool:
        """Return whether a file is there whose content has this digest."""
        return (self._state or {}).get("shards", {}).get(name) == digest and (self.out / name).is_file()

    def announce(self, names: Iterable[str]) -> None:
        """Note files that are about to be written, so that they can be removed again."""
        assert self._state is not None
        self._state["files"] = sorted({*self._state["files"], *names})
        self._save()

    def note(self, name: str, digest: str) -> None:
        """Note that a file is whole."""
        assert self._state is not None
        self._state["shards"][name] = digest
        self.announce([name])

    def finish(self, files: Iterable[str], report: Mapping[str, Any]) -> None:
        """Note that all is written, and remove the files of an earlier, different number of shards.

        Args:
            files: what the export consists of beside its media, relative.
            report: what is told of it.
        """
        assert self._state is not None
        names = sorted(files)
        self.clear([name for name in self._state["files"] if name not in names])
        self._state |= {"files": names, "report": dict(report)}
        self._save()

    def keep_media(self, name: str, paths: Collection[str]) -> None:
        """Remove media that no row names: those of an export that this one replaced, or that are inside other files.

        Args:
            name: the folder they lie in.
            paths: those that rows name, relative to the export.
        """
        folder = self.out / name
        if not paths:
            shutil.rmtree(folder, ignore_errors=True)
        elif self._replaced:
            for path in folder.rglob("*"):
                if path.is_file() and path.relative_to(self.out).as_posix() not in paths:
                    path.unlink()

    def clear(self, names: Iterable[str]) -> None:
        """Remove files or folders of an export, by their names in it."""
        for name in names:
            path = self.out / name
            if Path(name).is_absolute() or ".." in Path(name).parts:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def _save(self) -> None:
        with writing_whole(self.out / _STATE) as unfinished:
            unfinished.write_text(json.dumps(self._state, indent=2) + "\n", encoding="utf-8")


def _is_left(path: Path) -> bool:
    """Return whether a file is what a stopped run left behind: it goes by itself."""
    return path.name.startswith(UNFINISHED)
