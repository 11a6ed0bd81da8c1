"""VideoInstruct100K: both layouts, ids, and the noise in upstream's answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.reading import identifiers, patient, said, stream, texts, write_rows

from video_sft._text import cleaned
from video_sft.errors import RowError

FILE = "VideoInstruct100K.json"
NOISE = "QA_GT_caption_based_noisy"
clean_texts = texts.filter(lambda text: NOISE not in text and "<video>" not in text and "<image>" not in text)


def native(q: str = "What happens?", a: str = "A man sails.", video: Any = "v_k_ZXmr8pmrs") -> dict[str, Any]:
    return {"q": q, "a": a, "video_id": video}


def llava(human: str, gpt: str, video: str, *, first: bool, suffix: str = ".pkl") -> dict[str, Any]:
    value = f"<video>\n{human}" if first else f"{human}\n<video>"
    turns = [{"from": "human", "value": value}, {"from": "gpt", "value": gpt}]
    return {"id": video, "video": video + suffix, "conversations": turns}


@patient
@given(meant=st.lists(st.tuples(clean_texts, clean_texts, identifiers, st.booleans()), min_size=1, max_size=4))
def test_generated_rows_come_back_as_they_were_meant(meant: list[tuple[str, str, str, bool]], tmp_path: Path) -> None:
    """The same rows in upstream's two layouts give the same shared rows, ids and all."""
    noisy = [(q, f"{a}\n{NOISE}" if tail else a, f"v_{video}") for q, a, video, tail in meant]
    rows = [native(*one) for one in noisy]
    converted = [llava(q, a, video, first=bool(n % 2)) for n, (q, a, video) in enumerate(noisy)]
    write_rows(tmp_path / "native", FILE, rows)
    write_rows(tmp_path / "llava", "video_chatgpt_training.json", converted)
    built = stream("videoinstruct100k", tmp_path / "native")
    assert stream("videoinstruct100k", tmp_path / "llava") == built
    assert len({row["id"] for row in built}) == len(meant)
    for (q, a, video, _), row in zip(meant, built, strict=True):
        assert row["id"].rpartition("_")[0] == f"videoinstruct100k/v_{video}"
        assert (row["video_id"], row["video_path"]) == (f"activitynet/v_{video}", f"activitynet/v_{video}.mp4")
        assert said(row) == [("user", cleaned(q)), ("assistant", cleaned(a))]
        assert (row["task"], row["license"]) == ("conversation", "CC-BY-NC-SA-4.0")
    for row, kept in zip(rows, stream("videoinstruct100k-source", tmp_path / "native"), strict=True):
        assert {name: kept[name] for name in row} == row
    for row, kept in zip(converted, stream("videoinstruct100k-source", tmp_path / "llava"), strict=True):
        assert {name: kept[name] for name in row} == row
        assert kept["q"] is kept["other_fields"] is None


@pytest.mark.parametrize(
    ("answer", "clean"),
    [
        (f"It is fun to watch.\n{NOISE}", "It is fun to watch."),
        (f"It is fun to watch. {NOISE}.", "It is fun to watch."),
        (f"It is fun.\n\n({NOISE})\n", "It is fun."),
        (f"{NOISE}: It is fun.", "It is fun."),
        (f'It is fun.\n{NOISE}\nAnd long.\n"{NOISE}"', "It is fun.\nAnd long."),
        (f'He says "hi"{NOISE}', 'He says "hi"'),
        (f"[{NOISE}] Yes.", "Yes."),
    ],
)
def test_noise_is_stripped_from_shared_rows_only(tmp_path: Path, answer: str, clean: str) -> None:
    write_rows(tmp_path, FILE, [native(a=answer), llava("What?", answer, "v_k_ZXmr8pmrs", first=True)])
    assert [row["answer"] for row in stream("videoinstruct100k", tmp_path)] == [clean, clean]
    kept = stream("videoinstruct100k-source", tmp_path)
    assert (kept[0]["a"], kept[1]["conversations"][1]["value"]) == (answer, answer)


@pytest.mark.parametrize("text", [NOISE, f"\n{NOISE}\n", f"({NOISE})", f"{NOISE} {NOISE}."])
def test_a_row_of_noise_alone_is_left_out(tmp_path: Path, text: str) -> None:
    write_rows(tmp_path, FILE, [native(a=text), native(q=text), native()])
    assert [row["id"] for row in stream("videoinstruct100k", tmp_path)] == ["videoinstruct100k/v_k_ZXmr8pmrs_2"]
    kept = stream("videoinstruct100k-source", tmp_path)
    assert [row["a"] for row in kept] == [text, "A man sails.", "A man sails."]


@pytest.mark.parametrize(
    ("name", "video"),
    [
        ("v_k_ZXmr8pmrs", "v_k_ZXmr8pmrs"),
        ("k_ZXmr8pmrs", "v_k_ZXmr8pmrs"),
        ("v_v_UmAH95xls", "v_v_UmAH95xls"),
        ("v_UmAH95xls", "v_v_UmAH95xls"),
        ("v_-Vg4a8igc0x", "v_-Vg4a8igc0x"),
        ("v_k_ZXmr8pmrs.mp4", "v_k_ZXmr8pmrs"),
        ("Activity_Videos/v_k_ZXmr8pmrs.pkl", "v_k_ZXmr8pmrs"),
    ],
)
def test_v_is_there_once(tmp_path: Path, name: str, video: str) -> None:
    write_rows(tmp_path, FILE, [native(video=name), {**llava("a?", "b", "x", first=True), "video": name, "id": "7"}])
    rows = stream("videoinstruct100k", tmp_path)
    assert {row["video_id"] for row in rows} == {f"activitynet/{video}"}
    assert [row["id"][-2:] for row in rows] == ["_0", "_1"]


@pytest.mark.parametrize(
    "name", [None, "", 13, "v_short", "v_k_ZXmr8pmrsXX", "v_k ZXmr8pmr", "../../etc/pass", "v_ßßßßßßßßßßß"]
)
def test_what_is_no_activitynet_video_is_refused(tmp_path: Path, name: Any) -> None:
    write_rows(tmp_path, FILE, [native(video=name)])
    with pytest.raises(RowError, match="'video_id'"):
        stream("videoinstruct100k", tmp_path)


def test_a_file_video_keeps_its_suffix(tmp_path: Path) -> None:
    write_rows(tmp_path, FILE, [llava("a?", "b", "v_k_ZXmr8pmrs", first=False, suffix=".MKV")])
    assert stream("videoinstruct100k", tmp_path)[0]["video_path"] == "activitynet/v_k_ZXmr8pmrs.mkv"


@pytest.mark.parametrize("row", [{}, {"q": "a"}, {"q": "a", "a": None, "video_id": "v_k_ZXmr8pmrs"}, native(q=" ")])
def test_incomplete_rows_are_refused(tmp_path: Path, row: dict[str, Any]) -> None:
    write_rows(tmp_path, FILE, [row])
    with pytest.raises(RowError, match=r"VideoInstruct100K\.json, row 1"):
        stream("videoinstruct100k", tmp_path)


def test_real_rows_load(shared: Path, tmp_path: Path) -> None:
    folder = shared / "videoinstruct100k"
    for name in ("VideoInstruct100K.rows.json", "llava_style_rows.json"):
        rows = json.loads((folder / name).read_text(encoding="utf-8"))
        write_rows(tmp_path, FILE, rows)
        built = stream("videoinstruct100k", tmp_path)
        assert len(built) == len(stream("videoinstruct100k-source", tmp_path)) == len(rows)
        assert all("<video>" not in text for row in built for _, text in said(row))
    assert [row["video_id"] for row in built] == ["activitynet/v_TpB_zMG3XBA", "activitynet/v_rBMQFpHspmo"]


def test_every_published_video_id_is_taken(shared: Path, tmp_path: Path) -> None:
    names = (shared / "videoinstruct100k" / "train_video_ids.txt").read_text(encoding="utf-8").split()
    write_rows(tmp_path, "VideoInstruct_Dataset.json", [native(video=name) for name in names])
    assert [row["video_id"] for row in stream("videoinstruct100k", tmp_path)] == [
        f"activitynet/{name}" for name in names
    ]
