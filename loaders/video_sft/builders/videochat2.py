"""VideoChat2-IT: some fifty instruction sets on videos, images and text, as one tree of JSON files.

Every file is an array of `{"video" or "image": path, "QA": [{"i", "q", "a"}, ...]}`; the path in the tree,
`<modality>/<task folder>/<name>/train.json`, is all that tells the sets apart, and rows have no ids. The table of sets
is `video_sft.builders._videochat2_tree`. The files sit in a gated repo and were not at hand when this was written:
three rows and upstream's documentation were, so wherever those leave room, every form they allow is accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import datasets
from datasets import Features, List, Value

from video_sft._base_builder.builder import SourceBuilder
from video_sft._base_builder.config import SourceConfig
from video_sft._places import is_remote, uncompressed
from video_sft._rows.schema import ANSWER_FORMATS, TASKS
from video_sft._source_files.found_parts import FoundParts
from video_sft._source_files.hub_tree import HubTree
from video_sft._sources.open_part import OpenPart
from video_sft._sources.part import Part, RemoteFile, places_of
from video_sft._sources.record import MultipleChoice, Record
from video_sft._sources.source import Source
from video_sft.builders._videochat2_rows import RowReader
from video_sft.builders._videochat2_tree import POOLS, SUB_DATASETS, SubDataset, declared, tell_unknown_files

__all__ = ["SOURCE", "Videochat2", "Videochat2Config"]

_STEPS = (
    "The repo is gated: open https://huggingface.co/datasets/OpenGVLab/VideoChat2-IT, log in and accept its terms; "
    "then run `hf auth login` (or set HF_TOKEN) and load again. Or fetch the tree by hand with "
    "`hf download OpenGVLab/VideoChat2-IT --repo-type dataset --local-dir DIR` and pass data_dir=DIR"
)
#: The hash upstream's card was read at is known as d1e7b3f only, which the Hub does not resolve.
HUB = HubTree(repo="OpenGVLab/VideoChat2-IT", revision="main", steps=_STEPS)


@dataclass(frozen=True, kw_only=True)
class SubDatasetPart(Part):
    """A file of the tree, with what the table says of its rows."""

    sub_dataset: SubDataset


def _part(sub_dataset: SubDataset) -> SubDatasetPart:
    file, *subsets = sub_dataset.files
    # VideoGPT+ has some of the sets in LLaVA style, named after the last two folders of their place.
    _, _, place = sub_dataset.place.partition("/")
    mirrors = [f"annotations/{place.replace('/', '_')}.json"] if sub_dataset.modality == "video" else []
    remote = RemoteFile(
        name=file,
        also=(*subsets, *mirrors),
        steps=_STEPS,
        unverified="the repo is gated; no hash of its files was published",
    )
    return SubDatasetPart(
        split="train",
        kind=sub_dataset.place,
        files={"rows": remote},
        rows=sub_dataset.rows,
        second_hand="" if sub_dataset.rows is None else "upstream's figure and others who have it count",
        also_counted=sub_dataset.also_counted,
        views=frozenset({sub_dataset.task, *ANSWER_FORMATS}),
        sub_dataset=sub_dataset,
    )


def parse(part: OpenPart) -> Iterator[Record]:
    """Yield the rows of one file in order."""
    assert isinstance(part.part, SubDatasetPart)
    reader = RowReader.of(part.part.sub_dataset, part.file_names("rows"), part.problems)
    reader.verbatim = part.verbatim
    yield from part.problems.read(part.json_rows(), reader.record)


def _upstream_row(record: Record) -> Mapping[str, Any]:
    return {**record.row.value, "sub_dataset": record.question_type, "file": uncompressed(record.row.file)}


def _in_view(record: Record, view: str) -> bool:
    multiple_choice = isinstance(record.body, MultipleChoice)
    return view in (record.task, "multiple_choice" if multiple_choice else "open_ended")


SOURCE = Source(
    name="videochat2",
    title="VideoChat2-IT",
    homepage="https://github.com/OpenGVLab/Ask-Anything/blob/main/video_chat2/DATA.md",
    paper="2311.17005",
    citation="""\
@inproceedings{li2024mvbench,
  author    = {Li, Kunchang and Wang, Yali and He, Yinan and Li, Yizhuo and Wang, Yi and Liu, Yi and Wang, Zun and
               Xu, Jilan and Chen, Guo and Luo, Ping and Wang, Limin and Qiao, Yu},
  title     = {MVBench: A Comprehensive Multi-modal Video Understanding Benchmark},
  booktitle = {CVPR},
  year      = {2024}
}""",
    annotation_terms=(
        "The Hub card says MIT, behind a form that asks for name, company, country and e-mail and says that other "
        "agreements may apply. Much of the text is rewritten from sets with terms of their own: LLaVA-Instruct-150K is "
        "CC BY-NC 4.0, Video-ChatGPT's CC BY-NC-SA 4.0 by its README."
    ),
    video_terms=(
        "None are shipped. The card says video copyrights stay with their owners, for academic research only; each "
        "pool (WebVid, InternVid, Kinetics, Something-Something V2, ActivityNet, VidOR, CLEVRER, YouCook2, TextVR, "
        "TGIF, Ego4D, COCO and M3IT's image sets) has its own terms."
    ),
    license="other",
    pools=tuple(dict.fromkeys(each.pool for each in SUB_DATASETS if each.pool)),
    own_pools=POOLS,
    tasks=TASKS,
    views=(*TASKS, *ANSWER_FORMATS),
    parts=tuple(_part(each) for each in SUB_DATASETS),
    parse=parse,
    upstream_features=Features(
        {
            **dict.fromkeys(("sub_dataset", "file", "video", "image"), Value("string")),
            "QA": List({"i": Value("string"), "q": Value("string"), "a": Value("string")}),
            **dict.fromkeys(("start", "end"), Value("float64")),
        }
    ),
    upstream_row=_upstream_row,
    in_view=_in_view,
    overlaps=(
        "video/caption/videochat and video/conversation/videochat1 are VideoChat, rewritten.",
        "video/conversation/videochatgpt is VideoInstruct100K, one row for each of its 13,303 videos.",
        "video/reasoning/next_qa is NExT-QA's multiple-choice train set, rewritten.",
    ),
    warnings=(
        "Training rows of video/conversation/videochatgpt use 1,583 of ActivityNet-QA's 1,800 validation videos.",
    ),
)


@dataclass
class Videochat2Config(SourceConfig):
    """What can be chosen for VideoChat2-IT.

    Attributes:
        extra_sub_datasets: folders of the tree that the table does not know, each with its task and modality:
            `{"video/vqa/my_set": ("vqa", "video")}`; a third entry names the media pool, the folder's name otherwise.
    """

    extra_sub_datasets: Mapping[str, Sequence[str]] | None = None


class Videochat2(SourceBuilder):
    """VideoChat2-IT: about two million instruction rows on videos, images and text, from some fifty data sets."""

    BUILDER_CONFIG_CLASS = Videochat2Config
    source = SOURCE

    @classmethod
    def _all_parts(cls, options: Mapping[str, Any]) -> tuple[Part, ...]:
        return (*SOURCE.parts, *map(_part, declared(options.get("extra_sub_datasets"))))

    def _fingerprints(self) -> list[str]:
        return super()._fingerprints() if self.place.is_given else [HUB.identity()]

    @property
    def pools(self) -> tuple[str, ...]:
        """The table's pools and those of the sub-datasets declared."""
        extra = [each.pool for each in declared(self.config.extra_sub_datasets) if each.pool]
        return tuple(dict.fromkeys([*SOURCE.pools, *extra]))

    def _downloaded_parts(self, downloads: datasets.DownloadManager) -> FoundParts:
        return HUB.found_parts(self.wanted_parts, downloads)

    def _tree_root(self) -> str:
        """Return where the tree begins: `data_dir` may be a folder of it, or the one above."""
        if self.place.data_dir is None:
            return HUB.root()
        for part, locations in self.found_parts().present:
            place, name = uncompressed(places_of(locations["rows"])[0]), part.files["rows"].name
            if not is_remote(place) and place.endswith(f"/{name}"):
                return place[: -len(name) - 1]
        return self.place.data_dir

    def _split_generators(self, dl_manager: datasets.DownloadManager) -> list[datasets.SplitGenerator]:
        known = [*SUB_DATASETS, *declared(self.config.extra_sub_datasets)]
        if self.place.expects_all:
            tell_unknown_files(self._tree_root(), known)
        return super()._split_generators(dl_manager)
