"""Questions that two sources ask are kept once, by the rule in `video_sft.mixing._selection.duplicates`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from datasets import Dataset

from video_sft.mixing import describe, mix
from video_sft.mixing._selection.questions import questions

Make = Callable[..., Dataset]
VIDEO = "vidor/7"


def kept(**parts: Dataset) -> list[str]:
    return sorted(mix(parts, dedupe=True)["id"])


def test_what_videochat2_rewrites_goes_and_the_original_stays(part: Make) -> None:
    original = part("next_qa", [{"question": "why did the boy jumps up and down", "video_id": VIDEO}])
    rewritten = part(
        "videochat2",
        [
            {"question": "Why did the boy jump up and down?\nOptions:\n(A) happy\n(B) sad", "video_id": VIDEO},
            {"question": "Why did the boy jump up and down?", "video_id": "vidor/8"},
            {"question": "Who is the girl?", "video_id": VIDEO},
        ],
    )
    assert kept(next_qa=original, videochat2=rewritten) == ["next_qa/0", "videochat2/1", "videochat2/2"]
    assert len(mix({"next_qa": original, "videochat2": rewritten})) == 4


def test_a_conversation_goes_when_half_its_questions_are_known(part: Make) -> None:
    single = part("videoinstruct100k", [{"question": q, "video_id": VIDEO} for q in ("what is it", "who is there")])
    merged = part(
        "videochat2",
        [
            {"question": ["What is it?", "Who is there?", "Where is it?"], "video_id": VIDEO},
            {"question": ["What is it?", "When is it?", "Where is it?"], "video_id": VIDEO},
        ],
    )
    assert kept(videoinstruct100k=single, videochat2=merged) == [
        "videochat2/1",
        "videoinstruct100k/0",
        "videoinstruct100k/1",
    ]


def test_captions_of_a_captioned_video_go(part: Make) -> None:
    original = part(
        "videochat", [{"question": "Describe the video in detail.", "video_id": VIDEO}], task="detailed_caption"
    )
    rewritten = part("videochat2", [{"question": "Tell me all.", "video_id": VIDEO}, {}], task="detailed_caption")
    assert kept(videochat=original, videochat2=rewritten) == ["videochat/0", "videochat2/1"]


def test_the_same_question_in_another_form_stays(part: Make) -> None:
    asked = [{"question": "why is it red", "video_id": VIDEO}]
    grounded = part("next_gqa", asked, answer_format="multiple_choice")
    chosen, free = part("next_qa", asked, answer_format="multiple_choice"), part("next_qa", asked)
    assert kept(next_gqa=grounded, chosen=chosen) == ["next_qa/0"]
    assert kept(next_gqa=grounded, next_qa=chosen) == ["next_gqa/0"]
    assert kept(next_gqa=grounded, next_qa=free) == ["next_gqa/0", "next_qa/0"]


def test_overlapping_configs_of_one_source_give_a_row_once_and_upstreams_repeats_stay(part: Make) -> None:
    whole = part("star", [{"question": "what", "video_id": VIDEO}] * 4)
    mixed = mix({"star": whole, "star-reasoning": whole.select([1, 2])}, dedupe=True)
    assert sorted(mixed["id"]) == ["star/0", "star/1", "star/2", "star/3"]
    by_name = {source.name: source for source in describe(mixed).sources}
    assert by_name["star-reasoning"].left_out == {"row of another part": 2}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Why did he jump?", "why did he jump"),
        ("why did he jump?\nA. to fly\nB. to fall\nAnswer with the option's letter.", "why did he jump"),
        ("Why  did he\tjump ?\nOptions: (A) to fly (B) to fall", "why did he jump"),
        ("why did he jump\nAnswer the question using a single word or phrase.", "why did he jump"),
        ("First line.\nSecond line, a word.", "first line second line a word"),
        ("Où est l'été ?", "où est l été"),
    ],
)
def test_wordings_of_one_question(part: Make, said: str, words: str) -> None:
    assert questions(part("star", [{"question": said}]).data.column("messages")).texts.to_pylist() == [words]
