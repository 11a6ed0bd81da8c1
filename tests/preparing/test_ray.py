"""The same on a Ray cluster: the same bytes, and nothing lost where a machine of it dies."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.preparing.conftest import row

import video_sft
from video_sft.errors import ConfigError
from video_sft.preparing import read_manifest

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def cluster(injected: Path) -> Iterator[Any]:
    """A cluster of a head that does no work and two machines that do."""
    from ray.cluster_utils import Cluster

    notice = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_failure_threshold": 2}
    head = {"num_cpus": 0, "include_dashboard": False, "_system_config": notice}
    made = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(2):
        made.add_node(num_cpus=1, wait=False)
    made.wait_for_nodes()
    yield made
    made.shutdown()


def rows_of(original: Path, folder: Path, *names: str) -> list[dict[str, Any]]:
    for name in names:
        shutil.copy(original, folder / f"{name}.mp4")
    return [row(folder / f"{name}.mp4", 0.5, 1.5) for name in names]


def stored(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in (root / "media").rglob("*.mp4")}


def test_bytes_are_those_of_this_machine_and_what_dies_is_tried_elsewhere(
    originals: Path, tmp_path: Path, cluster: Any, injected: Path
) -> None:
    rows = rows_of(originals / "large.mp4", tmp_path, *"abcdef", "crash")
    options: dict[str, Any] = {"progress": False, "size": 112}
    here = video_sft.prepare(rows, out=tmp_path / "here", num_workers=1, **options)
    there = video_sft.prepare(rows, out=tmp_path / "there", engine="ray", address=cluster.address, **options)
    assert stored(tmp_path / "here") == stored(tmp_path / "there")
    assert (here.prepared, there.prepared) == (6, 6)
    assert [video for video, _ in there.failed] == [video for video, _ in here.failed]
    assert "died" in there.failed[0][1]
    assert not ray.is_initialized()
    os.mkfifo(injected / "pipe")

    def kill_a_machine() -> None:
        at_work = int((injected / "pipe").read_text())  # waits until a worker has opened the file
        (node,) = (each for each in cluster.worker_nodes if each.all_processes["raylet"][0].process.pid == at_work)
        cluster.remove_node(node, allow_graceful=False)

    killer = threading.Thread(target=kill_a_machine)
    killer.start()
    more = [*rows, *rows_of(originals / "large.mp4", tmp_path, "node", *"ghij")]
    last = video_sft.prepare(more, out=tmp_path / "there", engine="ray", address=cluster.address, **options)
    killer.join()
    assert len(cluster.worker_nodes) == 1
    assert (last.prepared, last.done_before, last.failed) == (5, 6, ())
    assert read_manifest(tmp_path / "there").column("error").null_count == 11


def test_no_cluster_is_found_by_itself(originals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    rows = [row(originals / "small.mp4")]
    with pytest.raises(ConfigError, match="wants the cluster's address"):
        video_sft.prepare(rows, out=tmp_path / "out", engine="ray", progress=False)
    assert not ray.is_initialized()
