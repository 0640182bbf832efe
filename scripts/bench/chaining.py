"""Notarizing end to end against one transaction a record, on the same node."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from eth_account import Account
from hexbytes import HexBytes
from web3 import HTTPProvider, Web3

from bench.bed import Bed
from bench.figures import Ratio
from bench.posting import Sent, lines_of, stream
from bench.samples import donations
from bench.timing import WALL, rate
from chainsvc import devnet
from chainsvc.client import Client
from chainsvc.errors import ChainsvcError, NotReady
from chainsvc.record import Record

_RUNTIME = bytes.fromhex("600035805500")  # sstore(calldata[0:32], calldata[0:32]); stop
_CREATION = b"\x65" + _RUNTIME + bytes.fromhex("6000526006601af3")  # mstore(0, runtime); return(26, 6)
_GAS = 60_000
_CREATION_GAS = 200_000
_FEE = 10**10  # wei per gas, above what the local chain asks
_COMMITMENTS_A_RECORD = 4  # they come in three times as fast
_PATIENCE_S = 120.0
_POLL_S = 0.02


def end_to_end(sent: Sent, rounds: int, records: int, transactions: int) -> Iterator[Ratio]:
    """Notarize in new ledgers each round, until the last is final; and send transactions.

    Args:
        sent: Where.
        rounds: How many.
        records: Our side's records in a round; four times as many where it gets commitments only.
        transactions: The base's in a round, each in a transaction of its own.
    """
    ours, private = "notarize until final on chain", "commitments until final on chain"
    waited = Ratio(ours, "a transaction a record, each awaited", "records")
    piled = Ratio(ours, "a transaction a record, last awaited", "records")
    hidden = Ratio(private, "a transaction each, awaited", "commitments")
    naive = Naive.deploy(sent.bed)
    for number in range(rounds):
        notarized = _rate_of(records, _notarize, sent, donations(sent.ledger(f"RUN-{number}"), records))
        ledger, many = sent.ledger(f"HIDDEN-{number}"), _COMMITMENTS_A_RECORD * records
        anchored = _rate_of(many, _anchor, sent, ledger, lines_of("commitments", ledger, many))
        each = _rate_of(transactions, partial(naive.store, each=True), transactions)
        waited.add(notarized, each)
        piled.add(notarized, _rate_of(transactions, partial(naive.store, each=False), transactions))
        hidden.add(anchored, each)
    yield from (waited, piled, hidden)


def _rate_of(count: int, work: Callable[..., None], *given: object) -> float:
    return rate(count, partial(work, *given), WALL)


def _notarize(sent: Sent, records: Sequence[Record]) -> None:
    for outcome in sent.client.notarize_many(records):
        if isinstance(outcome, ChainsvcError):
            raise outcome
    wait_final(sent.client, records[0].ledger)


def _anchor(sent: Sent, ledger: str, lines: Sequence[bytes]) -> None:
    stream(sent, ledger, "commitments", lines)
    wait_final(sent.client, ledger)


def wait_final(client: Client, ledger: str) -> None:
    """Wait until everything in a ledger is final.

    Raises:
        NotReady: It takes too long.
    """
    _until(lambda: (facts := client.ledger(ledger)).entries == facts.anchored_entries, ledger)


def _until(done: Callable[[], bool], where: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not done():
        if time.monotonic() > deadline:
            raise NotReady(f"not everything was final in {_PATIENCE_S:.0f} s", where=where)
        time.sleep(_POLL_S)


@dataclass
class Naive:
    """What one writes without chainsvc: web3.py, a contract that stores 32 bytes, a transaction a record.

    Nonce, gas and fees are known beforehand, so that a record costs no question to the node.
    """

    web3: Web3
    account: Any
    contract: str = ""
    nonce: int = 0

    @classmethod
    def deploy(cls, bed: Bed) -> "Naive":
        """Fund an account and create the contract with it."""
        account = Account.create()
        devnet.fund(bed.local, [bytes.fromhex(account.address[2:])])
        naive = cls(Web3(HTTPProvider(bed.local.url)), account)
        receipt = naive._wait(naive._send({"data": _CREATION, "gas": _CREATION_GAS}))
        naive.contract = receipt["contractAddress"]
        return naive

    def store(self, count: int, *, each: bool) -> None:
        """Store so many digests; wait for each one's receipt, or for the last one's only."""
        for left in reversed(range(count)):
            sent = self._send({"to": self.contract, "data": os.urandom(32), "gas": _GAS})
            if each or not left:
                self._wait(sent)

    def _send(self, part: dict[str, Any]) -> HexBytes:
        transaction = {
            "chainId": devnet.CHAIN_ID,
            "nonce": self.nonce,
            "value": 0,
            "maxFeePerGas": _FEE,
            "maxPriorityFeePerGas": 1,
            **part,
        }
        self.nonce += 1
        return self.web3.eth.send_raw_transaction(self.account.sign_transaction(transaction).raw_transaction)

    def _wait(self, sent: HexBytes) -> Any:
        receipt = self.web3.eth.wait_for_transaction_receipt(sent, poll_latency=_POLL_S)
        if receipt["status"] != 1:
            raise NotReady("a transaction of the base reverted", got=sent.hex())
        return receipt
