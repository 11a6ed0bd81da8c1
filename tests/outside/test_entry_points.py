"""Packages whose entry points do not work, and packages that claim one name: each told once, the others unharmed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HEAD = "from tests.outside.made_sources import made_source\nfrom video_sft.source_kit import SourceBuilder\n"
CLASS = "class {cls}(SourceBuilder):\n    source = made_source(name={name!r})\n"
#: By distribution and module: what is in the module.
MODULES = {
    "good": HEAD + CLASS.format(cls="Good", name="good") + CLASS.format(cls="Second", name="second"),
    "by_class": HEAD + "def make():\n    class C(SourceBuilder):\n        source = made_source(name='by_class')\n"
    "    return C\nC = make()\n",
    "asks": "import video_sft\nvideo_sft.sources()\n" + HEAD + CLASS.format(cls="Asks", name="asks"),
    "broken": "import no_such_module\n",
    "leaves": "import sys\nsys.exit(3)\n",
    "half": HEAD + CLASS.format(cls="Half", name="half") + "1 / 0\n",
    "empty": "",
    "wrong": HEAD + CLASS.format(cls="Wrong", name="not an identifier"),
    "own": HEAD + CLASS.format(cls="Own", name="star"),
    "twin_a": HEAD + CLASS.format(cls="TwinA", name="twin"),
    "twin_b": HEAD + CLASS.format(cls="TwinB", name="twin"),
}
ASK = """
import json, logging, sys
logging.basicConfig(stream=sys.stdout, format="LOGGED %(message)s")
import video_sft
from video_sft.builders import builder_class
told = {"star": builder_class("star").__module__, "early": sorted(set(sys.modules) & {"good", "broken"})}
told["sources"] = [video_sft.sources(), video_sft.sources()][1]
try:
    video_sft.load("twin", data_dir=".")
except video_sft.ConfigError as error:
    told["twin"] = str(error)
print("TOLD" + json.dumps(told))
"""


def test_what_does_not_work_is_left_out_with_one_warning(tmp_path: Path) -> None:
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
        info = tmp_path / f"{name}_package-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-package\nVersion: 1.0\n")
        value = f"{name}:C" if name == "by_class" else name
        (info / "entry_points.txt").write_text(f"[video_sft.sources]\n{name} = {value}\n")
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2]), *(place for place in sys.path if place)])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", ASK],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    logged, _, rest = done.stdout.rpartition("TOLD")
    told = json.loads(rest)
    warnings = {line.split("of the package ")[1].split("-package")[0]: line for line in logged.splitlines()}
    assert told["star"] == "video_sft.builders.star"
    assert told["early"] == []  # nothing of other packages is imported for a source of this one
    assert set(told["sources"]) >= {"star", "good", "second", "by_class", "asks"}
    assert not set(told["sources"]) & {"half", "twin"}
    assert len(logged.splitlines()) == len(warnings)
    assert sorted(warnings) == ["broken", "empty", "half", "leaves", "own", "twin_b", "wrong"]
    assert "entry point broken in video_sft.sources) is left out: ModuleNotFoundError" in warnings["broken"]
    assert "Mend, update or uninstall it; all other sources work" in warnings["broken"]
    assert "SystemExit: 3" in warnings["leaves"]
    assert "empty is a module without a subclass of video_sft.source_kit.SourceBuilder" in warnings["empty"]
    assert "its name is to be an identifier" in warnings["wrong"]
    assert "two sources are called 'star': video_sft.builders.star, of this package; and own.Own" in warnings["own"]
    for names in (told["twin"], warnings["twin_b"]):
        assert "two sources are called 'twin': twin_a.TwinA" in names
        assert "and twin_b.TwinB" in names
    assert "Neither is twin until one of them is renamed" in warnings["twin_b"]
