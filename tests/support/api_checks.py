"""What tests of the API say of every answer."""

from typing import Any

import httpx


def bearer(name: str) -> dict[str, str]:
    """Return the header of one of the fixtures' keys."""
    return {"Authorization": f"Bearer csk_{name}_secret"}


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Return the problem after checking what every problem has."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    told: dict[str, Any] = answer.json()
    assert (told["status"], told["code"], told["type"]) == (status, code, f"urn:chainsvc:problem:{code}")
    assert told["title"]
    assert told["detail"]
    assert told["instance"] == f"urn:chainsvc:request:{answer.headers['x-request-id']}"
    return told
