"""The collator: rows of a mixture to a batch a model trains on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from video_sft.errors import ConfigError, MissingMediaError, TooLongError, VideoError, VideoSftError, one_line
from video_sft.training._batching import followed_by, joined
from video_sft.training._counts import SharedCounts
from video_sft.training._encoding import Encoder, NoAnswerError
from video_sft.training._processor import ProcessorCalls
from video_sft.training._row import Missing, Row, read_row, row_name
from video_sft.training._sampling import Sampling
from video_sft.training._stamps import TimeOrigin
from video_sft.video import VideoMetadata

__all__ = ["Collator"]

OnError = Literal["skip", "nearest", "error"]
_Result = TypeVar("_Result")


class Collator:
    """Makes batches of rows for `transformers.Trainer`, `trl.SFTTrainer` or a loop of your own.

    A row's video is opened here, in the loader's worker, and of it only the frames are read that the model gets, in
    the size in which it gets them. The processor is told when each frame is shown, so that time stamps and positions
    are those of the clip. Labels are the assistant's words; all else is -100. Batches may hold videos, images and text
    side by side, and are padded on the right.

    It pickles, and works in forked and spawned workers.

    Args:
        processor: the model's, of `transformers`.
        fps: frames a second. Give this or `count`.
        count: frames of each video, the middles of equal stretches.
        max_frames: with `fps`: where there would be more, so many, spread over the same stretch.
        max_tokens: the most tokens of a row. A longer one gets fewer frames, down to four, then smaller ones, then
            fewer again; an image gets smaller. Nothing is ever cut: where the text alone, or with its media as small as
            they can be, is too long, the row is one that `on_error` speaks of. Models with frames of one fixed size
            (LLaVA, InternVL) get fewer only.
        time: ``file``: stamps are seconds of the file, which `start_seconds` and `stop_seconds` are too; ``clip``:
            seconds from the clip's start, as if it were a file of its own.
        missing: what to do with a row whose video or image is not attached: ``skip`` it, ``drop_media`` from its
            messages and train on its text, or ``error``.
        on_error: what to do with a row whose media cannot be read, that is too long, or that has no answer: ``skip``
            it; ``nearest``: the same, but frames that do not decode are replaced by the nearest that do; or ``error``.
        sound: hand over a video's sound too, to Qwen2.5-Omni, Qwen3-Omni and their like. A silent file gets a tenth of
            a second of silence, since these models take the videos of a batch all with sound or all without.
        pad_media: every batch has a video and an image, so that all ranks run the same modules, without which ZeRO-3
            and FSDP wait for each other for ever. A batch that has none of a kind gets the smallest there is, behind
            its last row, with nothing to learn from; it does not change what is learnt, and adds some ten to twenty
            tokens to what `max_tokens` allows.
        chat_template: instead of the processor's. It needs `{% generation %}` marks.

    Raises:
        ConfigError: an option is not possible, or the template has no marks; the message says what to do.

    Rows that are skipped are counted in `counts` and logged. Where a batch has no row left, the last one's text stands
    in for it, of which nothing but the end of its turn is learnt: a batch cannot be empty, and that is right whatever
    its video shows.

    Example:
        >>> mixed = video_sft.mix({"star": 0.5, "next_qa": 0.5}, num_rows=1000)
        >>> collator = Collator(processor, fps=2, max_frames=32, max_tokens=4096)
        >>> arguments = TrainingArguments("out", **trainer_arguments(mixed))
        >>> Trainer(model, arguments, train_dataset=mixed, data_collator=collator).train()
    """

    def __init__(
        self,
        processor: Any,
        *,
        fps: float | None = None,
        count: int | None = None,
        max_frames: int | None = None,
        max_tokens: int | None = None,
        time: TimeOrigin = "file",
        missing: Missing = "skip",
        on_error: OnError = "skip",
        sound: bool = False,
        pad_media: bool = False,
        chat_template: str | None = None,
    ) -> None:
        if missing not in ("skip", "drop_media", "error"):
            raise ConfigError(f"missing is 'skip', 'drop_media' or 'error', not {missing!r}")
        if on_error not in ("skip", "nearest", "error"):
            raise ConfigError(f"on_error is 'skip', 'nearest' or 'error', not {on_error!r}")
        sampling = Sampling(fps, count, max_frames, max_tokens, time, sound)
        self._calls = ProcessorCalls(processor, chat_template, sound=sound)
        self._encoder = Encoder(self._calls, sampling, nearest=on_error == "nearest")
        self._missing, self._on_error = missing, on_error
        self._counts = SharedCounts(
            "rows", "missing", "unreadable", "too_long", "no_answer", "replaced_frames", "stand_ins"
        )
        kinds = [kind for kind in ("video", "image") if pad_media and self._calls.takes(kind)]
        self._fillers = {kind: self._encoder.filler(kind) for kind in kinds}
        tokenizer = self._calls.tokenizer
        self._pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id

    @property
    def counts(self) -> dict[str, int]:
        """What has become of the rows so far, in this process and the workers it started.

        ``rows`` are those in batches; ``missing``, ``unreadable``, ``too_long`` and ``no_answer`` were left out;
        ``replaced_frames`` were given for ones that do not decode; ``stand_ins`` are batches of which nothing was left.
        Each rank counts its own.
        """
        return self._counts.totals()

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return a batch.

        Args:
            rows: of a dataset, with all their columns.

        Returns:
            Tensors by the model's names for them: ``input_ids``, ``attention_mask`` and ``labels``, int64
            (rows, tokens), and what the processor makes of media, such as ``pixel_values_videos``.

        Raises:
            MissingMediaError: with ``missing="error"``.
            VideoError: with ``on_error="error"``, a video or image cannot be read.
            TooLongError: with ``on_error="error"``, a row has too many tokens.
            ConfigError: rows, template and processor do not go together.
        """
        encoded = [tensors for row in rows if (tensors := self._encoded(row)) is not None]
        if not encoded:
            self._counts.add("stand_ins")
            last = read_row(rows[-1], missing="drop_media", escape=self._calls.escape)
            encoded = [self._encoder.end_of_turn(last)]
        there = {name for tensors in encoded for name in tensors}
        for filler in self._fillers.values():
            if not there.issuperset(filler):
                encoded[-1] = followed_by(encoded[-1], filler)
                there.update(filler)
        batch = joined(encoded, self._pad)
        if "feature_attention_mask" in batch:
            batch["use_audio_in_video"] = True
        return batch

    def length(self, row: Mapping[str, Any], facts: VideoMetadata | None = None) -> int | None:
        """Return how many tokens a row has in a batch, without reading a frame.

        Args:
            row: as for a batch.
            facts: of its video file; None reads them from the file's header.

        Returns:
            The number, padding and fillers not counted; None for a row that is left out, which is not counted in
            `counts`. For a model that leaves out what does not change in a video (VideoLLaMA3), the most it can be.

        Raises:
            MissingMediaError: as when it is called, like the other errors.
        """
        found = self._tried(row, lambda read: self._encoder.length(read, facts))
        return found if isinstance(found, int) else None

    def _encoded(self, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return a row's tensors; None where it is left out, which is counted and said."""
        found = self._tried(row, self._encoder.encode)
        if isinstance(found, _LeftOut):
            self._counts.left_out(found.kind, found.why)
            return None
        self._counts.add("rows")
        self._counts.add("replaced_frames", self._encoder.take_replaced())
        return found

    def _tried(self, row: Mapping[str, Any], work: Callable[[Row], _Result]) -> _Result | _LeftOut:
        """Do something with a row, unless it is one that the options leave out."""
        name, kind = row_name(row), "unreadable"
        error: VideoSftError
        try:
            return work(read_row(row, missing=self._missing, escape=self._calls.escape))
        except MissingMediaError as missing:
            kind, error = "missing", missing
        except VideoError as broken:
            error = VideoError(broken.path, f"{broken.reason} (of {name})")
        except OSError as broken:
            error = VideoError(name, f"its image cannot be read: {one_line(broken)}")
        except TooLongError as long:
            kind, error = "too_long", TooLongError(f"{name}: {long}")
        except NoAnswerError as silent:
            kind, error = "no_answer", silent
        if (self._missing if kind == "missing" else self._on_error) == "error":
            raise error
        return _LeftOut(kind, str(error))


@dataclass(frozen=True)
class _LeftOut:
    """A row that is left out, and why."""

    kind: str
    why: str
