"""Gas money: from the account of a validator, which block 0 made rich."""

import time
from collections.abc import Sequence

from chainsvc.devnet.consortium.folder import Consortium, Validator
from chainsvc.devnet.consortium.judging import judge
from chainsvc.devnet.consortium.views import views
from chainsvc.errors import NodeUnavailable

_PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.1
_GAS = 21_000  # of a transfer (yellow paper, G_transaction)
_LOCKED = "authentication needed"
_MOST_FEE = 10**9  # the base fee is a few wei, and may rise


def fund(consortium: Consortium, addresses: Sequence[bytes], wei: int) -> None:
    """Send each 20-byte address so many wei, and return when all are mined.

    Raises:
        NodeUnavailable: No validator answers, or the transfers are not mined in time.
    """
    rich = _first(consortium)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    sent = [_send(rich, address, wei, deadline) for address in addresses]
    while waiting := [one for one in sent if rich.call("eth_getTransactionReceipt", one) is None]:
        if time.monotonic() > deadline:
            condition = judge(views(consortium), consortium.period, time.time()).text
            raise NodeUnavailable(
                "the devnet did not mine a transfer in time", where=rich.url, got=f"{len(waiting)} wait; {condition}"
            )
        time.sleep(_POLL_SECONDS)


def _first(consortium: Consortium) -> Validator:
    for one in consortium.validators:
        if one.process.alive:
            return one
    raise NodeUnavailable("no validator of the devnet runs", where=str(consortium.folder), hint="chainsvc devnet up")


def _send(rich: Validator, address: bytes, wei: int, deadline: float) -> object:
    transfer = {
        "from": f"0x{rich.address.hex()}",
        "to": f"0x{address.hex()}",
        "value": hex(wei),
        "gas": hex(_GAS),
        "maxFeePerGas": hex(_MOST_FEE),
        "maxPriorityFeePerGas": "0x1",
    }
    while True:
        try:
            return rich.call("eth_sendTransaction", transfer)
        except NodeUnavailable as error:  # it answers before it has opened its account
            if _LOCKED not in (error.got or "") or time.monotonic() > deadline:
                raise
        time.sleep(_POLL_SECONDS)
