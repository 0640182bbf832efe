"""What the API writes is what the client reads."""

from typing import Any, get_args, get_type_hints

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainsvc.client.answers import (
    Accepted,
    Erasure,
    LedgerBatch,
    LedgerEntry,
    LedgerFacts,
    RecordStatus,
    Standing,
    StandingChange,
)
from chainsvc.crypto.suites import SHA256, SM3
from chainsvc.errors import MalformedInput
from chainsvc.heads import Status
from chainsvc.receipt import Receipt

NUMBER = st.integers(0, 2**53 - 1)
HASH = st.binary(min_size=32, max_size=32)
ACTOR = st.binary(min_size=20, max_size=20)
RECEIPT = st.builds(
    Receipt,
    alg=st.just(1),
    index=st.integers(0, 4095),
    count=st.integers(1, 4096),
    path=st.lists(HASH, max_size=3).map(tuple),
    pubkey=HASH,
    signature=st.binary(min_size=64, max_size=64),
    accepted_at=NUMBER,
    anchor_by=NUMBER,
)
BY_NAME = {
    **dict.fromkeys(("commitment", "network", "root", "prev", "head", "transaction", "block_hash"), HASH),
    **dict.fromkeys(("cause_ledger", "cause", "previous"), HASH),
    **dict.fromkeys(("contract", "actor"), ACTOR),
    "suite": st.sampled_from([SHA256, SM3]),
    "flags": st.integers(0, 1),
    "receipt": RECEIPT,
    "record": st.none(),
}
BY_TYPE = {int: NUMBER, str: st.text(max_size=20), bool: st.booleans(), Status: st.sampled_from(Status)}


def strategy(kind: type[Any]) -> st.SearchStrategy[Any]:
    members = {name: member(name, hint) for name, hint in get_type_hints(kind).items()}
    return st.builds(kind, **members)


def member(name: str, hint: Any) -> st.SearchStrategy[Any]:
    options = get_args(hint)
    if name == "changes":
        return st.lists(strategy(StandingChange), max_size=3).map(tuple)
    if options and type(None) not in options:
        return st.sampled_from(options)
    plain = next((option for option in options if option is not type(None)), hint)
    found = BY_NAME[name] if name in BY_NAME else BY_TYPE[plain]
    return found | st.none() if options else found


KINDS = [Accepted, Erasure, LedgerBatch, LedgerEntry, LedgerFacts, RecordStatus, Standing, StandingChange]


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_answer_comes_back_as_it_went(kind: Any, data: st.DataObject) -> None:
    answer = data.draw(strategy(kind))
    assert kind.from_json(orjson.loads(orjson.dumps(answer.to_json()))) == answer


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_answer_with_another_type_anywhere_is_refused(kind: Any, data: st.DataObject) -> None:
    value = data.draw(strategy(kind)).to_json()
    name = data.draw(st.sampled_from([name for name in value if name not in {"signed", "record"}]))
    with pytest.raises((MalformedInput, TypeError)):
        kind.from_json({**value, name: 1.5})


def test_ledger_id_that_does_not_follow_from_the_facts_is_refused() -> None:
    facts = LedgerFacts("charity/91350100M000100Y43/A", b"\x01" * 32, b"\x02" * 20, SHA256, 1, closed=False)
    assert LedgerFacts.from_json(facts.to_json()).signed
    with pytest.raises(MalformedInput, match="not that of its facts"):
        LedgerFacts.from_json({**facts.to_json(), "network": "03" * 32})
