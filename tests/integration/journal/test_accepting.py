"""Accepting chunks: durable together, once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from support.journal import NOW, a_ledger, accept, chunk_of, digest, entry

from chainsvc.errors import Conflict, EntryTaken, LedgerClosed, MalformedInput, NotFound, PolicyRefused
from chainsvc.journal import chunks, entries, ledgers, payloads, references, sealing
from chainsvc.journal.accepting import accept_chunk
from chainsvc.journal.columns import MAX_SUM
from chainsvc.journal.ledgers import Sums

pytestmark = pytest.mark.database


def test_accepted_chunk_is_found_by_commitment_reference_and_number(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        ids = accept(conn, ledger, [3, 1, 2])
    with engine.connect() as conn:
        chunk = chunks.get(conn, ledger.ledger_id, ids[0] >> 12)
        assert chunks.commitments_of(conn, ledger.ledger_id, chunk.chunk_id) == tuple(
            entry(number).commitment for number in (3, 1, 2)
        )
        found = entries.by_commitment(conn, ledger.ledger_id, entry(1).commitment)
        assert (found.entry_id, found.chunk_id, found.chunk_index) == (ids[1], chunk.chunk_id, 1)
        assert (found.seq, found.k, found.accepted_at, found.anchor_by) == (None, None, NOW, NOW + 3600)
        assert entries.by_id(conn, ledger.ledger_id, ids[1]) == found
        assert entries.find(conn, found.commitment) == (found,)
        assert entries.find_by_commitments(conn, ledger.ledger_id, [found.commitment, bytes(32)]) == {
            found.commitment: found
        }
        assert entries.count(conn, ledger.ledger_id) == 3
        known = references.by_reference(conn, ledger.ledger_id, digest("reference", 1), 0)
        assert known is not None
        assert known.entry == found
        assert (known.sealed_seed, known.wrapped_key) == (entry(1).sealed_seed, bytes(60))
        kept = payloads.get(conn, ledger.ledger_id, ids[1])
        assert kept is not None
        assert (kept.sealed_record, kept.chunk_id, kept.chunk_index) == (entry(1).sealed_record, chunk.chunk_id, 1)


def test_existing_references_are_told_from_new_ones(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        accept(conn, ledger, [1, 2])
        wanted = [(digest("reference", 1), 0), (digest("reference", 1), 1), (digest("reference", 9), 0)]
        found = references.find_existing(conn, ledger.ledger_id, wanted)
        assert set(found) == {(digest("reference", 1), 0)}
        assert found[digest("reference", 1), 0].entry.commitment == entry(1).commitment
        assert references.find_existing(conn, ledger.ledger_id, []) == {}
        assert entries.find_by_commitments(conn, ledger.ledger_id, []) == {}


def test_latest_revision_of_a_reference_is_found(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        accept(conn, ledger, [1])
        second = replace(entry(2), reference_index=digest("reference", 1), revision=1, previous=entry(1).commitment)
        accept_chunk(conn, chunk_of(conn, ledger, [second]), [second])
        latest = references.latest(conn, ledger.ledger_id, digest("reference", 1))
        assert latest is not None
        assert (latest.revision, latest.entry.commitment, latest.entry.previous) == (
            1,
            second.commitment,
            entry(1).commitment,
        )
        assert references.latest(conn, ledger.ledger_id, bytes(32)) is None


def test_commitment_without_reference_and_record_is_accepted(engine: Engine) -> None:
    bare = replace(entry(1), reference_index=None, sealed_seed=None, sealed_record=None)
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        (entry_id,) = accept_chunk(conn, replace(chunk_of(conn, ledger, [bare]), wrapped_key=None), [bare])
        assert payloads.get(conn, ledger.ledger_id, entry_id) is None
        assert entries.by_commitment(conn, ledger.ledger_id, bare.commitment).entry_id == entry_id


@pytest.mark.parametrize("repeated", ["reference", "commitment"])
def test_chunk_with_a_known_entry_is_refused_with_its_index(engine: Engine, repeated: str) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        accept(conn, ledger, [1])
    known = (
        replace(entry(1), commitment=digest("other"))
        if repeated == "reference"
        else replace(entry(1), reference_index=digest("other"))
    )
    rows = [entry(2), known, entry(3)]
    with pytest.raises(EntryTaken) as refusal, engine.begin() as conn:
        accept_chunk(conn, chunk_of(conn, ledger, rows), rows)
    assert (refusal.value.what, refusal.value.indices) == (repeated, (1,))
    with engine.connect() as conn:
        assert entries.count(conn, ledger.ledger_id) == 1


def test_two_intakes_of_one_reference_at_once_store_it_once(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
    start = threading.Barrier(2)

    def intake(numbers: list[int], salt: int) -> tuple[int, ...]:
        rows = [replace(entry(number), commitment=digest(salt, number)) for number in numbers]
        with engine.begin() as conn:
            chunk = chunk_of(conn, ledger, rows)
            start.wait(timeout=60)
            try:
                accept_chunk(conn, chunk, rows)
            except EntryTaken as taken:
                conn.rollback()
                return taken.indices
            return ()

    shared = list(range(200))
    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(intake, ([*shared, 1000], [2000, *reversed(shared)]), (1, 2)), key=len)
    assert outcomes[0] == ()
    assert outcomes[1] in {tuple(range(200)), tuple(range(1, 201))}
    with engine.connect() as conn:
        assert entries.count(conn, ledger.ledger_id) == 201


def test_closed_and_unknown_ledgers_take_nothing(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        ledgers.set_closed(conn, ledger.ledger_id)
        assert ledgers.by_id(conn, ledger.ledger_id).closed
    with pytest.raises(LedgerClosed), engine.begin() as conn:
        accept(conn, ledger, [1])
    with pytest.raises(NotFound), engine.begin() as conn:
        accept_chunk(conn, replace(chunk_of(conn, ledger, [entry(1)]), ledger_id=bytes(32)), [entry(1)])


def test_closing_waits_for_acceptance_under_way(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)

    def close() -> int:
        with engine.begin() as conn:
            ledgers.set_closed(conn, ledger.ledger_id)
            return entries.count(conn, ledger.ledger_id)

    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as conn:
            accept(conn, ledger, [1])
            closing = pool.submit(close)
            with pytest.raises(TimeoutError):
                closing.result(timeout=0.3)
        assert closing.result(timeout=60) == 1


def test_sums_are_reserved_and_released_within_the_limit(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        assert ledgers.reserve(conn, ledger.ledger_id, 500, 20) == Sums(500, 20)
        assert ledgers.release(conn, ledger.ledger_id, 100, 20) == Sums(400, 0)
        assert ledgers.hold_sums(conn, ledger.ledger_id) == ledgers.sums_of(conn, ledger.ledger_id) == Sums(400, 0)
        with pytest.raises(PolicyRefused):
            ledgers.reserve(conn, ledger.ledger_id, MAX_SUM - 399, 0)
        assert ledgers.reserve(conn, ledger.ledger_id, MAX_SUM - 400, MAX_SUM) == Sums(MAX_SUM, MAX_SUM)
        with pytest.raises(NotFound):
            ledgers.reserve(conn, bytes(32), 1, 0)


def test_database_refuses_more_released_than_reserved(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
    with pytest.raises(IntegrityError, match="credit_range"), engine.begin() as conn:
        ledgers.release(conn, ledger.ledger_id, 1, 0)


def test_chunk_of_another_length_is_refused(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        with pytest.raises(MalformedInput):
            accept_chunk(conn, chunk_of(conn, ledger, [entry(1)]), [entry(1), entry(2)])


def test_erasure_leaves_the_entry_and_nothing_to_guess_from(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        one, two = accept(conn, ledger, [1, 2])
        about = {"erased_by": "key 1", "reason": "asked for by the person"}
        first = payloads.erase(conn, ledger.ledger_id, one, erased_at=NOW + 5, **about)
        assert payloads.erase(conn, ledger.ledger_id, one, erased_at=NOW + 9, **about) == first
        assert payloads.erasure_of(conn, ledger.ledger_id, one) == first
        assert payloads.erasure_of(conn, ledger.ledger_id, two) is None
        assert set(payloads.get_many(conn, ledger.ledger_id, [one, two])) == {two}
        assert references.by_reference(conn, ledger.ledger_id, digest("reference", 1), 0) is None
        assert entries.by_id(conn, ledger.ledger_id, one).commitment == entry(1).commitment
        assert [member.entry_id for member in sealing.unsealed(conn, ledger.ledger_id, 10).members] == [one, two]


def test_ledger_name_of_another_deployment_is_refused(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        assert not ledgers.register(conn, ledger)
        assert ledgers.by_name(conn, ledger.name) == ledger
        assert ledgers.listing(conn, kind="charity") == ledgers.listing(conn, uscc=ledger.uscc) == (ledger,)
        assert ledgers.listing(conn, kind="marriage") == ()
        with pytest.raises(Conflict):
            ledgers.register(conn, replace(ledger, ledger_id=digest("elsewhere")))
        with pytest.raises(NotFound):
            ledgers.by_name(conn, "charity/none/NONE")


def test_ledgers_are_read_in_pages_in_the_order_of_code_points(engine: Engine) -> None:
    with engine.begin() as conn:
        made = {a_ledger(conn, book).name for book in ("B-10", "B-2", "A", "Z", "a", "B_1")}
        names = [ledger.name for ledger in ledgers.page(conn, after=None, limit=4)]
        rest = [ledger.name for ledger in ledgers.page(conn, after=names[-1], limit=4)]
        assert names + rest == sorted(made)
        assert ledgers.page(conn, after=rest[-1], limit=4) == ()
