"""The plan commits to the same bytes as the formula, for every schema there is."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.records import disbursement, donation, payment
from support.strategies import SCALARS

from chainsvc.commitment import commit, derive_salts
from chainsvc.crypto.suites import SUITES
from chainsvc.errors import MalformedInput
from chainsvc.record import Record
from chainsvc.schemas import check_record
from chainsvc.schemas.catalog import all_schemas
from chainsvc.shape import commit_record, shape_of

LEDGER = "charity/533206001803406341/B"
SEED = bytes(range(32))


@st.composite
def fitting(draw: st.DrawFn) -> Record:
    """A record with exactly the members of its schema and any values: what the plan relies on, and no more."""
    schema = draw(st.sampled_from(list(all_schemas().values())))
    body: dict[str, Any] = {}
    for pointer, field in schema.fields.items():
        *parents, name = pointer.split("/")[2:]
        node = body
        for parent in parents:
            node = node.setdefault(parent, {})
        lists = "array" in field.document.get("type", ())
        node[name] = draw(st.lists(SCALARS, max_size=3) if lists else SCALARS)
    text = st.text(max_size=20)
    amounts = st.integers(0, 2**53 - 1)
    return Record(schema.id, LEDGER, draw(text), draw(amounts), None, draw(amounts), draw(amounts), draw(text), body)


@given(fitting(), st.sampled_from(list(SUITES.values())), st.binary(min_size=32, max_size=32))
def test_plan_and_formula_commit_alike(record: Record, suite: Any, seed: bytes) -> None:
    pairs = record.flatten()
    assert shape_of(record.schema).paths == tuple(path for path, _ in pairs)
    assert commit_record(suite, record, seed) == commit(suite, pairs, derive_salts(suite, seed, len(pairs)))


@pytest.mark.parametrize(("path", "value"), [("amount", 100.0), ("amount", 2**53), ("amount", -(2**53))])
def test_numbers_that_no_record_holds_are_refused_with_their_place(path: str, value: Any) -> None:
    record = donation(LEDGER, 1)
    with pytest.raises(MalformedInput) as caught:
        commit_record(SUITES[1], replace(record, body={**record.body, path: value}), SEED)
    assert caught.value.where == f"/body/{path}"


def test_a_float_in_a_list_is_refused_with_its_place() -> None:
    record = disbursement(LEDGER, 1, 5)
    with pytest.raises(MalformedInput) as caught:
        commit_record(SUITES[1], replace(record, body={**record.body, "donations": ["a", 1.5]}), SEED)
    assert caught.value.where == "/body/donations/1"


@pytest.mark.parametrize("record", [donation(LEDGER, 1), payment("subsidy/533206001803406341/B", 1, 5)])
def test_member_order_does_not_matter(record: Record) -> None:
    check_record(record)
    turned = replace(record, body=dict(reversed(list(record.body.items()))))
    assert commit_record(SUITES[1], turned, SEED) == commit_record(SUITES[1], record, SEED)
