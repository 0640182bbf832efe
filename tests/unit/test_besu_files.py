"""The files for operators of Besu say what the profile counts on."""

import json
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from chainsvc.chain.engines import QBFT
from chainsvc.chain.node import Fees, Node
from chainsvc.proof.header import BFT_MIX_HASH

BESU = Path(__file__).parents[2] / "devnet/besu"
GENESIS: Any = json.loads((BESU / "qbft.json").read_text())["genesis"]
CONFIG = tomllib.loads((BESU / "config.toml").read_text())


def node(base_fee: int) -> Node:
    return cast("Node", SimpleNamespace(base_fee=lambda: base_fee))


def test_headers_are_those_of_qbft_with_a_base_fee_and_no_more() -> None:
    assert bytes.fromhex(GENESIS["mixHash"][2:]) == BFT_MIX_HASH
    forks = {name for name in GENESIS["config"] if name.endswith(("Block", "Time"))}
    assert forks == {"berlinBlock", "londonBlock"}
    assert (GENESIS["difficulty"], GENESIS["nonce"]) == ("0x1", "0x0")


def test_gas_is_free_on_both_sides() -> None:
    assert GENESIS["config"]["zeroBaseFee"] is True
    assert (int(GENESIS["baseFeePerGas"], 16), CONFIG["min-gas-price"]) == (0, 0)
    assert QBFT.gas.fees(node(0)) == Fees(0, 0)


def test_blocks_come_as_often_as_the_profile_says() -> None:
    assert GENESIS["config"]["qbft"]["blockperiodseconds"] == QBFT.block_time


def test_every_state_is_kept_and_the_calls_are_offered_on_loopback_only() -> None:
    assert QBFT.proof_depth is None
    assert (CONFIG["data-storage-format"], CONFIG["sync-mode"]) == ("FOREST", "FULL")
    assert {"ETH", "NET", "WEB3", "QBFT"} <= set(CONFIG["rpc-http-api"])
    assert (CONFIG["rpc-http-host"], CONFIG["metrics-host"]) == ("127.0.0.1", "127.0.0.1")
