"""Make the evaluation lists that come with the package, from checkouts of the repositories that publish them.

    python -m tests.make_eval_lists FOLDER           # FOLDER/<owner>/<name> holds each repository at the commit below
    python -m tests.make_eval_lists FOLDER --check   # says which lists would change, writes nothing

Only ids and hashes go into the lists. Where a publisher's terms let nobody pass on even a part, or where no licence is
stated, the ids too are hashes.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tests.eval_list_readers import (
    MVBENCH,
    Rows,
    activitynet_qa_rows,
    captions_rows,
    charades_sta_rows,
    egoschema_rows,
    lvbench_rows,
    mmvu_rows,
    msvd_rows,
    mvbench_rows,
    next_rows,
    parquet_rows,
    qvhighlights_rows,
    tempcompass_rows,
    tgif_rows,
)
from video_sft._text import cleaned
from video_sft.mixing._eval_lists.lists import DIGEST_BYTES, EvalList, read_lists, write_lists
from video_sft.mixing._eval_lists.video_keys import key_digest
from video_sft.mixing._selection.questions import question_digest, question_words

SHIPPED = Path(__file__).resolve().parents[1] / "loaders" / "video_sft" / "mixing" / "_eval_lists" / "data"
#: Repositories and the commits the lists were made from.
COMMITS = {
    "MILVLG/activitynet-qa": "2cf80aeb4e45955e53404e1716d3b9c0b1cbd72f",
    "OpenGVLab/TimeSuite": "d68f5feb17eec712d8c8b2fd1b44d24b2e67f00a",
    "OpenGVLab/VideoChat-Flash": "2f8e2f578897895519f11c7d3f9ff26a256b4743",
    "YunseokJANG/tgif-qa": "9ecbbc7cb3d08300ddb6662b3dfd651914f3183f",
    "doc-doc/NExT-GQA": "63772e0256ad9e34b83d6a108f1ba2041b924607",
    "doc-doc/NExT-OE": "a83f8f581191da07675e0fc83074e0dfcf907273",
    "doc-doc/NExT-QA": "6b92588ab4496268fa1caab9414a8b998ee063c5",
    "egoschema/EgoSchema": "505c787376b5e066d0ae406d0e0d41245cebba15",
    "llyx97/TempCompass": "e1b463166400633e6061962d890a9ae85db29f70",
    "yale-nlp/MMVU": "4d54223d912f498707c105ab645a921abce6e39a",
    "yaoli/arctic-capgen-vid": "8a4ad9145006dcb625df8d68e97653f7ca4e53be",
}
#: Where a file no repository of which is known was found.
ELSEWHERE = {"LVBench": "a download script with LVBench's YouTube ids in a public code index, file 56608008510"}
FLASH = "lmms-eval_videochat/eval_annotations"
TIMEIT = "dataset/TimeIT"


#: Which collection the videos of each of MVBench's tasks come from.
@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one list is made: of `repository:path` files, each with `read`."""

    source: str
    split: str
    license: str
    files: Sequence[str]
    read: Callable[[str, bytes], Rows]
    hashed: bool = False
    default: bool = True
    note: str = ""

    def made(self, folder: Path) -> EvalList:
        rows: list[tuple[str, str | None]] = []
        sha256, origins = {}, {}
        for file in self.files:
            repository, _, path = file.partition(":")
            content = (folder / repository / path).read_bytes()
            sha256[f"{repository}/{path}"] = hashlib.sha256(content).hexdigest()
            commit = COMMITS.get(repository)
            address = f"https://github.com/{repository}/blob/{commit}/{path}"
            origins[f"{repository}/{path}"] = address if commit else ELSEWHERE[repository]
            rows += self.read(path, content)
        asked = [(video, text) for video, text in rows if text]
        words = question_words(pa.array([cleaned(text) for _, text in asked], pa.string())).to_pylist()
        digests = {
            question_digest(video, said, DIGEST_BYTES) for (video, _), said in zip(asked, words, strict=True) if said
        }
        videos = sorted({video for video, _ in rows})
        if self.hashed:
            assert all(video.startswith(("youtube/", "ego4d/")) for video in videos), self.source
            videos = sorted(f"{key_digest(video):016x}" for video in videos)
        return EvalList(
            self.source,
            self.split,
            len(rows),
            tuple(videos),
            frozenset(digests),
            sha256,
            license=self.license,
            origins=origins,
            hashed=self.hashed,
            default=self.default,
            note=self.note,
        )


def _next_recipes() -> Iterator[Recipe]:
    for split, short in (("validation", "val"), ("test", "test")):
        files = [f"doc-doc/NExT-QA:dataset/nextqa/{short}.csv", f"doc-doc/NExT-OE:dataset/nextqa/{short}.csv"]
        yield Recipe(source="next_qa", split=split, license="MIT", files=files, read=next_rows("video"))
        files = [f"doc-doc/NExT-GQA:datasets/nextgqa/{short}.csv"]
        yield Recipe(source="next_gqa", split=split, license="MIT", files=files, read=next_rows("video_id"))
        yield Recipe(
            source="activitynet_qa",
            split=split,
            license="Apache-2.0 (LICENSE); README: MIT, non-commercial",
            files=[f"MILVLG/activitynet-qa:dataset/{short}_q.json"],
            read=activitynet_qa_rows,
        )


RECIPES = (
    *_next_recipes(),
    Recipe(
        source="mvbench",
        split="test",
        license="MIT (annotations; the videos have terms of their own)",
        files=[f"OpenGVLab/VideoChat-Flash:{FLASH}/MVBench/json/{task}.json" for task in MVBENCH],
        read=mvbench_rows,
    ),
    Recipe(
        source="charades_sta",
        split="test",
        license="MIT (TimeSuite's copy; the first publisher states none)",
        files=[
            f"OpenGVLab/TimeSuite:{TIMEIT}/temporal_video_grounding/charades/charades_annotation/charades_sta_test.txt"
        ],
        read=charades_sta_rows,
    ),
    Recipe(
        source="video_mme",
        split="test",
        license="other: academic research only, nothing of it may be passed on without approval",
        files=[f"OpenGVLab/VideoChat-Flash:{FLASH}/Video-MME/videomme/test-00000-of-00001.parquet"],
        read=parquet_rows("videoID", others="youtube"),
        hashed=True,
        note="one of its 900 ids, azZZZbSwLQght, is not a YouTube id",
    ),
    Recipe(source="lvbench", split="test", license="CC-BY-NC-SA-4.0", files=["LVBench:videos.sh"], read=lvbench_rows),
    *(
        Recipe(
            source="longvideobench",
            split=split,
            license="CC-BY-NC-SA-4.0",
            files=[f"OpenGVLab/VideoChat-Flash:{FLASH}/LongVideoBench/{split}-00000-of-00001.parquet"],
            read=parquet_rows("video_id", others="tiktok"),
        )
        for split in ("validation", "test")
    ),
    Recipe(
        source="tgif_qa",
        split="test",
        license="other: academic purposes only",
        files=[
            f"YunseokJANG/tgif-qa:dataset/Test_{task}_question.csv"
            for task in ("action", "count", "frameqa", "transition")
        ],
        read=tgif_rows,
    ),
    *(
        Recipe(
            source="msvd_qa",
            split=split,
            license="BSD-3-Clause",
            files=["yaoli/arctic-capgen-vid:youtube_mapping.txt"],
            read=msvd_rows(first, last),
            note="by the split's numbers: 1,200 videos for training, then 250 and 520",
        )
        for split, first, last in (("validation", 1201, 1450), ("test", 1451, 1970))
    ),
    Recipe(
        source="egoschema",
        split="test",
        license="none stated; the videos are under Ego4D's licence agreement",
        files=["egoschema/EgoSchema:uid_to_ego4d.json"],
        read=egoschema_rows,
        hashed=True,
    ),
    Recipe(
        source="tempcompass",
        split="test",
        license="CC-BY-NC-4.0",
        files=[f"llyx97/TempCompass:questions/{task}.json" for task in ("multi-choice", "yes_no", "caption_matching")],
        read=tempcompass_rows,
        note="its stock videos have the numbers WebVid's have",
    ),
    Recipe(
        source="mmvu",
        split="validation",
        license="none stated",
        files=["yale-nlp/MMVU:data/validation.json"],
        read=mmvu_rows,
        hashed=True,
    ),
    *(
        Recipe(
            source="qvhighlights",
            split=split,
            license="CC-BY-NC-SA-4.0",
            files=[
                f"OpenGVLab/TimeSuite:{TIMEIT}/video_highlight_detection/qvhighlights/annotations_raw/"
                f"highlight_{short}_release.jsonl"
            ],
            read=qvhighlights_rows,
        )
        for split, short in (("validation", "val"), ("test", "test"))
    ),
    Recipe(
        source="youcook2",
        split="validation",
        license="MIT (TimeSuite's copy)",
        files=[f"OpenGVLab/TimeSuite:{TIMEIT}/dense_video_captioning/youcook2/val.caption_coco_format.json"],
        read=captions_rows("youtube"),
        note="the 415 of its videos that were still to be had",
    ),
    Recipe(
        source="activitynet_captions",
        split="validation",
        license="MIT (TimeSuite's copy)",
        files=[
            f"OpenGVLab/TimeSuite:{TIMEIT}/dense_video_captioning/anet/{part}.caption_coco_format.json"
            for part in ("val", "test")
        ],
        read=captions_rows("activitynet"),
        default=False,
        note="has to be named: VideoInstruct100K has 4,303 of its videos, a third of that source",
    ),
)


def main(words: Sequence[str]) -> int:
    folder = Path(next(word for word in words if not word.startswith("--")))
    lists = [recipe.made(folder) for recipe in RECIPES]
    before = {entry.name: entry for path in sorted(SHIPPED.glob("*.json.gz")) for entry in read_lists(path)}
    states = []
    for entry in lists:
        old = before.pop(entry.name, None)
        states.append("new" if old is None else "same" if old == entry else "changed")
        counts = f"{entry.rows:8,} rows{len(entry.videos):7,} videos{len(entry.questions):7,} questions"
        print(f"{states[-1]:9}{entry.name:32}{counts}")
    for name in before:
        print(f"{'gone':9}{name}")
    if "--check" in words:
        return int(bool(before) or set(states) != {"same"})
    for path in SHIPPED.glob("*.json.gz"):
        path.unlink()
    print(f"{sum(path.stat().st_size for path in write_lists(lists, SHIPPED)):,} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
