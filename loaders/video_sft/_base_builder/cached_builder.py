"""A builder's place in the cache: taken as it is where it is whole, built anew where it is not, errors told plainly."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from video_sft._base_builder.built_folder import finish_build, what_is_damaged
from video_sft._datasets import ArrowBuilder, DatasetGenerationError
from video_sft._files import cache_error
from video_sft.errors import BuildError, VideoSftError, one_line

__all__ = ["CachedBuilder", "without_cycle_collection"]

logger = logging.getLogger("video_sft")


@contextlib.contextmanager
def without_cycle_collection() -> Iterator[None]:
    """Pause the search for cycles: parsing makes millions of containers and no cycle, and it looks at them all."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class CachedBuilder(ArrowBuilder):
    """A builder whose built dataset heals, and whose errors are those a person can do something about."""

    def download_and_prepare(self, *args: Any, **kwargs: Any) -> None:
        """Build the dataset into the cache, as `datasets.DatasetBuilder.download_and_prepare` does.

        One that is there, and as it was written, is taken as it is: nothing is written or locked. One that is damaged
        is built anew.

        Raises:
            VideoSftError: what is wrong with the files, or what else stopped the build, without the wrapping
                `datasets` puts around it.
        """
        try:
            if not args and all(kwargs.get(name) is None for name in ("output_dir", "file_format", "download_mode")):
                damage = self._damage() if os.path.lexists(self._cached) else "it is not there"
                if damage is None:
                    self.take_stored_info()
                    return
                self._discard(damage)
            with without_cycle_collection():
                super().download_and_prepare(*args, **kwargs)
        except DatasetGenerationError as error:
            raise self.cause_of(error) from error.__cause__
        except OSError as error:
            if isinstance(error, VideoSftError):
                raise
            raise self.cause_of(error) from error

    def cause_of(self, error: BaseException) -> VideoSftError:
        """Return what a person can do something about: the error beneath those of `datasets`."""
        cause: BaseException = error
        while isinstance(cause, DatasetGenerationError) and cause.__cause__ is not None:
            cause = cause.__cause__
        beneath = cause.__context__
        if type(cause) is OSError and cause.__suppress_context__ and isinstance(beneath, OSError):
            cause = beneath  # `datasets` says "Cannot find data file" of any
        if isinstance(cause, VideoSftError):
            return cause
        what = f"{self.config.name}: building stopped"
        if isinstance(cause, OSError):
            return cache_error(what, cause, self.cache_root)
        told = f"{what}: {type(cause).__name__}: {one_line(cause)}"
        return BuildError(f"{told}. Please report this, with the traceback (--debug shows it)")

    @property
    def _cached(self) -> Path:
        """Where the built dataset lies, or would."""
        return Path(self.cache_dir)

    def finish_folder(self) -> None:
        """Note what the finished dataset is known again by."""
        if self.is_building:
            finish_build(Path(self.folder_in_work))

    def _damage(self) -> str | None:
        return what_is_damaged(self._cached) if self._cached.is_dir() else "it is no folder"

    def _discard(self, damage: str, *, seen: bool = True) -> None:
        """Delete the built dataset, if it is there, unless another process has built it anew meanwhile.

        `damage` is what is wrong with it, `seen` whether looking at it shows that.
        """
        if not os.path.lexists(self._cached):
            return
        try:
            with self.building_lock():
                if not os.path.lexists(self._cached) or (seen and self._damage() is None):
                    return
                told = "%s: the rows built in %s are damaged and built anew: %s"
                logger.warning(told, self.config.name, self._cached, damage)
                shutil.rmtree(self._cached) if self._cached.is_dir() else self._cached.unlink()
        except OSError as error:
            raise BuildError(
                f"{self.config.name}: the rows built in {self._cached} are damaged ({damage}) and cannot be deleted: "
                f"{one_line(error)}. Delete that folder, or give another place as cache_dir or HF_DATASETS_CACHE"
            ) from error

    def as_dataset(self, split: Any = None, in_memory: bool = False) -> Any:
        """Read the built dataset, as `datasets.DatasetBuilder.as_dataset` does; where it cannot be, it is built anew.

        Raises:
            VideoSftError: see `download_and_prepare`.
        """
        try:
            return super().as_dataset(split, in_memory)
        except (OSError, pa.ArrowInvalid) as error:
            if getattr(error, "errno", None) is not None or not self._cached.is_dir():  # of the system, not of the rows
                raise
            self._discard(one_line(error), seen=False)
        self.download_and_prepare()
        return super().as_dataset(split, in_memory)
