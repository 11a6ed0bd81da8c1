"""What `video-sft check` says of the files: there or not, the published ones or not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.checking.conftest import Check
from tests.checking.invented import star_row, webvid_row, write_json


def status(outcome_report: dict[str, object], name: str) -> str:
    return next(file["status"] for file in outcome_report["files"] if file["name"] == name)  # type: ignore[index,attr-defined,no-any-return]


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (["activitynet_qa", "--split", "test"], {"test": 8000}),
        (["next_qa-multiple_choice", "--split", "validation"], {"validation": 4996}),
        (["next_gqa", "--split", "validation"], {"validation": 3358}),
    ],
)
def test_published_files_are_clean(shared: Path, check: Check, words: list[str], rows: dict[str, int]) -> None:
    outcome = check(*words, "--data-dir", shared / words[0].partition("-")[0], "--alone", "--json")
    report = outcome.report
    assert outcome.code == 0
    assert report["clean"] is True
    assert {part["split"]: part["rows"] for part in report["parts"]} == rows
    assert all(part["rows"] == part["published_rows"] and part["bad_rows"] == 0 for part in report["parts"])
    there = [file for file in report["files"] if file["location"]]
    assert there
    for file in there:
        assert file["status"] == "as_published"
        assert file["sha256"] == file["published_sha256"]
    assert not outcome.findings("files", "warning") + outcome.findings("files", "error")


def test_a_changed_byte_is_told_with_the_place_to_get_the_file(shared: Path, tmp_path: Path, check: Check) -> None:
    data = shutil.copytree(shared / "next_gqa", tmp_path / "data")
    table = (data / "val.csv").read_bytes()
    (data / "val.csv").write_bytes(table.replace(b"why", b"who", 1))
    outcome = check("next_gqa", "--split", "validation", "--data-dir", data, "--json")
    assert outcome.code == 1
    assert status(outcome.report, "val.csv") == "differs"
    assert status(outcome.report, "gsub_val.json") == "as_published"
    (finding,) = outcome.findings("files", "error")
    assert "val.csv is not the published file" in finding["what"]
    assert "https://raw.githubusercontent.com/doc-doc/NExT-GQA/" in finding["remedy"]
    assert finding["examples"] == [str(data / "val.csv")]


def test_a_cut_file_has_fewer_rows_than_published(shared: Path, tmp_path: Path, check: Check) -> None:
    data = tmp_path / "data"
    (data / "oe").mkdir(parents=True)
    lines = (shared / "next_qa" / "oe" / "val.csv").read_bytes().splitlines(keepends=True)
    (data / "oe" / "val.csv").write_bytes(b"".join(lines[:5001]))
    outcome = check("next_qa-open_ended", "--split", "validation", "--data-dir", data, "--json")
    assert outcome.code == 1
    (finding,) = outcome.findings("rows", "warning")
    assert "5,000 rows" in finding["what"]
    assert "343 fewer than the 5,343" in finding["what"]
    assert status(outcome.report, "oe/val.csv") == "differs"


def test_only_the_size_is_known(tmp_path: Path, check: Check) -> None:
    write_json(tmp_path / "val_q.json", [])
    write_json(tmp_path / "val_a.json", [])
    outcome = check("activitynet_qa", "--split", "validation", "--data-dir", tmp_path, "--json")
    assert status(outcome.report, "val_q.json") == "differs"
    assert "2,250,891" in outcome.findings("files", "error")[0]["what"]


def test_a_missing_split_is_a_warning_that_says_how_to_get_it(shared: Path, check: Check) -> None:
    outcome = check("next_gqa", "--data-dir", shared / "next_gqa", "--alone")
    assert outcome.code == 1
    assert "1 file of the train split missing, with 34,132 rows: train.csv" in outcome.out
    assert "2 files of the test split missing, with 5,553 rows: gsub_test.json, test.csv" in outcome.out
    assert "Get test.csv, gsub_test.json from https://raw.githubusercontent.com/doc-doc/NExT-GQA/" in outcome.out
    assert "check the others with --split" in outcome.out
    assert "Not clean: 2 warnings" in outcome.out


def test_half_a_part_is_of_no_use(shared: Path, tmp_path: Path, check: Check) -> None:
    data = shutil.copytree(shared / "next_gqa", tmp_path / "data")
    shutil.copy(data / "val.csv", data / "test.csv")
    outcome = check("next_gqa", "--split", "validation", "--split", "test", "--data-dir", data, "--json")
    assert outcome.code == 1
    (finding,) = outcome.findings("files", "warning")
    assert "1 file of the test split missing, with 5,553 rows: gsub_test.json" in finding["what"]
    assert "Of no use without: test.csv" in finding["what"]


def test_optional_files_and_unknown_hashes_are_notes(tmp_path: Path, check: Check) -> None:
    data = write_json(tmp_path / "STAR_train.json", [star_row(number) for number in range(3)])
    outcome = check("star", "--split", "train", "--data-dir", data, "--json")
    notes = [finding["what"] for finding in outcome.findings("files", "note")]
    assert any("4 optional files missing" in what and "STAR_classes/video_fps" in what for what in notes)
    assert any("No hash is known" in what and "STAR_train.json" in what for what in notes)
    assert not outcome.findings("files", "warning") + outcome.findings("files", "error")
    assert status(outcome.report, "STAR_train.json") == "unverified"


def test_no_file_at_all_is_an_error_that_says_what_is_there_instead(tmp_path: Path, check: Check) -> None:
    write_json(tmp_path / "videochat_instruct.json", [webvid_row(1)])
    outcome = check("videochat", "--data-dir", tmp_path)
    assert outcome.code == 2
    assert outcome.out == ""
    assert "videochat_instruct_11k.json" in outcome.err
    assert "drive.google.com" in outcome.err
    assert "If videochat_instruct.json is videochat_instruct_11k.json, give it that name" in outcome.err


def test_the_folder_above_is_recognised(tmp_path: Path, check: Check) -> None:
    write_json(tmp_path / "star" / "STAR_val.json", [star_row(1)])
    outcome = check("star", "--data-dir", tmp_path)
    assert outcome.code == 1
    assert {
        part["split"]: part["rows"] for part in check("star", "--data-dir", tmp_path, "--json").report["parts"]
    } == {"validation": 1}
    write_json(tmp_path / "deeper" / "in" / "STAR_val.json", [star_row(1)])
    write_json(tmp_path / "star" / "other" / "x.json", [])
    (tmp_path / "star" / "STAR_val.json").unlink()
    outcome = check("star", "--data-dir", tmp_path)
    assert outcome.code == 2
    assert f"perhaps you meant --data-dir {tmp_path / 'deeper' / 'in'}" in outcome.err


def test_quoted_rows_are_far_from_the_published_file(shared: Path, check: Check) -> None:
    outcome = check("star", "--data-dir", shared / "star" / "native_rows_quoted", "--json")
    assert outcome.code == 1
    assert {part["split"]: part["rows"] for part in outcome.report["parts"]} == {"train": 1, "validation": 1}
    assert [finding["count"] for finding in outcome.findings("rows", "warning")] == [45730, 7097]
    assert "STAR_test.json" in outcome.findings("files", "warning")[0]["what"]
    assert outcome.report["counts"]["error"] == 0


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("videochat", "There instead: figure_transcripts.json"),
        ("videochat2", "hf auth login"),
        ("videoinstruct100k", "If VideoInstruct100K.rows.json is VideoInstruct100K.json, give it that name"),
    ],
)
def test_folders_of_odd_bits_say_what_to_do(shared: Path, check: Check, source: str, told: str) -> None:
    outcome = check(source, "--data-dir", shared / source)
    assert outcome.code == 2
    assert told in outcome.err


def test_files_that_are_not_read_are_named(tmp_path: Path, check: Check) -> None:
    data = write_json(tmp_path / "videochat_instruct_11k.json", [webvid_row(1)])
    write_json(tmp_path / "extra" / "mine.json", [])
    outcome = check("videochat", "--data-dir", data, "--json")
    assert any("extra/mine.json" in finding["what"] for finding in outcome.findings("files", "note"))


def test_a_zip_is_checked_like_a_folder(tmp_path: Path, check: Check) -> None:
    write_json(tmp_path / "data" / "videochat_instruct_11k.json", [webvid_row(1), webvid_row(2)])
    archive = shutil.make_archive(str(tmp_path / "videochat"), "zip", tmp_path / "data")
    outcome = check("videochat", "--data-dir", archive, "--json")
    assert outcome.code == 0
    assert outcome.report["parts"][0]["rows"] == 2
    assert outcome.report["files"][0]["size"] == (tmp_path / "data" / "videochat_instruct_11k.json").stat().st_size


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "name the source"),
        (["next-qa", "--data-dir", "."], "no config is called 'next-qa'"),
        (["next_qa"], "--data-dir"),
        (["next_qa-source", "--data-dir", "."], "check that"),
        (["next_qa", "--data-dir", "no-such-folder"], "no-such-folder"),
        (["next_qa", "--sample", "--split", "dev"], "it has train, validation, test"),
        (["next_qa", "--sample", "--data-dir", "."], "either"),
        (["next_qa", "--data-dir", ".", "--with", "no-such-folder"], "SOURCE=PLACE"),
        (["next_qa", "--data-dir", ".", "--media", "charrades=."], "no pool is called charrades"),
        (["next_qa", "--data-dir", ".", "--media", "vidor=no-such-folder"], "no-such-folder"),
        (["videochat2", "--data-dir", ".", "--media", "."], "by pool"),
    ],
)
def test_a_check_that_cannot_be_made_ends_with_2(check: Check, words: list[str], told: str) -> None:
    outcome = check(*words)
    assert outcome.code == 2
    assert told in outcome.err
    assert outcome.out == ""


def test_json_has_the_documented_keys_and_nothing_else_is_printed(tmp_path: Path, check: Check) -> None:
    data = write_json(tmp_path / "videochat_instruct_11k.json", [webvid_row(1)])
    outcome = check("videochat", "--data-dir", data, "--json")
    report = json.loads(outcome.out)
    assert list(report) == [
        "source",
        "clean",
        "counts",
        "data_dir",
        "files",
        "parts",
        "media",
        "clips",
        "compared_with",
        "overlaps",
        "findings",
        "lists",
    ]
    assert set(report["findings"][0]) == {"severity", "check", "what", "remedy", "count", "examples"}
    assert set(report["counts"]) == {"error", "warning", "note"}


def test_a_folder_of_sources_gets_a_report_for_each(tmp_path: Path, check: Check) -> None:
    write_json(tmp_path / "videochat" / "videochat_instruct_11k.json", [webvid_row(1)])
    write_json(tmp_path / "star" / "STAR_val.json", [star_row(1)])
    write_json(tmp_path / "vcg_plus" / "mine.json", [])
    outcome = check("--data-dir", tmp_path, "--json")
    assert outcome.code == 1
    reports = {report["source"]: report for report in json.loads(outcome.out)}
    assert {name: report["clean"] for name, report in reports.items()} == {
        "videochat": True,
        "star": False,
        "vcg_plus": False,
    }
    assert reports["videochat"]["compared_with"] == {"star": str(tmp_path / "star")}
    assert "vcg-plus_112K.json" in reports["vcg_plus"]["not_checked"]
    read = check("--data-dir", tmp_path).out
    assert f"videochat in {tmp_path / 'videochat'}" in read
    assert "There instead: mine.json" in read
