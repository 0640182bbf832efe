"""A queue: records that are safe before the service has seen them.

What was added survives a crash and a loss of power. Several threads and processes may add at once; one at a time
drains. A record is deleted, and its bytes overwritten, as soon as its receipt is here.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import orjson

from chainsvc import jcs
from chainsvc.client.answers import Accepted
from chainsvc.client.bulk.windows import Given, Window, WindowSize
from chainsvc.client.handover import Outcome
from chainsvc.client.problems import error_of, problem_of
from chainsvc.client.queue.database import PAGE, Database
from chainsvc.client.queue.kept import DeadLetter, Pending, Queued, Waiting
from chainsvc.client.queue.schema import DROP, IN_TURN
from chainsvc.errors import ChainsvcError, NotFound, QueueFull, ReferenceConflict
from chainsvc.record import Record
from chainsvc.schemas import check_record


class Queue:
    """One file.

    ::

        with Client(url, key, queue=Queue("out.queue", key_file=Path("queue.key"))) as client: ...
    """

    def __init__(
        self,
        path: Path | str,
        *,
        key_file: Path | None = None,
        most_records: int = 1_000_000,
        most_bytes: int = 4 * 1024**3,
    ) -> None:
        """Open the queue, or make it with mode 0600.

        Args:
            path: The file; two more lie beside it while it is open, and one for the lock of draining.
            key_file: 64 hex digits that seal records, references and receipts in it; None leaves them readable.
            most_records: Records, waiting or refused, after which it takes no more.
            most_bytes: Bytes of these.

        Raises:
            ConfigurationRefused: The file is something else, of a later version, or made with another key.
        """
        self.path = Path(path)
        self._most = (most_records, most_bytes)
        self._db = Database(self.path, key_file)
        self._vault = self._db.vault
        self._watchers: list[Callable[[], object]] = []

    def bind(self, mode: str) -> None:
        """Let records of one mode wait here only, ``private`` or ``custody``.

        Raises:
            ConfigurationRefused: The queue is of the other mode.
        """
        self._db.bind(mode)

    def watch(self, added: Callable[[], object]) -> None:
        """Call this after each adding in this process."""
        self._watchers.append(added)

    # adding

    def add(self, records: Sequence[Given], *, in_turn: bool = False) -> list[Queued | ChainsvcError]:
        """Add records, all in one transaction; each is durable when this returns.

        A record that waits here already keeps its place. One that was refused is mended: it takes its old place.

        Args:
            records: The records.
            in_turn: Each goes in only after the one before it in this call was accepted.

        Returns:
            In order; the error of a record that breaks its schema, or whose reference waits here with other content.

        Raises:
            QueueFull: Too many records, or no room on the disk; none of these was added.
        """
        groups = [records] if in_turn else [[record] for record in records]
        return [result for group in self.add_groups(groups) for result in group]

    def add_groups(self, groups: Iterable[Sequence[Given]]) -> list[list[Queued | ChainsvcError]]:
        """Add groups of records, as :meth:`add` does; within a group each goes in after the one before it."""
        with self._db.transaction() as db:
            results = [self._add_group(db, group) for group in groups]
            self._check_room()
        for added in self._watchers:
            added()
        return results

    def _add_group(self, db: sqlite3.Connection, group: Sequence[Given]) -> list[Queued | ChainsvcError]:
        results: list[Queued | ChainsvcError] = []
        before: Queued | ChainsvcError | None = None
        for value in group:
            before = before if isinstance(before, ChainsvcError) else self._add_one(db, value, before)
            results.append(before)
        return results

    def _add_one(self, db: sqlite3.Connection, value: Given, before: Queued | None) -> Queued | ChainsvcError:
        try:
            record = value if isinstance(value, Record) else Record.from_json(dict(value))
            check_record(record)
            data = jcs.dumps(record.to_json())
        except ChainsvcError as error:
            return error
        behind = None if before is None else before.id
        label = self._vault.label(record.ledger, record.reference)
        there = db.execute(
            "SELECT id, state, record FROM records WHERE label = ? AND revision = ? AND state <> 'accepted'",
            (label, record.revision),
        ).fetchone()
        if there is None:
            return _queued(self._insert(db, record, label, behind, data), record)
        place, state, sealed = there
        if state == "waiting" and self._vault.unseal(sealed, label) != data:
            return _conflict(record)
        if state == "refused":
            db.execute(
                "UPDATE records SET state = 'waiting', record = ?, size = ?, outcome = NULL, behind = ? WHERE id = ?",
                (self._vault.seal(data, label), len(data), behind, place),
            )
        return _queued(place, record)

    def _insert(self, db: sqlite3.Connection, record: Record, label: bytes, behind: int | None, data: bytes) -> int:
        sealed = self._vault.seal(data, label)
        cursor = db.execute(
            "INSERT INTO records (ledger, label, revision, behind, state, record, size)"
            " VALUES (?, ?, ?, ?, 'waiting', ?, ?)",
            (record.ledger, label, record.revision, behind, sealed, len(data)),
        )
        return int(cursor.lastrowid or 0)

    def _check_room(self) -> None:
        held = self.pending()
        records, most = held.waiting + held.refused, self._most
        if records > most[0] or held.size > most[1]:
            raise QueueFull(
                "the local queue takes no more records",
                expected=f"at most {most[0]} records of {most[1]} bytes",
                got=f"{records} records of {held.size} bytes",
                where=str(self.path),
                hint="Drain it, or see to what was refused: chainsvc queue status.",
            )

    # looking

    def pending(self) -> Pending:
        """Return how much is in the queue."""
        rows = self._db.rows("SELECT state, records, size FROM totals")
        of = {state: (records, size) for state, records, size in rows}
        size = of["waiting"][1] + of["refused"][1]
        return Pending(of["waiting"][0], size, of["refused"][0], of["accepted"][0])

    def has_waiting(self, ledger: str) -> bool:
        """Tell whether a record of that ledger waits and may be sent."""
        query = f"SELECT 1 FROM records AS q WHERE q.state = 'waiting' AND q.ledger = ? AND {IN_TURN} LIMIT 1"  # noqa: S608 - our own words
        return self.pending().waiting > 0 and bool(self._db.rows(query, (ledger,)))

    def outcome(self, queue_id: int) -> Outcome | None:
        """Return a record's receipt or refusal, None while it waits.

        Raises:
            NotFound: No such record, or its outcome was forgotten.
        """
        rows = self._db.rows("SELECT label, outcome FROM records WHERE id = ?", (queue_id,))
        if not rows:
            raise NotFound("no such record in the queue", got=queue_id, where=str(self.path))
        label, outcome = rows[0]
        return None if outcome is None else self._read(label, outcome)

    def outcomes(self) -> Iterator[tuple[int, str, Outcome]]:
        """Yield (id, ledger, receipt or refusal) of all that is settled, in order."""
        for place, ledger, label, outcome in self._db.pages("id, ledger, label, outcome", "state <> 'waiting'"):
            yield place, ledger, self._read(label, outcome)

    def refused(self) -> Iterator[DeadLetter]:
        """Yield the dead letters, in order."""
        for place, label, sealed, outcome in self._db.pages("id, label, record, outcome", "state = 'refused'"):
            problem = self._read(label, outcome)
            assert isinstance(problem, ChainsvcError)
            yield DeadLetter(place, Record.parse(self._vault.unseal(sealed, label)), problem)

    def _read(self, label: bytes, outcome: bytes) -> Outcome:
        value = orjson.loads(self._vault.unseal(outcome, label))
        return error_of(value["problem"]) if "problem" in value else Accepted.from_json(value)

    # draining

    def draining(self) -> AbstractContextManager[None]:
        """Hold the right to drain, which one holder at a time has; the system takes it back when that one dies.

        Raises:
            QueueBusy: Another has it.
        """
        return self._db.draining()

    def newest(self) -> int:
        """Return the id of the newest record, 0 for none."""
        return int(self._db.rows("SELECT coalesce(max(id), 0) FROM records")[0][0])

    def next(self, after: int, until: int, most: WindowSize, without: Collection[str]) -> Waiting | None:
        """Return the next records that may be sent, in order; None when there are none.

        Args:
            after: Id after which to begin.
            until: Last id.
            most: Bounds of the window.
            without: Ledgers that are left out.
        """
        waiting = Waiting([], Window())
        for place, label, sealed in self._in_turn(after, until, without):
            data = self._vault.unseal(sealed, label)
            waiting.window.add_written(Record.parse(data), data)
            waiting.ids.append(place)
            if waiting.window.is_full(most):
                break
        return waiting if waiting.ids else None

    def _in_turn(self, after: int, until: int, without: Collection[str]) -> Iterator[tuple[Any, ...]]:
        marks = ", ".join("?" * len(without))
        where = f"state = 'waiting' AND id > ? AND id <= ? AND ledger NOT IN ({marks}) AND {IN_TURN}"
        query = f"SELECT id, label, record FROM records AS q WHERE {where} ORDER BY id LIMIT {PAGE}"  # noqa: S608 - our own words
        while page := self._db.rows(query, (after, until, *without)):
            yield from page
            after = page[-1][0]

    def settle(self, outcomes: Mapping[int, Outcome]) -> None:
        """Keep what became of records, all in one transaction; a receipt takes the place of its record."""
        labels = "SELECT label FROM records WHERE id = ? AND state = 'waiting'"
        with self._db.transaction() as db:
            for place, outcome in outcomes.items():
                row = db.execute(labels, (place,)).fetchone()
                if row is not None:  # else it was dropped meanwhile
                    db.execute(
                        _SETTLED[isinstance(outcome, Accepted)], (self._vault.seal(_written(outcome), row[0]), place)
                    )

    def wipe(self) -> None:
        """Take deleted records out of the log beside the file too, unless somebody reads it now."""
        self._db.wipe()

    # mending

    def retry(self, ids: Collection[int] | None = None) -> int:
        """Let refused records wait again, in their old places; all of them when none is named."""
        return self._each("UPDATE records SET state = 'waiting', outcome = NULL WHERE state = 'refused'", ids)

    def forget(self, ids: Collection[int] | None = None) -> int:
        """Delete receipts, all of them when none is named; the service and the private store have them too."""
        return self._each("DELETE FROM records WHERE state = 'accepted'", ids)

    def drop(self, ids: Collection[int]) -> int:
        """Delete records, whatever their state, with those that would go in only after them; return how many."""
        with self._db.transaction() as db:
            dropped = sum(db.execute(DROP, (place, place)).rowcount for place in ids)
        self._db.wipe()
        return dropped

    def _each(self, statement: str, ids: Collection[int] | None) -> int:
        with self._db.transaction() as db:
            if ids is None:
                changed = db.execute(statement).rowcount
            else:
                changed = sum(db.execute(f"{statement} AND id = ?", (place,)).rowcount for place in ids)
        self._db.wipe()
        return changed

    def close(self) -> None:
        """Close the file."""
        self._db.close()


_SETTLED = {
    True: "UPDATE records SET state = 'accepted', record = NULL, size = 0, outcome = ? WHERE id = ?",
    False: "UPDATE records SET state = 'refused', outcome = ? WHERE id = ?",
}
"""By whether a record was accepted."""


def _queued(place: int, record: Record) -> Queued:
    return Queued(place, record.ledger, record.reference, record.revision)


def _written(outcome: Outcome) -> bytes:
    return orjson.dumps(outcome.to_json() if isinstance(outcome, Accepted) else {"problem": problem_of(outcome)})


def _conflict(record: Record) -> ReferenceConflict:
    return ReferenceConflict(
        "the reference waits in the queue with other content",
        expected="the same record, or a next revision",
        where="/reference",
        hint=f"Drain the queue, then send a correction as revision {record.revision + 1}.",
    )
