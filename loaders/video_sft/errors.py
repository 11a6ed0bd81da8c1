"""Errors a user meets. Each message says what is wrong, where, and what mends it."""

from __future__ import annotations

from functools import partial

__all__ = [
    "BrokenFileError",
    "BuildError",
    "ConfigError",
    "MissingFileError",
    "MissingMediaError",
    "RowError",
    "TooLongError",
    "UnsafePathError",
    "VideoError",
    "VideoSftError",
    "one_line",
]


class VideoSftError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigError(VideoSftError, ValueError):
    """A name or option the caller gave is not one the package knows."""


class MissingFileError(VideoSftError, FileNotFoundError):
    """An annotation file is not there; the message says which, and where to get it."""


class BuildError(VideoSftError):
    """Rows could not be built for a reason outside of them, such as a full disk; the message says which."""


class BrokenFileError(BuildError):
    """An annotation file is damaged, cut short or encrypted, so that its bytes cannot be had.

    Attributes:
        cut_short: whether it only ends early, so that all of what came before is good.
    """

    def __init__(self, message: str, *, cut_short: bool = False) -> None:
        super().__init__(message)
        self.cut_short = cut_short

    def __reduce__(self) -> tuple[object, ...]:
        return partial(type(self), str(self), cut_short=self.cut_short), ()


class MissingMediaError(VideoSftError, FileNotFoundError):
    """Videos or images are not in the folder given; the message names the first ones."""


class TooLongError(VideoSftError, ValueError):
    """A row has more tokens than it may have, whatever is done to its video or image."""


class UnsafePathError(VideoSftError, ValueError):
    """A path that comes from data would leave its folder, or names another place altogether."""


class VideoError(VideoSftError):
    """A video cannot be opened or decoded.

    Attributes:
        path: the file or URL, or a short description where the video came as bytes.
        reason: what is wrong with it.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type[VideoError], tuple[str, str]]:
        return type(self), (self.path, self.reason)


class RowError(VideoSftError, ValueError):
    """One row of an annotation file cannot be read.

    Attributes:
        file: the file's name as the user knows it.
        position: where in the file: ``row 12`` of a JSON array, ``line 13`` of a CSV, ``byte 4096``.
        field: the field at fault, or None when it is the row as a whole.
        problem: what is wrong with it.
        remedy: what the user can do about it.
    """

    def __init__(self, *, file: str, position: str, field: str | None, problem: str, remedy: str) -> None:
        where = f"{file}, {position}" + (f", field {field!r}" if field is not None else "")
        super().__init__(f"{where}: {problem}. {remedy}")
        self.file = file
        self.position = position
        self.field = field
        self.problem = problem
        self.remedy = remedy

    def __reduce__(self) -> tuple[object, ...]:
        names = ("file", "position", "field", "problem", "remedy")
        return partial(type(self), **{name: getattr(self, name) for name in names}), ()


def one_line(error: BaseException) -> str:
    """Return what an error of another library says, for use inside a message of ours: all its lines, as one."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
