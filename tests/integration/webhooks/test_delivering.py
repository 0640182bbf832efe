"""Delivering to a real receiver: once told, however often it fails or the process dies."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Engine
from support.logged import logging_to_memory
from support.receiver import Receiver, Reply, receiving, until
from support.subscribed import USCC, Subscribed, subscribe

from chainsvc import webhooks
from chainsvc.crypto.envelope import Envelope
from chainsvc.errors import DatabaseUnavailable
from chainsvc.journal import claims, deliveries, endpoints, ledgers
from chainsvc.webhooks import Deliverer

pytestmark = pytest.mark.database


def test_a_final_batch_arrives_signed(subscribed: Subscribed, receiver: Receiver, deliverer: Deliverer) -> None:
    batch = subscribed.anchor(3)
    assert deliverer.drain() == 1
    (came,) = receiver.came
    message = came.message(subscribed.secret)
    assert message.type == "batch.final"
    assert batch.anchor is not None
    assert message.data == {
        "ledger": subscribed.ledger.name,
        "ledger_id": subscribed.ledger.ledger_id.hex(),
        "batch": 0,
        "first": 0,
        "count": 3,
        "root": batch.root.hex(),
        "head": batch.anchor.head.hex(),
        "block": batch.anchor.block,
        "block_hash": batch.anchor.block_hash.hex(),
        "time": batch.anchor.time,
        "transaction": (batch.tx_hash or b"").hex(),
        "entries": f"/v1/ledgers/{subscribed.ledger.name}/entries?limit=3",
    }
    (delivery,) = subscribed.deliveries()
    assert (delivery.state, delivery.status, delivery.attempts) == ("delivered", 204, 1)
    assert delivery.message_id == message.message_id
    assert deliverer.drain() == 0


def test_after_a_500_it_is_sent_again_under_the_same_id(
    subscribed: Subscribed, receiver: Receiver, deliverer: Deliverer
) -> None:
    receiver.replies.append(Reply(500, "数据库 is away\x00, tel 13912345678".encode()))
    subscribed.anchor()
    assert deliverer.drain() == 1
    (failed,) = subscribed.deliveries()
    assert (failed.state, failed.status, failed.attempts) == ("pending", 500, 1)
    assert failed.answer == "数据库 is away, tel [redacted]"
    assert failed.tried_at is not None
    assert 4 <= failed.due_at - failed.tried_at <= 7
    assert subscribed.endpoint().failures == 1
    assert deliverer.drain() == 0
    subscribed.hasten()
    assert deliverer.drain() == 1
    first, second = (came.message(subscribed.secret) for came in receiver.came)
    assert (first.message_id, first.data, first.timestamp) == (second.message_id, second.data, second.timestamp)
    assert receiver.came[0].body == receiver.came[1].body
    assert subscribed.deliveries()[0].state == "delivered"
    assert (subscribed.endpoint().failures, subscribed.endpoint().failing_since) == (0, None)


def test_a_crash_between_answer_and_commit_delivers_again(
    subscribed: Subscribed,
    receiver: Receiver,
    deliverer_with: Callable[..., Deliverer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    subscribed.anchor()
    with monkeypatch.context() as patch:
        patch.setattr(claims, "mark_delivered", _die)
        assert deliverer_with().drain() == 1
    assert len(receiver.came) == 1
    assert deliverer_with().drain() == 0, "the lease still runs"
    subscribed.hasten()
    assert deliverer_with().drain() == 1
    first, second = (came.message(subscribed.secret) for came in receiver.came)
    assert first.message_id == second.message_id
    assert subscribed.deliveries()[0].state == "delivered"


def _die(*_: object) -> bool:
    raise DatabaseUnavailable("the journal's database does not answer")


def test_the_last_failure_is_a_dead_letter_and_a_replay_revives_it(
    subscribed: Subscribed, receiver: Receiver, deliverer: Deliverer, engine: Engine
) -> None:
    receiver.replies += [Reply(503), Reply(302, headers={"location": receiver.url}), Reply(404)]
    subscribed.anchor()
    for _ in range(3):
        subscribed.hasten()
        assert deliverer.drain() == 1
    (dead,) = subscribed.deliveries(state="dead")
    assert (dead.attempts, dead.status) == (3, 404)
    subscribed.hasten()
    assert deliverer.drain() == 0
    with engine.begin() as conn:
        assert deliveries.replay(conn, subscribed.endpoint_id, dead.message_id).state == "pending"
    assert deliverer.drain() == 1
    assert len({came.message(subscribed.secret).message_id for came in receiver.came}) == 1
    assert subscribed.deliveries()[0].state == "delivered"


def test_replay_since_a_time_takes_the_dead_or_all(
    subscribed: Subscribed, receiver: Receiver, deliverer: Deliverer, engine: Engine
) -> None:
    receiver.replies.append(Reply(410))
    subscribed.anchor()
    deliverer.drain()
    with engine.begin() as conn:
        endpoints.enable(conn, subscribed.endpoint_id)
    subscribed.anchor()
    assert deliverer.drain() == 1
    happened = subscribed.deliveries()[0].happened_at
    with engine.begin() as conn:
        assert deliveries.replay_since(conn, subscribed.endpoint_id, happened + 100, ["dead", "delivered"]) == 0
        assert deliveries.replay_since(conn, subscribed.endpoint_id, happened - 100, ["dead"]) == 1
    assert deliverer.drain() == 1
    with engine.begin() as conn:
        assert deliveries.replay_since(conn, subscribed.endpoint_id, happened - 100, ["dead", "delivered"]) == 2
    assert deliverer.drain() == 2
    numbers = [came.message(subscribed.secret).data["batch"] for came in receiver.came[-2:]]
    assert sorted(numbers) == [0, 1]


def test_410_disables_the_endpoint_and_what_waits_is_dead(
    subscribed: Subscribed, receiver: Receiver, deliverer: Deliverer
) -> None:
    receiver.always = Reply(410)
    for _ in range(6):
        subscribed.anchor(1)
    deliverer.drain()
    assert len(receiver.came) <= 4
    assert {delivery.state for delivery in subscribed.deliveries()} == {"dead"}
    assert subscribed.endpoint().disabled_because == "it answered 410 Gone"
    subscribed.anchor(1)
    assert len(subscribed.deliveries()) == 6, "nothing is written for a disabled endpoint"


def test_several_answers_of_410_at_once_are_all_recorded(
    subscribed: Subscribed, receiver: Receiver, deliverer: Deliverer
) -> None:
    together = threading.Event()
    receiver.always = Reply(410, after=together)
    for _ in range(4):
        subscribed.anchor(1)

    def answer_together() -> None:
        receiver.wait_for(4)
        together.set()

    threading.Thread(target=answer_together, daemon=True).start()
    with logging_to_memory() as logged:
        assert deliverer.drain() == 4
    assert "webhook_disabled" in logged.getvalue()
    assert "webhook_not_recorded" not in logged.getvalue()
    assert {delivery.state for delivery in subscribed.deliveries()} == {"dead"}


def test_an_endpoint_that_fails_for_too_long_is_disabled(
    subscribed: Subscribed, receiver: Receiver, deliverer: Deliverer, engine: Engine
) -> None:
    receiver.always = Reply(500)
    subscribed.anchor()
    deliverer.drain()
    with engine.begin() as conn:
        conn.exec_driver_sql("UPDATE endpoints SET failing_since = failing_since - 432001")
    subscribed.hasten()
    deliverer.drain()
    assert "every attempt failed" in (subscribed.endpoint().disabled_because or "")
    assert subscribed.deliveries()[0].state == "dead"


def test_retry_after_is_honoured(subscribed: Subscribed, receiver: Receiver, deliverer: Deliverer) -> None:
    receiver.replies.append(Reply(429, headers={"retry-after": "4000"}))
    subscribed.anchor()
    deliverer.drain()
    (delivery,) = subscribed.deliveries()
    assert delivery.tried_at is not None
    assert delivery.due_at - delivery.tried_at >= 4000


def test_two_deliverers_share_the_work_and_claim_nothing_twice(
    subscribed: Subscribed, receiver: Receiver, deliverer_with: Callable[..., Deliverer]
) -> None:
    for _ in range(30):
        subscribed.anchor(1)
    both = [deliverer_with(), deliverer_with()]
    made: list[int] = []
    threads = [threading.Thread(target=lambda one=one: made.append(one.drain())) for one in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(made) == 30
    ids = [came.message(subscribed.secret).message_id for came in receiver.came]
    assert len(ids) == len(set(ids)) == 30


def test_a_slow_endpoint_holds_up_no_other(
    subscribed: Subscribed,
    receiver: Receiver,
    engine: Engine,
    envelope: Envelope,
    deliverer_with: Callable[..., Deliverer],
) -> None:
    answer = threading.Event()
    with receiving() as slow:
        slow.always = Reply(200, after=answer)
        with engine.begin() as conn:
            subscribe(conn, envelope, slow.url, USCC)
        for _ in range(40):
            subscribed.anchor(1)
        deliverer = deliverer_with(webhook_concurrency=6, webhook_per_endpoint=3)
        deliverer.start()
        try:
            receiver.wait_for(40)
            assert len(slow.came) == 3, "its places are taken, and no more"
            answer.set()
            slow.wait_for(40)
        finally:
            answer.set()
            deliverer.stop(30)


def test_a_receiver_that_drips_its_answer_is_cut_off(
    subscribed: Subscribed, receiver: Receiver, deliverer_with: Callable[..., Deliverer]
) -> None:
    never = threading.Event()
    receiver.always = Reply(200, after=never)
    subscribed.anchor()
    deliverer_with(webhook_timeout_s=0.2).drain()
    never.set()
    assert subscribed.deliveries()[0].answer == "no answer within 0.2 s"


def test_a_large_answer_is_not_read(subscribed: Subscribed, receiver: Receiver, deliverer: Deliverer) -> None:
    receiver.always = Reply(500, b"x" * 5_000_000)
    subscribed.anchor()
    deliverer.drain()
    assert subscribed.deliveries()[0].answer == "x" * 300


def test_a_dead_endpoint_is_probed_by_one_attempt_at_a_time(
    subscribed: Subscribed, receiver: Receiver, deliverer: Deliverer
) -> None:
    receiver.always = Reply(500)
    for _ in range(8):
        subscribed.anchor(1)
    assert deliverer.drain() == 4
    subscribed.hasten()
    assert deliverer.drain() == 1


def test_both_keys_sign_while_the_old_one_counts(
    subscribed: Subscribed, receiver: Receiver, deliverer: Deliverer, envelope: Envelope, engine: Engine
) -> None:
    with engine.begin() as conn:
        new = endpoints.rotate(conn, endpoints.get(conn, subscribed.endpoint_id), envelope, overlap_s=3600).shown
    subscribed.anchor()
    deliverer.drain()
    (came,) = receiver.came
    assert came.message(subscribed.secret) == came.message(new)
    with engine.begin() as conn:
        conn.exec_driver_sql("UPDATE endpoints SET old_until = 1")
    subscribed.anchor()
    deliverer.drain()
    assert len(receiver.came[1].headers["webhook-signature"].split(" ")) == 1
    receiver.came[1].message(new)


def test_an_asymmetric_endpoint_is_verified_with_its_public_key(
    subscribed: Subscribed, receiver: Receiver, deliverer: Deliverer, envelope: Envelope, engine: Engine
) -> None:
    with engine.begin() as conn:
        _, key = subscribe(conn, envelope, receiver.url, USCC, "ledger.closed", scheme="v1a")
        conn.exec_driver_sql("UPDATE endpoints SET events = '{}' WHERE scheme = 'v1'")
    with engine.begin() as conn:
        ledgers.set_closed(conn, subscribed.ledger.ledger_id)
    deliverer.drain()
    assert key.shown.startswith("whpk_")
    assert receiver.came[0].message(key.shown).type == "ledger.closed"


def test_a_private_address_is_refused_unless_it_is_allowed(
    subscribed: Subscribed, receiver: Receiver, deliverer_with: Callable[..., Deliverer]
) -> None:
    subscribed.anchor()
    deliverer_with(webhook_allowed_networks=()).drain()
    assert receiver.came == []
    answer = subscribed.deliveries()[0].answer or ""
    assert "webhooks don't go to addresses of this kind" in answer


def test_a_running_deliverer_picks_up_what_happens(
    subscribed: Subscribed, receiver: Receiver, deliverer: Deliverer
) -> None:
    deliverer.start()
    try:
        subscribed.anchor()
        receiver.wait_for(1)
        until(lambda: subscribed.deliveries()[0].state == "delivered")
    finally:
        deliverer.stop(30)


def test_an_outage_of_the_database_is_a_pause(
    subscribed: Subscribed, receiver: Receiver, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "_OUTAGE_PAUSE_S", 0.01)
    with monkeypatch.context() as patch:
        patch.setattr(claims, "due", _die)
        deliverer.start()
        until(lambda: deliverer.outage is not None)
        assert "does not answer" in (deliverer.outage or "")
    try:
        subscribed.anchor()
        receiver.wait_for(1)
        until(lambda: deliverer.outage is None)
    finally:
        deliverer.stop(30)
