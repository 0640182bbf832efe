"""Both verifiers come to the verdicts of tests/vectors/evidence/seals.json."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import plain
from support.plain_verifier import Verification

from chainsvc.checkpoint import Checkpoint
from chainsvc.network import Network
from chainsvc.verify import CheckpointSource, Source, verify

FOLDER = Path(__file__).parent.parent / "vectors"
SEALS = json.loads((FOLDER / "evidence/seals.json").read_bytes())
CASES = pytest.mark.parametrize("row", SEALS["cases"], ids=lambda row: row["name"])


def _data(row: Any) -> bytes:
    """Return the base file with the case's headers in its proof."""
    value = json.loads((FOLDER / SEALS["base"]).read_bytes())
    if row["headers"] is None:
        return plain.jcs({**value, "proof": None})
    header = "".join(SEALS["headers"][name] for name in row["headers"]).replace("~", "00" * 256)
    return plain.jcs({**value, "proof": {**value["proof"], "header": header}})


def _network(row: Any) -> Any:
    return {**json.loads((FOLDER / "evidence/network.json").read_bytes()), **SEALS["networks"][row["network"]]}


def _source(row: Any) -> Source | None:
    name = row["checkpoint"]
    return None if name is None else CheckpointSource(Checkpoint.parse(SEALS["checkpoints"][name].encode()))


def _second(row: Any, data: bytes) -> Verification:
    note = None if row["checkpoint"] is None else SEALS["checkpoints"][row["checkpoint"]]
    return Verification(data, _network(row), None, note, None)


@CASES
def test_verdict_by_seals(row: Any) -> None:
    network = Network.parse(plain.jcs(_network(row)))
    verdict = verify(_data(row), network, _source(row))
    assert [step.outcome.value for step in verdict.steps] == row["steps"], [step.finding for step in verdict.steps]
    assert (verdict.verdict, verdict.exit_code) == (row["verdict"], row["exitCode"])
    assert verdict.facts is not None
    seals = verdict.facts.seals
    assert [address.hex() for address in seals.found] if seals else row["found"] == []


@CASES
def test_second_verifier_comes_to_the_same_verdict(row: Any) -> None:
    done = _second(row, _data(row))
    assert [done.outcomes[step] for step in range(1, 11)] == row["steps"]
    assert (done.verdict, done.found) == (row["verdict"], row["found"])


def test_every_verdict_of_both_rules_has_a_case() -> None:
    found = {(row["name"].split(":")[0], row["verdict"]) for row in SEALS["cases"]}
    assert set(product(("committed", "sealers"), ("valid", "invalid", "undetermined"))) < found


def test_later_header_that_is_cut_off_inside_is_wrong_to_both_and_nothing_else_is() -> None:
    row = next(row for row in SEALS["cases"] if row["name"] == "sealers: checkpoint of the block")
    value = json.loads(_data(row))
    header = bytearray.fromhex(value["proof"]["header"])
    place = header.index(bytes.fromhex("f9025a"), 700) + 2
    header[place] += 1  # its list takes the first byte of the next one, what is left of which are items too
    value["proof"]["header"] = header.hex()
    data = plain.jcs(value)
    first = verify(data, Network.parse(plain.jcs(_network(row))), _source(row))
    assert [step.number for step in first.steps if step.outcome.value == "failed"] == [6]
    assert _second(row, data).outcomes == {step.number: step.outcome.value for step in first.steps}


@settings(max_examples=300)
@given(st.sampled_from(SEALS["cases"]), st.data())
def test_both_verifiers_agree_on_headers_with_a_changed_byte(row: Any, draw: st.DataObject) -> None:
    value = json.loads(_data(row))
    if value["proof"] is None:
        return
    header = bytearray.fromhex(value["proof"]["header"])
    place = draw.draw(st.integers(0, len(header) - 1))
    header[place] ^= draw.draw(st.integers(1, 255))
    value["proof"]["header"] = header.hex()
    data = plain.jcs(value)
    first = verify(data, Network.parse(plain.jcs(_network(row))), _source(row))
    second = _second(row, data)
    assert second.outcomes == {step.number: step.outcome.value for step in first.steps}
    assert second.verdict == first.verdict
