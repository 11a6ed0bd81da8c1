"""The wording of messages, and what a chat template would refuse."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import video_sft
from video_sft._annotations import SourceRow
from video_sft._rows.messages import MessageError, MessageStyle, render
from video_sft._rows.schema import to_table
from video_sft._sources.record import Body, Caption, Conversation, Media, MultipleChoice, OpenQuestion, Record, Turn

ROW = SourceRow({}, "file", ("row", 1, -1))
MEDIA = Media("charades", "6H78U", "6H78U.mp4", 1.0, 2.5)
CHOICE = MultipleChoice("which object was thrown by the person?", ["the clothes", "the bag"], 1)


def row_of(body: Body, *, task: str = "reasoning", media: Media | None = MEDIA, **style: Any) -> dict[str, Any]:
    record = Record(key="k", task=task, body=body, media=media, row=ROW)
    table = to_table([record], source="star", license="MIT", style=MessageStyle(**style))
    row: dict[str, Any] = table.to_pylist()[0]
    modality = media.modality if media else None
    video_sft.validate_messages(row["messages"], video=modality == "video", image=modality == "image")
    return row


def texts(row: dict[str, Any]) -> list[tuple[str, list[str | None]]]:
    return [
        (
            message["role"],
            [part["text"] if part["type"] == "text" else f"<{part['type']}>" for part in message["content"]],
        )
        for message in row["messages"]
    ]


@pytest.mark.parametrize(
    ("style", "request_line", "answer"),
    [
        ("letter", "Answer with the option's letter from the given choices directly.", "B"),
        ("letter_text", "Answer with the option's letter and text from the given choices.", "B. the bag"),
        ("text", "Answer with the text of the correct option.", "the bag"),
    ],
)
def test_choice_styles(style: str, request_line: str, answer: str) -> None:
    row = row_of(CHOICE, choice_style=style)
    question = f"which object was thrown by the person?\nA. the clothes\nB. the bag\n{request_line}"
    assert texts(row) == [("user", ["<video>", question]), ("assistant", [answer])]
    assert (row["answer"], row["answer_index"], row["choices"]) == ("the bag", 1, ["the clothes", "the bag"])
    assert row["answer_format"] == "multiple_choice"


def test_question_styles() -> None:
    body = OpenQuestion("is it raining", "no")
    assert texts(row_of(body)) == [("user", ["<video>", "is it raining"]), ("assistant", ["no"])]
    short = texts(row_of(body, question_style="short"))
    assert short[0][1][1] == "is it raining\nAnswer the question using a single word or phrase."


def test_a_withheld_answer_leaves_a_user_turn_only() -> None:
    for body in (MultipleChoice("q", ["a", "b"], None), OpenQuestion("q", None)):
        row = row_of(body)
        assert [role for role, _ in texts(row)] == ["user"]
        assert row["answer"] is row["answer_index"] is None


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("system", [("system", ["look"]), ("user", ["<video>", "q1"]), ("assistant", ["a1"])]),
        ("prepend", [("user", ["<video>", "look\nq1"]), ("assistant", ["a1"])]),
        ("drop", [("user", ["<video>", "q1"]), ("assistant", ["a1"])]),
    ],
)
def test_instructions(place: str, expected: Any) -> None:
    body = Conversation([Turn("q1", "a1"), Turn("q2", "a2")], "look")
    row = row_of(body, task="conversation", instruction=place)
    assert texts(row) == [*expected, ("user", ["q2"]), ("assistant", ["a2"])]
    assert row["answer"] == "a2"


@pytest.mark.parametrize(
    ("place", "asked"),
    [
        ("system", [("system", ["Describe it."]), ("user", ["<video>"])]),
        ("prepend", [("user", ["<video>", "Describe it."])]),
        ("drop", [("user", ["<video>", "Describe the video in detail."])]),
    ],
)
def test_captions_without_a_question(place: str, asked: Any) -> None:
    row = row_of(Caption("A dog.", instruction="Describe it."), task="detailed_caption", instruction=place)
    assert texts(row) == [*asked, ("assistant", ["A dog."])]


def test_images_and_text_only_rows() -> None:
    image = Media("coco", "1", "1.jpg", modality="image")
    assert texts(row_of(OpenQuestion("q", "a"), media=image))[0] == ("user", ["<image>", "q"])
    assert texts(row_of(OpenQuestion("q", "a"), media=None))[0] == ("user", ["q"])


@given(st.lists(st.text("abc", min_size=1), min_size=2, max_size=6, unique=True), st.integers(0, 5), st.integers(0, 99))
def test_shuffled_options_keep_the_answer(choices: list[str], answer: int, seed: int) -> None:
    body = MultipleChoice("q", choices, answer % len(choices))
    record = Record(key="k", task="reasoning", body=body, media=MEDIA, row=ROW)
    style = MessageStyle(choices_seed=seed)
    first, again = (render(record, "star/k", style) for _ in range(2))
    assert first == again
    assert sorted(first.choices) == sorted(choices)
    assert first.answer_index is not None
    assert first.choices[first.answer_index] == first.answer == choices[answer % len(choices)]
    assert f"{'ABCDEF'[first.answer_index]}. {first.answer}" in str(first.messages[0])


def test_shuffling_depends_on_seed_and_row_and_moves_things() -> None:
    record = Record(key="k", task="reasoning", body=MultipleChoice("q", list("abcde"), 0), media=None, row=ROW)
    orders = {
        tuple(render(record, f"star/{row}", MessageStyle(choices_seed=seed)).choices)
        for row, seed in itertools.product(range(4), range(4))
    }
    assert len(orders) > 8


@pytest.mark.parametrize(
    "options", [{"choice_style": "roman"}, {"question_style": "long"}, {"instruction": "user"}, {"choices_seed": "1"}]
)
def test_unknown_styles_are_refused_by_load(options: Any, session_cache: str) -> None:
    with pytest.raises(video_sft.ConfigError, match=next(iter(options))):
        video_sft.load("next_qa", sample=True, cache_dir=session_cache, **options)


def test_styles_reach_built_and_streamed_rows(session_cache: str) -> None:
    options: Any = {
        "sample": True,
        "split": "train",
        "cache_dir": session_cache,
        "choice_style": "text",
        "choices_seed": 3,
    }
    built: Any = video_sft.load("next_qa-multiple_choice", **options)
    plain: Any = video_sft.load("next_qa-multiple_choice", sample=True, split="train", cache_dir=session_cache)
    assert [row["messages"][1]["content"][0]["text"] for row in built] == built["answer"][:] == plain["answer"][:]
    assert built["choices"][:] != plain["choices"][:]
    streamed: Any = video_sft.load("next_qa-multiple_choice", streaming=True, **options)
    assert [row["messages"] for row in streamed] == built["messages"][:]


GOOD = [
    {"role": "user", "content": [{"type": "video", "text": None}, {"type": "text", "text": "q"}]},
    {"role": "assistant", "content": [{"type": "text", "text": "a"}]},
]


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        ([], "alternate"),
        ([GOOD[1]], "alternate"),
        ([GOOD[0], GOOD[0]], "alternate"),
        ([{"role": "user", "content": []}], "no content"),
        ([{"role": "user", "content": [{"type": "text", "text": " "}]}], "empty text"),
        ([{"role": "user", "content": [{"type": "text", "text": None}]}], "empty text"),
        ([{"role": "user", "content": [{"type": "text", "text": "q", "video": None}]}], "keys"),
        ([{"role": "user", "content": [{"type": "text", "text": "q"}], "name": "x"}], "keys"),
        ([{"role": "user", "content": [{"type": "text", "text": "q"}, {"type": "video", "text": None}]}], "first"),
        ([{"role": "user", "content": [{"type": "text", "text": "q"}]}], "media parts"),
        ([{"role": "user", "content": [{"type": "video", "text": "v"}]}], "with text in it"),
    ],
)
def test_what_a_chat_template_would_refuse(messages: Any, problem: str) -> None:
    video_sft.validate_messages(GOOD, video=True, image=False)
    with pytest.raises(MessageError, match=problem):
        video_sft.validate_messages(messages, video=True, image=False)
