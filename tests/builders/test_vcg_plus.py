"""VCG+ 112K: LLaVA-style conversations of two files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.reading import identifiers, patient, said, stream, texts, write_rows

from video_sft._text import cleaned
from video_sft.errors import MissingFileError, RowError

MACHINE, HUMAN = "vcg-plus_112K.json", "vcg_human_annotated.json"
clean_texts = texts.filter(lambda text: "<video>" not in text and "<image>" not in text)
PLACES = ("<video>\n{}", "{}\n<video>", "<video> {}", "{}<video>", "<image>\n{}", "{}", "\n<video>\n{} ")


def row(*values: str, **changes: Any) -> dict[str, Any]:
    turns = [{"from": ("human", "gpt")[number % 2], "value": value} for number, value in enumerate(values)]
    return {"id": "v_k_ZXmr8pmrs", "video": "v_k_ZXmr8pmrs.mp4", "conversations": turns, **changes}


@st.composite
def upstream_rows(draw: st.DrawFn) -> tuple[dict[str, Any], list[str], str]:
    """One row as upstream would write it, the texts it means, and its video."""
    meant = draw(st.lists(clean_texts, min_size=2, max_size=6).filter(lambda values: len(values) % 2 == 0))
    values = [draw(st.sampled_from(PLACES)).format(meant[0]), *meant[1:]]
    video = f"v_{draw(identifiers)}"
    name = draw(st.sampled_from(("{}.mp4", "{}.mkv", "{}", "Activity_Videos/{}.mp4"))).format(video)
    return row(*values, id=video, video=name), [cleaned(text) for text in meant], video


@patient
@given(rows=st.lists(upstream_rows(), min_size=1, max_size=4))
def test_generated_rows_come_back_as_they_were_meant(
    rows: list[tuple[dict[str, Any], list[str], str]], tmp_path: Path
) -> None:
    for name in (MACHINE, HUMAN):
        write_rows(tmp_path, name, [upstream for upstream, _, _ in rows])
    built = stream("vcg_plus", tmp_path)
    assert len({one["id"] for one in built}) == 2 * len(rows)
    for (_, meant, video), got in zip([*rows, *rows], built, strict=True):
        roles = ["user", "assistant"] * (len(meant) // 2)
        assert said(got) == list(zip(roles, meant, strict=True))
        assert got["messages"][0]["content"][0] == {"type": "video", "text": None}
        assert got["video_id"] == f"activitynet/{video}"
        assert got["answer"] == meant[-1]
    kept = stream("vcg_plus-source", tmp_path)
    for (upstream, _, _), one in zip([*rows, *rows], kept, strict=True):
        assert {name: one[name] for name in upstream} == upstream


def test_the_human_view_is_the_human_file(tmp_path: Path) -> None:
    write_rows(tmp_path, MACHINE, [row("<video>\na?", "b"), row("<video>\nc?", "d")])
    write_rows(tmp_path, f"annotations/{HUMAN}", [row("e?\n<video>", "f")])
    assert [one["id"].partition("/")[2] for one in stream("vcg_plus", tmp_path)] == [
        "112k/v_k_ZXmr8pmrs_0",
        "112k/v_k_ZXmr8pmrs_1",
        "human/v_k_ZXmr8pmrs_0",
    ]
    assert [one["id"] for one in stream("vcg_plus-human", tmp_path)] == ["vcg_plus/human/v_k_ZXmr8pmrs_0"]


def test_either_file_alone_loads(tmp_path: Path) -> None:
    write_rows(tmp_path, MACHINE, [row("<video>\na?", "b")])
    assert len(stream("vcg_plus", tmp_path)) == 1
    with pytest.raises(MissingFileError, match=r"vcg_human_annotated\.json"):
        stream("vcg_plus-human", tmp_path)


def test_a_token_inside_the_question_is_taken_out(tmp_path: Path) -> None:
    write_rows(tmp_path, MACHINE, [row("Look at <video> and describe it.", "A dog.")])
    assert said(stream("vcg_plus", tmp_path)[0])[0] == ("user", "Look at and describe it.")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        (["<video>\na?", " "], "conversations"),
        (["<video>\na?", "<video>"], "conversations"),
        (["<video>\na?"], "conversations"),
        ([], "conversations"),
    ],
)
def test_conversations_that_are_none_are_refused(tmp_path: Path, values: list[str], field: str) -> None:
    write_rows(tmp_path, MACHINE, [row(*values)])
    with pytest.raises(RowError, match=f"vcg-plus_112K.json, row 1 .*'{field}'"):
        stream("vcg_plus", tmp_path)


@pytest.mark.parametrize("roles", [("gpt", "human"), ("human", "human"), ("human", "system"), (1, 2), (None, "gpt")])
def test_human_and_gpt_take_turns(tmp_path: Path, roles: tuple[Any, Any]) -> None:
    turns = [{"from": role, "value": "Well."} for role in roles]
    write_rows(tmp_path, MACHINE, [row(conversations=turns)])
    with pytest.raises(RowError, match=r"conversations\[\d\]\.from"):
        stream("vcg_plus", tmp_path)


@pytest.mark.parametrize(
    "named",
    [{"id": None}, {"id": 12}, {"id": "x"}, {"id": "v_k_ZXmr8pmrs", "video": None}, {"video": "k_ZXmr8pmrs.webm"}],
)
def test_either_name_of_the_video_will_do(tmp_path: Path, named: dict[str, Any]) -> None:
    write_rows(tmp_path, MACHINE, [row("<video>\na?", "b", **named)])
    assert stream("vcg_plus", tmp_path)[0]["video_id"] == "activitynet/v_k_ZXmr8pmrs"


def test_names_of_two_videos_are_refused(tmp_path: Path) -> None:
    write_rows(tmp_path, MACHINE, [row("<video>\na?", "b", id="v_rBMQFpHspmo")])
    with pytest.raises(RowError, match="another video"):
        stream("vcg_plus", tmp_path)


def test_rows_of_demonstrations_load(shared: Path, tmp_path: Path) -> None:
    """Rows of the same shape from another repository; none of VCG+ itself could be had."""
    (tmp_path / HUMAN).write_bytes((shared / "videoinstruct100k" / "llava_style_rows.json").read_bytes())
    assert [one["video_path"] for one in stream("vcg_plus-human", tmp_path)] == [
        "activitynet/v_TpB_zMG3XBA.mp4",
        "activitynet/v_rBMQFpHspmo.mp4",
    ]
