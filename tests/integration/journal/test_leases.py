"""One holder at a time, by the database's clock; who was late writes nothing."""

import pytest
from sqlalchemy import Connection, Engine
from support.journal import a_ledger

from chainsvc.errors import DatabaseUnavailable, LeaseLost
from chainsvc.journal import leases
from chainsvc.journal.leases import Lease

pytestmark = pytest.mark.database
NAME = leases.of_account(b"\x5e" * 20)
LENGTH_S = 30.0


def acquired(engine: Engine, holder: str, name: str = NAME, length_s: float = LENGTH_S) -> Lease:
    with engine.begin() as conn:
        lease = leases.acquire(conn, name, holder, length_s)
    assert lease is not None
    return lease


def let_expire(conn: Connection) -> None:
    conn.exec_driver_sql("UPDATE leases SET expires_at = clock_timestamp() - interval '1 millisecond'")


def expired(engine: Engine) -> None:
    with engine.begin() as conn:
        let_expire(conn)


def test_a_held_lease_is_not_given_again(engine: Engine) -> None:
    first = acquired(engine, "one")
    with engine.begin() as conn:
        assert leases.acquire(conn, NAME, "two", LENGTH_S) is None
        assert leases.renew(conn, first)
        assert [(held.name, held.holder) for held in leases.held(conn)] == [(NAME, "one")]


def test_an_expired_lease_goes_to_the_next_with_a_higher_token(engine: Engine) -> None:
    first = acquired(engine, "one")
    expired(engine)
    second = acquired(engine, "two")
    assert second.token > first.token
    with engine.begin() as conn:
        assert not leases.renew(conn, first)
        with pytest.raises(LeaseLost):
            leases.fence(conn, first)
        leases.fence(conn, second)


def test_a_released_lease_is_free_at_once_and_its_token_is_never_given_again(engine: Engine) -> None:
    first = acquired(engine, "one")
    with engine.begin() as conn:
        leases.release(conn, first)
        assert leases.is_free(conn, NAME)
    second = acquired(engine, "one")
    with engine.begin() as conn:
        leases.release(conn, first)
        leases.fence(conn, second)
    assert second.token == first.token + 1


def test_an_expired_lease_that_nobody_took_is_renewed(engine: Engine) -> None:
    lease = acquired(engine, "one")
    expired(engine)
    with engine.begin() as conn, pytest.raises(LeaseLost):
        leases.fence(conn, lease)
    with engine.begin() as conn:
        assert leases.renew(conn, lease)
        leases.fence(conn, lease)


def test_nobody_takes_over_in_the_middle_of_a_step_and_a_renewal_does_not_wait_for_it(engine: Engine) -> None:
    lease = acquired(engine, "one")
    with engine.begin() as step:
        leases.fence(step, lease)
        with engine.begin() as other:
            assert leases.renew(other, lease)
        expired(engine)
        with engine.begin() as other:
            assert leases.acquire(other, NAME, "two", LENGTH_S) is None
    acquired(engine, "two")


def test_the_server_cuts_off_who_pauses_in_a_step(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "_SHORTEST_CUT_S", 0.2)
    lease = acquired(engine, "one", length_s=0.2)
    with engine.connect() as step:
        leases.fence(step, lease)
        with engine.begin() as other:
            other.exec_driver_sql("SELECT pg_sleep(1)")
        with pytest.raises(DatabaseUnavailable):
            step.exec_driver_sql("SELECT 1")
    acquired(engine, "two")


def test_a_ledger_is_under_one_lease_at_a_time(engine: Engine) -> None:
    with engine.begin() as conn:
        ids = [a_ledger(conn, f"B-{n}").ledger_id for n in range(3)]
    one, two = acquired(engine, "one"), acquired(engine, "two", leases.of_account(b"\x5f" * 20))
    with engine.begin() as conn:
        assert leases.take_ledgers(conn, one, ids[:2]) == frozenset(ids[:2])
        assert leases.take_ledgers(conn, two, ids) == {ids[2]}
        leases.fence_ledgers(conn, one, ids[:2])
        with pytest.raises(LeaseLost):
            leases.fence_ledgers(conn, two, ids)
        leases.give_back(conn, one, ids[:1])
        assert leases.take_ledgers(conn, two, ids) == {ids[0], ids[2]}


def test_ledgers_of_a_dead_holder_are_taken_and_lost_to_it_when_it_wakes(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger_id = a_ledger(conn).ledger_id
    one = acquired(engine, "one")
    with engine.begin() as conn:
        leases.take_ledgers(conn, one, [ledger_id])
    expired(engine)
    two = acquired(engine, "two", leases.of_account(b"\x5f" * 20))
    with engine.begin() as conn:
        assert leases.take_ledgers(conn, two, [ledger_id]) == {ledger_id}
        assert leases.renew(conn, one)
        leases.fence(conn, one)
        with pytest.raises(LeaseLost):
            leases.fence_ledgers(conn, one, [ledger_id])


def test_ledgers_of_an_account_are_free_when_its_next_holder_comes(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger_id = a_ledger(conn).ledger_id
    first = acquired(engine, "one")
    with engine.begin() as conn:
        leases.take_ledgers(conn, first, [ledger_id])
    expired(engine)
    second = acquired(engine, "two")
    with engine.begin() as conn:
        assert leases.take_ledgers(conn, second, [ledger_id]) == {ledger_id}


def test_a_ledger_in_the_middle_of_a_step_is_left_to_its_holder(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger_id = a_ledger(conn).ledger_id
    one = acquired(engine, "one")
    two = acquired(engine, "two", leases.of_account(b"\x5f" * 20))
    with engine.begin() as conn:
        leases.take_ledgers(conn, one, [ledger_id])
    with engine.begin() as step:
        leases.fence(step, one)
        leases.fence_ledgers(step, one, [ledger_id])
        with engine.begin() as other:
            other.exec_driver_sql("UPDATE leases SET expires_at = 'epoch' WHERE holder = 'one'")
            assert leases.take_ledgers(other, two, [ledger_id]) == frozenset()
    with engine.begin() as conn:
        assert leases.take_ledgers(conn, two, [ledger_id]) == {ledger_id}


def test_accounts_are_known_for_a_while_after_their_workers_ended(engine: Engine) -> None:
    lease = acquired(engine, "one")
    acquired(engine, "one", leases.WATCH)
    with engine.begin() as conn:
        assert leases.accounts(conn) == (b"\x5e" * 20,)
        let_expire(conn)
        assert leases.accounts(conn) == ()
        assert leases.accounts(conn, within_s=3600) == (b"\x5e" * 20,)
        assert leases.renew(conn, lease, "the node is away")
        assert [held.trouble for held in leases.held(conn)] == ["the node is away"]
