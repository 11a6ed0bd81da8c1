"""Tiny Qwen-VL models with tokenizers of one token for each byte, made without any download.

It runs in the environments of trainers.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

#: As in the published tokenizers, from number 151,643 on: trainers have these numbers in their code.
SPECIAL = (
    *("endoftext", "im_start", "im_end", "object_ref_start", "object_ref_end", "box_start", "box_end"),
    *("quad_start", "quad_end", "vision_start", "vision_end", "vision_pad", "image_pad", "video_pad"),
)
FIRST_SPECIAL = 151_643
KINDS = ("qwen2_5_vl", "qwen3_vl")


def mend_imports() -> None:
    """Make torchvision and torchaudio importable beside a torch that their compiled parts do not fit.

    Their Python parts are all that is used here. Where they fit, nothing is done.
    """
    import torch

    try:
        import torchvision  # noqa: F401
    except (RuntimeError, OSError):
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        mend_imports.library = library  # type: ignore[attr-defined]
    if importlib.util.find_spec("torchaudio") is not None:
        try:
            import torchaudio  # noqa: F401
        except (RuntimeError, OSError):
            for name in [name for name in sys.modules if name.split(".")[0] == "torchaudio"]:
                del sys.modules[name]
            stand_in = types.ModuleType("torchaudio")
            stand_in.__spec__ = ModuleSpec("torchaudio", None)
            sys.modules["torchaudio"] = stand_in


def tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = sorted(pre_tokenizers.ByteLevel.alphabet())
    words += [f"<filler {number}>" for number in range(len(words), FIRST_SPECIAL)]
    made = Tokenizer(models.BPE(vocab={word: number for number, word in enumerate(words)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    special = [f"<|{name}|>" for name in SPECIAL]
    made.add_special_tokens(special)
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        model_max_length=32_768,
        additional_special_tokens=special[3:],
    )


def make(kind: str, folder: Path, *, weights: bool = False) -> Path:
    """Write a model folder with processor and config, and random weights where they are wanted."""
    import transformers

    text = {
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "vocab_size": FIRST_SPECIAL + 64,
        "rope_parameters": {"rope_type": "default", "mrope_section": [2, 1, 1], "rope_theta": 1e6},
    }
    vision = {"depth": 2, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 32}
    if kind == "qwen2_5_vl":
        processor = transformers.Qwen2_5_VLProcessor(
            image_processor=transformers.Qwen2VLImageProcessor(),
            tokenizer=tokenizer(),
            video_processor=transformers.Qwen2VLVideoProcessor(),
            chat_template="{{ messages }}",
        )
        config: Any = transformers.Qwen2_5_VLConfig(
            text_config=text, vision_config={**vision, "fullatt_block_indexes": [1]}
        )
        model_class: Any = transformers.Qwen2_5_VLForConditionalGeneration
    else:
        processor = transformers.Qwen3VLProcessor(
            image_processor=transformers.Qwen2VLImageProcessor(patch_size=16),
            tokenizer=tokenizer(),
            video_processor=transformers.Qwen3VLVideoProcessor(),
            chat_template="{{ messages }}",
        )
        config = transformers.Qwen3VLConfig(text_config=text, vision_config={**vision, "deepstack_visual_indexes": [0]})
        model_class = transformers.Qwen3VLForConditionalGeneration
    processor.save_pretrained(folder)
    if weights:
        model_class(config).save_pretrained(folder)
    else:
        config.architectures = [model_class.__name__]
        config.save_pretrained(folder)
    return folder


def seconds_shown(pixels: Any, grid: Any, processor: Any) -> list[float]:
    """Return the second that each pair of frames shows, from the values a model gets (see `clock_rows`)."""
    import torch

    mean, std = (torch.tensor(getattr(processor, f"image_{name}")) for name in ("mean", "std"))
    values = pixels.float().reshape(int(grid[0]), -1).mean(1)
    levels = 255 * (values - (-mean / std).mean()) / (1 / std).mean()
    return [round(float(level) / 8, 2) for level in levels]
