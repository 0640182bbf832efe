"""A verifier written from the specification alone comes to the same verdicts."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import plain
from support.edits import edited
from support.plain_verifier import Verification
from support.vector_node import source_of

from chainsvc.network import Network
from chainsvc.verify import verify

FOLDER = Path(__file__).parent.parent / "vectors"
VERDICTS = json.loads((FOLDER / "evidence" / "verdicts.json").read_bytes())
MALFORMED = json.loads((FOLDER / "evidence" / "malformed.json").read_bytes())
NETWORK = json.loads((FOLDER / VERDICTS["network"]).read_bytes())


@pytest.mark.parametrize("row", VERDICTS["cases"], ids=lambda row: row["name"])
def test_the_second_verifier_comes_to_the_same_verdict(row: dict[str, Any]) -> None:
    chain = None if row["chain"] is None else VERDICTS["chains"][row["chain"]]
    checkpoint = None if row["checkpoint"] is None else VERDICTS["checkpoints"][row["checkpoint"]]
    done = Verification(edited((FOLDER / row["file"]).read_bytes(), row["edit"]), NETWORK, chain, checkpoint, row["at"])
    assert [done.outcomes[step] for step in range(1, 11)] == row["steps"]
    assert done.verdict == row["verdict"]


@pytest.mark.parametrize("row", MALFORMED["files"], ids=lambda row: row["name"])
def test_the_second_verifier_refuses_malformed_files(row: dict[str, Any]) -> None:
    done = Verification(
        edited((FOLDER / MALFORMED["base"]).read_bytes(), row), NETWORK, VERDICTS["chains"]["plain"], None, None
    )
    assert done.outcomes[1] == "failed"
    assert done.verdict == "invalid"


FILES = sorted((FOLDER / "evidence" / "valid").glob("*.json"))
CHAINS = st.sampled_from(["plain", "resumed", "superseded", "dissolved", "key compromised", "before the batches", None])


def agree(data: bytes, chain: str | None, checkpoint: str | None) -> str:
    """Verify by both."""
    first = verify(data, Network.parse((FOLDER / VERDICTS["network"]).read_bytes()), source_of(chain, checkpoint))
    state = None if chain is None else VERDICTS["chains"][chain]
    note = None if checkpoint is None else VERDICTS["checkpoints"][checkpoint]
    second = Verification(data, NETWORK, state, note, None)
    steps = {step.number: step.outcome.value for step in first.steps}
    assert second.outcomes == steps
    assert second.verdict == first.verdict
    return first.verdict


@settings(max_examples=400)
@given(st.sampled_from(FILES), CHAINS, st.data())
def test_both_agree_on_files_with_a_changed_byte(file: Path, chain: str | None, draw: st.DataObject) -> None:
    data = file.read_bytes()
    place = draw.draw(st.integers(0, len(data) - 1))
    other = draw.draw(st.sampled_from(b'0123456789abcdef",[]{}:') | st.integers(0, 255))
    agree(data[:place] + bytes([other]) + data[place + 1 :], chain, "good" if chain is None else None)


@settings(max_examples=600)
@given(st.sampled_from(FILES), CHAINS, st.data())
def test_both_agree_on_files_with_a_changed_member(file: Path, chain: str | None, draw: st.DataObject) -> None:
    """Put a value of the file, or another small one, into another place: the file stays canonical."""
    root = json.loads(file.read_bytes())
    places = list(places_in(root))
    parent, key = draw.draw(st.sampled_from(places))
    there, name = draw.draw(st.sampled_from(places))
    small: st.SearchStrategy[Any] = st.sampled_from(
        [None, True, 0, 1, 2, 41, 5000, 6001, -1, 2**53, "", "00" * 20, "00" * 32, [], {}, [[]]]
    )
    parent[key] = draw.draw(st.just(json.loads(json.dumps(there[name]))) | small)
    agree(plain.jcs(root), chain, "good" if chain is None else None)


def places_in(value: Any) -> Any:
    """Yield (container, key) of everything below the value."""
    for key in value if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places_in(value[key])
