"""Business systems under way: threads that hand records over until they are answered, whatever happens between."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from support.drill.promises import Broken, Promises
from support.drill.repeater import Repeater
from support.records import corrected, disbursement, donation, payment, revocation

from chainsvc.client import Accepted, Client, Outcome
from chainsvc.crypto.keys import SigningKey
from chainsvc.errors import ChainsvcError, PolicyRefused, Unavailable
from chainsvc.record import Record

_TIMEOUT_S = 4.0
_PAUSE_S = (0.01, 0.08)
_PATIENCE_S = 180.0
_LARGEST_CHUNK = 8
_LARGEST_BULK = 60
_BULK_SHARE = 0.3
_LARGEST_SPENDING = 600_000  # fen; on average a little more than comes in
_NUMBERS = 100_000


@dataclass(frozen=True)
class Book:
    """One ledger, and how its organization hands over.

    Attributes:
        ledger: Its name.
        private: In private mode.
        signing_key: For a signed ledger.
    """

    ledger: str
    private: bool = False
    signing_key: SigningKey | None = None

    @property
    def is_charity(self) -> bool:
        return self.ledger.startswith("charity/")


@dataclass
class Desk:
    """One clerk's work on one book; it lasts over all rounds of a lap.

    Attributes:
        book: The ledger.
        numbers: Of new records; no two desks share one.
        current: The clerk's donations that stand, with their commitments.
    """

    book: Book
    numbers: "count[int]"
    store: Path
    current: list[tuple[Record, bytes]] = field(default_factory=list)


def desks_of(books: Sequence[Book], folder: Path) -> list[Desk]:
    """Return two desks a book."""
    pairs = [(book, index) for index, book in enumerate(books) for _ in range(2)]
    return [Desk(book, count(n * _NUMBERS), folder / f"store-{index}.db") for n, (book, index) in enumerate(pairs)]


class Load:
    """All desks at work, each in a thread, until :meth:`finish`.

    Attributes:
        findings: What broke a promise while it ran.
    """

    def __init__(
        self,
        desks: Sequence[Desk],
        ports: list[int],
        key: str,
        promises: Promises,
        seed: str,
        pause_s: float | None = None,
    ) -> None:
        self.findings: list[str] = []
        self.copies = 0
        self._pause_s = _PAUSE_S if pause_s is None else (0.5 * pause_s, pause_s)
        self._ports, self._key, self._promises, self._seed = ports, key, promises, seed
        self._stopping = threading.Event()
        self._deadline = float("inf")
        self._threads = [threading.Thread(target=self._work, args=(n, desk)) for n, desk in enumerate(desks)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Begin nothing new; what is under way is sent until it is answered."""
        self._deadline = time.monotonic() + _PATIENCE_S
        self._stopping.set()

    def abandon(self) -> None:
        """Wait for no answer any more."""
        self._deadline = 0.0
        self._stopping.set()

    def finish(self) -> None:
        """Wait until everything is answered."""
        for thread in self._threads:
            thread.join()

    def _work(self, number: int, desk: Desk) -> None:
        draw = random.Random(f"{self._seed}/{number}")
        repeater = Repeater(self._ports, draw, self._promises.keep_receipt)
        clients = [self._client(desk, port, repeater) for port in self._ports]
        try:
            while not self._stopping.is_set():
                self._step(desk, clients, draw)
                self._stopping.wait(draw.uniform(*self._pause_s))
        except ChainsvcError as error:
            self.findings.append(f"{desk.book.ledger}: {type(error).__name__}: {error}")
        except Broken as broken:
            self.findings.append(str(broken))
        finally:
            repeater.close()
            self.copies += repeater.copies
            for client in clients:
                client.close()

    def _client(self, desk: Desk, port: int, repeater: Repeater) -> Client:
        book = desk.book
        return Client(
            f"http://127.0.0.1:{port}",
            self._key,
            private=book.private,
            store=desk.store if book.private else None,
            signing_key=book.signing_key,
            timeout=_TIMEOUT_S,
            retry_s=0,
            transport=repeater,
        )

    def _step(self, desk: Desk, clients: Sequence[Client], draw: random.Random) -> None:
        if not desk.book.is_charity:
            self._hand_over(clients, draw, [payment(desk.book.ledger, next(desk.numbers), draw.randint(1, 3000))])
            return
        act = draw.random()
        if act < 0.5 or len(desk.current) < 2:
            self._donate(desk, clients, draw)
        elif act < 0.75:
            spent = disbursement(desk.book.ledger, next(desk.numbers), draw.randint(1, _LARGEST_SPENDING))
            self._hand_over(clients, draw, [spent])
        elif act < 0.93:
            self._correct(desk, clients, draw)
        else:
            self._revoke(desk, clients, draw)

    def _donate(self, desk: Desk, clients: Sequence[Client], draw: random.Random) -> None:
        ledger, is_bulk = desk.book.ledger, draw.random() < _BULK_SHARE
        size = draw.randint(1, _LARGEST_BULK if is_bulk else _LARGEST_CHUNK)
        records = [donation(ledger, next(desk.numbers), draw.randint(1, 20_000)) for _ in range(size)]
        desk.current += self._hand_over(clients, draw, records, is_bulk=is_bulk)

    def _correct(self, desk: Desk, clients: Sequence[Client], draw: random.Random) -> None:
        record, commitment = desk.current.pop(draw.randrange(len(desk.current)))
        again = corrected(record, commitment, draw.randint(1, 20_000))
        desk.current += self._hand_over(clients, draw, [again])  # one that was refused may yet come again, late

    def _revoke(self, desk: Desk, clients: Sequence[Client], draw: random.Random) -> None:
        """Ask once: a request for a change of standing may be lost, or be done; either is right."""
        record, target = desk.current.pop(draw.randrange(len(desk.current)))
        try:
            seq = draw.choice(clients).status(target).seq
        except Unavailable:
            seq = None
        if seq is None:  # its cause names the place in the ledger
            desk.current.append((record, target))
            return
        reason = revocation(desk.book.ledger, next(desk.numbers), target, seq)
        ((_, cause),) = self._hand_over(clients, draw, [reason])
        with suppress(Unavailable):
            draw.choice(clients).change_standing(target, "revoked", cause)
            self._promises.counts["standing changes"] += 1

    def _hand_over(
        self, clients: Sequence[Client], draw: random.Random, records: list[Record], *, is_bulk: bool = False
    ) -> list[tuple[Record, bytes]]:
        """Send records until each is answered; return those that were accepted."""
        outcomes = self._until_answered(lambda: _send(draw.choice(clients), records, is_bulk=is_bulk), draw)
        accepted = []
        for record, outcome in zip(records, outcomes, strict=True):
            if isinstance(outcome, Accepted):
                self._promises.keep(record, outcome)
                accepted.append((record, outcome.commitment))
            elif isinstance(outcome, PolicyRefused):
                self._promises.refuse(record)
            else:
                raise outcome
        return accepted

    def _until_answered(self, send: Callable[[], list[Outcome]], draw: random.Random) -> list[Outcome]:
        while True:
            try:
                return send()
            except Unavailable as error:
                if time.monotonic() > self._deadline:
                    raise Broken(f"no answer within {_PATIENCE_S:.0f} s after all faults ended: {error}") from error
            time.sleep(draw.uniform(0.05, 0.3))


def _send(client: Client, records: list[Record], *, is_bulk: bool) -> list[Outcome]:
    return list(client.notarize_many(records)) if is_bulk else client.notarize_chunk(records)
