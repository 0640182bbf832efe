"""A regulator with an account of its own, as another service on the same network would act."""

import itertools
import time

import httpx
from support.station import REGULATOR, USCC, Station

from chainsvc.admin import Desk
from chainsvc.chain.ledgers import Anchor, LedgerContract, Mark
from chainsvc.chain.transactions import send_and_wait
from chainsvc.record import ledger_id

_books = itertools.count(1)


def rpc(made: Station, method: str, *params: object) -> object:
    """Call the devnet's node itself."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer = httpx.post(made.site.local.url, json=body, trust_env=False).json()
    assert "error" not in answer, answer
    return answer["result"]


def desk(made: Station) -> Desk:
    """Act on chain as the regulator."""
    return Desk(made.parts.node, made.parts.network, made.site.regulator)


def suspend(made: Station) -> None:
    """Suspend the station's organization."""
    desk(made).suspend(USCC, REGULATOR, "test")


def resume(made: Station) -> None:
    """Lift the suspension."""
    desk(made).resume(USCC, REGULATOR)


class Decisions:
    """The regulator's ledger of decisions under one contract, anchored by nobody's journal."""

    def __init__(self, made: Station, contract: bytes) -> None:
        self._made = made
        self._contract = LedgerContract(made.parts.node, contract)
        book = f"D-{next(_books)}-{time.time_ns()}"[:32]
        self._send(self._contract.open_ledger("charity", REGULATOR, book, 1, 0))
        name = f"charity/{REGULATOR}/{book}"
        self._id = ledger_id(made.parts.network.network_id, contract, 1, 0, name)
        self._send(self._contract.anchor([Anchor(self._id, 0, 4, b"\1" * 32, 0, 0)]))

    def mark(self, target: bytes, seq: int, status: int) -> None:
        """Change the standing of an entry of the ledger ``target`` (its id)."""
        self._send(self._contract.set_status([Mark(target, seq, status, self._id, 0)]))

    def _send(self, data: bytes) -> None:
        send_and_wait(self._made.parts.node, self._made.site.regulator, self._contract.address, data)
