"""How the local Hub takes a commit."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote

from .asking import Answer, Question
from .store import Commit, Entry, RefusedError, Repo, is_large

if TYPE_CHECKING:
    from .hub import LocalHub


def upload_modes(question: Question, repo: Repo) -> Answer:
    """How each file of a commit shall travel, and what is there in its place."""
    question.check_write()
    files = repo.resolve(unquote(question.rest)).files
    modes = []
    for wanted in question.json()["files"]:
        path, sample = wanted["path"], base64.b64decode(wanted.get("sample") or "")
        large = is_large(path, wanted["size"], sample)
        mode = {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}
        if path in files:
            mode["oid"] = files[path].sha256 if files[path].large else files[path].oid
        modes.append(mode)
    return Answer({"files": modes})


def make_commit(question: Question, repo: Repo) -> Answer:
    """`create_commit`."""
    question.check_write()
    branch = unquote(question.rest)
    head = repo.resolve(branch)
    lines = [json.loads(line) for line in question.body().splitlines() if line]
    title, changes = "", dict[str, Entry | None]()
    for line in lines:
        key, value = line["key"], line["value"]
        if key == "header":
            title = value["summary"]
            if value.get("parentCommit") not in (None, head.oid):
                raise RefusedError(412, "A commit has happened since. Please refresh and try again.")
            continue
        changes |= _change(question.hub, head, key, value)
    _check_folders({**head.files, **changes}, question.hub.max_folder_entries)
    commit = repo.commit(branch, title, changes)
    prefix = "datasets/" if repo.kind == "dataset" else ""
    url = f"{question.hub.endpoint}/{prefix}{repo.name}/commit/{commit.oid}"
    return Answer({"success": True, "commitOid": commit.oid, "commitUrl": url, "hookOutput": ""})


def _change(hub: LocalHub, head: Commit, key: str, value: dict[str, str]) -> dict[str, Entry | None]:
    path = value["path"]
    if key == "file":
        return {path: hub.blobs.entry(path, hub.blobs.add(base64.b64decode(value["content"])), large=False)}
    if key == "lfsFile":
        if not hub.blobs.path(value["oid"]).is_file():
            raise RefusedError(400, f"LFS pointer points to a file that does not exist: {path}")
        return {path: hub.blobs.entry(path, value["oid"], large=True)}
    gone = [known for known in head.files if known == path or (key == "deletedFolder" and known.startswith(path))]
    if not gone:
        raise RefusedError(404, f"A file with this name doesn't exist: {path}", "EntryNotFound")
    return dict.fromkeys(gone)


def _check_folders(files: Mapping[str, Entry | None], limit: int) -> None:
    sizes: dict[str, int] = {}
    for path, entry in files.items():
        folder = path.rpartition("/")[0]
        sizes[folder] = sizes.get(folder, 0) + (entry is not None)
    full = [folder for folder, size in sizes.items() if size > limit]
    if full:
        raise RefusedError(400, f"Each directory must hold at most {limit} entries: {full[0]}")
