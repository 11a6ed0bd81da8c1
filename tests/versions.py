"""Try the supported versions, oldest and newest, on every Python that is here: ``python -m tests.versions [WORD ...]``.

What is supported is read from setup.cfg: its classifiers name the Pythons, its requirements the bounds. Each try has a
virtual environment of its own, with the package as a wheel and nothing else but pytest, and runs `TESTS` in it. Words
choose among the tries by their titles. Environments and logs stay in `.versions` to be looked at.
"""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".versions"
UV = Path(sys.executable).with_name("uv")
TESTS = ("tests/test_versions.py", "tests/video/test_audio.py", "tests/video/test_clip.py")
#: Releases of their own behaviour between the oldest and the newest. The first is as high as ms-swift allows.
BETWEEN = ("datasets==4.8.*,<4.8.5", "datasets==5.0.*", "datasets==5.1.*")
SHOWN = ("av", "datasets", "huggingface-hub", "numpy", "pyarrow", "fsspec", "pandas", "typer")


@dataclass(frozen=True)
class Try:
    """One combination of versions.

    Attributes:
        python: such as 3.12.
        program: its interpreter.
        what: `lowest`, `newest`, or the requirement that is added to the newest.
    """

    python: str
    program: str
    what: str

    @property
    def title(self) -> str:
        return f"Python {self.python}, {self.what}"

    @property
    def folder(self) -> Path:
        return FOLDER / re.sub(r"[^\w.]+", "-", f"{self.python}-{self.what}").strip("-.")


@dataclass(frozen=True)
class Outcome:
    """How a try went."""

    passed: bool
    summary: str
    log: str


def supported() -> tuple[list[str], list[str]]:
    """Return the Pythons and the requirements that setup.cfg names."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    pythons = re.findall(r"Python :: (3\.\d+)$", config["metadata"]["classifiers"], re.MULTILINE)
    return pythons, config["options"]["install_requires"].split("\n")[1:]


def find_python(version: str) -> str | None:
    """Return a working interpreter: the one on the path, or the newest that pyenv has."""
    root = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser() / "versions"
    of_pyenv = sorted(root.glob(f"{version}.*/bin/python"), key=lambda path: [*map(int, re.findall(r"\d+", str(path)))])
    for program in [shutil.which(f"python{version}"), *map(str, reversed(of_pyenv))]:
        told = program and subprocess.run(
            [program, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if program and told and told.stdout.strip() == version:
            return program
    return None


def tries(pythons: Mapping[str, str]) -> Iterator[Try]:
    """Yield the lowest bounds on the oldest Python, the newest on each, and what is between on one or another."""
    versions = list(pythons)
    yield Try(versions[0], pythons[versions[0]], "lowest")
    for place, requirement in enumerate(BETWEEN, 1):
        version = versions[place % len(versions)]
        yield Try(version, pythons[version], requirement)
    for version in versions:
        yield Try(version, pythons[version], "newest")


def environment() -> dict[str, str]:
    """Return the variables for uv and the tests: pip's index and certificate, and nothing of this Python's own."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    configured = {found[1]: found[2] for found in re.finditer(r"^\S*?\.([\w-]+)='(.*)'$", listed.stdout, re.MULTILINE)}
    for name, of_pip in {"UV_DEFAULT_INDEX": "index-url", "SSL_CERT_FILE": "cert"}.items():
        if of_pip in configured:
            kept.setdefault(name, configured[of_pip])
    return kept | {"UV_PYTHON_DOWNLOADS": "never"}


def run(words: list[str], variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def attempt(one: Try, wheel: Path, requirements: list[str], variables: Mapping[str, str]) -> Outcome:
    """Make the environment and run the tests in it."""
    begun = time.monotonic()
    python = str(one.folder / "bin" / "python")
    wanted = [str(wheel), "pytest>=8.2", *requirements]
    how = ["--resolution", "lowest-direct"] if one.what == "lowest" else []
    wanted += [] if one.what in ("lowest", "newest") else [one.what]
    log = ""
    for words in (
        [str(UV), "venv", "--quiet", "--clear", "--python", one.program, str(one.folder)],
        [str(UV), "pip", "install", "--quiet", "--python", python, *how, *wanted],
        [str(UV), "pip", "freeze", "--quiet", "--python", python],
        [python, "-m", "pytest", "-q", *TESTS],
    ):
        done = run(words, {**variables, "HF_HOME": str(one.folder / "hf")})
        log += done.stdout
        if done.returncode:
            break
    (one.folder.parent / f"{one.folder.name}.log").write_text(log, encoding="utf-8")
    installed = dict(re.findall(r"^([\w.-]+)==(\S+)$", log, re.MULTILINE))
    told = re.findall(r"\d+ passed.*", log) if not done.returncode else ["FAILED"]
    versions = ", ".join(f"{name} {installed[name]}" for name in SHOWN if name in installed)
    return Outcome(not done.returncode, f"{told[-1]}; {time.monotonic() - begun:.0f} s in all; {versions}", log)


def beyond_bounds(one: Try, requirements: list[str], variables: Mapping[str, str]) -> str:
    """Return the releases that the upper bounds leave out."""
    names = [re.split(r"[^\w-]", line)[0] for line in requirements if "<" in line]
    words = ["pip", "install", "--dry-run", "--no-deps", "--upgrade", "--python", str(one.folder / "bin" / "python")]
    said = run([str(UV), *words, *names], variables).stdout
    return ", ".join(" ".join(found) for found in re.findall(r"^ \+ ([\w-]+)==(\S+)$", said, re.MULTILINE))


def main() -> int:
    """Print a line for each try; return 1 where one failed."""
    wanted, requirements = supported()
    variables = environment()
    found = {version: program for version in wanted if (program := find_python(version))}
    for version in wanted:
        if version not in found:
            print(f"Python {version}: not on this machine, so not tried")
    chosen = [one for one in tries(found) if all(word in one.title for word in sys.argv[1:])] if found else []
    if not chosen:
        print("nothing to try")
        return 1
    FOLDER.mkdir(exist_ok=True)
    built = run([str(UV), "build", "--quiet", "--wheel", "--out-dir", str(FOLDER / "wheel"), "--clear", "."], variables)
    if built.returncode:
        print(built.stdout)
        return 1
    (wheel,) = (FOLDER / "wheel").glob("*.whl")
    failed = 0
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for one, outcome in zip(
            chosen, pool.map(lambda one: attempt(one, wheel, requirements, variables), chosen), strict=True
        ):
            failed += not outcome.passed
            print(f"{one.title}: {outcome.summary}", flush=True)
            if not outcome.passed:
                print(outcome.log[-8000:], flush=True)
    newest = [one for one in chosen if one.what == "newest"]
    left_out = beyond_bounds(newest[-1], requirements, variables) if newest else ""
    if left_out:
        print(f"newer than setup.cfg allows, so not tried: {left_out}")
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
