"""Sealed headers captured from real networks: QBFT (GoQuorum) and clique (go-ethereum), with tampered ones."""

import json
from pathlib import Path
from typing import Any

from chainsvc.proof.seals.clique import Rules
from chainsvc.proof.seals.replay import Sealers

DATA = Path(__file__).parent.parent / "data/chains"

QBFT: Any = json.loads((DATA / "qbft/seals.json").read_text("utf-8"))
CLIQUE: Any = json.loads((DATA / "clique/seals.json").read_text("utf-8"))

RULES = Rules(CLIQUE["period"], CLIQUE["epoch"])
FORK_RULES = Rules(CLIQUE["period"], CLIQUE["forks_epoch"])


def trusted(case: Any) -> tuple[bytes, ...]:
    """The validators that a QBFT case is judged by."""
    return tuple(map(bytes.fromhex, QBFT["sets"][case["trusted"]]))


def header(case: Any) -> bytes:
    return bytes.fromhex(case["header"])


def replayed(blocks: Any, rules: Rules) -> list[Sealers]:
    """The state after each block of a chain whose first one is trusted."""
    states = [Sealers.trusted(header(blocks[0]), bytes.fromhex(blocks[0]["hash"]), rules)]
    for block in blocks[1:]:
        states.append(states[-1].after(header(block), bytes.fromhex(block["hash"])))
    return states
