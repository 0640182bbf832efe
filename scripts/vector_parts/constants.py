"""Fixed bytes of the vectors; every one is derived from its label, so that nobody has to copy them."""

import hashlib
from typing import Any

from chainsvc.sumtree import Node

UNIT = "533206001234567884"
"""A unified social credit code with a right check character; no organization has it."""

OFFICE = "11330106002519877L"
"""Another one, for a registration office."""

OPERATOR = "113206009876543275"
"""A third one, for whoever runs the service."""


def derived(label: str, length: int = 32) -> bytes:
    """Return the first bytes of SHA-256 of ``chainsvc-vector/<label>``."""
    return hashlib.sha256(f"chainsvc-vector/{label}".encode()).digest()[:length]


NETWORK = derived("network")
CONTRACT = derived("contract", 20)
ACTOR = derived("actor", 20)


def node(value: Node) -> list[Any]:
    """Return the array that evidence uses for a node of a sum tree."""
    return [value.hash.hex(), value.credit, value.debit]
