"""Problems of RFC 9457 and the errors they stand for: the API writes them, the client reads them.

``type`` is ``urn:chainsvc:problem:<code>`` and stable; ``detail`` is the error's message. Members beyond the RFC:
``code``, ``where`` (a JSON Pointer into the body, or a parameter's name), ``expected``, ``got``, ``hint``,
``problems`` (every wrong place of a record), ``results`` (of a chunk) and ``contract`` (a revert's name and arguments).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from chainsvc.client.answers import Accepted
from chainsvc.errors import ChainRefused, ChainsvcError, ChunkMixed, Problem, RecordRefused, ServiceUnavailable

MEDIA_TYPE = "application/problem+json"
"""Of a problem that is an answer of its own."""

_PREFIX = "urn:chainsvc:problem:"
_PARTS = ("where", "expected", "got", "hint")


def problem_of(error: ChainsvcError) -> dict[str, Any]:
    """Return the problem that tells an error."""
    problem = plain_problem(error.code, error.status, _title(type(error)), error.message)
    problem |= {part: value for part in _PARTS if (value := getattr(error, part)) is not None}
    if isinstance(error, RecordRefused):
        problem["problems"] = [_place(place) for place in error.problems]
    if isinstance(error, ChunkMixed):
        problem["results"] = [result_json(result) for result in error.results]
    if isinstance(error, ChainRefused):
        problem["contract"] = {
            "name": error.name,
            "arguments": {name: str(value) for name, value in error.arguments.items()},
        }
    return problem


def plain_problem(code: str, status: int, title: str, detail: str) -> dict[str, Any]:
    """Return a problem's members that every one has."""
    return {"type": _PREFIX + code, "title": title, "status": status, "detail": detail, "code": code}


def result_json(result: object) -> dict[str, Any] | None:
    """Return one item's answer in a chunk: as it was accepted, ``{problem}``, or null."""
    if isinstance(result, Accepted):
        return result.to_json()
    return {"problem": problem_of(result)} if isinstance(result, ChainsvcError) else None


def result_of(value: Any) -> Accepted | ChainsvcError | None:
    """Read one item's answer in a chunk."""
    if value is None:
        return None
    return error_of(value["problem"]) if "problem" in value else Accepted.from_json(value)


def error_of(problem: Mapping[str, Any]) -> ChainsvcError:
    """Return the error that a problem tells; an unknown code becomes a plain error that keeps the words."""
    kind = _CLASSES.get(str(problem.get("code")), ChainsvcError)
    error = kind.__new__(kind)
    parts = {part: problem.get(part) for part in _PARTS}
    ChainsvcError.__init__(error, str(problem.get("detail", "the service refused")), **parts)
    if isinstance(error, RecordRefused):
        error.problems = tuple(_read_place(place) for place in problem.get("problems", ()))
    if isinstance(error, ChunkMixed):
        error.results = tuple(result_of(result) for result in problem.get("results", ()))
    if isinstance(error, ChainRefused):
        contract = problem.get("contract", {})
        error.name, error.arguments = str(contract.get("name")), dict(contract.get("arguments", {}))
    return error


def unreadable(status: int, body: bytes) -> ChainsvcError:
    """Return the error for an answer that is no problem: a proxy's page, or another server."""
    return ServiceUnavailable(
        "the answer is not the service's own",
        expected="JSON of chainsvc",
        got=f"HTTP {status}, {len(body)} bytes",
        hint="Check the URL, and the proxy between.",
    )


def _title(kind: type[ChainsvcError]) -> str:
    return (kind.__doc__ or kind.code).strip().splitlines()[0].partition(";")[0].rstrip(".")


def _place(place: Problem) -> dict[str, Any]:
    parts = {"pointer": place.pointer, "message": place.message, "expected": place.expected, "got": place.got}
    return {name: value for name, value in parts.items() if value is not None}


def _read_place(place: Mapping[str, Any]) -> Problem:
    return Problem(str(place.get("pointer")), str(place.get("message")), place.get("expected"), place.get("got"))


def _tree(kind: type[ChainsvcError]) -> Iterator[type[ChainsvcError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _tree(child)


_CLASSES = {kind.code: kind for kind in _tree(ChainsvcError)}
