"""After the faults: nothing is lost, doubled, late or unknown; asked of the journal, the chain and the receipts."""

import random
import time
from collections import Counter
from contextlib import closing
from typing import Any

import orjson
from sqlalchemy import func, select
from support import plain
from support.anvil import Node as RawNode
from support.drill.load import Book
from support.drill.plant import PATIENCE_S, Plant
from support.drill.promises import Broken, Name, Promises
from support.drill.witness import Leaf, Witness
from support.everything import check_everything
from support.plain_chain import signature_fits
from support.plain_verifier import STANDINGS, Verification
from support.station import Station

from chainsvc import bootstrap
from chainsvc.bootstrap import Running
from chainsvc.chain.ledgers import LedgerContract
from chainsvc.client import Accepted, Client
from chainsvc.errors import NotFound, Unavailable
from chainsvc.journal import batches, ledgers, marks, transactions
from chainsvc.journal.chain_tables import transactions as transaction_table
from chainsvc.journal.tables import open_chunks
from chainsvc.record import Record

_LOOK_S = 0.2
_SAMPLE = 3


def prove(plant: Plant, promises: Promises, draw: random.Random) -> Counter[str]:
    """Wait until everything accepted is final, check all that was promised, and return what there is.

    Raises:
        Broken: A promise is not kept.
        AssertionError: Journal, chain or export disagree.
    """
    with bootstrap.running(plant.settings) as parts:
        wait_final(parts)
        _find_late_ones(plant, promises)
        for book in plant.books:
            check_everything(Station(plant.site, parts), book.ledger, promises.receipts.get(book.ledger, []))
        with closing(RawNode(parts.node.url)) as raw:
            witness = Witness(raw, orjson.loads((plant.site.home / "network.json").read_bytes()))
            for book in plant.books:
                _check_book(plant, parts, witness, promises, book)
                _check_evidence(plant, witness, promises, book, draw)
            _check_transactions(parts, witness)
        return _figures(parts)


def wait_final(parts: Running) -> None:
    """Wait until journal and chain are at rest and say the same.

    Raises:
        Broken: They are not in time.
    """
    deadline = time.monotonic() + PATIENCE_S
    left = "nothing was looked at"
    while time.monotonic() < deadline:
        try:
            left = _left(parts)
        except Unavailable as error:
            left = str(error)
        if not left:
            return
        time.sleep(_LOOK_S)
    raise Broken(f"not at rest {PATIENCE_S:.0f} s after all faults ended: {left}")


def _left(parts: Running) -> str:
    with parts.engine.connect() as conn:
        waiting = {
            "open chunks": conn.execute(select(func.count()).select_from(open_chunks)).scalar_one(),
            "batches": len(batches.pending(conn)),
            "marks": len(marks.pending(conn)),
            "transactions": len(transactions.pending(conn)),
            "transactions that the chain lost": sum(
                parts.node.receipt(sent.hash) is None for sent in transactions.newest_mined(conn, limit=64, offset=0)
            ),
        }
        for ledger in ledgers.listing(conn):
            sums = ledgers.sums_of(conn, ledger.ledger_id)
            state = LedgerContract(parts.node, ledger.contract).state_of(ledger.ledger_id)
            waiting[f"fen of {ledger.name}"] = abs(sums.credit - state.credit) + abs(sums.debit - state.debit)
    return ", ".join(f"{count} {what}" for what, count in waiting.items() if count)


def _client(plant: Plant, book: Book) -> Client:
    store = plant.folder / f"store-{plant.books.index(book)}.db" if book.private else None
    return Client(f"http://127.0.0.1:{plant.ports[0]}", plant.key, private=book.private, store=store)


def _find_late_ones(plant: Plant, promises: Promises) -> None:
    """A copy of a refused record may have come again when it was allowed; its answer reached nobody."""
    for book in plant.books:
        waiting = [(name, record) for name, record in promises.refused.items() if name.ledger == book.ledger]
        with _client(plant, book) as client:
            for name, record in waiting:
                _find(client, promises, name, record)


def _find(client: Client, promises: Promises, name: Name, record: Record) -> None:
    try:
        status = client.find(*name)
        _, receipt = client.receipt(status)
    except NotFound:
        return
    promises.keep(record, Accepted(status.commitment, name.reference, name.revision, receipt, again=True))


def _check_book(plant: Plant, parts: Running, witness: Witness, promises: Promises, book: Book) -> None:
    """Entries are exactly the answered records with their amounts, each anchored once and in time."""
    stored = parts.service._parts.ledgers.stored(book.ledger)
    amounts = promises.amounts.get(book.ledger, {})
    with _client(plant, book) as client:
        leaves = [Leaf(entry.commitment, entry.credit, entry.debit) for entry in client.entries(book.ledger)]
    answered = {commitment: (given.credit, given.debit) for commitment, given in amounts.items()}
    listed = {leaf.commitment: (leaf.credit, leaf.debit) for leaf in leaves}
    if answered != listed or len(leaves) != len(listed):
        lost, surplus = answered.keys() - listed.keys(), listed.keys() - answered.keys()
        raise Broken(f"{book.ledger}: {len(lost)} lost, {len(surplus)} surplus, {len(leaves)} listed: {lost | surplus}")
    anchored = witness.check_ledger(book.ledger, suite=stored.suite, flags=stored.flags, leaves=leaves)
    for accepted in promises.receipts.get(book.ledger, []):
        _check_receipt(stored.ledger_id, accepted, anchored)


def _check_receipt(ledger_id: bytes, accepted: Accepted, anchored: dict[bytes, int]) -> None:
    receipt = accepted.receipt.to_json()
    root = plain.climb_chunk(accepted.commitment, receipt["index"], receipt["n"], receipt["path"])
    times = f"{receipt['acceptedAt']}\n{receipt['anchorBy']}\n"
    message = f"chainsvc-receipt/1\n{ledger_id.hex()}\n{receipt['n']}\n{root.hex()}\n{times}".encode()
    if not signature_fits(bytes.fromhex(receipt["pubkey"]), message, bytes.fromhex(receipt["signature"])):
        raise Broken(f"the receipt of {accepted.id} does not verify")
    if anchored[accepted.commitment] > receipt["anchorBy"]:
        raise Broken(f"{accepted.id} was anchored at {anchored[accepted.commitment]}, after {receipt['anchorBy']}")


def _check_evidence(plant: Plant, witness: Witness, promises: Promises, book: Book, draw: random.Random) -> None:
    """A few files, by a verifier that was written from the specification alone."""
    network: Any = witness.network
    known = [name for name in promises.known if name.ledger == book.ledger]
    with _client(plant, book) as client:
        for name in draw.sample(sorted(known), min(_SAMPLE, len(known))):
            data = client.evidence(promises.known[name]).to_bytes()
            done = Verification(data, network, witness.state(), None, None)
            if done.verdict not in STANDINGS:
                raise Broken(f"the evidence of {name} is {done.verdict}: {done.outcomes}")


def _check_transactions(parts: Running, witness: Witness) -> None:
    """The chain has of our accounts exactly the transactions that the journal says it has."""
    with parts.engine.connect() as conn:
        saved = [row._mapping for row in conn.execute(select(transaction_table))]
    for sender in {row["sender"] for row in saved}:
        mined = {
            row["hash"]: (row["block"], row["state"] == "final")
            for row in saved
            if row["sender"] == sender and row["state"] in ("final", "reverted")
        }
        first = min(row["nonce"] for row in saved if row["sender"] == sender)  # what the desk sent before any journal
        sent = {tx: sent for tx, sent in witness.sent_by(sender).items() if sent.nonce >= first}
        found = {tx: (sent.block, sent.succeeded) for tx, sent in sent.items()}
        if found != mined:
            orphans, missing = found.keys() - mined.keys(), mined.keys() - found.keys()
            raise Broken(f"{len(orphans)} orphan transactions, {len(missing)} missing: {orphans | missing}")


def _figures(parts: Running) -> Counter[str]:
    with parts.engine.connect() as conn:
        states = conn.execute(select(transaction_table.c.state, func.count()).group_by(transaction_table.c.state))
        figures = Counter({f"transactions {state}": count for state, count in states})
        for ledger in ledgers.listing(conn):
            final = batches.anchored(conn, ledger.ledger_id)
            figures += Counter({"entries": final.entries, "batches": final.batches})
    return figures
