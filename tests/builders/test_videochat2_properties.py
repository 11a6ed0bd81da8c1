"""Any row of the documented shape comes out as it went in."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.builders.reading import patient, texts
from tests.builders.videochat2_trees import qa, records

from video_sft._rows.messages import MessageStyle, render, validate_messages
from video_sft._sources.record import MultipleChoice
from video_sft._text import cleaned
from video_sft.builders._videochat2_option_lists import listed_options
from video_sft.builders._videochat2_tree import SUB_DATASETS, SubDataset

names = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=12)
seconds = st.floats(0, 1e4, allow_nan=False)
instructions = st.none() | st.just("") | texts
exchanges = st.builds(qa, texts, texts, instructions)
single_lines = st.text(string.ascii_letters + string.digits + " ,'-?", min_size=1, max_size=20).filter(str.strip)


@st.composite
def rows(draw: st.DrawFn, sub_dataset: SubDataset) -> dict[str, Any]:
    row: dict[str, Any] = {}
    if sub_dataset.modality != "text":
        suffix = draw(st.sampled_from([".mp4", ".webm", ".jpg", ""]))
        row[sub_dataset.modality] = "/".join(draw(st.lists(names, min_size=1, max_size=3))) + suffix
    if draw(st.booleans()):
        row |= {"start": draw(seconds), "end": draw(seconds)}
    captioned = sub_dataset.task in ("simple_caption", "detailed_caption") and draw(st.booleans())
    row["QA"] = (
        [qa("", draw(texts), draw(instructions))] if captioned else draw(st.lists(exchanges, min_size=1, max_size=4))
    )
    return row


@patient
@given(data=st.data())
def test_every_row_comes_out_as_it_went_in(tmp_path: Path, data: st.DataObject) -> None:
    sub_dataset = data.draw(st.sampled_from(SUB_DATASETS))
    given_rows = data.draw(st.lists(rows(sub_dataset), min_size=1, max_size=4))
    found = records(tmp_path, sub_dataset.place, given_rows)
    assert len({record.key for record in found}) == len(given_rows)
    for row, record in zip(given_rows, found, strict=True):
        rendered = render(record, record.key, MessageStyle())
        messages = [
            {"role": role, "content": [{"type": kind, "text": text} for kind, text in parts]}
            for role, parts in rendered.messages
        ]
        validate_messages(messages, video=sub_dataset.modality == "video", image=sub_dataset.modality == "image")
        said = [part["text"] for message in messages for part in message["content"] if part["type"] == "text"]
        if rendered.answer_format == "open_ended":
            asked = [cleaned(row["QA"][0].get("i", ""))]
            for exchange in row["QA"]:
                asked += [cleaned(exchange["q"]), cleaned(exchange["a"])]
            assert [text for text in said if not text.startswith("Describe the ")] == [
                text for text in asked if text and not text.startswith("Describe the ")
            ]
        if record.media is None:
            assert sub_dataset.modality == "text"
            continue
        path = row[sub_dataset.modality]
        assert (
            record.media.path.removeprefix(path.rpartition("/")[0])
            .lstrip("/")
            .startswith(("v_", path.rpartition("/")[2]))
        )
        forwards = sub_dataset.modality == "video" and row.get("start", 1) < row.get("end", 0)
        clip = (row["start"], row["end"]) if forwards else (None, None)
        assert (record.media.start_seconds, record.media.stop_seconds) == clip


@patient
@given(
    question=single_lines,
    options=st.lists(single_lines, min_size=2, max_size=8),
    data=st.data(),
    style=st.sampled_from(["({}) {}", "{}. {}", "{}) {}"]),
    lead=st.sampled_from(["", "Question: ", "question:"]),
    title=st.sampled_from(["\n", "\nOptions:\n", "\nOptions: \n", " Choices:\n"]),
    said=st.sampled_from(["({}) {}", "Answer: ({}) {}", "Answer: ({0})", "{}. {}.", "The answer is ({}) {}", "({0})."]),
)
def test_written_out_options_are_read_back(
    question: str, options: list[str], data: st.DataObject, style: str, lead: str, title: str, said: str
) -> None:
    index = data.draw(st.integers(0, len(options) - 1))
    letters = string.ascii_uppercase
    listing = "\n".join(style.format(letter, option) for letter, option in zip(letters, options, strict=False))
    asked = f"{lead}{question}{title}{listing}"
    listed = listed_options(asked, said.format(letters[index], options[index]))
    assert listed is not None
    assert listed.choices == [option.strip() for option in options]
    assert listed.answer_index == index
    assert question.strip().endswith(listed.question) or listed.question == question.strip()


def test_forms_that_leave_a_doubt_stay_open() -> None:
    options = "Which?\nOptions:\n(A) a cup\n(B) a pot\n(C) a cup"
    for question, answer in [
        (options, "Answer: (D) a jar"),
        (options, "Answer: (A) a pot"),
        (options, "Answer: (A) a cup, (B) a pot"),
        (options, "a cup"),
        (options, "A cup is on the table."),
        (options, "It is the pot."),
        ("Which? (A) a cup (B) a pot", "(A) a cup"),
        ("Which?\n(A) a cup", "(A) a cup"),
        ("Which?\n(A) a cup\n(C) a pot", "(A) a cup"),
        ("Which?\n(A) a cup\nB. a pot", "(A) a cup"),
        ("Which?\n(A) a cup\n(B) a pot\nAnswer with a letter.", "(A) a cup"),
        ("Which?\n(A)\n(B) a pot", "(B) a pot"),
        ("A. Which one is it?", "A."),
    ]:
        assert listed_options(question, answer) is None, (question, answer)
    listed = listed_options(options, "The correct answer is: b. A POT")
    assert listed is None
    assert listed_options(options, "a pot.") == listed_options(options, "Answer: (B) a pot.")


def test_the_choice_answer_is_the_options_text(tmp_path: Path) -> None:
    exchange = qa("Which?\n(A) a cup\n(B) a pot", "Answer: (B) a pot.")
    (record,) = records(tmp_path, "video/reasoning/clevrer_mc", [{"video": "a.mp4", "QA": [exchange]}])
    assert isinstance(record.body, MultipleChoice)
    assert render(record, "x", MessageStyle()).answer == "a pot"
