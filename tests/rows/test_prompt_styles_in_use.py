"""Prompt styles beside the rest: upstream's own text, deduplication, grouping, recipes, the help."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.pages import HELP
from tests.rows.styled import NEXT, OPEN, STAR, STYLES, row_of
from tests.rows.test_messages import texts

import video_sft
from video_sft._rows.grouping import group_by_video
from video_sft._rows.prompt_styles import PROMPT_STYLES
from video_sft._sources.record import Body, OpenQuestion
from video_sft.mixing import describe, mix
from video_sft.mixing._eval_lists.lists import eval_list, write_lists
from video_sft.mixing._selection.questions import questions

#: Rows as VideoChat2-IT has them: outer blanks, options of two kinds, answers in other words than the option's letter.
WRITTEN = [
    {
        "video": "clip_1.mp4",
        "QA": [
            {
                "i": "Watch the clip and choose. ",
                "q": "Question: What did the dog do?\nOptions:\n(A) slept\n(B) ran\n",
                "a": "Answer: (B) ran",
            }
        ],
    },
    {"video": "clip_2.mp4", "QA": [{"q": "Is it dark?\nA. Yes\nB. No", "a": "B"}]},
    {"video": "clip_3.mp4", "QA": [{"i": "", "q": "What is shown?", "a": "A dog."}]},
]


def test_upstream_keeps_videochat2s_own_text(tmp_path: Path) -> None:
    place = tmp_path / "data" / "video" / "reasoning" / "next_qa"
    place.mkdir(parents=True)
    (place / "train.json").write_text(json.dumps(WRITTEN), encoding="utf-8")
    options: Any = {"split": "train", "data_dir": tmp_path / "data", "cache_dir": tmp_path / "cache"}
    rows: Any = video_sft.load("videochat2", prompt_style="upstream", **options)
    plain: Any = video_sft.load("videochat2", **options)
    for row in rows:
        video_sft.validate_messages(row["messages"], video=True, image=False)
    assert texts(rows[0]) == [
        ("system", ["Watch the clip and choose. "]),
        ("user", ["<video>", "Question: What did the dog do?\nOptions:\n(A) slept\n(B) ran\n"]),
        ("assistant", ["Answer: (B) ran"]),
    ]
    assert texts(rows[1]) == [("user", ["<video>", "Is it dark?\nA. Yes\nB. No"]), ("assistant", ["B"])]
    assert rows[2]["messages"] == plain[2]["messages"]
    for column in ("id", "answer_format", "choices", "answer", "answer_index"):
        assert rows[column][:] == plain[column][:]
    streamed: Any = video_sft.load("videochat2", prompt_style="upstream", streaming=True, **options)
    assert [row["messages"] for row in streamed] == rows["messages"][:]
    dropped: Any = video_sft.load("videochat2", prompt_style="upstream", instruction="drop", **options)
    assert [role for role, _ in texts(dropped[0])] == ["user", "assistant"]


@pytest.mark.no_cover
@pytest.mark.parametrize("style", STYLES)
def test_a_question_has_the_same_words_in_every_style(style: str, session_cache: str) -> None:
    """What deduplication and decontamination go by, on every row of every sample."""
    for config in video_sft.configs():
        if "-" in config:
            continue
        options: Any = {"sample": True, "cache_dir": session_cache}
        for split, rows in video_sft.load(config, prompt_style=style, **options).items():  # type: ignore[union-attr]
            plain: Any = video_sft.load(config, split=str(split), **options)
            found, expected = (questions(part.data.column("messages")) for part in (rows, plain))
            assert found.rows.tolist() == expected.rows.tolist()
            assert found.texts.to_pylist() == expected.texts.to_pylist()
            for row in rows:
                kinds = {part["type"] for message in row["messages"] for part in message["content"]}
                video_sft.validate_messages(row["messages"], video="video" in kinds, image="image" in kinds)


@pytest.mark.parametrize("place", ["system", "prepend", "drop"])
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("body", [NEXT, STAR, OPEN, OpenQuestion("is it an option a: or b", "a")])
def test_words_of_single_questions(body: Body, style: str, place: str) -> None:
    wanted = questions(pa.array([row_of("star", body)["messages"]])).texts.to_pylist()
    row = row_of("star", body, prompt_style=style, instruction=place)
    assert questions(pa.array([row["messages"]])).texts.to_pylist() == wanted


@pytest.mark.parametrize("style", STYLES)
def test_decontamination_and_deduplication_see_through_styles(style: str, session_cache: str, tmp_path: Path) -> None:
    loading: Any = {"sample": True, "split": "train", "cache_dir": session_cache}
    plain: Any = video_sft.load("next_qa-multiple_choice", **loading)
    styled: Any = video_sft.load("next_qa-multiple_choice", prompt_style=style, **loading)
    other = styled.map(lambda row: {"id": f"other/{row['id']}", "source": "other"})
    kept = mix({"next_qa": plain, "other": other}, dedupe=True, decontaminate=None)
    assert set(kept["source"]) == {"next_qa"}
    write_lists([eval_list(plain, source="star", split="test")], tmp_path)
    with pytest.raises(video_sft.ConfigError, match="nothing is left to mix"):
        mix({"other": other}, decontaminate="eval-questions", eval_ids=str(tmp_path))


def test_rows_with_a_system_text_are_grouped_by_video(session_cache: str, tmp_path: Path) -> None:
    options: Any = {"sample": True, "split": "train", "cache_dir": session_cache, "prompt_style": "mvbench"}
    rows: Any = video_sft.load("next_qa-multiple_choice", **options)
    grouped = group_by_video(rows, cache_dir=str(tmp_path))
    assert len(grouped) == len(set(rows["video_id"])) < len(rows)
    for row in grouped:
        roles = [role for role, _ in texts(row)]
        assert roles == ["system", *["user", "assistant"] * (len(roles) // 2)]
        video_sft.validate_messages(row["messages"], video=True, image=False)
        assert all(str(parts[0]).startswith("Best option:(") for role, parts in texts(row) if role == "assistant")


def test_recipes_name_a_style(session_cache: str, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("parts: [star]\nsample: true\nprompt_style: sevila\n", encoding="utf-8")
    mixed: Any = mix(recipe, cache_dir=session_cache)
    assert mixed[0]["messages"][-1]["content"][0]["text"].startswith("Option ")
    assert describe(mixed).total.rows == len(mixed)
    other: Any = mix(recipe, cache_dir=session_cache, prompt_style="llava_next")
    assert "Please respond with only the letter" in other[0]["messages"][0]["content"][1]["text"]
    recipe.write_text("parts: [star]\nprompt_style: sevil\n", encoding="utf-8")
    with pytest.raises(video_sft.ConfigError, match=r"recipe\.yaml: prompt_style is 'sevil'.*Did you mean 'sevila'"):
        mix(recipe)


@pytest.mark.parametrize("style", STYLES)
def test_every_style_is_described_where_users_look(style: str) -> None:
    assert f"| `{style}` |" in (HELP / "wording.md").read_text(encoding="utf-8")
    assert f"`{style}`" in (video_sft.load.__doc__ or "")
    assert PROMPT_STYLES[style].used
