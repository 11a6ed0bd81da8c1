"""What the pages say of files, names, commands and versions, held against what there is."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
from typing import Any

import pytest
import typer.main

import video_sft
from tests.generate import generated_readme
from tests.pages import ALL_PAGES, FOR_USERS, GITHUB, HELP, README, ROOT, Page
from video_sft._cli.app import app

EVERY_PAGE = pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.name)
USERS_TEXT = "\n".join(page.text for page in FOR_USERS)
COMMANDS = typer.main.get_command(app)


def options_of(command: Any) -> set[str]:
    names = (name for one in command.params for name in (*one.opts, *one.secondary_opts))
    return {name for name in names if name.startswith("--")} | {"--help", "--debug"}


def subcommands(command: Any) -> dict[str, Any]:
    return getattr(command, "commands", {})


def every_option(command: Any) -> set[str]:
    return options_of(command).union(*map(every_option, subcommands(command).values()))


def resolve(dotted: str) -> Any:
    """Return what a dotted name stands for, importing modules on the way."""
    found: Any = video_sft
    parts = dotted.split(".")
    for at, part in enumerate(parts[1:], 2):
        if not hasattr(found, part):
            importlib.import_module(".".join(parts[:at]))
        found = getattr(found, part)
    return found


@EVERY_PAGE
def test_links_lead_somewhere(page: Page) -> None:
    for target in re.findall(r"\]\((?![a-z]+://)([^)#\s]+)[^)]*\)", page.text):
        assert (page.path.parent / target).exists(), target


@EVERY_PAGE
def test_files_that_are_named_exist(page: Page) -> None:
    for span in page.spans:
        if re.fullmatch(r"(loaders|tests|dataset_cards|\.ci|\.github)(/[\w.-]+)*/?", span):
            assert (ROOT / span).exists(), span


@EVERY_PAGE
def test_names_exist(page: Page) -> None:
    for name in set(re.findall(r"(?<![\w./])video_sft(?:\.[A-Za-z_]\w*)+", page.text)):
        resolve(name)
    for block in page.blocks:
        if block.language == "python":
            for node in ast.walk(ast.parse(block.code)):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("video_sft"):
                    for alias in node.names:
                        resolve(f"{node.module}.{alias.name}")


@EVERY_PAGE
def test_commands_and_options_exist(page: Page) -> None:
    for line in page.commands:
        words = shlex.split(line)[1:]
        command = COMMANDS
        while words and words[0] in subcommands(command):
            command = subcommands(command)[words.pop(0)]
        assert command is not COMMANDS or words[0] in ("COMMAND", "--help"), f"no such command: {line}"
        given = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert given <= options_of(command), line
    for span in page.spans:
        if page in FOR_USERS and (option := re.match(r"--[a-z-]+", span)):
            assert option[0] in every_option(COMMANDS), span


@EVERY_PAGE
def test_make_targets_exist(page: Page) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    lines = [line for block in page.blocks if block.language == "sh" for line in block.command_lines()]
    for line in [*lines, *page.spans]:
        if target := re.match(r"make ([a-z-]+)", line):
            assert re.search(rf"^{target[1]}:", makefile, re.MULTILINE), line


def test_environment_variables_exist() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "loaders").rglob("*.py"))
    for name in set(re.findall(r"\bVIDEO_SFT_[A-Z_]+\b", USERS_TEXT)):
        assert f'"{name}"' in code, name


def test_every_public_name_and_command_is_mentioned() -> None:
    for name in subcommands(COMMANDS):
        assert f"video-sft {name}" in USERS_TEXT, name
    for name in set(video_sft.__all__) - {"__version__"}:
        assert re.search(rf"\b{name}\b", USERS_TEXT), name


def test_the_first_page_is_short_and_its_table_current() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 250
    assert generated_readme(text) == text


def test_the_index_names_every_topic() -> None:
    topics = {path.stem for path in HELP.glob("*.md")} - {"README"}
    index = (HELP / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| \[([\w-]+)\]", index, re.MULTILINE)) == topics
    linked = set(re.findall(r"\(loaders/video_sft/help/([\w-]+)\.md\)", README.read_text(encoding="utf-8")))
    assert linked == topics | {"README"}


def test_the_changelog_begins_with_this_version() -> None:
    text = (GITHUB / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[([^\]]+)\]", text, re.MULTILINE)
    assert next(name for name in versions if name != "Unreleased") == video_sft.__version__
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
