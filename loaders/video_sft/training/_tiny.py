"""A random model small enough to train on a CPU, to try a pipeline before the real one is there."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from video_sft.errors import ConfigError

__all__ = ["CHAT_TEMPLATE", "CONTROL_TOKENS", "import_torchvision", "tiny_model", "tiny_tokenizer"]

#: Turns as Qwen's models have them, with marks around what the assistant says, the end of its turn included.
CHAT_TEMPLATE = """\
{%- for message in messages -%}
    {{- '<|im_start|>' + message.role + '\\n' -}}
    {%- if message.role == 'assistant' -%}
        {%- generation -%}
            {%- for part in message.content -%}{{- part.text -}}{%- endfor -%}
            {{- '<|im_end|>' -}}
        {%- endgeneration -%}
    {%- else -%}
        {%- for part in message.content -%}
            {%- if part.type == 'text' -%}
                {{- part.text -}}
            {%- else -%}
                {{- '<|vision_start|><|' + part.type + '_pad|><|vision_end|>' -}}
            {%- endif -%}
        {%- endfor -%}
        {{- '<|im_end|>' -}}
    {%- endif -%}
    {{- '\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}
"""
CONTROL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
    "<|audio_bos|>",
    "<|audio_eos|>",
    "<|audio_pad|>",
)
_SIDE = 64


def tiny_model(texts: Iterable[str], *, seed: int = 0) -> tuple[Any, Any]:
    """Make a Qwen3-VL of some hundred thousand random numbers, with a tokenizer trained on the texts given.

    It learns the answers of a few rows by heart in a minute on a CPU. Nothing is downloaded.

    Args:
        texts: to train the tokenizer on, such as `rows["answer"]`.
        seed: of the model's weights.

    Returns:
        The model, and the processor that goes with it, as `from_pretrained` would give them.

    Raises:
        ConfigError: `transformers` or `torchvision` is not installed.

    Example:
        >>> model, processor = tiny_model(answer for answer in rows["answer"] if answer)
        >>> collator = Collator(processor, fps=1)
    """
    import_torchvision()
    try:
        import transformers
    except ImportError as error:
        raise ConfigError("this needs transformers and torchvision: pip install transformers torchvision") from error
    tokenizer = tiny_tokenizer(texts)
    size = {"shortest_edge": _SIDE * _SIDE, "longest_edge": 64 * _SIDE * _SIDE}
    processor = transformers.Qwen3VLProcessor(
        image_processor=transformers.Qwen2VLImageProcessor(patch_size=16, size=size),
        tokenizer=tokenizer,
        video_processor=transformers.Qwen3VLVideoProcessor(size=size, cap_pixels_per_frame=False),
        chat_template=CHAT_TEMPLATE,
    )
    token = tokenizer.convert_tokens_to_ids
    config = transformers.Qwen3VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "rope_scaling": {"rope_type": "default", "mrope_section": [4, 2, 2], "mrope_interleaved": True},
        },
        vision_config={
            "depth": 1,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "out_hidden_size": 64,
            "deepstack_visual_indexes": [0],
        },
        image_token_id=token("<|image_pad|>"),
        video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"),
        vision_end_token_id=token("<|vision_end|>"),
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return transformers.Qwen3VLForConditionalGeneration(config), processor


def tiny_tokenizer(texts: Iterable[str], *, vocabulary: int = 512) -> Any:
    """Train a tokenizer of bytes and pairs on texts, with the control tokens of Qwen's models."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(CONTROL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens={
            "image_token": "<|image_pad|>",
            "video_token": "<|video_pad|>",
            "vision_bos_token": "<|vision_start|>",
            "vision_eos_token": "<|vision_end|>",
            "audio_token": "<|audio_pad|>",
            "audio_bos_token": "<|audio_bos|>",
            "audio_eos_token": "<|audio_eos|>",
        },
    )


def import_torchvision() -> None:
    """Let `torchvision` be imported where its compiled part does not load, such as a CUDA build beside a CPU torch.

    Video processors resize with its Python part, and use no operator of the compiled one; but to be imported it has to
    know their names.
    """
    found = importlib.util.find_spec("torchvision")
    if found is None or found.origin is None:
        return
    try:
        for library in Path(found.origin).parent.glob("_C.*so"):
            torch.ops.load_library(str(library))
    except OSError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            if not hasattr(torch.ops.torchvision, name):
                library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _KEPT.append(library)


#: Operators are forgotten together with the object that declared them.
_KEPT: list[Any] = []
