import json
from dataclasses import replace
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from support.strategies import RECORDS

from chainsvc.commitment import derive_salts
from chainsvc.crypto.suites import SHA256, SUITES
from chainsvc.errors import MalformedInput
from chainsvc.evidence import Evidence, Pair, Proof
from chainsvc.heads import Status, head
from chainsvc.record import DISCLOSED, Record
from chainsvc.sumtree import fold, leaf
from vector_parts.batches import DONATIONS, SIGNED, changes
from vector_parts.evidence_files import valid
from vector_parts.records import donation
from vector_parts.sample import Batch, word_after

FILES = {name: evidence for name, (_, evidence) in valid().items()}
PROOF = Proof(b"\xf9", (b"a", b"b"), (), (b"c",), (), ())

EVIDENCE = st.builds(
    lambda record, suite, flags, statuses: Batch(suite, flags, [record]).evidence(record.reference, changes(*statuses)),
    RECORDS,
    st.sampled_from(list(SUITES.values())),
    st.integers(0, 1),
    st.lists(st.sampled_from(list(Status)), max_size=3),
)


def bound(data: bytes) -> Any:
    """Return what chain and signatures bind, recomputed from the bytes; None when they are malformed."""
    try:
        evidence = Evidence.parse(data)
        values = (evidence.value("/credit"), evidence.value("/debit"))
        node = leaf(evidence.suite, evidence.ledger_id, evidence.seq, evidence.commitment(), *values)
        batch = evidence.batch
        root = fold(evidence.suite, node, evidence.seq - batch.first, batch.count, evidence.path)
    except MalformedInput:
        return None
    facts = (batch.index, batch.first, batch.count, *root, batch.actor, batch.block, batch.time)
    value = head(batch.prev, evidence.ledger_id, *facts)
    word = word_after(evidence.ledger_id, evidence.seq, evidence.status)
    return value, word, evidence.submission, evidence.receipt, evidence.proof, evidence.timestamps


@given(EVIDENCE)
def test_bytes_parse_to_the_same_evidence(evidence: Evidence) -> None:
    assert Evidence.parse(evidence.to_bytes()) == evidence


@given(EVIDENCE)
def test_bytes_are_canonical(evidence: Evidence) -> None:
    data = evidence.to_bytes()
    assert rfc8785.dumps(json.loads(data)) == data


@pytest.mark.parametrize("proof", [None, PROOF], ids=["without proof", "with proof"])
def test_every_member_survives(proof: Proof | None) -> None:
    full = replace(FILES["signed"], proof=proof, timestamps=(b"token", b""))
    again = Evidence.parse(full.to_bytes())
    assert again == full
    assert again.submission is not None
    assert again.receipt is not None


@given(st.sampled_from(list(FILES.values())), st.integers(1, 4))
def test_reformatted_bytes_are_refused(evidence: Evidence, indent: int) -> None:
    data = json.dumps(json.loads(evidence.to_bytes()), indent=indent, ensure_ascii=False).encode()
    with pytest.raises(MalformedInput, match="not canonical"):
        Evidence.parse(data)


@pytest.mark.parametrize("name", ["signed", "registration-dissolved", "donation-shown-in-part"])
def test_no_changed_byte_keeps_what_the_chain_binds(name: str) -> None:
    data = FILES[name].to_bytes()
    original = bound(data)
    for place in range(len(data)):
        for other in {data[place] ^ 1, (data[place] + 1) % 256, 0x30, 0x22}:
            if other != data[place]:
                assert bound(data[:place] + bytes([other]) + data[place + 1 :]) != original


@settings(max_examples=300)
@given(st.sampled_from([e.to_bytes() for e in FILES.values()]), st.data())
def test_no_removed_or_added_byte_keeps_what_the_chain_binds(data: bytes, draw: st.DataObject) -> None:
    place = draw.draw(st.integers(0, len(data) - 1))
    added = draw.draw(st.binary(min_size=1, max_size=2))
    assert bound(data[:place] + data[place + 1 :]) != bound(data)
    assert bound(data[:place] + added + data[place:]) != bound(data)


@given(EVIDENCE)
def test_commitment_is_that_of_the_record(evidence: Evidence) -> None:
    digests = {pair.path for pair in evidence.pairs}
    assert set(DISCLOSED) <= digests
    assert evidence.disclose(()).commitment() == evidence.commitment()


@given(EVIDENCE, st.data())
def test_hiding_keeps_the_commitment_and_shows_only_what_was_named(evidence: Evidence, data: st.DataObject) -> None:
    paths = data.draw(st.sets(st.sampled_from([pair.path for pair in evidence.pairs])))
    shown = evidence.disclose(paths)
    assert shown.commitment() == evidence.commitment()
    assert shown.ledger_id == evidence.ledger_id
    assert {pair.path for pair in shown.pairs if not pair.hidden} == paths | set(DISCLOSED)
    assert Evidence.parse(shown.to_bytes()) == shown


def test_hidden_values_leave_no_trace() -> None:
    data = FILES["donation"].disclose(["/body/amount"]).to_bytes()
    assert "某捐赠人".encode() not in data
    salts = derive_salts(SHA256, DONATIONS.entries[DONATIONS.position("D-0001")].seed, len(FILES["donation"].pairs))
    shown = {"/body/amount", *DISCLOSED}
    for pair, salt in zip(FILES["donation"].pairs, salts, strict=True):
        assert (salt.hex().encode() in data) == (pair.path in shown)


def test_a_path_discloses_everything_below_it() -> None:
    shown = {pair.path for pair in FILES["donation"].disclose(["/body/donor"]).pairs if not pair.hidden}
    assert shown - set(DISCLOSED) == {"/body/donor/anonymous", "/body/donor/name", "/body/donor/uscc"}


def test_the_empty_pointer_stands_for_the_whole_record() -> None:
    assert FILES["donation"].disclose([""]) == FILES["donation"]


def test_disclosing_twice_narrows_further() -> None:
    once = FILES["donation"].disclose(["/body/amount", "/body/date"])
    assert once.disclose(["/body/date"]) == FILES["donation"].disclose(["/body/date"])


@pytest.mark.parametrize("path", ["/body/nothing", "/bod", "body/amount", "/body/amount/", "/body/donor/na"])
def test_an_unknown_path_can_not_be_disclosed(path: str) -> None:
    with pytest.raises(MalformedInput, match="nothing to disclose"):
        FILES["donation"].disclose([path])


def test_a_hidden_value_can_not_be_disclosed_again() -> None:
    with pytest.raises(MalformedInput, match="nothing to disclose"):
        FILES["donation-least-shown"].disclose(["/body/amount"])


def test_a_hidden_value_has_no_value() -> None:
    with pytest.raises(KeyError):
        FILES["donation-least-shown"].value("/body/amount")


@pytest.mark.parametrize("path", DISCLOSED)
@pytest.mark.parametrize("way", ["hidden", "missing"])
def test_what_every_evidence_shows_is_required(path: str, way: str) -> None:
    hidden = Pair(path, None, None, bytes(32))
    kept = [p for p in FILES["donation"].pairs if p.path != path]
    pairs = [*kept, hidden] if way == "hidden" else kept
    with pytest.raises(MalformedInput, match="must be disclosed"):
        Evidence.parse(replace(FILES["donation"], pairs=tuple(sorted(pairs))).to_bytes())


def test_pairs_out_of_order_have_no_commitment() -> None:
    first, second, *rest = FILES["donation"].pairs
    parsed = Evidence.parse(replace(FILES["donation"], pairs=(second, first, *rest)).to_bytes())
    with pytest.raises(MalformedInput, match="must ascend"):
        parsed.commitment()


def test_a_repeated_path_has_no_commitment() -> None:
    first, *rest = FILES["donation"].pairs
    parsed = Evidence.parse(replace(FILES["donation"], pairs=(first, first, *rest)).to_bytes())
    with pytest.raises(MalformedInput, match="must ascend"):
        parsed.commitment()


def test_standing_is_that_of_the_last_change() -> None:
    assert FILES["donation"].standing is Status.CURRENT
    assert FILES["registration-dissolved"].standing is Status.DISSOLVED
    assert FILES["donation-resumed"].standing is Status.CURRENT


def test_ledger_name_and_id_come_from_the_disclosed_name() -> None:
    assert str(FILES["signed"].ledger_name) == FILES["signed"].value("/ledger")
    assert FILES["signed"].ledger_id == SIGNED.ledger_id


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(), st.text(max_size=8)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=300)
@given(st.sampled_from([e.to_bytes() for e in FILES.values()]), JSON, st.data())
def test_any_value_in_any_place_parses_or_is_malformed(good: bytes, junk: Any, draw: st.DataObject) -> None:
    root = json.loads(good)
    place: Any = root
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw.draw(st.sampled_from(keys))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or draw.draw(st.booleans()):
            place[key] = junk
            break
        place = inner
    data = json.dumps(root, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    try:
        evidence = Evidence.parse(data.encode("utf-8", "surrogatepass"))
        evidence.commitment()
    except MalformedInput:
        return
    assert evidence.to_bytes() == data.encode()


def test_records_with_every_kind_of_value_survive() -> None:
    body: dict[str, Any] = {"a": [], "b": [{"c": [None, {"d": 1}]}], "e": "\U0001f3ee", "f": {"g": True}}
    record = replace(donation(1, 100), body=body)
    assert isinstance(record, Record)
    evidence = Batch(SHA256, 0, [record]).evidence("D-0001")
    assert Evidence.parse(evidence.to_bytes()).value("/body/b") == [{"c": [None, {"d": 1}]}]
