"""Gas money: from the account of a validator, which block 0 made rich."""

import time
from collections.abc import Sequence

from chainsvc.devnet.consortium.folder import Consortium, Validator
from chainsvc.errors import NodeUnavailable

_PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.1
_GAS = 21_000  # of a transfer (yellow paper, G_transaction)
_MOST_FEE = 10**9  # the base fee is a few wei, and may rise


def fund(consortium: Consortium, addresses: Sequence[bytes], wei: int) -> None:
    """Send each 20-byte address so many wei, and return when all are mined.

    Raises:
        NodeUnavailable: No validator answers, or the transfers are not mined in time.
    """
    rich = _first(consortium)
    sent = [_send(rich, address, wei) for address in addresses]
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while waiting := [one for one in sent if rich.call("eth_getTransactionReceipt", one) is None]:
        if time.monotonic() > deadline:
            raise NodeUnavailable(
                "the devnet did not mine a transfer in time", where=rich.url, got=f"{len(waiting)} wait"
            )
        time.sleep(_POLL_SECONDS)


def _first(consortium: Consortium) -> Validator:
    for one in consortium.validators:
        if one.process.alive:
            return one
    raise NodeUnavailable("no validator of the devnet runs", where=str(consortium.folder), hint="chainsvc devnet up")


def _send(rich: Validator, address: bytes, wei: int) -> object:
    transfer = {
        "from": f"0x{rich.address.hex()}",
        "to": f"0x{address.hex()}",
        "value": hex(wei),
        "gas": hex(_GAS),
        "maxFeePerGas": hex(_MOST_FEE),
        "maxPriorityFeePerGas": "0x1",
    }
    return rich.call("eth_sendTransaction", transfer)
