"""The evaluation lists that come with the package, and choosing among them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from datasets import Dataset

from video_sft.builders import sources
from video_sft.errors import ConfigError
from video_sft.mixing import describe, eval_lists, mix
from video_sft.mixing._eval_lists.chosen import UNAVAILABLE, chosen_lists, unlisted
from video_sft.mixing._eval_lists.index import EvalIndex
from video_sft.mixing._eval_lists.lists import EvalList, eval_list, shipped_lists, write_lists
from video_sft.mixing._eval_lists.making import read_eval_splits
from video_sft.mixing._eval_lists.video_keys import key_digest, keys_of_entry, origins, with_origins

Make = Callable[..., Dataset]
#: What an id of each pool looks like.
IDS = {
    "activitynet": r"v_[\w-]{11}",
    "charades": r"[A-Z0-9]{5}",
    "clevrer": r"video_\d{5}",
    "funqa": r"test_\w+/[\w-]+",
    "moments_in_time": r"validation/.+",
    "movqa": r"Top\d+_\d+",
    "msvd": r"[\w-]{11}_\d+_\d+",
    "ntu_rgbd": r"S\d{3}C\d{3}P\d{3}R\d{3}A\d{3}_rgb",
    "perception_test": r"video_\d+",
    "ssv2": r"\d+",
    "tgif": r"tumblr_\w+",
    "tiktok": r"@[\w.]+-\d+",
    "tvqa": r"[\w-]+_clip_\d+",
    "vidor": r"\d{10,11}",
    "vlnce": r"\w+/\w+",
    "webvid": r"\d{6,10}",
    "youtube": r"[\w-]{11}",
}
#: Rows, and videos, as their publishers count them.
COUNTS = {
    "activitynet_qa validation": (18000, 1800),
    "activitynet_qa test": (8000, 800),
    "next_qa validation": (4996 + 5343, 570),
    "next_qa test": (8564 + 9178, 1000),
    "next_gqa validation": (3358, 567),
    "next_gqa test": (5553, 990),
    "mvbench test": (4000, 3675),
    "charades_sta test": (3720, 1334),
    "video_mme test": (2700, 900),
    "lvbench test": (103, 103),
    "longvideobench validation": (1337, 753),
    "msvd_qa test": (520, 520),
}


@pytest.fixture(autouse=True)
def _no_lists_of_this_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIDEO_SFT_EVAL_IDS", str(tmp_path / "none"))


@pytest.mark.parametrize("entry", shipped_lists(), ids=lambda entry: entry.name.replace(" ", "-"))
def test_every_shipped_list_says_what_it_was_made_from(entry: EvalList) -> None:
    assert entry.split in ("validation", "test")
    assert entry.license
    assert entry.videos == tuple(sorted(set(entry.videos)))
    assert 100 <= len(entry.videos) <= entry.rows or entry.source == "tempcompass"
    assert len(entry.questions) <= entry.rows
    assert entry.files.keys() == entry.origins.keys()
    assert all(re.fullmatch(r"[0-9a-f]{64}", sha256) for sha256 in entry.files.values())
    for file, address in entry.origins.items():
        owner, name, path = file.split("/", 2) if "github" in address else ("", "", file)
        place = rf"https://github\.com/{owner}/{name}/blob/[0-9a-f]{{40}}/{re.escape(path)}"
        assert re.fullmatch(place, address) or entry.source == "lvbench"
    if entry.hashed:
        assert all(re.fullmatch(r"[0-9a-f]{16}", video) for video in entry.videos)
    else:
        for video in entry.videos:
            pool, _, rest = video.partition("/")
            assert re.fullmatch(IDS[pool], rest), video
    if entry.name in COUNTS:
        assert (entry.rows, len(entry.videos)) == COUNTS[entry.name]


def test_terms_that_forbid_passing_on_leave_hashes_only() -> None:
    for entry in shipped_lists():
        closed = "none stated" in entry.license or "passed on" in entry.license
        assert entry.hashed == closed, entry.name


def test_the_lists_are_small() -> None:
    import video_sft.mixing

    folder = Path(video_sft.mixing.__file__).parent / "_eval_lists" / "data"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1_500_000


def test_only_star_has_splits_without_a_list() -> None:
    assert set(unlisted(eval_lists())) == {"star validation", "star test", *UNAVAILABLE}


def test_shipped_lists_are_those_of_the_real_files(shared: Path, tmp_path: Path) -> None:
    outcomes = read_eval_splits(shared, only=["activitynet_qa", "next_qa", "next_gqa"], folder=tmp_path)
    made = [entry for outcome in outcomes for entry in outcome.lists]
    shipped = {entry.name: entry for entry in shipped_lists()}
    assert {entry.name for entry in made} == {"activitynet_qa test", "next_gqa validation", "next_qa validation"}
    for entry in made:
        same = shipped[entry.name]
        assert (entry.rows, entry.videos, entry.questions) == (same.rows, same.videos, same.questions)
        assert set(entry.files.values()) <= set(same.files.values())


def test_videos_of_videoinstruct_that_activitynet_qa_evaluates_on_are_left_out(shared: Path, part: Make) -> None:
    names = (shared / "videoinstruct100k" / "train_video_ids.txt").read_text().split()
    rows = part("videoinstruct100k", [{"video_id": f"activitynet/{name}"} for name in names])
    report = describe(mix({"videoinstruct100k": rows}))
    assert report.total.on_lists["activitynet_qa validation"] == 1583
    assert report.total.rows <= 13303 - 1583
    more = describe(mix({"videoinstruct100k": rows}, eval_sets=["activitynet_captions"]))
    assert more.total.on_lists == {"activitynet_captions validation": 4303}


def test_sets_are_chosen_by_the_names_of_lists_sources_and_groups(part: Make) -> None:
    video = {name: chosen_lists([name])[0].videos[0] for name in ("next_qa test", "mvbench", "activitynet_qa test")}
    rows = part("videochat2", [{"video_id": name} for name in video.values()])
    assert [entry.name for entry in chosen_lists(["next_qa"])] == ["next_qa test", "next_qa validation"]
    left = mix({"videochat2": rows}, eval_sets=["mvbench", "activitynet_qa test"])
    assert left["video_id"][:] == [video["next_qa test"]]
    report = describe(left)
    assert report.eval_lists.keys() == {"activitynet_qa test", "mvbench test"}
    assert report.eval_missing == ()
    assert "OpenGVLab/VideoChat-Flash@2f8e2f5 (MIT" in report.to_markdown()
    assert "OpenGVLab/VideoChat-Flash@2f8e2f5 (MIT" in report.to_html()
    of_sources = {entry.source for entry in chosen_lists(["sources"])}
    assert of_sources == {"activitynet_qa", "next_qa", "next_gqa"} <= set(sources())
    assert not of_sources & {entry.source for entry in chosen_lists(["benchmarks"])}
    assert chosen_lists() == chosen_lists(["sources", "benchmarks", "own"])
    assert {entry.name for entry in eval_lists()} - {entry.name for entry in chosen_lists()} == {
        "activitynet_captions validation"
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"eval_sets": ["mvbnch"]}, "did you mean 'mvbench'"),
        ({"eval_sets": ["next_qa train"]}, "did you mean 'next_qa"),
        ({"eval_sets": ["MLVU"]}, "no list of 'MLVU' comes with the package: its file names"),
        ({"eval_sets": ["star test"]}, "video-sft eval-ids --data-dir"),
        ({"eval_sets": ["zzzzzzzz"]}, "there are activitynet_captions"),
        ({"eval_sets": [3]}, "a list of names"),
        ({"eval_sets": "mvbench"}, "give a list of names"),
        ({"eval_sets": []}, "give a list of names"),
        ({"eval_sets": ["mvbench"], "decontaminate": None}, "decontaminate=None leaves nothing out"),
        ({"eval_sets": ["lvbench"], "decontaminate": "eval-questions"}, "videos and no questions"),
    ],
)
def test_a_choice_that_is_none_is_refused(part: Make, options: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        mix({"star": part("star", 2)}, **options)  # type: ignore[arg-type]


def test_lists_without_questions_are_not_claimed_when_questions_are_compared(part: Make) -> None:
    report = describe(mix({"star": part("star", 2)}, decontaminate="eval-questions"))
    assert "mvbench test" in report.eval_lists
    assert "lvbench test" not in report.eval_lists
    assert {"lvbench test", "star test", "cg_bench"} <= set(report.eval_missing)


FOOTAGE = [
    ("activitynet/v_abcDEF-_123", "abcDEF-_123"),
    ("activitynet/v_v_UmAH95xls", "v_UmAH95xls"),
    ("internvid/abcDEF-_123_12_27", "abcDEF-_123"),
    ("k710/k400/abcDEF-_123", "abcDEF-_123"),
    ("k710/k600/train_videos/riding_bike/abcDEF-_123_000003_000013", "abcDEF-_123"),
    ("youcook2/train/101/abcDEF-_123/split_0", "abcDEF-_123"),
    ("sharegptvideo/v_abcDEF-_123-Scene-001", "abcDEF-_123"),
    ("sharegptvideo/abcDEF-_123", "abcDEF-_123"),
    ("msvd/abcDEF-_123_5_15", "abcDEF-_123"),
]


@pytest.mark.parametrize(("video_id", "name"), FOOTAGE)
@pytest.mark.parametrize("hashed", [False, True])
def test_a_benchmark_of_youtube_ids_finds_the_footage_in_every_pool(
    video_id: str, name: str, hashed: bool, part: Make
) -> None:
    key = f"youtube/{name}"
    entry = EvalList("b", "", 1, (f"{key_digest(key):016x}" if hashed else key,), frozenset(), {}, hashed=hashed)
    index = EvalIndex([entry])
    assert list(index.find(video_id)) == [0]
    other = video_id.replace(name, name[:-1] + "z")
    column = pa.chunked_array([[video_id, None], [other, video_id, "webvid/1022713978"]])
    (mask,) = index.masks(column)
    assert mask.tolist() == [True, False, False, True, False]


def test_what_only_looks_alike_is_not_taken_for_the_same() -> None:
    entry = EvalList("b", "", 1, ("perception_test/video_10336", "vidor/10109006686"), frozenset(), {})
    index = EvalIndex([entry])
    for video in ("clevrer/video_10336", "webvid/10109006686", "k710/video_10336_1_2"):
        assert index.find(video) == {}
    assert origins("vidor/10109006686") == ()
    assert origins("charades/6H78U") == ()
    assert keys_of_entry("clevrer/video_10336") == ("clevrer/video_10336",)


def test_ego4d_videos_are_found_by_their_uid() -> None:
    uid = "2fa72a4f-b318-4e04-97b8-efdc3b039258"
    index = EvalIndex([EvalList("b", "", 1, (f"ego4d/{uid}",), frozenset(), {})])
    assert list(index.find(f"egoqa/{uid}/split_3")) == [0]
    assert [mask.tolist() for mask in index.masks(pa.chunked_array([[f"egoqa/{uid}/split_3", "egoqa/x"]]))] == [
        [True, False]
    ]


def test_columns_and_single_ids_are_asked_alike() -> None:
    ids = [video for video, _ in FOOTAGE] + ["vidor/10109006686", "charades/6H78U", "clevrer/video_10336"]
    found = {place: names for place, _, names in with_origins(pa.array([*ids, None], pa.string())) if names}
    assert found == {place: names for place, video in enumerate(ids) if (names := origins(video))}


def test_the_same_question_on_the_same_footage_is_found_in_another_pool(part: Make, tmp_path: Path) -> None:
    asked = {"video_id": "activitynet/v_abcDEF-_123", "question": "What does he hold?"}
    write_lists([eval_list(part("star", [asked]), source="mine", split="")], tmp_path)
    same = {"video_id": "k710/k400/abcDEF-_123", "question": "Question: what does he hold\nOptions:\n(A) a cup"}
    rows = part("videochat2", [same, {**same, "question": "something else"}, {**asked, "video_id": "k710/other"}])
    options = {"eval_ids": str(tmp_path), "eval_sets": ["mine"], "decontaminate": "eval-questions"}
    assert mix({"videochat2": rows}, **options)["id"][:] == ["videochat2/1", "videochat2/2"]  # type: ignore[arg-type]
    stream = mix({"videochat2": rows.to_iterable_dataset()}, streaming=True, **options)  # type: ignore[arg-type]
    assert sorted(row["id"] for row in stream) == ["videochat2/1", "videochat2/2"]
