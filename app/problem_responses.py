"""application/problem+json (RFC 9457): how every error leaves the service, and how OpenAPI describes it."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount

from app.errors import PROBLEMS, ProblemKind, problem_of, problem_of_status
from app.request_error import RequestError
from app.schemas import InvalidParameter, Problem

PROBLEM_JSON = "application/problem+json"

MAX_SHOWN_CHARACTERS = 200
"""Of a wrong value: enough to recognise it, without sending a whole body back."""

MAX_SHOWN_ERRORS = 20

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


class ProblemResponse(JSONResponse):
    """A problem as an answer."""

    media_type = PROBLEM_JSON


def problem_response(
    request: Request,
    kind: ProblemKind,
    detail: str,
    *,
    errors: Iterable[InvalidParameter] = (),
    headers: Mapping[str, str] | None = None,
) -> ProblemResponse:
    """Return the answer for a problem that ``request`` ended in."""
    problem = Problem(
        type=kind.type,
        title=kind.title,
        status=kind.status,
        detail=detail,
        instance=request.url.path,
        request_id=getattr(request.state, "request_id", ""),
        errors=list(errors),
    )
    return ProblemResponse(problem.model_dump(mode="json"), status_code=kind.status, headers=headers)


def answer_error(request: Request, error: Exception) -> ProblemResponse:
    """Return the answer for an exception of the table in ``app.errors``."""
    if isinstance(error, RequestValidationError):
        return _answer_validation(request, error)
    if isinstance(error, OperationalError):  # its text holds SQL and the database's address
        detail = "the database cannot be reached or is busy: try again in a moment"
        return problem_response(request, problem_of(error), detail, headers={"Retry-After": "5"})
    if isinstance(error, RequestError) and error.parameter is not None:
        return _answer_wrong_parameter(request, error, error.parameter)
    kind = problem_of(error)
    headers = error.headers if isinstance(error, RequestError) else None
    return problem_response(request, kind, str(error) or kind.title, headers=headers)


def answer_http_error(request: Request, error: Exception) -> ProblemResponse:
    """Return the answer for an error that the framework raised: unknown address, wrong method."""
    if not isinstance(error, HTTPException):
        raise TypeError(f"expected an HTTPException, got {type(error).__name__}")
    headers = dict(error.headers or {})
    if error.status_code == 405 and (methods := _methods_of_path(request)):
        headers["Allow"] = ", ".join(methods)
    return problem_response(
        request,
        problem_of_status(error.status_code),
        detail_of_status(request, error.status_code),
        headers=headers,
    )


def detail_of_status(request: Request, status: int) -> str:
    """Return a sentence for an error of the framework, which gives none worth showing."""
    where = f"{request.method} {request.url.path}"
    if status == 400 and (asked := request.headers.get("range")):
        shown = asked[:MAX_SHOWN_CHARACTERS]
        return f"the header Range is {shown!r}: write it as bytes=FIRST-LAST, or leave it out"
    sentences = {
        404: f"nothing answers {where}: /openapi.json lists what there is",
        405: f"{where} is not possible: the Allow header names the methods that are",
        416: f"the file behind {where} is shorter than the range asked for: Content-Range tells its size",
        500: "the log has the details under the request_id",
        503: "the service is being stopped: send the request again once it runs",
    }
    return sentences.get(status, f"{where} cannot be answered (status {status}): check the request's headers")


def install_error_handlers(app: FastAPI) -> None:
    """Let ``app`` answer every known error as a problem."""
    for kind in PROBLEMS:
        app.add_exception_handler(kind, answer_error)
    app.add_exception_handler(HTTPException, answer_http_error)


def problem_docs(*errors: type[Exception]) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI ``responses`` of an operation that can end in ``errors``, besides any other one."""
    kinds = [PROBLEMS[error] for error in (*errors, OperationalError)]
    by_status: dict[int, list[ProblemKind]] = {}
    for kind in kinds:
        by_status.setdefault(kind.status, []).append(kind)
    docs: dict[int | str, dict[str, Any]] = {
        status: _problem_doc("; ".join(f"{kind.title} (`{kind.type}`)" for kind in group))
        for status, group in sorted(by_status.items())
    }
    docs["default"] = _problem_doc("Any other error")
    return docs


def _methods_of_path(request: Request) -> list[str]:
    """Return what the address takes: the framework names the methods of one of its routes only."""
    routes = [route for route in request.app.routes if not isinstance(route, Mount)]
    return [
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]


def _problem_doc(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {PROBLEM_JSON: {"schema": schema}}}


def _answer_validation(request: Request, error: RequestValidationError) -> ProblemResponse:
    errors = [_invalid_parameter(found) for found in error.errors()[:MAX_SHOWN_ERRORS]]
    detail = "; ".join(_sentence(found) for found in errors)
    return problem_response(request, problem_of(error), detail, errors=errors)


def _answer_wrong_parameter(request: Request, error: RequestError, name: str) -> ProblemResponse:
    location = "body" if request.method == "POST" else "query"
    value = _shown(error.value)
    wrong = InvalidParameter(location=location, parameter=name, message=str(error), value=value)
    return problem_response(request, problem_of(error), _sentence(wrong), errors=[wrong])


def _sentence(error: InvalidParameter) -> str:
    if error.value is None:
        return f"{error.location} parameter {error.parameter!r}: {error.message}"
    return f"{error.location} parameter {error.parameter!r} is {error.value!r}: {error.message}"


def _invalid_parameter(found: Mapping[str, Any]) -> InvalidParameter:
    location, *path = found["loc"]
    is_absent = found["type"] == "missing"
    return InvalidParameter(
        location=str(location),
        parameter=".".join(map(str, path)) or str(location),
        message=found["msg"],
        value=None if is_absent else _shown(found.get("input")),
    )


def _readable(value: bytes) -> str:
    """Return a body that may be anything as text."""
    return value.decode(errors="replace")


def _shown(value: object) -> str | None:
    if value is None:
        return None
    encoded = jsonable_encoder(value, custom_encoder={bytes: _readable})
    text = encoded if isinstance(encoded, str) else str(encoded)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else f"{text[:MAX_SHOWN_CHARACTERS]}…"
