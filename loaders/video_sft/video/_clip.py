"""The clip: a part of a video that costs nothing until it is looked at."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NoReturn

from video_sft.video._bytes.media_bytes import MediaBytes, hub_token, media_bytes
from video_sft.video._decoding.pictures import Dtype, FrameForm, Layout
from video_sft.video._decoding.sizing import Size
from video_sft.video._decoding.threads import default_threads
from video_sft.video._fragment import clip_url, disguised, split_fragment, undisguised, with_fragment
from video_sft.video._frames import Audio, Frames, VideoMetadata
from video_sft.video._reading.frame_folder import with_rate
from video_sft.video._reading.video_reader import VideoReader
from video_sft.video._sampling import Choice

__all__ = ["Clip"]


class Clip(Mapping[str, Any]):
    """A video, or the part of it within [start, stop); nothing is opened until frames, facts or sound are asked for.

    All seconds and all frame numbers count on the file's own timeline, also in a cut clip: the same moment has the
    same number in every clip of a file. A frame belongs to the clip when it is shown at any moment from
    `start_seconds` up to, not including, `stop_seconds`. A stop beyond the video's end means its end.

    A clip pickles, copies and compares by what it refers to, and may be used by several threads at once. It also reads
    like the stored cell of a `datasets.Video` column, a mapping with ``bytes`` and ``path``: `datasets` writes the
    results of a ``map`` function by that, since its writer knows mappings but not this class, and tools that rebuild
    mappings from their items (pinning memory, moving batches to a device) get an equal clip back. torch's
    `default_collate` gives the list of a batch's clips.

    Whatever reads a remote video waits for it no longer than `limit_waiting` allows, and then raises `VideoError`.

    Args:
        video: path or URL (local, ``hf://``, ``https://``, ``zip://a.mp4::...`` or any other fsspec file system),
            bytes, an open binary file, ``{"path": ..., "bytes": ...}``, or a folder of numbered images
            (``frames://fps=2::/data/folder`` with its rate). A path may end with limits,
            ``a.mp4#t=11.1,19.6``.
        start_seconds: where the clip begins; None is the beginning of the file.
        stop_seconds: where it ends; None is the end of the file.
        stream_index: which of the file's streams to show, counted over all of them; None is the first video.
        token: Hub token for ``hf://`` paths; None uses the logged-in user's.
        fps: of a folder of images, how many of them were taken in a second; 1 where nothing says so. Files know theirs.

    Raises:
        ValueError: the limits are not numbers from 0 up with start before stop, or the rate is not above 0.
    """

    _file: VideoReader
    _cell: tuple[Any, ...]
    start_seconds: float | None
    stop_seconds: float | None

    def __init__(
        self,
        video: object,
        start_seconds: float | None = None,
        stop_seconds: float | None = None,
        *,
        stream_index: int | None = None,
        token: str | bool | None = None,
        fps: float | None = None,
    ) -> None:
        _check_limits(start_seconds, stop_seconds)
        source = media_bytes(video, token=token)
        if source.path is not None and ("#t=" in source.path or source.path.startswith("clip://")):
            path, start, stop = split_fragment(source.path)
            data = source.data and undisguised(source.data)
            source = MediaBytes(path or None, data, source.token)
            start_seconds = start if start_seconds is None else start_seconds
            stop_seconds = stop if stop_seconds is None else stop_seconds
        self._file = VideoReader(source if fps is None else with_rate(source, fps), stream_index)
        self.start_seconds = start_seconds
        self.stop_seconds = stop_seconds

    @classmethod
    def from_storage(
        cls,
        value: str | dict[str, Any],
        token_per_repo_id: dict[str, str | bool | None] | None = None,
        *,
        stream_index: int | None = None,
    ) -> Clip:
        """Make the clip of a stored `datasets.Video` cell, a path or ``{"path": ..., "bytes": ...}``.

        Args:
            value: the cell; its path may end with limits.
            token_per_repo_id: tokens for private repositories on the Hub, as `datasets` hands them over.
            stream_index: as for `Clip`.
        """
        _let_torch_collate()
        clip = cls.__new__(cls)
        clip._cell = (value, token_per_repo_id, stream_index)
        return clip

    def __getattr__(self, name: str) -> Any:
        """Take the stored cell apart when it is first needed: iterating over rows costs next to nothing until then."""
        if name in ("_file", "start_seconds", "stop_seconds"):
            cell = self.__dict__.get("_cell")
            if cell is not None:  # threads may do this at the same time: both come to the same end
                value, tokens, stream_index = cell
                path = value if isinstance(value, str) else value["path"]
                token = hub_token(path, tokens) if tokens and path else None
                self.__init__(value, stream_index=stream_index, token=token)  # type: ignore[misc]
                self.__dict__.pop("_cell", None)
            if name in self.__dict__:
                return self.__dict__[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def storage(self) -> dict[str, Any]:
        """Return the stored form of a `datasets.Video` cell, with the limits in its path."""
        source = self._file.source
        path = clip_url(source.path or "", self.start_seconds, self.stop_seconds)
        cut = source.data is not None and path != (source.path or "")
        return {"bytes": disguised(source.data) if cut and source.data else source.data, "path": path or None}

    @property
    def path(self) -> str | None:
        """The path or URL without limits; None for bytes without a name."""
        return self._file.source.path

    @property
    def metadata(self) -> VideoMetadata:
        """Facts about the whole file; opens it the first time.

        Raises:
            VideoError: the file is broken or holds no video.
        """
        return self._file.track().metadata

    def clip(self, start_seconds: float | None = None, stop_seconds: float | None = None) -> Clip:
        """Cut a part out of this clip; limits are seconds of the file, and never reach beyond this clip's own.

        Raises:
            ValueError: the limits are not numbers from 0 up with start before stop.
        """
        _check_limits(start_seconds, stop_seconds)
        return self.part(start_seconds, stop_seconds)

    def part(self, start_seconds: float | None, stop_seconds: float | None) -> Clip:
        """Cut like `clip`, for limits that come from data: impossible ones are told when the part is read."""
        cut = Clip(self)
        cut._file = self._file
        starts, stops = (self.start_seconds, start_seconds), (self.stop_seconds, stop_seconds)
        cut.start_seconds = max((start for start in starts if start is not None), default=None)
        cut.stop_seconds = min((stop for stop in stops if stop is not None), default=None)
        return cut

    def frames(
        self,
        *,
        count: int | None = None,
        fps: float | None = None,
        times: Sequence[float] | None = None,
        indices: Sequence[int] | None = None,
        size: Size = None,
        method: str = "midpoints",
        seed: int | None = None,
        max_frames: int | None = None,
        on_error: Literal["raise", "nearest"] = "raise",
        layout: Layout = "NHWC",
        dtype: Dtype = "uint8",
        num_threads: int | None = None,
        square_pixels: bool = False,
    ) -> Frames:
        """Decode frames; without a choice all of the clip's.

        Frames are as large as the first of the file; where the size changes within it, the others are scaled to that.

        Args:
            count: this many, evenly spread; `method` says how.
            fps: the ones shown every ``1 / fps`` seconds from the clip's start, at most `max_frames`.
            times: the ones shown at these seconds of the file.
            indices: the ones with these numbers in the file, in display order; negative ones count from the file's end.
            size: shortest side, (height, width) or a `PixelBudget`; None keeps the video's.
            method: for `count`: ``midpoints`` of equal segments, ``endpoints`` included, or ``random`` in each segment.
            seed: for ``random``.
            max_frames: for `fps`.
            on_error: ``nearest`` puts the nearest frame of the clip that decodes in the place of one that does not, and
                says so in `Frames.replaced`.
            layout: ``NHWC`` or ``NCHW``.
            dtype: ``uint8`` from 0 to 255, or ``float32`` or ``float16`` from 0 to 1.
            num_threads: to decode with; None is one for each processor, up to four, and one in worker processes.
            square_pixels: make pictures as wide as they are meant to be shown, where pixels are not square
                (`VideoMetadata.pixel_aspect_ratio`), before `size` is applied; they come as stored otherwise.

        Raises:
            ValueError: more than one choice, or one that is not possible.
            IndexError: a frame number outside the clip.
            VideoError: the file is broken.
        """
        if on_error not in ("raise", "nearest"):
            raise ValueError(f"on_error is 'raise' or 'nearest', not {on_error!r}")
        choice = Choice(count, fps, times, indices, method, seed, max_frames)
        wanted = FrameForm(size, layout, dtype, num_threads or default_threads(), square_pixels)
        return self._file.frames(
            choice, self.start_seconds, self.stop_seconds, nearest=on_error == "nearest", wanted=wanted
        )

    def audio(self, *, sampling_rate: int | None = 16_000, mono: bool = True) -> Audio:
        """Decode the sound of the clip, exactly from its start to its stop.

        Args:
            sampling_rate: in Hz, resampled when the file has another; None keeps the file's.
            mono: mix all channels into one.

        Returns:
            Samples from `start_seconds` to `stop_seconds`, each limit rounded to the nearest sample. Where the file
            has no sound for a part of the clip, such as before a track that begins late, there is silence. A clip
            without limits goes from the beginning of the video to the end of the sound.

        Raises:
            VideoError: the file has no audio, or it is broken.
        """
        return self._file.audio(self.start_seconds, self.stop_seconds, sampling_rate=sampling_rate, mono=mono)

    def __getitem__(self, key: str) -> Any:
        return self.storage()[key]

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse what `with_format("torch")`, `with_format("numpy")` and `np.asarray` ask for.

        Raises:
            TypeError: always; it says how to keep clips as they are.
        """
        raise TypeError(
            "a Clip is no array until its frames are read: clip.frames(count=8).data. With the column left out of the "
            "format, with_format('torch', columns=[the others], output_all_columns=True), clips stay as they are"
        )

    def __iter__(self) -> Iterator[str]:
        return iter(("bytes", "path"))

    def __len__(self) -> int:
        return 2

    def __getstate__(self) -> dict[str, Any]:
        file, start, stop = self._identity
        return {"_file": file, "start_seconds": start, "stop_seconds": stop}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Clip) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[VideoReader, float | None, float | None]:
        return self._file, self.start_seconds, self.stop_seconds

    def __repr__(self) -> str:
        return f"Clip({with_fragment(self._file.source.name, self.start_seconds, self.stop_seconds)!r})"

    def _repr_html_(self) -> str:
        """Show frames and, where it is small or short, a player in notebooks; this opens the file."""
        from video_sft.video._notebook import clip_html

        return clip_html(self)


def _let_torch_collate() -> None:
    """Have `torch.utils.data.default_collate`, if in use, put clips in a list: it would take them for dicts."""
    collate = sys.modules.get("torch.utils.data._utils.collate")
    if collate is not None:
        collate.default_collate_fn_map.setdefault(Clip, lambda batch, **_: list(batch))


def _check_limits(start: float | None, stop: float | None) -> None:
    for limit in (start, stop):
        if limit is not None and not 0 <= limit < float("inf"):
            raise ValueError(f"a clip's limits are seconds from 0 up, not {limit!r}")
    if start is not None and stop is not None and start >= stop:
        raise ValueError(f"a clip must stop after it starts, not go from {start!r} to {stop!r} s")
