"""Standing: asking for a change, and how an entry came to the one it has."""

from collections.abc import Callable
from typing import cast

from sqlalchemy import Connection, Engine

from chainsvc.client.answers import MarkState, Standing, StandingChange
from chainsvc.errors import StandingRefused
from chainsvc.heads import Status
from chainsvc.journal import entries, ledgers, marks
from chainsvc.journal.marks import Mark
from chainsvc.service.records import entry_of, standing_of


class Standings:
    """Changes of standing; the worker carries them to the chain, whose contract is the judge."""

    def __init__(self, engine: Engine, clock: Callable[[], float]) -> None:
        """Use this journal."""
        self._engine = engine
        self._clock = clock

    def of(self, record_id: bytes) -> Standing:
        """Return an entry's standing, and all changes asked for or done."""
        with self._engine.connect() as conn:
            entry = entry_of(conn, record_id)
            changes = marks.of_entry(conn, entry.ledger_id, entry.entry_id)
            return Standing(standing_of(conn, entry), tuple(_answer(conn, mark) for mark in changes))

    def change(self, record_id: bytes, status: Status, cause: bytes) -> StandingChange:
        """Ask for a change; the same request again returns the first one.

        Raises:
            NotFound: No such record or cause.
            StandingRefused: The cause is the target, or lies under another contract.
        """
        with self._engine.begin() as conn:
            target, reason = entry_of(conn, record_id), entry_of(conn, cause)
            if (target.ledger_id, target.entry_id) == (reason.ledger_id, reason.entry_id):
                raise StandingRefused("a record can't be the cause of its own change", where="/cause")
            ours, theirs = ledgers.by_id(conn, target.ledger_id), ledgers.by_id(conn, reason.ledger_id)
            if ours.contract != theirs.contract:
                raise StandingRefused(
                    "the cause lies under another contract",
                    expected=f"a {ours.kind} ledger",
                    got=theirs.name,
                    where="/cause",
                )
            mark = marks.request(
                conn,
                target.ledger_id,
                target.entry_id,
                status,
                cause_ledger_id=reason.ledger_id,
                cause_entry_id=reason.entry_id,
                requested_at=int(self._clock()),
            )
            return _answer(conn, mark)


def _answer(conn: Connection, mark: Mark) -> StandingChange:
    cause = None if mark.cause_entry_id is None else entries.by_id(conn, mark.cause_ledger_id, mark.cause_entry_id)
    word = mark.word
    return StandingChange(
        status=Status(mark.status),
        state=cast("MarkState", mark.state),
        cause_ledger=mark.cause_ledger_id,
        cause_seq=mark.cause_seq if cause is None else cause.seq,
        cause=None if cause is None else cause.commitment,
        actor=None if word is None else word.actor,
        block=None if word is None else word.block,
        time=None if word is None else word.time,
        reason=mark.reason,
    )
