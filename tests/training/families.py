"""Tiny random models of the families that take video, made from config: nothing is downloaded."""

from __future__ import annotations

import functools
import importlib.util
from typing import Any

import pytest

torch = pytest.importorskip("torch")
if importlib.util.find_spec("torchvision") is None:
    pytest.skip("could not import 'torchvision'", allow_module_level=True)
transformers = pytest.importorskip("transformers")

from video_sft.training._tiny import CHAT_TEMPLATE, import_torchvision, tiny_tokenizer  # noqa: E402

import_torchvision()

__all__ = ["FAMILIES", "GRIDS", "OMNI", "model_of", "processor_of", "tokenizer"]

WORDS = "What does the person do after the yellow dot? A. opens the door B. closes the book 0123456789 seconds"
#: Models that see a video in the size it has, as a grid of patches.
GRIDS = ("Qwen2VL", "Qwen2_5_VL", "Qwen3VL")
#: Models that hear a video's sound.
OMNI = ("Qwen2_5OmniThinker", "Qwen3OmniMoeThinker")
#: Models that see frames of one fixed size.
FIXED = ("LlavaOnevision", "InternVL")
FAMILIES = (*GRIDS, *OMNI, *FIXED)

_TEXT = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
_ROPE = {"rope_type": "default", "mrope_section": [2, 3, 3]}
_VISION = {"depth": 1, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": 64}
_SOUND = {
    "d_model": 32,
    "encoder_layers": 1,
    "encoder_attention_heads": 2,
    "encoder_ffn_dim": 64,
    "output_dim": 64,
    "num_mel_bins": 128,
}
_SIGLIP = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 56,
    "patch_size": 14,
}


@functools.cache
def tokenizer() -> Any:
    made = tiny_tokenizer([WORDS])
    made.add_tokens(["<img>", "</img>"], special_tokens=True)
    for name, token in {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<|image_pad|>",
    }.items():
        setattr(made, name, token)
        setattr(made, f"{name}_id", made.convert_tokens_to_ids(token))
    return made


def processor_of(family: str) -> Any:
    """The family's processor: pictures of 56 to 224 pixels a side, so that nothing takes long."""
    t = transformers
    patch, total = (16, 16) if family in ("Qwen3VL", "Qwen3OmniMoeThinker") else (14, 1)
    size = {"shortest_edge": 56 * 56, "longest_edge": 224 * 224}
    grid = {
        "image_processor": t.Qwen2VLImageProcessor(patch_size=patch, size=size),
        "video_processor": t.Qwen2VLVideoProcessor(patch_size=patch, size=size, cap_pixels_per_frame=False),
        "tokenizer": tokenizer(),
        "chat_template": CHAT_TEMPLATE,
    }
    fixed = {"height": 56, "width": 56}
    if family == "Qwen2VL":
        return t.Qwen2VLProcessor(**grid)
    if family == "Qwen2_5_VL":
        return t.Qwen2_5_VLProcessor(**grid)
    if family == "Qwen3VL":
        of_all = {"shortest_edge": size["shortest_edge"], "longest_edge": total * size["longest_edge"]}
        video = t.Qwen3VLVideoProcessor(size=of_all, cap_pixels_per_frame=False)
        return t.Qwen3VLProcessor(**{**grid, "video_processor": video})
    if family in OMNI:
        kind = t.Qwen2_5OmniProcessor if family == "Qwen2_5OmniThinker" else t.Qwen3OmniMoeProcessor
        processor = kind(feature_extractor=t.WhisperFeatureExtractor(feature_size=128, chunk_length=10), **grid)
        processor.videos_kwargs = {"size": size}
        return processor
    if family == "LlavaOnevision":
        return t.LlavaOnevisionProcessor(
            image_processor=t.LlavaOnevisionImageProcessor(size=fixed, image_grid_pinpoints=[[56, 56], [56, 112]]),
            video_processor=t.LlavaOnevisionVideoProcessor(size=fixed),
            tokenizer=tokenizer(),
            num_image_tokens=16,
            vision_feature_select_strategy="full",
            image_token="<|image_pad|>",
            video_token="<|video_pad|>",
            chat_template=CHAT_TEMPLATE,
        )
    return t.InternVLProcessor(
        image_processor=t.GotOcr2ImageProcessor(size=fixed, crop_to_patches=False),
        video_processor=t.InternVLVideoProcessor(size=fixed),
        tokenizer=tokenizer(),
        image_seq_length=4,
        chat_template=CHAT_TEMPLATE,
    )


def model_of(family: str) -> Any:
    """The family's model, with the same random weights each time."""
    t = transformers
    token = tokenizer().convert_tokens_to_ids
    ids = {
        "image_token_id": token("<|image_pad|>"),
        "video_token_id": token("<|video_pad|>"),
        "vision_start_token_id": token("<|vision_start|>"),
        "vision_end_token_id": token("<|vision_end|>"),
    }
    sound = {
        "audio_token_id": token("<|audio_pad|>"),
        "audio_start_token_id": token("<|audio_bos|>"),
        "audio_end_token_id": token("<|audio_eos|>"),
    }
    text = {**_TEXT, "vocab_size": len(tokenizer())}
    interleaved = {**_ROPE, "mrope_interleaved": True}
    torch.manual_seed(0)
    if family == "Qwen2VL":
        vision = {"depth": 1, "embed_dim": 32, "hidden_size": 64, "num_heads": 2, "mlp_ratio": 2}
        config = t.Qwen2VLConfig(text_config={**text, "rope_scaling": _ROPE}, vision_config=vision, **ids)
        return t.Qwen2VLForConditionalGeneration(config)
    if family == "Qwen2_5_VL":
        vision = {**_VISION, "fullatt_block_indexes": [0]}
        config = t.Qwen2_5_VLConfig(text_config={**text, "rope_scaling": _ROPE}, vision_config=vision, **ids)
        return t.Qwen2_5_VLForConditionalGeneration(config)
    if family == "Qwen3VL":
        config = t.Qwen3VLConfig(
            text_config={**text, "head_dim": 16, "rope_scaling": interleaved},
            vision_config={**_VISION, "deepstack_visual_indexes": [0]},
            **ids,
        )
        return t.Qwen3VLForConditionalGeneration(config)
    if family == "Qwen2_5OmniThinker":
        config = t.Qwen2_5OmniThinkerConfig(
            text_config={**text, "rope_scaling": _ROPE},
            vision_config={**_VISION, "fullatt_block_indexes": [0]},
            audio_config=_SOUND,
            **ids,
            **sound,
        )
        return t.Qwen2_5OmniThinkerForConditionalGeneration(config)
    if family == "Qwen3OmniMoeThinker":
        config = t.Qwen3OmniMoeThinkerConfig(
            text_config={
                **text,
                "head_dim": 16,
                "rope_scaling": interleaved,
                "num_experts": 2,
                "num_experts_per_tok": 1,
                "moe_intermediate_size": 64,
            },
            vision_config={**_VISION, "deepstack_visual_indexes": [0]},
            audio_config={**_SOUND, "downsample_hidden_size": 16, "num_hidden_layers": 1},
            **ids,
            **sound,
        )
        return t.Qwen3OmniMoeThinkerForConditionalGeneration(config)
    if family == "LlavaOnevision":
        config = t.LlavaOnevisionConfig(
            text_config={**text, "model_type": "qwen2"},
            vision_config={**_SIGLIP, "model_type": "siglip_vision_model"},
            image_token_index=ids["image_token_id"],
            video_token_index=ids["video_token_id"],
            image_grid_pinpoints=[[56, 56], [56, 112]],
            vision_feature_select_strategy="full",
        )
        return t.LlavaOnevisionForConditionalGeneration(config)
    config = t.InternVLConfig(
        text_config={**text, "model_type": "qwen2"},
        vision_config={
            **{name: value for name, value in _SIGLIP.items() if name not in ("image_size", "patch_size")},
            "image_size": [56, 56],
            "patch_size": [14, 14],
        },
        image_token_id=ids["image_token_id"],
        image_seq_length=4,
    )
    return t.InternVLForConditionalGeneration(config)
