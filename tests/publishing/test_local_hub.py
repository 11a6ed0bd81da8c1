"""The local Hub answers the real clients as the real one does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, HfFileSystem, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from tests.local_hub import Limits, LocalHub, Quota

REPO = "org/data"


def add(path: str, content: bytes) -> CommitOperationAdd:
    return CommitOperationAdd(path, content)


def commit(hub: LocalHub, *operations: CommitOperationAdd | CommitOperationDelete, **options: str) -> str:
    api = HfApi()
    api.create_repo(REPO, repo_type="dataset", exist_ok=True)
    info = api.create_commit(REPO, operations, commit_message="a commit", repo_type="dataset", **options)
    return str(info.oid)


def test_small_and_large_files_come_back_as_they_went(hub: LocalHub) -> None:
    head = commit(hub, add("README.md", b"---\nlicense: mit\n---\n# hello"), add("videos/a.mp4", b"\0video" * 1000))
    assert Path(hf_hub_download(REPO, "README.md", repo_type="dataset")).read_bytes().endswith(b"# hello")
    assert Path(hf_hub_download(REPO, "videos/a.mp4", repo_type="dataset")).read_bytes() == b"\0video" * 1000
    info = HfApi().dataset_info(REPO, files_metadata=True)
    assert info.sha == head
    sizes = {one.rfilename: (one.size, one.lfs is not None) for one in info.siblings or []}
    assert sizes["videos/a.mp4"] == (6000, True)
    assert sizes["README.md"] == (28, False)


def test_content_that_is_there_is_not_sent_again(hub: LocalHub) -> None:
    commit(hub, add("a.mp4", b"\0" * 5000))
    hub.forget_served()
    commit(hub, add("again/a.mp4", b"\0" * 5000))
    assert hub.requests("PUT") == []
    assert hub.tree(REPO)["again/a.mp4"] == hub.tree(REPO)["a.mp4"]


def test_a_pinned_revision_keeps_what_main_has_lost(hub: LocalHub) -> None:
    first = commit(hub, add("a.txt", b"one"))
    commit(hub, add("a.txt", b"two"), add("b.txt", b"new"))
    commit(hub, CommitOperationDelete("b.txt"))
    files = HfFileSystem()
    assert files.cat_file(f"datasets/{REPO}@{first}/a.txt") == b"one"
    assert files.cat_file(f"datasets/{REPO}/a.txt") == b"two"
    with pytest.raises(FileNotFoundError):
        files.cat_file(f"datasets/{REPO}/b.txt")


def test_ranges_send_only_what_was_asked_for(hub: LocalHub) -> None:
    content = bytes(range(256)) * 4000
    commit(hub, add("a.mp4", content))
    hub.forget_served()
    with HfFileSystem().open(f"datasets/{REPO}/a.mp4", "rb", block_size=4096, cache_type="none") as file:
        file.seek(500_000)
        assert file.read(100) == content[500_000:500_100]
    assert hub.bytes_sent("a.mp4") == 100


def test_a_long_listing_comes_in_pages(hub: LocalHub) -> None:
    hub.add_repo(REPO, {f"many/{number:05}.txt": b"x" for number in range(2500)})
    listed = list(HfApi().list_repo_tree(REPO, "many", repo_type="dataset"))
    assert len(listed) == 2500
    assert len(hub.requests("GET", "*/tree/*")) == 3


def test_what_is_not_there_is_the_right_error(hub: LocalHub) -> None:
    commit(hub, add("a.txt", b"one"))
    with pytest.raises(RepositoryNotFoundError):
        HfApi().dataset_info("org/other")
    with pytest.raises(RevisionNotFoundError):
        HfApi().dataset_info(REPO, revision="nowhere")
    with pytest.raises(EntryNotFoundError):
        hf_hub_download(REPO, "b.txt", repo_type="dataset")


def test_tokens_decide_who_reads_and_writes(hub: LocalHub) -> None:
    hub.add_repo("org/gated", {"a.txt": b"secret", "v.mp4": b"\0v"}, gated=True, readers=("hf_reader",))
    hub.add_repo("org/private", {"a.txt": b"secret"}, private=True)
    hub.add_token("hf_stranger")
    read = HfFileSystem(token="hf_reader", skip_instance_cache=True)
    assert read.cat_file("datasets/org/gated/v.mp4") == b"\0v"
    for token in ("hf_stranger", False):
        with pytest.raises(GatedRepoError):
            hf_hub_download("org/gated", "a.txt", repo_type="dataset", token=token)
        with pytest.raises(RepositoryNotFoundError):
            HfApi(token=token).dataset_info("org/private")
    with pytest.raises(HfHubHTTPError, match="rights"):
        HfApi(token="hf_reader").create_commit(
            "org/gated", [add("b.txt", b"x")], commit_message="no", repo_type="dataset"
        )


def test_planned_failures_happen_once_each(hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(hub, add("a.txt", b"one"))
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
    hub.fail("PUT", "/_storage/*", status=503)
    hub.fail("PUT", "/_storage/*", cut_after=10_000)
    commit(hub, add("b.mp4", b"\0" * 300_000))
    assert [one.status for one in hub.requests("PUT")] == [503, 0, 200]
    hub.fail("POST", "*/commit/*", status=500)
    with pytest.raises(HfHubHTTPError):
        commit(hub, add("c.txt", b"x"))
    assert "c.txt" not in hub.tree(REPO)
    hub.fail("POST", "*/commit/*", lose_answer=True)
    with pytest.raises(Exception, match="disconnected"):
        commit(hub, add("c.txt", b"x"))
    assert "c.txt" in hub.tree(REPO)


def test_a_commit_on_an_old_parent_is_rejected(hub: LocalHub) -> None:
    first = commit(hub, add("a.txt", b"one"))
    commit(hub, add("b.txt", b"two"))
    with pytest.raises(HfHubHTTPError, match="412"):
        commit(hub, add("c.txt", b"x"), parent_commit=first)


def test_a_folder_with_too_many_entries_is_rejected(tmp_path: Path) -> None:
    with LocalHub(tmp_path, max_folder_entries=2) as hub, hub.attached():
        commit(hub, add("many/a.txt", b"1"), add("many/b.txt", b"2"))
        with pytest.raises(HfHubHTTPError, match="at most 2 entries"):
            commit(hub, add("many/c.txt", b"3"))


def test_branches_and_tags(hub: LocalHub) -> None:
    first = commit(hub, add("a.txt", b"one"))
    api = HfApi()
    api.create_branch(REPO, branch="draft", repo_type="dataset")
    api.create_tag(REPO, tag="v1", repo_type="dataset")
    commit(hub, add("a.txt", b"two"), revision="draft")
    assert hub.read(REPO, "a.txt") == b"one"
    assert hub.read(REPO, "a.txt", "draft") == b"two"
    refs = api.list_repo_refs(REPO, repo_type="dataset")
    assert {one.name for one in refs.branches} == {"main", "draft"}
    assert [one.target_commit for one in refs.tags] == [first]


@pytest.mark.parametrize("streaming", [False, True])
def test_datasets_reads_parquet_from_it(hub: LocalHub, tmp_path: Path, streaming: bool) -> None:
    pq.write_table(pa.table({"a": [1, 2, 3]}), tmp_path / "rows.parquet")
    hub.add_repo(REPO, {"data/train-0.parquet": tmp_path / "rows.parquet"})
    rows = load_dataset(REPO, split="train", streaming=streaming)
    assert [row["a"] for row in rows] == [1, 2, 3]


def test_datasets_pushes_to_it(hub: LocalHub) -> None:
    datasets.Dataset.from_dict({"a": [1, 2]}).push_to_hub(REPO, "small")
    assert load_dataset(REPO, "small", split="train")["a"][:] == [1, 2]


def test_another_process_reads_it_by_its_environment(hub: LocalHub) -> None:
    hub.add_repo("org/private", {"a.txt": b"secret"}, private=True)
    code = "from huggingface_hub import HfFileSystem as H; print(H().read_text('datasets/org/private/a.txt'))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=hub.environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "secret"


def test_requests_beyond_the_quota_are_refused_as_the_hub_refuses_them(
    hub: LocalHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", slept.append)
    hub.add_repo(REPO, {"a.txt": b"one"})
    hub.limits = Limits({"api": Quota(3, 300), "commits": Quota(1, 3_600)}, lambda: sum(slept))
    for _ in range(3):
        HfApi().dataset_info(REPO)
    with pytest.raises(HfHubHTTPError) as refused:
        HfApi().dataset_info(REPO)
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["RateLimit"] == '"api";r=0;t=300'
    assert refused.value.response.headers["RateLimit-Policy"] == '"fixed window";"api";q=3;w=300'
    slept.append(301.0)
    commit(hub, add("b.txt", b"x"))
    slept.append(301.0)
    with pytest.raises(HfHubHTTPError, match="retry this action in about 55 minutes"):
        commit(hub, add("c.txt", b"x"))
