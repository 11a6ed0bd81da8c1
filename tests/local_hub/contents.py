"""How the local Hub serves and takes the content of files."""

from __future__ import annotations

from urllib.parse import urlencode

from .asking import Answer, Question
from .store import RefusedError


def resolve(question: Question) -> Answer:
    """A file's content, or where the storage keeps it."""
    with question.hub.lock:
        repo = question.repo()
        commit = repo.resolve(question.revision)
    if repo.gated and not question.may_read(repo) and question.file != "README.md":
        raise RefusedError(403 if question.token else 401, "Access to this dataset is restricted", "GatedRepo")
    entry = commit.files.get(question.file or "")
    if entry is None:
        raise RefusedError(404, "Entry not found", "EntryNotFound")
    headers = {"X-Repo-Commit": commit.oid, "ETag": f'"{entry.sha256 if entry.large else entry.oid}"'}
    location = question.hub.blobs.path(entry.sha256)
    if not entry.large:
        return Answer(location, headers=headers)
    target = urlencode({"repo": repo.name, "file": question.file})
    headers |= {
        "X-Linked-Etag": f'"{entry.sha256}"',
        "X-Linked-Size": str(entry.size),
        "Location": f"{question.hub.storage}/_storage/{entry.sha256}?{target}",
    }
    return Answer(b"", 302, headers)


def storage(question: Question) -> Answer:
    """Content by hash: sent, or kept."""
    sha256 = question.path.removeprefix("/_storage/")
    location = question.hub.blobs.path(sha256)
    if question.method == "PUT":
        found, _ = question.hub.blobs.add_chunks(question.chunks)
        if found != sha256:
            raise RefusedError(400, f"the content has hash {found}, not {sha256}")
        return Answer({})
    if not location.is_file():
        raise RefusedError(404, "no such object")
    return Answer(location, headers={"ETag": f'"{sha256}"', "Content-Type": "application/octet-stream"})


def batch(question: Question) -> Answer:
    """Which contents are not there yet, and where to send them."""
    question.check_write()
    repo, objects = question.repo(), []
    for wanted in question.json()["objects"]:
        if not question.hub.blobs.path(wanted["oid"]).is_file():
            target = urlencode({"repo": repo.name})
            upload = {"href": f"{question.hub.endpoint}/_storage/{wanted['oid']}?{target}", "header": {}}
            wanted = {**wanted, "actions": {"upload": upload}}
        objects.append(wanted)
    return Answer({"transfer": "basic", "objects": objects})
