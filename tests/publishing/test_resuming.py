"""A publisher that is killed, or a Hub that fails, costs time and nothing else."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.local_hub import REAL_QUOTAS, Limits, LocalHub, Quota, pipeline_is_there, xet_uploads

from video_sft.publishing import PublishError

from .made_rows import made_run, make_rows, make_videos, video_cells

REPO = "org/made"
SCRIPT = Path(__file__).with_name("publish_made.py")
#: Uploads that a client has under way at once.
IN_FLIGHT = 5


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long clients would have waited before they tried again; nobody waits."""
    asked: list[float] = []
    monkeypatch.setattr("time.sleep", asked.append)
    return asked


def check_rows_have_their_videos(hub: LocalHub) -> None:
    """Every commit of `main` that has rows refers only to videos that are there."""
    for commit in hub.repo(REPO).commits.values():
        for path in commit.files:
            if path.endswith(".parquet"):
                for cell in video_cells(hub.read(REPO, path, commit.oid)):
                    assert cell is not None
                    pin, _, video = cell["path"].partition("@")[2].partition("/")
                    assert video in hub.tree(REPO, pin)


def sent_contents(hub: LocalHub) -> Counter[str]:
    return Counter(one.path for one in hub.requests("PUT", "/_storage/*"))


def test_killed_at_any_moment_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    folder = tmp_path / "pool"
    files = make_videos(folder, 110)
    rows = make_rows(files)
    with LocalHub(tmp_path / "whole") as hub, hub.attached():
        made_run(rows, tmp_path / "state").publish(private=False)
        whole, requests = hub.tree(REPO), len(hub.requests())
    for moment in (2 + random.Random(5).randrange(requests // 3), requests * 2 // 3, requests - 2):
        with LocalHub(tmp_path / f"killed_{moment}") as hub:
            publisher = subprocess.Popen(
                [sys.executable, str(SCRIPT), str(folder), str(tmp_path / f"state_{moment}")],
                env=hub.environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            left = moment

            def kill_later(method: str, path: str, publisher: subprocess.Popen[bytes] = publisher) -> None:
                nonlocal left
                left -= 1
                if left == 0:
                    publisher.kill()

            hub.before_request = kill_later
            assert publisher.wait() != 0, f"it was done before request {moment}"
            hub.before_request = lambda method, path: None
            with hub.attached():
                made_run(rows, tmp_path / f"state_{moment}").publish(private=False)
            assert hub.tree(REPO) == whole, f"killed at request {moment} of {requests}"
            twice = [path for path, times in sent_contents(hub).items() if times > 1]
            assert len(twice) <= IN_FLIGHT
            check_rows_have_their_videos(hub)


@pytest.mark.parametrize(
    ("method", "pattern", "fault"),
    [
        ("PUT", "/_storage/*", {"status": 503, "times": 3}),
        ("PUT", "/_storage/*", {"cut_after": 100, "times": 3}),
        ("POST", "*/info/lfs/objects/batch", {"status": 500}),
        ("POST", "*/preupload/*", {"status": 502}),
        ("POST", "*/commit/*", {"status": 503}),
        ("POST", "*/commit/*", {"status": 429, "retry_after": 7}),
        ("POST", "*/commit/*", {"status": 429, "spent_for": 9}),
        ("POST", "*/commit/*", {"lose_answer": True}),
        ("POST", "*/commit/*", {"lose_answer": True, "skip": 1}),
        ("GET", "*/tree/*", {"status": 504}),
        ("POST", "*/paths-info/*", {"status": 429}),
        ("POST", "/api/repos/create", {"status": 503}),
        ("GET", "/api/datasets/org/made/revision/main", {"lose_answer": True}),
    ],
    ids=lambda value: str(value),
)
def test_a_failure_that_passes_is_waited_out(
    hub: LocalHub, tmp_path: Path, waits: list[float], method: str, pattern: str, fault: dict[str, int]
) -> None:
    hub.fail(method, pattern, **fault)
    made_run(make_rows(make_videos(tmp_path / "pool", 6)), tmp_path).publish(private=False)
    assert waits, "the failure was met"
    assert sum(wait >= max(fault.get("retry_after", 0), fault.get("spent_for", 0)) for wait in waits) >= 1
    assert len([path for path in hub.tree(REPO) if path.startswith("videos/charades/")]) == 6
    assert len(hub.repo(REPO).commits) == 3, "a commit whose answer was lost is not made twice"
    check_rows_have_their_videos(hub)


def test_a_rejected_commit_says_what_the_hub_said_and_leaves_main_whole(hub: LocalHub, tmp_path: Path) -> None:
    rows = make_rows(make_videos(tmp_path / "pool", 3))
    hub.fail("POST", "*/commit/*", status=403, skip=1)
    with pytest.raises(
        PublishError, match=r"org/made rejected the commit 'Add rows and card': 403, planned failure.*write access"
    ):
        made_run(rows, tmp_path).publish(private=False)
    assert not any(path.endswith((".parquet", ".md")) for path in hub.tree(REPO))
    made_run(rows, tmp_path).publish(private=False)
    check_rows_have_their_videos(hub)


def test_it_gives_up_when_the_hub_stays_away(hub: LocalHub, tmp_path: Path, waits: list[float]) -> None:
    hub.fail("POST", "*/commit/*", status=503, times=100)
    with pytest.raises(PublishError, match=r"503.*goes on where it stopped"):
        made_run(make_rows(make_videos(tmp_path / "pool", 3)), tmp_path).publish(private=False)
    assert waits == sorted(waits), "each wait is longer than the last"
    assert len(waits) < 20


def test_a_stranger_may_not_publish(hub: LocalHub, tmp_path: Path) -> None:
    hub.add_token("hf_reader")
    with (
        hub.attached(token="hf_reader"),
        pytest.raises(PublishError, match=r"org/made cannot be created: 403.*write access"),
    ):
        made_run(make_rows([], rows=3), tmp_path).publish(private=False)


@pytest.fixture
def slow_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that goes forward when somebody sleeps, and only then."""
    clock = Clock()
    monkeypatch.setattr("time.sleep", clock.sleep)
    return clock


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Go forward."""
        self.now += seconds


def test_limits_of_the_hub_are_waited_out(hub: LocalHub, tmp_path: Path, slow_clock: Clock) -> None:
    hub.limits = Limits({"api": Quota(12, 300), "commits": Quota(2, 3_600)}, slow_clock)
    made_run(make_rows(make_videos(tmp_path / "pool", 410)), tmp_path).publish(private=False)
    assert {"api", "commits"} <= set(hub.limits.refused)
    assert len(hub.limits.refused) <= 8, "nobody asks again before the time the Hub told"
    assert len(hub.repo(REPO).commits) == 1 + 3 + 1
    check_rows_have_their_videos(hub)
    before = slow_clock.now
    made_run(make_rows(make_videos(tmp_path / "pool", 410)), tmp_path).publish(private=False)
    assert slow_clock.now - before < 3_600, "what makes no commit waits for none"


@pytest.mark.skipif(not pipeline_is_there(), reason="this client sends a folder in one commit")
def test_the_clients_pipeline_makes_fewer_commits(hub: LocalHub, tmp_path: Path, slow_clock: Clock) -> None:
    hub.limits = Limits(REAL_QUOTAS, slow_clock)
    run = made_run(make_rows(make_videos(tmp_path / "pool", 600)), tmp_path)
    with xet_uploads(hub.blobs):
        run.publish(private=False)
        assert max(len(commit.changed) for commit in hub.repo(REPO).commits.values()) >= 250
        commits = len(hub.repo(REPO).commits)
        run.publish(private=False)
    assert len(hub.repo(REPO).commits) == commits
    assert hub.limits.refused == []
    assert hub.requests("PUT") == []
    check_rows_have_their_videos(hub)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux counts a process's peak anew")
def test_memory_stays_flat_for_many_videos(tmp_path: Path) -> None:
    # Contents repeat, so that the time goes into what is tested and not into thousands of uploads.
    make_videos(tmp_path / "pool", 2_000, size=50_000, contents=100)
    with LocalHub(tmp_path / "hub", quotas=REAL_QUOTAS) as hub:
        done = subprocess.run(
            [sys.executable, str(SCRIPT), str(tmp_path / "pool"), str(tmp_path / "state")],
            env=hub.environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        assert len([path for path in hub.tree(REPO) if path.startswith("videos/charades/")]) == 2_000
        assert len(hub.repo(REPO).commits) == 1 + 10 + 1
        assert hub.limits.refused == []
    assert float(done.stdout) < 60, "MB beyond what loading the rows took"
