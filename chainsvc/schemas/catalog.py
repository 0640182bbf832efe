"""All record schemas of this version."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import resources

from chainsvc.errors import SchemaUnknown
from chainsvc.schemas.schema import Schema

_ANY = ("*",)
"""``x-kind`` of a schema for every kind of ledger."""


@cache
def all_schemas() -> Mapping[str, Schema]:
    """Return every schema by id, ascending; a schema is one file in ``bodies``, its id the file's stem."""
    files = resources.files("chainsvc.schemas").joinpath("bodies").iterdir()
    found = sorted((path.name.removesuffix(".json"), path) for path in files if path.name.endswith(".json"))
    schemas = [Schema.parse(identifier, path.read_bytes()) for identifier, path in found]
    kinds = tuple(sorted({kind for schema in schemas for kind in schema.kinds} - set(_ANY)))
    return {schema.id: replace(schema, kinds=kinds) if schema.kinds == _ANY else schema for schema in schemas}


def schema_of(identifier: str) -> Schema:
    """Return the schema of that id.

    Raises:
        SchemaUnknown: This version has no such schema.
    """
    schema = all_schemas().get(identifier)
    if schema is None:
        known = ", ".join(all_schemas())
        hint = "A newer version of chainsvc may have it."
        raise SchemaUnknown(
            "no such record schema", expected=f"one of {known}", got=identifier[:80], where="/schema", hint=hint
        )
    return schema
