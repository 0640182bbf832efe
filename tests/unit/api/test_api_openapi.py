"""The OpenAPI document: complete, in both languages, and true."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
from support.fake_service import FakeService

from chainsvc.api.app import create_app
from chainsvc.api.openapi.examples import EXAMPLES
from chainsvc.api.openapi.shapes import SHAPES

CHINESE = re.compile("[\u4e00-\u9fff]")
LATIN = re.compile("[A-Za-z]")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(FakeService()).openapi()


def calls(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", call)
        for path, methods in document["paths"].items()
        for method, call in methods.items()
    ]


@pytest.mark.parametrize("name", [name for name in SHAPES if name in EXAMPLES])
def test_example_written_by_the_real_class_fits_its_shape(document: dict[str, Any], name: str) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    jsonschema_rs.validator_for(schema, validate_formats=True).validate(EXAMPLES[name])


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    names = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert names <= set(document["components"]["schemas"])
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_call_is_described_in_both_languages(document: dict[str, Any]) -> None:
    for name, call in calls(document):
        words = [call["summary"], *(parameter["description"] for parameter in call.get("parameters", ()))]
        words += [response["description"] for status, response in call["responses"].items() if status[0] in "45"]
        for text in words:
            assert CHINESE.search(text), (name, text)
            assert LATIN.search(text), (name, text)


def test_every_refusal_is_a_problem(document: dict[str, Any]) -> None:
    for name, call in calls(document):
        for status, response in call["responses"].items():
            if status[0] in "45" and name != "GET /readyz":
                assert list(response["content"]) == ["application/problem+json"], (name, status)


def test_every_guarded_call_says_so(document: dict[str, Any]) -> None:
    public = {name for name, call in calls(document) if not call.get("security")}
    assert public == {
        "POST /v1/verify",
        "GET /v1/network",
        "GET /v1/checkpoints/latest",
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
    }


def test_document_is_served(api: httpx.Client, document: dict[str, Any]) -> None:
    assert api.get("/openapi.json").json() == document


def test_document_is_the_one_that_is_checked_in(document: dict[str, Any]) -> None:
    file = Path(__file__).parents[3] / "docs" / "openapi.json"
    assert json.loads(file.read_text(encoding="utf-8")) == document, "run scripts/openapi.py and look at the difference"
