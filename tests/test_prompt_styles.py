"""Prompt styles against strings derived by hand from the public files named beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import video_sft
from tests.pages import HELP
from video_sft._rows.grouping import group_by_video
from video_sft._rows.messages import MessageStyle
from video_sft._rows.prompt_styles import PROMPT_STYLES
from video_sft._rows.schema import to_table
from video_sft._sources.record import Body, Caption, Conversation, Media, MultipleChoice, OpenQuestion, Record, Turn
from video_sft.mixing import describe, mix
from video_sft.mixing._eval_lists.lists import eval_list, write_lists
from video_sft.mixing._selection.questions import questions

from .test_messages import MEDIA, ROW, texts

#: NExT-QA's questions have neither capital nor mark, STAR's have both.
NEXT = MultipleChoice("how do the men play the drum", ["roll the handle", "tap their feet", "hit it"], 2)
STAR = MultipleChoice("Which object was thrown by the person?", ["The clothes.", "The bag."], 1)
OPEN = OpenQuestion("what is the man in RED doing", "dancing")
CAPTION = Caption("A dog.", instruction="Describe the clip.")
TALK = Conversation([Turn("Who is it?", "A man."), Turn("Where?", "At home.")], "Look at the clip.")
WATCH = (
    "Carefully watch the video and pay attention to the cause and sequence of events, the detail and movement of "
    "objects, and the action and pose of persons. Based on your observations, select the best option that accurately "
    "addresses the question."
)
STYLES = list(PROMPT_STYLES)


def row_of(source: str, body: Body, *, media: Media | None = MEDIA, **style: Any) -> dict[str, Any]:
    record = Record(key="k", task="detailed_caption", body=body, media=media, row=ROW)
    table = to_table([record], source=source, license="MIT", style=MessageStyle(**style))
    row: dict[str, Any] = table.to_pylist()[0]
    video_sft.validate_messages(row["messages"], video=media is not None, image=False)
    return row


def said(source: str, body: Body, **style: Any) -> list[tuple[str, str]]:
    """Return the turns as (role, text), without the media part."""
    return [(role, str(parts[-1])) for role, parts in texts(row_of(source, body, **style))]


@pytest.mark.parametrize(
    ("style", "source", "body", "expected"),
    [
        (
            "default",
            "next_qa",
            NEXT,
            [
                (
                    "user",
                    "how do the men play the drum\nA. roll the handle\nB. tap their feet\nC. hit it\n"
                    "Answer with the option's letter from the given choices directly.",
                ),
                ("assistant", "C"),
            ],
        ),
        # lmms-eval, lmms_eval/tasks/nextqa/utils.py and nextqa_mc_test.yaml, which has no post_prompt
        (
            "lmms_eval",
            "next_qa",
            NEXT,
            [
                ("user", "how do the men play the drum\nA. roll the handle\nB. tap their feet\nC. hit it"),
                ("assistant", "C"),
            ],
        ),
        # lmms-eval, lmms_eval/tasks/perceptiontest/val/utils.py
        (
            "lmms_eval",
            "star",
            STAR,
            [
                (
                    "user",
                    "Which object was thrown by the person?\nA. The clothes.\nB. The bag.\n"
                    "Answer with the option's letter from the given choices directly.",
                ),
                ("assistant", "B"),
            ],
        ),
        # Ask-Anything, video_chat2/mvbench.ipynb (printed prompt); PLLaVA, tasks/eval/mvbench/__init__.py
        (
            "mvbench",
            "star",
            STAR,
            [
                ("system", WATCH),
                (
                    "user",
                    "Question: Which object was thrown by the person?\nOptions:\n(A) The clothes.\n(B) The bag.\n"
                    "Only give the best option.",
                ),
                ("assistant", "Best option:(B) The bag."),
            ],
        ),
        # VideoLLaMA3, evaluation/benchmarks/nextqa.py; VideoLLaMA2, videollama2/eval/inference_video_mcqa_mvbench.py
        (
            "videollama",
            "next_qa",
            NEXT,
            [
                (
                    "user",
                    "Question: how do the men play the drum\nOptions:\n(A) roll the handle\n(B) tap their feet\n"
                    "(C) hit it\nAnswer with the option's letter from the given choices directly and only give the "
                    "best option.",
                ),
                ("assistant", "C"),
            ],
        ),
        # SeViLA, sevila_data/Data Preprocess.ipynb ('?' and '.') and lavis/datasets/datasets/mc_video_vqa_datasets.py
        (
            "sevila",
            "next_qa",
            NEXT,
            [
                (
                    "user",
                    "Question: how do the men play the drum? Option A: roll the handle. Option B: tap their feet. "
                    "Option C: hit it. Considering the information presented in the frame, select the correct answer "
                    "from the options.",
                ),
                ("assistant", "Option C"),
            ],
        ),
        (
            "sevila",
            "star",
            STAR,
            [
                (
                    "user",
                    "Question: Which object was thrown by the person? Option A: The clothes. Option B: The bag. "
                    "Considering the information presented in the frame, select the correct answer from the options.",
                ),
                ("assistant", "Option B"),
            ],
        ),
        # LLaVA-Video-178K, rows such as 101-zukEQgbWdsY-split_2 of 0_30_s_academic_v0_1 (multi_choice)
        (
            "llava_next",
            "next_qa",
            NEXT,
            [
                (
                    "user",
                    "how do the men play the drum\nA. roll the handle\nB. tap their feet\nC. hit it\n"
                    "Please respond with only the letter of the correct answer.",
                ),
                ("assistant", "C."),
            ],
        ),
        (
            "upstream",
            "star",
            STAR,
            [
                (
                    "user",
                    "Which object was thrown by the person?\nA. The clothes.\nB. The bag.\n"
                    "Answer with the option's letter from the given choices directly.",
                ),
                ("assistant", "B"),
            ],
        ),
    ],
)
def test_multiple_choice(style: str, source: str, body: MultipleChoice, expected: list[tuple[str, str]]) -> None:
    assert said(source, body, prompt_style=style) == expected
    row, plain = row_of(source, body, prompt_style=style), row_of(source, body)
    for column in ("choices", "answer", "answer_index", "answer_format"):
        assert row[column] == plain[column]
    withheld = MultipleChoice(body.question, body.choices, None)
    assert said(source, withheld, prompt_style=style) == expected[:-1]


@pytest.mark.parametrize(
    ("style", "source", "asked"),
    [
        ("default", "activitynet_qa", "what is the man in RED doing"),
        # lmms-eval, lmms_eval/tasks/activitynetqa/{_default_template_yaml,utils.py}
        (
            "lmms_eval",
            "activitynet_qa",
            "What is the man in red doing? Answer the question using a single word or phrase.",
        ),
        # lmms-eval, lmms_eval/tasks/nextqa/nextqa_oe_test.yaml
        (
            "lmms_eval",
            "next_qa",
            "what is the man in RED doing\nAnswer a question using a short phrase or sentence.",
        ),
        ("mvbench", "activitynet_qa", "what is the man in RED doing"),
        # VideoLLaMA3, evaluation/benchmarks/activitynet_qa.py
        (
            "videollama",
            "activitynet_qa",
            "Question: what is the man in RED doing\nPlease watch the video and answer the question clearly and "
            "concisely.\n",
        ),
        ("sevila", "next_qa", "what is the man in RED doing"),
        # LLaVA-NeXT, llava/eval/model_activitynet_qa.py
        ("llava_next", "activitynet_qa", "what is the man in RED doing"),
        # LLaVA-NeXT, issue 3
        ("llava_next", "next_qa", "what is the man in RED doing\nAnswer the question using several words or phrase."),
        ("upstream", "activitynet_qa", "what is the man in RED doing"),
    ],
)
def test_open_questions(style: str, source: str, asked: str) -> None:
    assert said(source, OPEN, prompt_style=style) == [("user", asked), ("assistant", "dancing")]
    assert row_of(source, OPEN, prompt_style=style)["answer"] == "dancing"


@pytest.mark.parametrize("style", STYLES)
def test_captions_and_conversations_are_asked_as_upstream_asks_them(style: str) -> None:
    assert said("videochat2", CAPTION, prompt_style=style) == [
        ("system", "Describe the clip."),
        ("user", "<video>"),
        ("assistant", "A dog."),
    ]
    assert said("videochat2", TALK, prompt_style=style, instruction="prepend") == [
        ("user", "Look at the clip.\nWho is it?"),
        ("assistant", "A man."),
        ("user", "Where?"),
        ("assistant", "At home."),
    ]


def test_other_published_forms_of_a_style() -> None:
    # LLaVA-Video-178K's other request; VideoLLaMA2, videollama2/eval/inference_video_oqa_activitynet.py
    assert said("next_qa", NEXT, prompt_style="llava_next", choice_style="letter_text") == [
        (
            "user",
            "how do the men play the drum\nA. roll the handle\nB. tap their feet\nC. hit it\n"
            "Please provide your answer by stating the letter followed by the full option.",
        ),
        ("assistant", "C. hit it."),
    ]
    assert said("activitynet_qa", OPEN, prompt_style="videollama", question_style="plain")[0][1] == OPEN.question


def test_a_styles_own_system_text_goes_where_instructions_go() -> None:
    body = MultipleChoice(STAR.question, STAR.choices, 1, "Choose an option.")
    asked = "Question: Which object was thrown by the person?\nOptions:\n(A) The clothes.\n(B) The bag.\n"
    asked += "Only give the best option."
    kept, prepended, dropped = (
        said("videochat2", body, prompt_style="mvbench", instruction=place) for place in ("system", "prepend", "drop")
    )
    assert kept[0] == ("system", WATCH)
    assert prepended[0] == ("user", f"{WATCH}\n{asked}")
    assert dropped[0] == ("user", asked)


@pytest.mark.parametrize(
    ("style", "mark"), [("mvbench", "({}) {}"), ("sevila", "Option {}: {}"), ("default", "{}. {}")]
)
def test_options_are_shuffled_before_they_are_worded(style: str, mark: str) -> None:
    orders = set()
    for seed in range(6):
        row = row_of("star", STAR, prompt_style=style, choices_seed=seed)
        assert row["choices"] == row_of("star", STAR, choices_seed=seed)["choices"]
        asked = next(parts[-1] for role, parts in texts(row) if role == "user")
        for letter, choice in zip("AB", row["choices"], strict=True):
            assert mark.format(letter, choice) in str(asked)
        assert "AB"[row["answer_index"]] in str(texts(row)[-1][1][0])
        orders.add(tuple(row["choices"]))
    assert len(orders) == 2


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"prompt_style": "mvbnch"}, "it is one of default, lmms_eval, .* Did you mean 'mvbench'"),
        ({"prompt_style": ["mvbench"]}, r"prompt_style is \['mvbench'\]"),
        ({"prompt_style": "mvbench", "choice_style": "letter"}, "is published with choice_style 'letter_text' alone"),
        ({"prompt_style": "lmms_eval", "question_style": "plain"}, "'short' alone; leave question_style out"),
        ({"prompt_style": "sevila", "choice_style": "roman"}, "choice_style is 'roman'"),
        ({"prompt_style": "upstream", "choice_style": "letter"}, "leaves upstream's text as it is"),
        ({"prompt_style": "upstream", "choices_seed": 1}, "keeps options where upstream's text has them"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_built(
    options: Any, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(video_sft.ConfigError, match=problem):
        mix({"next_qa": 1, "star": 1}, sample=True, cache_dir=tmp_path, **options)
    assert not list(tmp_path.iterdir())
    with pytest.raises(video_sft.ConfigError, match=problem):
        video_sft.load("next_qa", sample=True, cache_dir=tmp_path, **options)
    assert not list(tmp_path.rglob("*.arrow"))
    with pytest.raises(video_sft.ConfigError, match=r"has no option prompt_stile; it has .*prompt_style"):
        video_sft.load("next_qa", sample=True, cache_dir=tmp_path, prompt_stile="mvbench")


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
