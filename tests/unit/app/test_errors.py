"""The table of problems."""

import re

import indexer.errors
from app import errors
from app.errors import PROBLEMS, all_problems, problem_of, problem_of_status
from app.request_error import RequestError
from indexer.errors import EmptyUpload, UploadTooLarge


def test_every_request_error_has_its_own_problem() -> None:
    ours = {
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, RequestError)
    }
    assert ours - {RequestError} <= set(PROBLEMS)


def test_problems_have_stable_names_error_statuses_and_titles() -> None:
    names = [problem.name for problem in all_problems()]
    assert len(names) == len(set(names))
    for problem in all_problems():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", problem.name)
        assert problem.type == f"/problems/{problem.name}"
        assert 400 <= problem.status < 600
        assert problem.title


def test_an_error_is_answered_as_the_nearest_class_of_the_table() -> None:
    assert problem_of(UploadTooLarge("x")).status == 413
    assert problem_of(EmptyUpload("x")).name == "empty-file"
    assert problem_of(indexer.errors.NoFrames("x")).name == "internal-error"
    assert problem_of(KeyError("x")).status == 500


def test_a_status_of_the_framework_keeps_its_number() -> None:
    assert problem_of_status(404).name == "not-found"
    assert (problem_of_status(418).name, problem_of_status(418).status) == ("bad-request", 418)
    assert (problem_of_status(502).name, problem_of_status(502).status) == ("internal-error", 502)
