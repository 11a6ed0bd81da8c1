"""Which part of the local Hub answers which path."""

from __future__ import annotations

from collections.abc import Callable

from .asking import BATCH, FILE, REPO, Answer, Question
from .commits import make_commit, upload_modes
from .contents import batch, resolve, storage
from .repos import (
    add_tag,
    change_branch,
    create_repo,
    delete_repo,
    list_commits,
    list_refs,
    repo_info,
    validate_yaml,
    who_am_i,
)
from .store import RefusedError, Repo
from .trees import list_tree, paths_info

PLACES: dict[str, Callable[[Question], Answer]] = {
    "/api/repos/create": create_repo,
    "/api/repos/delete": delete_repo,
    "/api/whoami-v2": who_am_i,
    "/api/validate-yaml": validate_yaml,
}
ACTIONS: dict[tuple[str, str], Callable[[Question, Repo], Answer]] = {
    ("GET", "revision"): repo_info,
    ("GET", "refs"): list_refs,
    ("GET", "commits"): list_commits,
    ("GET", "tree"): list_tree,
    ("POST", "paths-info"): paths_info,
    ("POST", "preupload"): upload_modes,
    ("POST", "commit"): make_commit,
    ("POST", "branch"): change_branch,
    ("DELETE", "branch"): change_branch,
    ("POST", "tag"): add_tag,
}


def answer(question: Question) -> Answer:
    """Answer one request.

    Raises:
        RefusedError: where the real Hub answers with an error.
    """
    if question.path.startswith("/_storage/"):
        return storage(question)
    if FILE.fullmatch(question.path):
        return resolve(question)
    with question.hub.lock:
        if BATCH.fullmatch(question.path):
            return batch(question)
        action = (question.method, question.action or "")
        if question.action is not None and action in ACTIONS:
            return ACTIONS[action](question, question.repo())
        if REPO.fullmatch(question.path) and question.action is None:
            return repo_info(question, question.repo())
        if question.path in PLACES:
            return PLACES[question.path](question)
    raise RefusedError(404, f"{question.method} {question.path} is not something the local Hub knows")
