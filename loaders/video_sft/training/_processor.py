"""The calls to a processor: text from a conversation, tensors from text and media, and sizes from neither."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from video_sft.errors import ConfigError, VideoError, one_line

__all__ = ["ProcessorCalls", "RenderedText"]

_MARKS = re.compile(r"\{%-?\s*generation\s*-?%\}")
#: How many sizes are remembered.
_MOST_SIZES = 100_000


@dataclass(frozen=True)
class RenderedText:
    """A conversation as a template writes it.

    Attributes:
        text: with one placeholder for each image and video.
        ids: its tokens.
        answered: of each token, whether the assistant says it.
    """

    text: str
    ids: Sequence[int]
    answered: Sequence[int]


class ProcessorCalls:
    """What is asked of one processor.

    How large a video becomes and how many tokens it takes is found out by handing the processor frames without
    content (tensors on torch's ``meta`` device), so it is the processor's own code that says so, whatever the model.

    Args:
        processor: of `transformers`, with a tokenizer.
        chat_template: instead of the processor's own.
        sound: videos are handed over with their sound.

    Attributes:
        tokenizer: the processor's.
        frames_at_least: how many frames a video has at least; fewer are not taken by models that join them in pairs.
        video_step: both sides of a video's frames are multiples of this; None where the processor has sizes of its own.
        image_step: the same of images.
        sampling_rate: of sound, in Hz.

    Raises:
        ConfigError: the template does not say what the assistant's words are, or the processor takes no sound.
    """

    def __init__(self, processor: Any, chat_template: str | None = None, *, sound: bool = False) -> None:
        self._processor = processor
        self.tokenizer: Any = getattr(processor, "tokenizer", None)
        if self.tokenizer is None or not getattr(self.tokenizer, "is_fast", False):
            raise ConfigError(
                f"{type(processor).__name__} has no fast tokenizer, which tells what of a text each token is: give the "
                "model's processor, AutoProcessor.from_pretrained(...)"
            )
        self._template = _checked_template(processor, chat_template)
        names = set(processor.model_input_names)
        self.video_step = _step(getattr(processor, "video_processor", None), "video_grid_thw" in names)
        self.image_step = _step(getattr(processor, "image_processor", None), "image_grid_thw" in names)
        self.frames_at_least = int(getattr(getattr(processor, "video_processor", None), "temporal_patch_size", 1) or 1)
        self._rate_as_fps = "video_second_per_grid" in names
        self._control = _control_tokens(processor)
        self._sizes: dict[tuple[int, int, int], tuple[int, int] | None] = {}
        self.sampling_rate = 0
        if sound:
            if not hasattr(processor, "load_audio_from_video"):
                raise ConfigError(
                    f"{type(processor).__name__} takes no sound with a video; leave sound=True away (Qwen2.5-Omni and "
                    "Qwen3-Omni do, from transformers 5.23 on)"
                )
            self.sampling_rate = int(processor.feature_extractor.sampling_rate)

    def takes(self, kind: str) -> bool:
        """Return whether there is a place for an ``image`` or a ``video`` in what the processor takes."""
        return getattr(self._processor, f"{kind}_processor", None) is not None

    def render(self, messages: Sequence[Mapping[str, Any]], kinds: Sequence[str], name: str) -> RenderedText:
        """Write a conversation by the template.

        Args:
            messages: turns whose content is text or parts without null values.
            kinds: of the media in it, in order.
            name: the row, for messages.

        Raises:
            ConfigError: the template leaves out media, which it then would be trained blind.
        """
        turns = [dict(turn) for turn in messages]
        written = self.tokenizer.apply_chat_template(
            turns,
            chat_template=self._template,
            tokenize=True,
            return_dict=True,
            return_assistant_tokens_mask=True,
        )
        text = self.tokenizer.apply_chat_template(turns, chat_template=self._template, tokenize=False)
        for kind in dict.fromkeys(kinds):
            place = getattr(self._processor, f"{kind}_token", None)
            if place is not None and text.count(place) != kinds.count(kind):
                raise ConfigError(
                    f"{name} has {kinds.count(kind)} {kind}, but the chat template writes {text.count(place)} "
                    f"{place!r}: it leaves out parts of the type {kind!r}. Give Collator(chat_template=...) one that "
                    "writes them"
                )
        return RenderedText(str(text), written["input_ids"], written["assistant_masks"])

    def escape(self, text: str) -> str:
        """Return text in which nothing is taken for a control token or a placeholder: such words are broken up."""
        return self._control.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)

    def encode(
        self,
        text: str,
        *,
        video: Any = None,
        metadata: Mapping[str, Any] | None = None,
        seconds_apart: float = 1.0,
        image: Any = None,
        sound: Any = None,
        keep_video_size: bool = False,
        keep_image_size: bool = False,
    ) -> dict[str, Any]:
        """Return what the model takes of one row, as tensors with a first dimension of one row.

        Args:
            text: as `render` gave it.
            video: its frames, uint8 (N, 3, H, W), or the same without content.
            metadata: of the frames.
            seconds_apart: how far apart they are.
            image: a Pillow image, or a tensor (3, H, W) without content.
            sound: samples of the video, float32.
            keep_video_size: frames come as large as the model sees them.
            keep_image_size: so does the image.

        Raises:
            VideoError: the processor does not take pictures of such a shape.
        """
        keywords: dict[str, Any] = {}
        if video is not None:
            how: dict[str, Any] = {"video_metadata": [dict(metadata or {})], "do_sample_frames": False}
            if keep_video_size:
                how["do_resize"] = False
            if self._rate_as_fps:
                how["fps"] = 1 / seconds_apart
            keywords |= {"videos": [[video]], "videos_kwargs": how}
        if image is not None:
            keywords["images"] = [[image]]
            if keep_image_size:
                keywords["images_kwargs"] = {"do_resize": False}
        if sound is not None:
            keywords |= {"audio": [sound], "audio_from_video_indices": [0], "load_audio_from_video": True}
        if self.tokenizer.bos_token is not None and text.startswith(self.tokenizer.bos_token):
            keywords["text_kwargs"] = {"add_special_tokens": False}
        try:
            return dict(self._processor(text=[text], return_tensors="pt", **keywords))
        except ValueError as error:
            if "aspect ratio" not in str(error):
                raise
            raise VideoError("its picture", f"is too long and narrow for the model: {one_line(error)}") from error

    def length(self, text: str, *, samples: int | None = None, **media: Any) -> int:
        """Return how many tokens a row has.

        Args:
            text: as `render` gave it.
            samples: of sound.
            media: as for `encode`.
        """
        tokens = int(self._without_content(text, **media)["input_ids"].shape[-1])
        if samples is None:
            return tokens
        (sound,) = self._processor._get_num_multimodal_tokens(audio_lengths=[samples]).num_audio_tokens
        return tokens + int(sound) + 2  # between a token for its beginning and one for its end

    def video_size(self, count: int, height: int, width: int) -> tuple[int, int] | None:
        """Return the (height, width) in which the model sees so many frames; None: the processor resizes them."""
        if self.video_step is None:
            return None
        key = (count, height, width)
        if key not in self._sizes:
            if len(self._sizes) >= _MOST_SIZES:
                self._sizes.clear()
            video = self.frames_without_content(count, height, width)
            metadata = {"fps": 1.0, "frames_indices": list(range(count)), "total_num_frames": count}
            found = self._without_content(self._processor.video_token, video=video, metadata=metadata)
            _, rows, columns = found["video_grid_thw"][0].tolist()
            patch = int(self._processor.video_processor.patch_size)
            self._sizes[key] = rows * patch, columns * patch
        return self._sizes[key]

    def frames_without_content(self, count: int, height: int, width: int) -> torch.Tensor:
        """Return stand-ins for frames, (N, 3, H, W)."""
        return torch.empty((count, 3, height, width), dtype=torch.uint8, device="meta")

    def image_without_content(self, height: int, width: int) -> torch.Tensor:
        """Return a stand-in for an image, (3, H, W)."""
        return torch.empty((3, height, width), dtype=torch.uint8, device="meta")

    def _without_content(self, text: str, **media: Any) -> dict[str, Any]:
        try:
            return self.encode(text, **media)
        except NotImplementedError:  # VideoLLaMA3 leaves out what does not change: of noise, nothing
            noise = torch.Generator().manual_seed(0)
            for kind in ("video", "image"):
                if media.get(kind) is not None:
                    media[kind] = torch.randint(256, media[kind].shape, generator=noise, dtype=torch.uint8)
            return self.encode(text, **media)


def _step(part: Any, has_grid: bool) -> int | None:
    """Return what the sides of pictures are multiples of; None where the processor has fixed sizes."""
    patch, merge = getattr(part, "patch_size", None), getattr(part, "merge_size", None)
    return patch * merge if has_grid and isinstance(patch, int) and isinstance(merge, int) else None


def _control_tokens(processor: Any) -> re.Pattern[str]:
    """Return what finds a processor's placeholders and its tokenizer's special tokens in a text."""
    special = (str(token) for token in processor.tokenizer.added_tokens_decoder.values() if token.special)
    media = (getattr(processor, f"{kind}_token", None) for kind in ("image", "video", "audio"))
    tokens = {token for token in (*special, *media) if token and len(token) > 1}
    return re.compile("|".join(re.escape(token) for token in sorted(tokens, key=len, reverse=True)) or r"(?!)")


def _checked_template(processor: Any, chat_template: str | None) -> str:
    template = chat_template or getattr(processor, "chat_template", None) or processor.tokenizer.chat_template
    if isinstance(template, Mapping):
        template = template.get("default")
    if not template:
        raise ConfigError("the processor has no chat template; give Collator(chat_template=...)")
    if not _MARKS.search(template):
        raise ConfigError(
            "the chat template has no {% generation %} marks, which say what the assistant's words are, so there would "
            "be nothing to train on. Give Collator(chat_template=...) one that has {% generation %} and "
            "{% endgeneration %} around what it writes of an assistant's turn: "
            "trl.chat_template_utils.get_training_chat_template(processor) returns it for Qwen2-VL, Qwen2.5-VL, "
            "Qwen3-VL and others"
        )
    return str(template)
