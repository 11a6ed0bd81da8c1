"""The sub-datasets of VideoChat2-IT: where each lies in the tree, what its rows are, and whose media they point to.

Rows and names come from the figure and the configs upstream publishes (`video_chat2/asset/data.png` and
`video_chat2/configs/instruction_data.py` of https://github.com/OpenGVLab/Ask-Anything); pools are named after the media
roots in those configs. Simple and detailed captions share the folder `caption/`, so only this table tells them apart.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

from video_sft._places import files_under, is_remote, join, root_of, safe_relative
from video_sft._rows.schema import TASKS
from video_sft._sources.pool import Pool
from video_sft.errors import ConfigError, UnsafePathError

__all__ = ["POOLS", "SUB_DATASETS", "Modality", "SubDataset", "declared", "tell_unknown_files"]

logger = logging.getLogger("video_sft")
Modality = Literal["video", "image", "text"]


@dataclass(frozen=True, kw_only=True)
class SubDataset:
    """One folder (or, where a folder holds several sets, one file) of the tree.

    Attributes:
        place: its path in the tree, e.g. `video/reasoning/next_qa`.
        name: what upstream calls it: the last part of its path, mostly.
        task: one of `video_sft._rows.schema.TASKS`.
        modality: what its rows are about.
        pool: whose ids its media have; empty for text.
        files: its annotation file, then other forms of that file, each read only where those before it are absent.
            Upstream puts them side by side (`train.json`, `train_80k.json`) with the same rows in them.
        rows: how many rows the first of the files has by upstream's figure, where that says so.
        also_counted: other numbers of rows that people who have the file report.
        frames: whether an item is a folder of frames rather than one file.
    """

    place: str
    name: str
    task: str
    modality: Modality
    pool: str
    files: tuple[str, ...]
    rows: int | None = None
    also_counted: tuple[int, ...] = ()
    frames: bool = False


def _set(
    place: str,
    task: str,
    pool: str,
    rows: int | None = None,
    *also_counted: int,
    subsets: Sequence[str] = (),
    frames: bool = False,
    name: str = "",
    file: str = "/train.json",
) -> SubDataset:
    """Return a set with a folder of its own, unless `file` says otherwise."""
    return SubDataset(
        place=place,
        name=name or place.rpartition("/")[2],
        task=task,
        modality=cast(Modality, place.partition("/")[0]),
        pool=pool,
        files=(f"{place}{file}", *(f"{place}/{subset}" for subset in subsets)),
        rows=rows,
        also_counted=also_counted,
        frames=frames,
    )


def _vidln(name: str, pool: str, *, frames: bool = False) -> SubDataset:
    """Return one of the video localized narratives, which share a folder."""
    place = f"video/caption/vidln/{name}"
    return _set(place, "detailed_caption", pool, frames=frames, name=f"vidln_{name}", file="_train.json")


#: The 36 files of the first release, then what the later configs add. WebVidQA's 10,000 is the figure's number and
#: doubtful: a file named as a 30,000-row subset of it exists. VideoChat's 13,884 conversations are two files' sum.
SUB_DATASETS = (
    _set("video/conversation/videochat1", "conversation", "webvid"),
    _set("video/conversation/videochat2", "conversation", "internvid"),
    _set("video/conversation/videochatgpt", "conversation", "activitynet", 13303),
    _set("image/conversation/llava", "conversation", "coco", 56681),
    _set("image/classification/imagenet", "classification", "imagenet", 30000),
    _set("image/classification/coco_itm", "classification", "coco_itm", 29919),
    _set("video/classification/k710", "classification", "k710", 40000),
    _set("video/classification/ssv2", "classification", "ssv2", 40000),
    _set("image/caption/minigpt4", "detailed_caption", "minigpt4", 3362),
    _set("image/caption/llava", "detailed_caption", "coco", 23240),
    _set("image/caption/paragraph_captioning", "detailed_caption", "paragraph_captioning", 14575),
    _set("video/caption/videochat", "detailed_caption", "webvid", 6905, 6889),
    _set("image/reasoning/llava", "reasoning", "coco", 76643),
    _set("image/reasoning/clevr", "reasoning", "clevr", 30000),
    _set("image/reasoning/visual_mrc", "reasoning", "visual_mrc", 15000),
    _set("video/reasoning/next_qa", "reasoning", "vidor", 34132),
    _set("video/reasoning/clevrer_qa", "reasoning", "clevrer", 40000),
    _set("video/reasoning/clevrer_mc", "reasoning", "clevrer", 42620),
    _set("image/caption/coco", "simple_caption", "coco", 566747, subsets=["train_100k.json"]),
    _set("image/caption/textcaps", "simple_caption", "textcaps", 97765),
    _set("video/caption/webvid", "simple_caption", "webvid", 400000, subsets=["train_80k.json"]),
    _set("video/caption/youcook2", "simple_caption", "youcook2", 8760, 8700),
    _set("video/caption/textvr", "simple_caption", "textvr", 39648),
    _set("image/vqa/vqav2", "vqa", "vqav2", 29903),
    _set("image/vqa/gqa", "vqa", "gqa", 30001),
    _set("image/vqa/okvqa", "vqa", "okvqa", 8990),
    _set("image/vqa/a_okvqa", "vqa", "a_okvqa", 17056),
    _set("image/vqa/viquae", "vqa", "viquae", 1152),
    _set("image/vqa/ocr_vqa", "vqa", "ocr_vqa", 11414),
    _set("image/vqa/text_vqa", "vqa", "text_vqa", 27113),
    _set("image/vqa/st_vqa", "vqa", "st_vqa", 26074),
    _set("image/vqa/docvqa", "vqa", "docvqa", 39463),
    _set("video/vqa/tgif_frame_qa", "vqa", "tgif", 39149),
    _set("video/vqa/tgif_transition_qa", "vqa", "tgif", 52696),
    _set("video/vqa/webvid_qa", "vqa", "webvid", subsets=["train_30k.json"]),
    _set("video/vqa/ego_qa", "vqa", "egoqa", 7813),
    _set("video/caption/s_mit", "simple_caption", "s_mit", subsets=["train_40k.json"]),
    _set("video/caption/sharegptvideo", "detailed_caption", "sharegptvideo", subsets=["train_300k.json"], frames=True),
    _set("video/vqa/sharegptvideo", "vqa", "sharegptvideo", subsets=["train_240k.json"], frames=True),
    _vidln("kinetics", "k710"),
    _vidln("oops", "oops"),
    _vidln("ovis", "ovis", frames=True),
    _vidln("uvo_sparse", "uvo"),
    _vidln("uvo_dense", "uvo"),
    _set("video/caption/favd", "detailed_caption", "favd"),
    _set("video/grounding/didemo", "vqa", "didemo"),
    _set("image/reasoning/science_qa", "reasoning", "science_qa"),
    _set("image/vqa/infovqa", "vqa", "infovqa", subsets=["train_gpt.json"]),
    _set("image/vqa/ai2d", "vqa", "ai2d"),
    _set("image/vqa/chart_qa", "vqa", "chart_qa"),
    _set("image/vqa/dvqa", "vqa", "dvqa", subsets=["train_80k.json"]),
    _set("image/grounding/coco", "vqa", "coco"),
    _set("image/grounding/vg", "vqa", "vg"),
    _set("image/conversation/lvis_instruct4v", "conversation", "lvis_instruct4v"),
    _set("image/caption/sharegpt4v", "detailed_caption", "sharegpt4v", subsets=["train_420k.json"]),
    _set("text/sharegpt", "conversation", ""),
)

#: Those of its media pools that no other source has; of the rest paths have to agree, as for any pool nobody declares.
POOLS = (
    Pool(name="clevrer", unique_names=True, where="CLEVRER's site (video_train/<range>/<id>.mp4, or flat)"),
    Pool(name="ssv2", unique_names=True, where="Something-Something V2's site (<id>.webm)"),
    Pool(name="tgif", unique_names=True, where="the TGIF list of links (<id>.gif)"),
    Pool(name="internvid", unique_names=True, where="the Hub's ynhe/videochat2_data (clips already cut)"),
    Pool(
        name="k710",
        youtube_clips=True,
        where="github.com/cvdfoundation/kinetics-dataset (k400, k600, k700-2020: <id>_<from>_<to>.mp4)",
    ),
    Pool(name="youcook2", partial_paths=True, where="the Hub's ynhe/videochat2_data (youcook_split_videos.zip)"),
    Pool(name="egoqa", partial_paths=True, where="the Hub's ynhe/videochat2_data (egoqa_split_videos.zip)"),
    # 2 frames a second: https://github.com/RifleZhang/LLaVA-Hound-DPO/issues/3
    Pool(
        name="sharegptvideo",
        unique_names=True,
        fps=2.0,
        where="the Hub's ShareGPTVideo/train_video_and_instruction (train_300k: <name>/c01_0001.jpeg)",
    ),
    # "annotated per 5 frames", of videos of 25 to 30 frames a second: https://songbai.site/ovis
    Pool(name="ovis", unique_names=True, fps=5.0, where="OVIS's site (train/<name>/img_0000001.jpg)"),
    Pool(name="oops", unique_names=True, where="the Oops! site (oops_video/train/<title>.mp4)"),
    Pool(name="uvo", unique_names=True, where="UVO's site (uvo_videos_dense, uvo_videos_sparse: <id>.mp4)"),
    Pool(name="didemo", unique_names=True, where="DiDeMo's list of Flickr videos (<name>.mp4, .mov or .avi)"),
)


def declared(extra: Mapping[str, Sequence[str]] | None) -> tuple[SubDataset, ...]:
    """Return the sub-datasets a user declares beside the table's.

    Args:
        extra: by path in the tree, a task and a modality (and a pool; by default the set's name):
            `{"video/vqa/my_set": ("vqa", "video")}`. The path is a folder with a `train.json`, or a `.json` file.

    Raises:
        ConfigError: a path is unsafe or already in the table, or a task or modality is none there is.
    """
    if extra is not None and not isinstance(extra, Mapping):
        raise ConfigError("extra_sub_datasets is a mapping such as {'video/vqa/my_set': ('vqa', 'video')}")
    return tuple(_declared(place, facts) for place, facts in sorted((extra or {}).items()))


def _declared(place: str, facts: Sequence[str]) -> SubDataset:
    what = f"extra_sub_datasets[{place!r}]"
    if isinstance(facts, str) or not 2 <= len(facts) <= 3:
        raise ConfigError(f"{what} is {facts!r}; it is (task, modality) or (task, modality, pool)")
    try:
        path = safe_relative(place)
    except UnsafePathError as error:
        raise ConfigError(f"{what}: {error}") from None
    task, modality, *pool = facts
    if task not in TASKS:
        near = difflib.get_close_matches(str(task), TASKS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ConfigError(f"{what}: the task {task!r} is none of {', '.join(TASKS)}{hint}")
    if modality not in get_args(Modality):
        raise ConfigError(f"{what}: the modality {modality!r} is none of {', '.join(get_args(Modality))}")
    file = path if path.endswith(".json") else f"{path}/train.json"
    if any(file in known.files or path == known.place for known in SUB_DATASETS):
        raise ConfigError(f"{what}: the table has it already; it needs no declaring")
    place = path.removesuffix(".json").removesuffix("/train")
    name = place.rpartition("/")[2]
    kind = cast(Modality, modality)
    pools = pool or ["" if kind == "text" else name]
    return SubDataset(place=place, name=name, task=task, modality=kind, pool=pools[0], files=(file,))


def tell_unknown_files(root: str, known: Iterable[SubDataset]) -> None:
    """Warn of annotation files under a root's `video/`, `image/` and `text/` that no sub-dataset claims.

    They are not read: nothing says what their rows are, and they may repeat the rows of a file beside them.
    `instructions.json`, which upstream keeps in some folders, is none of them.
    """
    claimed = {file for each in known for file in each.files}
    found = {file for modality in get_args(Modality) for file in _json_files(root_of(root), modality)}
    unknown = sorted(file for file in found - claimed if not file.endswith("/instructions.json"))
    if not unknown:
        return
    first = unknown[0].removesuffix("/train.json")
    task = first.split("/")[1] if first.count("/") > 1 and first.split("/")[1] in TASKS else "<task>"
    example = f"extra_sub_datasets={{{first!r}: ({task!r}, {first.partition('/')[0]!r})}}"
    told = "videochat2: %d files that its table of sub-datasets does not have are left out: %s. To read one, declare "
    shown = ", ".join(unknown[:10]) + (", ..." if len(unknown) > 10 else "")
    logger.warning(told + "its task and modality: %s", len(unknown), shown, example)


def _json_files(root: str, folder: str) -> list[str]:
    try:
        return [f"{folder}/{name}" for name in files_under(join(root, folder), 4) if name.endswith(".json")]
    except (NotImplementedError, OSError):
        if not is_remote(root):
            raise
        return []
