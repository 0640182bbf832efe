"""Every schema file keeps the rules that all readers of schemas rely on."""

import json
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

import jsonschema_rs
import pytest

from chainsvc.crypto.suites import sha256
from chainsvc.errors import SchemaUnknown
from chainsvc.heads import Status
from chainsvc.schemas import Schema, all_schemas, schema_of
from chainsvc.schemas.formats import FORMATS

IDS = {
    "charity.beneficiary-receipt.v1",
    "charity.disbursement.v1",
    "charity.donation.v1",
    "charity.refund.v1",
    "marriage.annulment.v1",
    "marriage.divorce.v1",
    "marriage.invalidity.v1",
    "marriage.registration.v1",
    "marriage.reissue.v1",
    "status.cause.v1",
    "subsidy.payment.v1",
    "subsidy.recovery.v1",
}
PERSONAL_WORDS = {
    "account",
    "anonymous",
    "category",
    "citizen_number",
    "nationality",
    "payee",
    "previous",
    "remark",
    "signer",
}
each = pytest.mark.parametrize("schema", all_schemas().values(), ids=lambda schema: schema.id)


def nodes(node: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, member in node.get("properties", {}).items():
        yield name, member
        yield from nodes(member)


def test_the_schemas_of_this_version_are_all_there() -> None:
    assert set(all_schemas()) == IDS


@each
def test_schema_is_valid_by_its_metaschema(schema: Schema) -> None:
    assert schema.document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema_rs.meta.validate(dict(schema.document))


@each
def test_id_and_hash_are_those_of_the_file(schema: Schema) -> None:
    data = resources.files("chainsvc.schemas").joinpath(f"bodies/{schema.id}.json").read_bytes()
    assert schema.document["$id"] == f"urn:chainsvc:schema:{schema.id}"
    assert schema.sha256 == sha256(data)
    assert data == (json.dumps(schema.document, ensure_ascii=False, indent=2) + "\n").encode()


@each
def test_every_field_has_a_chinese_and_an_english_title(schema: Schema) -> None:
    for name, node in [("", schema.document), *nodes(schema.document)]:
        assert re.search("[\u4e00-\u9fff]", node["title"]), name
        assert re.fullmatch(r"[ -~]+", node["x-title-en"]), name


@each
def test_every_object_is_closed_and_requires_all_its_members(schema: Schema) -> None:
    for name, node in [("", schema.document), *nodes(schema.document)]:
        if node["type"] == "object":
            assert node["additionalProperties"] is False, name
            assert node["required"] == list(node["properties"]), name
            assert all(re.fullmatch("[a-z][a-z0-9_]{0,63}", key) for key in node["properties"]), name


@each
def test_every_value_has_limits(schema: Schema) -> None:
    for name, node in nodes(schema.document):
        types = {node["type"]} if isinstance(node["type"], str) else set(node["type"])
        if "string" in types:
            assert "enum" in node or {"minLength", "maxLength"} <= set(node), name
        if "integer" in types:
            assert node["minimum"] == 0, name
            assert node["maximum"] <= 2**53 - 1, name
        if "array" in types:
            assert node["maxItems"] <= 500, name
        assert not types & {"number"}, name
        assert "object" not in types or types == {"object"}, f"{name}: paths must not depend on the record"


@each
def test_every_format_is_one_that_is_checked(schema: Schema) -> None:
    for name, node in nodes(schema.document):
        if "format" in node:
            assert FORMATS[node["format"]](node["examples"][0]) is None, name
        if "pattern" in node:
            assert re.search(node["pattern"], node["examples"][0]), name


@each
def test_every_field_about_a_person_is_marked(schema: Schema) -> None:
    for pointer, field in schema.fields.items():
        steps = pointer.split("/")[2:]
        about_person = steps[-1] in PERSONAL_WORDS or (
            steps[-1] == "name" and steps[0] in {"donor", "recipient", "person", "husband", "wife"}
        )
        about_person |= steps[:1] == ["certificate"]
        assert field.personal or not about_person, pointer


@each
def test_money_pointers_lead_to_integers_that_are_never_null(schema: Schema) -> None:
    for pointer in schema.money:
        if pointer is not None:
            assert schema.fields[pointer].document["type"] == "integer"


@each
def test_effect_names_a_standing_and_a_reference(schema: Schema) -> None:
    if schema.effect is not None:
        assert schema.effect.status in {status.name.lower() for status in Status}
        assert "string" in schema.fields[schema.effect.reference].document["type"]


def test_effects_are_those_of_the_plan() -> None:
    effects = {schema.id: schema.effect.status for schema in all_schemas().values() if schema.effect}
    assert effects == {
        "marriage.annulment.v1": "annulled",
        "marriage.divorce.v1": "dissolved",
        "marriage.invalidity.v1": "void",
        "marriage.reissue.v1": "superseded",
    }


def test_money_follows_the_kinds() -> None:
    money = {schema.id: tuple(schema.money) for schema in all_schemas().values() if any(schema.money)}
    amount = "/body/amount"
    assert money == {
        "charity.donation.v1": (amount, None),
        "charity.disbursement.v1": (None, amount),
        "charity.refund.v1": (None, amount),
        "subsidy.payment.v1": (None, amount),
        "subsidy.recovery.v1": (amount, None),
    }


def test_status_cause_is_of_every_kind() -> None:
    assert schema_of("status.cause.v1").kinds == ("charity", "marriage", "subsidy")
    assert schema_of("charity.refund.v1").kinds == ("charity",)


def test_unknown_schema_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SchemaUnknown) as caught:
        schema_of("charity.donation.v9")
    assert "charity.donation.v1" in str(caught.value.expected)
    assert caught.value.got == "charity.donation.v9"
