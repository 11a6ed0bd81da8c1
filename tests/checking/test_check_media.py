"""What `video-sft check` says of videos: there or missing, long enough for the rows' clips or not."""

from __future__ import annotations

from pathlib import Path

from tests.checking.conftest import Check
from tests.checking.invented import draw_video, star_row, webvid_row, write_json


def star(folder: Path, *rows: dict[str, object]) -> Path:
    return write_json(folder / "data" / "STAR_train.json", list(rows))


def test_missing_videos_are_listed_in_a_file(tmp_path: Path, check: Check) -> None:
    rows = [webvid_row(number) for number in range(30)] + [webvid_row(5, QA=[{"q": "And?", "a": "Yes."}])]
    data = write_json(tmp_path / "data" / "videochat_instruct_11k.json", rows)
    for number in range(5):
        draw_video(tmp_path / "webvid" / f"{number}.mp4", 0.2)
    place = tmp_path / "lists" / "missing.txt"
    outcome = check(
        "videochat", "--data-dir", data, "--media", f"webvid={tmp_path / 'webvid'}", "--list", place, "--json"
    )
    assert outcome.code == 1
    (pool,) = outcome.report["media"]
    assert (pool["wanted"], pool["found"], pool["rows"], pool["rows_found"]) == (30, 5, 31, 5)
    (finding,) = outcome.findings("media", "warning")
    assert "lacks 25 of 30 files, for 26 of 31 rows" in finding["what"]
    assert finding["examples"][0] == "webvid/000001_000050/5.mp4"
    assert str(place) in finding["remedy"]
    assert place.read_text().splitlines() == [f"webvid/000001_000050/{number}.mp4" for number in range(5, 30)]
    assert outcome.report["lists"] == {"missing_media": str(place)}


def test_all_videos_found_is_clean_and_writes_no_list(tmp_path: Path, check: Check) -> None:
    data = write_json(tmp_path / "data" / "videochat_instruct_11k.json", [webvid_row(1)])
    draw_video(tmp_path / "webvid" / "000001_000050" / "1.mp4", 0.2)
    outcome = check("videochat", "--data-dir", data, "--media", tmp_path / "webvid", "--list", tmp_path / "lists")
    assert outcome.code == 0
    assert "Clean" in outcome.out
    assert not (tmp_path / "lists").exists()


def test_without_media_the_report_says_that_nobody_looked(tmp_path: Path, check: Check) -> None:
    data = write_json(tmp_path / "data" / "videochat_instruct_11k.json", [webvid_row(1)])
    outcome = check("videochat", "--data-dir", data)
    assert outcome.code == 0
    assert "Media were not looked for" in outcome.out
    assert "--media webvid=FOLDER" in outcome.out


def test_clips_beyond_their_video_are_found(tmp_path: Path, check: Check) -> None:
    data = star(
        tmp_path,
        star_row(1, end=4.5),
        star_row(2, end=5.8),
        star_row(3, end=9.0),
        star_row(4, start=7.5, end=9.0),
    )
    for number in range(1, 5):
        draw_video(tmp_path / "videos" / f"VID{number:02d}.mp4", 5.0)
    words = ["star", "--split", "train", "--data-dir", data, "--media", f"charades={tmp_path / 'videos'}", "--json"]
    outcome = check(*words)
    assert outcome.code == 1
    assert outcome.report["clips"] == {
        "videos": 4,
        "unreadable": 0,
        "limits": 4,
        "beyond": 2,
        "tolerance_seconds": 1.0,
    }
    (empty,) = outcome.findings("clips", "error")
    assert empty["examples"] == ["star/Interaction_T1_4 in STAR_train.json, row 4 begins at 7.5 s of 5.0 s"]
    (long,) = outcome.findings("clips", "warning")
    assert "more than 1 s after" in long["what"]
    assert long["examples"] == ["star/Interaction_T1_3 in STAR_train.json, row 3: its clip ends at 9 s of 5.0 s"]
    assert check(*words, "--tolerance", "0.2").code == 1
    assert check(*words, "--tolerance", "0.2", "--json").findings("clips", "warning")[0]["count"] == 2


def test_moments_beyond_their_video_are_found(shared: Path, tmp_path: Path, check: Check) -> None:
    draw_video(tmp_path / "4010069381.mp4", 2.0)
    words = ["next_gqa", "--split", "validation", "--data-dir", shared / "next_gqa", "--media", tmp_path, "--alone"]
    outcome = check(*words, "--json")
    (finding,) = outcome.findings("clips", "warning")
    assert outcome.report["clips"]["videos"] == 1
    assert "next_gqa/4010069381_" in finding["examples"][0]
    assert "its moment ends at" in finding["examples"][0]


def test_a_video_that_cannot_be_opened_is_an_error(tmp_path: Path, check: Check) -> None:
    data = star(tmp_path, star_row(1), star_row(2))
    draw_video(tmp_path / "videos" / "VID01.mp4", 6.0)
    (tmp_path / "videos" / "VID02.mp4").write_bytes(b"not a video at all")
    outcome = check("star", "--split", "train", "--data-dir", data, "--media", tmp_path / "videos", "--json")
    (finding,) = outcome.findings("clips", "error")
    assert "1 of 2 videos cannot be opened" in finding["what"]
    assert "VID02.mp4" in finding["examples"][0]


def test_clips_the_user_has_cut_count_as_found_and_are_not_measured(tmp_path: Path, check: Check) -> None:
    data = star(tmp_path, star_row(1, start=20.0, end=30.0), star_row(2))
    draw_video(tmp_path / "videos" / "Interaction_T1_1.mp4", 2.0)
    outcome = check("star", "--split", "train", "--data-dir", data, "--media", tmp_path / "videos", "--json")
    (pool,) = outcome.report["media"]
    assert (pool["found"], pool["rows_found"]) == (1, 1)
    assert outcome.findings("clips") == []
    assert outcome.findings("media", "warning")[0]["examples"] == ["charades/VID02.mp4"]


def test_pools_without_a_place_are_notes(tmp_path: Path, check: Check) -> None:
    row = {"QA": [{"i": "", "q": "What is it?", "a": "A dog."}]}
    write_json(tmp_path / "data" / "video/vqa/webvid_qa/train.json", [{**row, "video": "1.mp4"}])
    write_json(tmp_path / "data" / "image/vqa/vqav2/train.json", [{**row, "image": "2.jpg"}])
    draw_video(tmp_path / "webvid" / "1.mp4", 0.2)
    place = f"webvid={tmp_path / 'webvid'}"
    outcome = check("videochat2", "--data-dir", tmp_path / "data", "--media", place, "--json")
    pools = {pool["pool"]: (pool["wanted"], pool["found"]) for pool in outcome.report["media"]}
    assert pools == {"webvid": (1, 1), "vqav2": (1, None)}
    (note,) = outcome.findings("media", "note")
    assert "No place was given for the pool vqav2" in note["what"]


def test_deep_decodes_a_folder_and_lists_the_files_that_are_not_whole(tmp_path: Path, check: Check) -> None:
    draw_video(tmp_path / "videos" / "whole.mp4", 1.0)
    (tmp_path / "videos" / "text.mp4").write_bytes(b"not a video at all")
    outcome = check("--media", tmp_path / "videos", "--deep", "--list", tmp_path / "lists", "--json")
    assert outcome.code == 1
    (found,) = outcome.report.values()
    assert [video["path"] for video in found["bad"]] == ["text.mp4"]
    assert Path(found["bad_list"]).read_text().startswith("text.mp4\t")
    (tmp_path / "videos" / "text.mp4").unlink()
    assert check("--media", tmp_path / "videos", "--deep", "--list", tmp_path / "lists").code == 0
