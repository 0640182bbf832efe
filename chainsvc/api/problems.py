"""Every refusal as a problem of RFC 9457: our errors, the framework's own, and what nobody foresaw."""

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from chainsvc.client.problems import MEDIA_TYPE, plain_problem, problem_of
from chainsvc.errors import AccessDenied, ChainsvcError, Forbidden, NotFound, NotReady, Unavailable

REQUEST_ID = "chainsvc.request_id"
"""Where the request's id stands in the ASGI scope."""

_UNFORESEEN = (
    "The service failed in a way nobody foresaw; nothing you sent is stored half. Tell the operator the instance."
)
_HTTP_CODES = {405: "method-not-allowed"}
_BAD_REQUEST = range(400, 500)


def problem_answer(request_id: str, problem: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """Return the problem, with the request's id as its ``instance``."""
    body = orjson.dumps({**problem, "instance": f"urn:chainsvc:request:{request_id}"})
    return Response(body, problem["status"], headers, MEDIA_TYPE)


def unforeseen(request_id: str) -> Response:
    """Return the answer for an error that is nobody's refusal; it tells nothing of the inside."""
    return problem_answer(request_id, plain_problem("internal", 500, "Internal error", _UNFORESEEN))


def add_handlers(app: FastAPI) -> None:
    """Let every refusal of the app be told as a problem."""
    app.add_exception_handler(ChainsvcError, _refused)
    app.add_exception_handler(RequestValidationError, _wrong_parameter)
    app.add_exception_handler(HTTPException, _framework)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ChainsvcError)
    return refusal(request.scope, error)


def refusal(scope: Mapping[str, Any], error: ChainsvcError) -> Response:
    """Return the problem that tells an error, with the headers that its status asks for."""
    headers = {}
    if isinstance(error, AccessDenied) and not isinstance(error, Forbidden):
        headers["WWW-Authenticate"] = 'Bearer realm="chainsvc"'
    if isinstance(error, Unavailable | NotReady):
        headers["Retry-After"] = str(scope["app"].state.limits.retry_after_s)
    return problem_answer(str(scope.get(REQUEST_ID, "")), problem_of(error), headers)


async def _wrong_parameter(request: Request, error: Exception) -> Response:
    """Name each parameter; what came is not repeated, since it may be personal."""
    assert isinstance(error, RequestValidationError)
    places = [
        {"pointer": ".".join(str(part) for part in fault["loc"]), "message": fault["msg"]} for fault in error.errors()
    ]
    detail = "; ".join(f"{place['pointer']}: {place['message']}" for place in places)
    problem = plain_problem("input-refused", 422, "What came in is wrong, and the sender can mend it", detail)
    return problem_answer(_id_of(request), {**problem, "where": places[0]["pointer"], "problems": places})


async def _framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == NotFound.status:
        hint = "See /docs for the calls there are."
        problem = problem_of(NotFound("no such path", where=request.url.path[:200], hint=hint))
    else:
        fallback = "input-refused" if error.status_code in _BAD_REQUEST else "internal"
        code = _HTTP_CODES.get(error.status_code, fallback)
        problem = plain_problem(code, error.status_code, str(error.detail), str(error.detail))
    return problem_answer(_id_of(request), problem, error.headers)


def _id_of(request: Request) -> str:
    return str(request.scope.get(REQUEST_ID, ""))
