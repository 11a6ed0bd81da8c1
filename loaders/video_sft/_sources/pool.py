"""What is known about each media pool: whose ids they are, and how its files may be named.

A pool is a collection of videos or images that one or more sources point into. `charades/6H78U` is the same clip
whichever source mentions it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from video_sft.errors import ConfigError

__all__ = ["Pool", "find_pool", "own_pools"]

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, kw_only=True)
class Pool:
    """How files of a pool are recognised.

    Attributes:
        name: the first part of `video_id` and `video_path`.
        unique_names: a file's name alone tells which item it is, in whatever folder it lies; otherwise the end of its
            path has to agree with `video_path`.
        ignore_case: names that differ in case only are the same item. YouTube ids are not like that.
        optional_prefix: what file names may lack, e.g. the `v_` of ActivityNet.
        cut_by_row: users keep clips cut to one row as `<native key>.mp4` in it; such a file is used as it is.
        youtube_clips: names are `<YouTube id>_<from>_<to>`, or the id alone, see `video_sft._media.youtube_clips`.
        partial_paths: the user's folders may be fewer than in `video_path`, as long as the last one agrees.
        fps: of folders of frames, the rate at which upstream took them.
        where: where the files can be had, for messages.
    """

    name: str
    unique_names: bool = False
    ignore_case: bool = False
    optional_prefix: str = ""
    cut_by_row: bool = False
    youtube_clips: bool = False
    partial_paths: bool = False
    fps: float | None = None
    where: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise ConfigError(
                f"a pool is called {self.name!r}; its name has letters, digits, '_', '-' and '.', for folders bear it"
            )

    def agrees_with(self, other: Pool) -> bool:
        """Return whether files are recognised as in another pool; where they can be had may be worded otherwise."""
        return replace(self, where="") == replace(other, where="")


_POOLS = {
    pool.name: pool
    for pool in (
        Pool(
            name="activitynet",
            unique_names=True,
            optional_prefix="v_",
            where="ActivityNet's site (v_<id>.mp4, some .mkv or .webm)",
        ),
        Pool(
            name="vidor",
            unique_names=True,
            where="NExT-QA's page (NExTVideo.zip: <folder>/<id>.mp4, or flat)",
        ),
        Pool(
            name="charades",
            unique_names=True,
            ignore_case=True,
            cut_by_row=True,
            where="the Charades site (Charades_v1_480.zip: <id>.mp4)",
        ),
        Pool(name="webvid", unique_names=True, where="WebVid's table of links (<page_dir>/<id>.mp4, or flat)"),
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
}


def own_pools() -> dict[str, Pool]:
    """Return the pools the package itself knows, by name."""
    return dict(_POOLS)


def find_pool(name: str) -> Pool:
    """Return what is known about a pool; of one nothing is known of, paths have to agree.

    The package's own pools are known, and those that a source from outside declares as its `own_pools`.
    """
    from video_sft._sources.registry import declared_pools  # which holds sources, and these pools

    return _POOLS.get(name) or declared_pools().get(name) or Pool(name=name)
