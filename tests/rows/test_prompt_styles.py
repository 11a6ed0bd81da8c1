"""Prompt styles against strings derived by hand from the public files named beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.rows.styled import CAPTION, NEXT, OPEN, STAR, STYLES, TALK, row_of, said
from tests.rows.test_messages import texts

import video_sft
from video_sft._sources.record import MultipleChoice
from video_sft.mixing import mix

WATCH = (
    "Carefully watch the video and pay attention to the cause and sequence of events, the detail and movement of "
    "objects, and the action and pose of persons. Based on your observations, select the best option that accurately "
    "addresses the question."
)


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
