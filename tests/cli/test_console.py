"""Text of annotations on a terminal and in reports: shown, never acted on."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path

import datasets
import pytest
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

import video_sft
from video_sft._cli import main
from video_sft._cli.console import Console, PlainFormatter
from video_sft._text import markdown_text, visible
from video_sft.mixing import describe, mix

#: Sets a title, clears the screen, makes a link, colours (C1), turns text around; then markup, Markdown and HTML.
HOSTILE = (
    "\x1b]0;X\x07\x1b[2J\x1b]8;;http://evil\x07link\x9b31m\u202e [bold]b[/] :smile: `c` | *d* <img src=x> $e$ [f](g)"
)
ACTIVE = ("\x1b]", "\x1b[2J", "\x07", "\x9b", "\u202e")


def test_control_characters_are_written_out() -> None:
    assert visible("a\tb\nc é 漢 \x1b[2J\x9b\u202e\r") == "a\tb\nc é 漢 \\x1b[2J\\x9b\\u202e\\r"


def test_show_prints_text_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    rows = [{"q": HOSTILE, "a": HOSTILE, "video_id": "v_abcdefghijk"}]
    (tmp_path / "VideoInstruct100K.json").write_text(json.dumps(rows))
    for config in ("videoinstruct100k", "videoinstruct100k-source"):
        with pytest.raises(SystemExit) as ended:
            main(["show", config, "--data-dir", str(tmp_path)])
        shown = capsys.readouterr().out
        assert ended.value.code in (0, None)
        assert not any(code in shown for code in ACTIVE)
        assert "[bold]b[/] :smile:" in shown


def test_errors_and_logs_are_plain(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["show", HOSTILE, "--sample"])
    shown = capsys.readouterr().err
    assert not any(code in shown for code in ACTIVE)
    line = PlainFormatter("%(message)s").format(logging.makeLogRecord({"msg": HOSTILE}))
    assert not any(code in line for code in ACTIVE)


def test_frames_and_tables_keep_what_looks_like_markup() -> None:
    out = io.StringIO()
    table = Table()
    table.add_column("[red]head[/red]")
    table.add_row("[bold]cell[/]")
    console = Console(file=out, force_terminal=True, width=60)
    console.print(Panel(table, title=Text("[link=http://evil]title[/link]")))
    assert "[bold]cell[/]" in out.getvalue()
    assert "[red]head[/red]" in out.getvalue()
    assert "[link=http://evil]title" in out.getvalue()


def test_reports_show_names_as_text(tmp_path: Path, session_cache: str) -> None:
    rows = video_sft.load("star", sample=True, split="train", cache_dir=session_cache)
    report = describe(mix({HOSTILE: rows}))
    text = report.to_markdown()
    assert not any(code in text for code in ACTIVE)
    assert r"\[bold\]b\[/\]" in text
    assert r"\<img src=x\>" in text
    assert "<img src=x>" not in report.to_html()
    report.to_png(tmp_path / "report.png")
    assert (tmp_path / "report.png").stat().st_size > 1000


def test_markdown_text_is_one_line() -> None:
    assert markdown_text("a\n| b |\n# c") == r"a \| b \| \# c"
