"""Mixtures of sources as one dataset, in exact proportions, resumable, and clear of evaluation data."""

from video_sft.mixing._eval_lists.lists import EvalList, eval_lists, user_folder
from video_sft.mixing._eval_lists.own_lists import add_eval_list, remove_eval_list
from video_sft.mixing._mixture import mix
from video_sft.mixing._recipe import bundled_recipes
from video_sft.mixing._report.facts import SourceReport
from video_sft.mixing._report.report import MixReport, describe
from video_sft.mixing._sharding import shard

__all__ = [
    "EvalList",
    "MixReport",
    "SourceReport",
    "add_eval_list",
    "bundled_recipes",
    "describe",
    "eval_lists",
    "mix",
    "remove_eval_list",
    "shard",
    "user_folder",
]
