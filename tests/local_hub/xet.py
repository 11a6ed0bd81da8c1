"""Xet as the clients' upload pipeline sees it, with the local Hub's content as the storage.

`hf_xet` is compiled and speaks a protocol of its own to servers of its own. What a client asks of it is this: files are
taken in the background, and are there, with their SHA-256, when the upload is finished.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from .store import Blobs


class XetSession:
    """What `get_xet_session` returns."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def new_upload_commit(self, **options: Any) -> _Upload:
        """Begin to take files that become visible together."""
        return _Upload(self._blobs)


class _Upload:
    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._waiting: list[tuple[SimpleNamespace, Any]] = []

    def __enter__(self) -> _Upload:
        return self

    def __exit__(self, *error: object) -> None:
        self.wait_to_finish()

    def start_upload_file(self, path: str, *, sha256: object, name: str | None = None) -> SimpleNamespace:
        return self._begun(Path(path))

    def start_upload_bytes(self, content: bytes, *, sha256: object, name: str | None = None) -> SimpleNamespace:
        return self._begun(content)

    def _begun(self, content: Any) -> SimpleNamespace:
        handle = SimpleNamespace()
        self._waiting.append((handle, content))
        return handle

    def wait_to_finish(self) -> None:
        for handle, content in self._waiting:
            found = self._blobs.add(content.read_bytes() if isinstance(content, Path) else content)
            done = SimpleNamespace(xet_info=SimpleNamespace(sha256=found))
            handle.result = lambda done=done: done
        self._waiting.clear()

    def abort(self) -> None:
        self._waiting.clear()


def pipeline_is_there() -> bool:
    """Whether the installed client has a pipeline that spreads a folder over commits."""
    from importlib.util import find_spec

    return bool(find_spec("huggingface_hub._upload_pipeline") and find_spec("hf_xet"))


@contextmanager
def xet_uploads(blobs: Blobs) -> Iterator[None]:
    """Let this process's client send by Xet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", False)
        for module in ("huggingface_hub.utils._xet", "huggingface_hub._upload_pipeline"):
            patch.setattr(f"{module}.get_xet_session", lambda: XetSession(blobs))
        yield
