import json
from pathlib import Path
from typing import Any

import pytest

from chainsvc.chain.facts import from_hex
from chainsvc.chain.headers import header_bytes
from chainsvc.errors import NodeUnavailable

CAPTURES = Path(__file__).resolve().parents[2] / "data/chains/rpc_headers.json"


def captured() -> list[tuple[Any, bytes]]:
    """Answers of real nodes with the header bytes that the engines' own code hashes."""
    return [(one["rpc"], from_hex(one["rlp"])) for one in json.loads(CAPTURES.read_text())["headers"]]


@pytest.mark.parametrize(("members", "expected"), captured())
def test_headers_of_clique_and_qbft_are_rebuilt_byte_for_byte(members: Any, expected: bytes) -> None:
    assert header_bytes(members) == expected


def test_member_of_a_fork_that_the_block_lacks_is_left_out() -> None:
    members, expected = captured()[0]
    assert header_bytes(members | {"blobGasUsed": "0x0", "excessBlobGas": "0x0"}) == expected


def test_changed_member_is_refused_with_the_hash_that_was_expected() -> None:
    members, _ = captured()[0]
    with pytest.raises(NodeUnavailable, match="does not hash") as caught:
        header_bytes(members | {"gasUsed": "0x1"})
    assert caught.value.expected == members["hash"]
