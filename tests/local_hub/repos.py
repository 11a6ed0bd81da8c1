"""What the local Hub answers about repos as a whole."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import unquote

import yaml

from .asking import Answer, Question
from .store import POINTER_SIZE, Commit, RefusedError, Repo


def create_repo(question: Question) -> Answer:
    """`create_repo`."""
    question.check_write()
    wanted = question.json()
    name = f"{wanted.get('organization') or 'owner'}/{wanted['name']}"
    kind = wanted.get("type", "model")
    prefix = "datasets/" if kind == "dataset" else ""
    body = {"url": f"{question.hub.endpoint}/{prefix}{name}", "name": name}
    if (kind, name) in question.hub.repos:
        return Answer({**body, "error": "You already created this repo"}, 409)
    private = wanted.get("visibility") == "private" or wanted.get("private") is True  # as older clients put it
    question.hub.add_repo(name, kind=kind, private=private)
    return Answer(body)


def delete_repo(question: Question) -> Answer:
    """`delete_repo`."""
    question.check_write()
    wanted = question.json()
    del question.hub.repos[wanted.get("type", "model"), f"{wanted.get('organization') or 'owner'}/{wanted['name']}"]
    return Answer({})


def who_am_i(question: Question) -> Answer:
    """`whoami`."""
    if question.token not in question.hub.tokens:
        raise RefusedError(401, "Invalid username or password.")
    return Answer({"type": "user", "name": "owner", "orgs": [], "auth": {"accessToken": {"role": "write"}}})


def validate_yaml(question: Question) -> Answer:
    """The check of a card's metadata before a commit."""
    content = question.json()["content"]
    found = re.match(r"---\r?\n(.*?)\r?\n---", content, re.DOTALL)
    if found is None:
        return Answer({"errors": [], "warnings": [{"message": "empty or missing yaml metadata in repo card"}]})
    try:
        yaml.safe_load(found[1])
    except yaml.YAMLError as error:
        return Answer({"errors": [{"message": str(error)}], "warnings": []}, 400)
    return Answer({"errors": [], "warnings": []})


def repo_info(question: Question, repo: Repo) -> Answer:
    """`dataset_info`, `model_info`; where `expand` names properties, these and no others."""
    commit = repo.resolve(unquote(question.rest) or "main")
    first = next(iter(repo.commits.values()))
    wanted = question.query.get("expand")
    info = {
        "author": repo.name.split("/")[0],
        "sha": commit.oid,
        "lastModified": commit.date,
        "createdAt": first.date,
        "private": repo.private,
        "gated": "manual" if repo.gated else False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [],
    }
    if wanted is None or "siblings" in wanted:
        info["siblings"] = _siblings(commit, blobs=question.query.get("blobs", ["False"])[0].lower() == "true")
    if wanted is not None:
        info = {name: value for name, value in info.items() if name in wanted}
    return Answer({"_id": first.oid[:24], "id": repo.name, **info})


def _siblings(commit: Commit, *, blobs: bool) -> list[dict[str, object]]:
    siblings = []
    for path, entry in sorted(commit.files.items()):
        sibling: dict[str, object] = {"rfilename": path}
        if blobs:
            sibling |= {"size": entry.size, "blobId": entry.oid}
            if entry.large:
                sibling["lfs"] = {"sha256": entry.sha256, "size": entry.size, "pointerSize": POINTER_SIZE}
        siblings.append(sibling)
    return siblings


def list_refs(question: Question, repo: Repo) -> Answer:
    """`list_repo_refs`."""

    def listed(prefix: str, refs: Mapping[str, str]) -> list[dict[str, str]]:
        return [{"name": name, "ref": f"{prefix}/{name}", "targetCommit": oid} for name, oid in refs.items()]

    return Answer(
        {
            "branches": listed("refs/heads", repo.refs),
            "tags": listed("refs/tags", repo.tags),
            "converts": [],
            "pullRequests": [],
        }
    )


def list_commits(question: Question, repo: Repo) -> Answer:
    """`list_repo_commits`."""
    return Answer(
        [
            {
                "id": commit.oid,
                "title": commit.title,
                "message": "",
                "date": commit.date,
                "authors": [{"user": "owner"}],
            }
            for commit in repo.history(unquote(question.rest))
        ]
    )


def change_branch(question: Question, repo: Repo) -> Answer:
    """`create_branch`, `delete_branch`."""
    question.check_write()
    name = unquote(question.rest)
    if question.method == "DELETE":
        del repo.refs[name]
        return Answer({})
    if name in repo.refs:
        raise RefusedError(409, f"Reference already exists: refs/heads/{name}")
    wanted = json.loads(question.body() or b"{}")
    repo.refs[name] = repo.resolve(wanted.get("startingPoint", "main")).oid
    return Answer({})


def add_tag(question: Question, repo: Repo) -> Answer:
    """`create_tag`."""
    question.check_write()
    repo.tags[question.json()["tag"]] = repo.resolve(unquote(question.rest)).oid
    return Answer({})
