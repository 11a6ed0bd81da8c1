"""What `video-sft check` says of the rows: bad ones, ids, answers, options, repeats."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from tests.checking.conftest import Check
from tests.checking.invented import star_row, webvid_row, write_json

import video_sft
from video_sft.checking import check_source


def videochat(folder: Path, rows: object) -> Path:
    return write_json(folder / "videochat_instruct_11k.json", rows)


def test_bad_rows_are_told_by_kind_with_file_and_row(tmp_path: Path, check: Check) -> None:
    rows = [star_row(number) for number in range(6)]
    rows[1]["answer"] = "The lamp."
    rows[2]["answer"] = "The door."
    rows[4]["end"] = "late"
    data = write_json(tmp_path / "STAR_train.json", rows)
    outcome = check("star", "--split", "train", "--data-dir", data, "--json")
    assert outcome.code == 1
    answers, times = outcome.findings("rows", "error")
    assert (answers["count"], times["count"]) == (2, 1)
    assert "2 rows of STAR_train.json cannot be read, field 'answer'" in answers["what"]
    assert [example[: len("STAR_train.json, row 2")] for example in answers["examples"]] == [
        "STAR_train.json, row 2",
        "STAR_train.json, row 3",
    ]
    assert "the answer … is none of the options …" in answers["what"]
    assert "'The lamp.'" in answers["examples"][0]
    assert "expected seconds" in times["examples"][0]
    (part,) = outcome.report["parts"]
    assert (part["rows"], part["bad_rows"]) == (3, 3)


def test_bad_rows_count_as_rows_of_the_file(tmp_path: Path, check: Check) -> None:
    question = {"video_name": "0therVideo1", "question": "what is shown"}
    rows = [{**question, "question_id": f"v_0therVideo1_{number}"} for number in range(3)]
    write_json(tmp_path / "test_q.json", [*rows[:2], {**rows[2], "question": 7}])
    answers = [{"question_id": row["question_id"], "answer": "a dog", "type": 8} for row in rows]
    data = write_json(tmp_path / "test_a.json", answers)
    outcome = check("activitynet_qa", "--split", "test", "--data-dir", data, "--alone", "--json")
    (fewer,) = outcome.findings("rows", "warning")
    assert "test has 3 rows in test_q.json, 7,997 fewer than the 8,000 upstream publishes" in fewer["what"]


@pytest.mark.parametrize(("count", "told"), [(8760, None), (8700, None), (8690, "8,760 or 8,700")])
def test_counts_at_second_hand_make_no_file_a_wrong_one(
    tmp_path: Path, check: Check, count: int, told: str | None
) -> None:
    rows = [{"video": f"t/1/{n:011d}/split_0.mp4", "QA": [{"i": "Say.", "q": "", "a": f"{n}"}]} for n in range(count)]
    write_json(tmp_path / "video" / "caption" / "youcook2" / "train.json", rows)
    outcome = check("videochat2-simple_caption", "--data-dir", tmp_path, "--alone", "--json")
    assert not outcome.findings("rows", "warning") + outcome.findings("rows", "error")
    notes = [finding["what"] for finding in outcome.findings("rows", "note")]
    assert len(notes) == (told is not None)
    assert all(note.endswith(f"upstream's figure and others who have it count {told}") for note in notes)


def test_values_read_another_way_are_notes(tmp_path: Path, check: Check) -> None:
    data = write_json(tmp_path / "STAR_train.json", [star_row(1), star_row(2, start=9.0), star_row(3, start=8.0)])
    outcome = check("star", "--split", "train", "--data-dir", data, "--json")
    notes = [finding["what"] for finding in outcome.findings("rows", "note")]
    assert "train: Rows with a start that is not before their end, taken to be about the whole video: 2" in notes
    assert not outcome.findings("rows", "error")


def test_a_file_of_which_no_row_can_be_used_is_an_error(tmp_path: Path, check: Check) -> None:
    data = videochat(tmp_path, [webvid_row(number, QA=[{"q": "What?", "a": ""}]) for number in range(3)])
    outcome = check("videochat", "--data-dir", data, "--alone", "--json")
    (finding,) = outcome.findings("rows", "error")
    assert (finding["count"], outcome.code) == (3, 1)


def test_many_bad_rows_of_one_kind_are_one_finding(tmp_path: Path, check: Check) -> None:
    data = videochat(tmp_path, [webvid_row(number, QA=None) for number in range(5000)] + [webvid_row(1)])
    outcome = check("videochat", "--data-dir", data, "--list", tmp_path / "lists", "--json")
    (finding,) = outcome.findings("rows", "error")
    assert finding["count"] == 5000
    assert len(finding["examples"]) == 3
    with open(outcome.report["lists"]["bad_rows"], encoding="utf-8", newline="") as handle:
        listed = list(csv.DictReader(handle))
    assert len(listed) == 5000
    assert (listed[41]["file"], listed[41]["field"]) == ("videochat_instruct_11k.json", "QA")
    assert listed[41]["row"].startswith("row 42 ")


def test_a_file_cut_in_the_middle_is_told_with_the_place(tmp_path: Path, check: Check) -> None:
    data = videochat(tmp_path, [webvid_row(number) for number in range(50)])
    place = data / "videochat_instruct_11k.json"
    place.write_bytes(place.read_bytes()[:-40])
    outcome = check("videochat", "--data-dir", data, "--json")
    assert outcome.code == 1
    (finding,) = outcome.findings("rows", "error")
    assert "row 50" in finding["examples"][0]
    assert outcome.report["parts"][0]["rows"] == 49


def test_a_file_of_another_shape_does_not_hide_the_other_files(tmp_path: Path, check: Check) -> None:
    write_json(tmp_path / "STAR_train.json", {"Interaction_T1_1": {"question": "?", "answer": "VID01"}})
    data = write_json(tmp_path / "STAR_val.json", [star_row(1)])
    outcome = check("star", "--split", "train", "--split", "validation", "--data-dir", data, "--json")
    (finding,) = outcome.findings("rows", "error")
    assert "train cannot be read" in finding["what"]
    assert "homepage" in finding["what"]
    assert {part["split"]: part["rows"] for part in outcome.report["parts"]} == {"train": 0, "validation": 1}


def test_an_id_that_comes_twice_is_found_across_splits(tmp_path: Path, check: Check) -> None:
    write_json(tmp_path / "STAR_train.json", [star_row(1), star_row(2)])
    data = write_json(tmp_path / "STAR_val.json", [star_row(3), star_row(2, question="Which one then?")])
    outcome = check("star", "--data-dir", data, "--json")
    (finding,) = outcome.findings("ids", "error")
    assert finding["count"] == 1
    assert finding["examples"] == ["star/Interaction_T1_2 in STAR_val.json, row 2"]


def test_withheld_answers_of_a_test_split_are_a_note(tmp_path: Path, check: Check) -> None:
    data = write_json(tmp_path / "STAR_test.json", [star_row(number, answer=None) for number in range(4)])
    outcome = check("star", "--split", "test", "--data-dir", data, "--json")
    (finding,) = outcome.findings("answers")
    assert finding["severity"] == "note"
    assert "test comes without answers" in finding["what"]
    assert outcome.report["parts"][0]["without_answer"] == 4


def test_some_withheld_answers_are_an_error(tmp_path: Path, check: Check) -> None:
    rows = [star_row(number) for number in range(4)]
    rows[2]["answer"] = ""
    data = write_json(tmp_path / "STAR_test.json", rows)
    outcome = check("star", "--split", "test", "--data-dir", data, "--json")
    assert outcome.code == 1
    (finding,) = outcome.findings("answers", "error")
    assert "1 of 4 rows of test have no answer" in finding["what"]
    assert finding["examples"] == ["star/Interaction_T1_2 in STAR_test.json, row 3"]


def test_an_option_that_comes_twice_is_a_note(tmp_path: Path, check: Check) -> None:
    def choices(*texts: str) -> list[dict[str, object]]:
        return [{"choice_id": number, "choice": text} for number, text in enumerate(texts)]

    rows = [
        star_row(1),
        star_row(2, choices=choices("The cup.", "The bag.", "The bag.", "The shoe.")),
        star_row(3, choices=choices("The cup.", "The cup.", "The bag.", "The shoe.")),
    ]
    data = write_json(tmp_path / "STAR_train.json", rows)
    outcome = check("star", "--split", "train", "--data-dir", data, "--json")
    (finding,) = outcome.findings("choices")
    assert finding["severity"] == "note"
    assert "2 of 3 multiple-choice rows of train have the same option twice, 1 of them the right one" in finding["what"]


def test_more_options_than_letters_cannot_be_asked(tmp_path: Path, check: Check) -> None:
    many = [{"choice_id": number, "choice": f"Thing {number}."} for number in range(30)]
    data = write_json(tmp_path / "STAR_train.json", [star_row(1, choices=many, answer="Thing 3.")])
    outcome = check("star", "--split", "train", "--data-dir", data, "--json")
    (finding,) = outcome.findings("rows", "error")
    assert "2 to 26 can be asked" in finding["examples"][0]


def test_rows_that_repeat_others_are_found_whatever_case_and_punctuation(tmp_path: Path, check: Check) -> None:
    rows = [webvid_row(number) for number in range(4)]
    again = webvid_row(2, QA=[{"q": "what is shown in Clip 2", "a": "a street with 2 cars."}])
    another_answer = webvid_row(3, QA=[{"q": "What is shown in clip 3?", "a": "A lake."}])
    data = videochat(tmp_path, [*rows, again, another_answer])
    outcome = check("videochat", "--data-dir", data, "--list", tmp_path / "lists", "--json")
    assert outcome.code == 1
    (finding,) = outcome.findings("repeats", "warning")
    assert finding["count"] == 1
    file = "videochat_instruct_11k.json"
    assert finding["examples"] == [f"videochat/2_1 in {file}, row 5 repeats videochat/2_0 in {file}, row 3"]
    with open(outcome.report["lists"]["repeats"], encoding="utf-8", newline="") as handle:
        assert list(csv.reader(handle)) == [
            ["id", "file", "row"],
            ["videochat/2_1", "videochat_instruct_11k.json", "5"],
        ]


def test_a_few_repeats_are_a_note(tmp_path: Path, check: Check) -> None:
    data = videochat(tmp_path, [webvid_row(number % 30) for number in range(32)])
    (finding,) = check("videochat", "--data-dir", data, "--alone", "--json").findings("repeats")
    assert (finding["severity"], finding["count"]) == ("note", 2)


def test_another_clip_of_the_video_is_no_repeat(tmp_path: Path, check: Check) -> None:
    rows = [star_row(1), star_row(2, video_id="VID01", question=star_row(1)["question"], start=5.0, end=8.0)]
    data = write_json(tmp_path / "STAR_train.json", rows)
    assert check("star", "--split", "train", "--data-dir", data, "--json").findings("repeats") == []


def test_training_rows_that_evaluation_repeats_are_a_warning(tmp_path: Path, check: Check) -> None:
    write_json(tmp_path / "STAR_train.json", [star_row(1), star_row(2)])
    data = write_json(tmp_path / "STAR_val.json", [star_row(2, question_id="Interaction_T1_9")])
    outcome = check("star", "--data-dir", data, "--json")
    (finding,) = outcome.findings("repeats", "warning")
    assert "validation has 1 row that train has too" in finding["what"]
    (shared,) = outcome.findings("overlap", "warning")
    assert "train has 1 row about 1 evaluation video of validation" in shared["what"]


def test_repeats_of_the_published_file_are_upstreams_own(shared: Path, check: Check) -> None:
    words = ["next_qa-multiple_choice", "--split", "validation", "--data-dir", shared / "next_qa"]
    outcome = check(*words, "--alone", "--json")
    (finding,) = outcome.findings("repeats")
    assert (finding["severity"], finding["count"]) == ("note", 2)
    assert "the published file is like that" in finding["what"]


def test_python_gives_the_same_report(tmp_path: Path, check: Check) -> None:
    data = videochat(tmp_path, [webvid_row(1), webvid_row(1)])
    report = check_source("videochat", data_dir=data, others={})
    assert not report.clean
    assert report.findings[0].check == "repeats"
    told = check("videochat", "--data-dir", data, "--alone", "--json").report
    assert {name: told[name] for name in ("source", "clean", "counts")} == {
        name: report.to_dict()[name] for name in ("source", "clean", "counts")
    }
    assert [finding["what"] for finding in told["findings"]] == [finding.what for finding in report.findings]


@pytest.mark.parametrize("source", video_sft.sources())
def test_samples_are_clean(source: str, tmp_path: Path, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path)
    outcome = check(source, "--sample", "--json")
    assert outcome.code == 0
    report = outcome.report
    assert sum(part["rows"] for part in report["parts"]) > 0
    assert report["media"]
    assert all(pool["found"] == pool["wanted"] for pool in report["media"])
