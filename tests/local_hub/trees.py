"""What the local Hub answers about the files of a commit."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlencode

from .asking import Answer, Question
from .store import Commit, RefusedError, Repo, folders

PAGE = 1000


def _folder_info(path: str) -> dict[str, object]:
    return {"type": "directory", "path": path, "size": 0, "oid": "0" * 40}


def list_tree(question: Question, repo: Repo) -> Answer:
    """`list_repo_tree`, in pages."""
    raw_revision, _, raw_folder = question.rest.partition("/")
    commit, folder = repo.resolve(unquote(raw_revision)), unquote(raw_folder).strip("/")
    prefix = f"{folder}/" if folder else ""
    inside = {path: entry for path, entry in commit.files.items() if path.startswith(prefix)}
    if folder and not inside:
        raise RefusedError(404, f"{folder} does not exist on {question.revision}", "EntryNotFound")
    entries = {path: entry.info(path) for path, entry in inside.items()}
    entries |= {path: _folder_info(path) for path in folders(inside) if path.startswith(prefix)}
    if question.query.get("recursive", ["False"])[0].lower() != "true":
        entries = {path: info for path, info in entries.items() if "/" not in path.removeprefix(prefix)}
    if question.query.get("expand", ["False"])[0].lower() == "true":
        entries = {path: {**info, **_last_commit(repo, commit, path)} for path, info in entries.items()}
    ordered = [entries[path] for path in sorted(entries)]
    start = int(question.query.get("cursor", ["0"])[0])
    headers = {}
    if start + PAGE < len(ordered):
        kept = {name: values[0] for name, values in question.query.items()}
        query = urlencode({**kept, "cursor": start + PAGE})
        headers["Link"] = f'<{question.hub.endpoint}{question.path}?{query}>; rel="next"'
    return Answer(ordered[start : start + PAGE], headers=headers)


def _last_commit(repo: Repo, commit: Commit, path: str) -> dict[str, object]:
    """The newest commit that touched the path, or something in it."""
    for one in repo.history(commit.oid):
        if any(changed == path or changed.startswith(f"{path}/") for changed in one.changed):
            return {"lastCommit": {"id": one.oid, "title": one.title, "date": one.date}}
    return {}


def paths_info(question: Question, repo: Repo) -> Answer:
    """`get_paths_info`."""
    commit = repo.resolve(unquote(question.rest))
    if "json" in question.headers.get("Content-Type", ""):
        asked = question.json()
        paths, expand = asked["paths"], asked.get("expand", False)
    else:
        form = parse_qs(question.body().decode())
        paths, expand = form.get("paths", []), form.get("expand", ["False"])[0].lower() == "true"
    known = folders(commit.files)
    found = {path: commit.files[path].info(path) for path in paths if path in commit.files}
    found |= {path: _folder_info(path) for path in paths if path in known}
    if expand:
        found = {path: {**info, **_last_commit(repo, commit, path)} for path, info in found.items()}
    return Answer(list(found.values()))
