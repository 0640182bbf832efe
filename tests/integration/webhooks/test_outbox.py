"""What is told to whom: in the transaction that makes it so, and nothing where nobody listens."""

import threading
from typing import Any

import jsonschema_rs
import pytest
from sqlalchemy import Connection, Engine
from support.fake_service import FakeService
from support.journal import NOW, a_ledger, accept, anchor_of, seal, submit
from support.paper_chain import PaperChain
from support.subscribed import USCC, Subscribed, subscribe

from chainsvc.api.app import create_app
from chainsvc.client.answers.webhooks import EVENT_TYPES
from chainsvc.crypto.envelope import Envelope, KeyEncryptionKey
from chainsvc.cursors import decode_number
from chainsvc.errors import KeyMismatch
from chainsvc.journal import batches, claims, deliveries, endpoints, ledgers, marks, outbox, payloads, rotation
from chainsvc.journal import network as journal_network
from chainsvc.journal.ledgers import Ledger
from chainsvc.journal.marks import Word

pytestmark = pytest.mark.database
OTHER = "11320602114798049U"
URL = "https://example.org/hook"


class Told:
    """An endpoint that asks for everything, and what is written for it."""

    def __init__(self, engine: Engine, envelope: Envelope, **asked: Any) -> None:
        self.engine = engine
        with engine.begin() as conn:
            events = asked.pop("events", EVENT_TYPES)
            self.id = subscribe(conn, envelope, URL, asked.pop("uscc", USCC), *events, **asked)[0].endpoint_id

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Type and data of everything, in order; each fits the shape that is published."""
        query = "SELECT e.type, e.data FROM events AS e JOIN deliveries AS d USING (ledger_id, event_id)"
        query += f" WHERE d.endpoint_id = '{self.id}' ORDER BY e.number"
        with self.engine.connect() as conn:
            found = [(row.type, row.data) for row in conn.exec_driver_sql(query)]
        for event, data in found:
            _check_shape(event, data)
        return found

    def types(self) -> list[str]:
        return [event for event, _ in self.events()]


_DOCUMENT = create_app(FakeService()).openapi()


def _check_shape(event: str, data: dict[str, Any]) -> None:
    schema = {
        "$ref": f"#/components/schemas/Message_{event.replace('.', '_')}",
        "components": _DOCUMENT["components"],
    }
    body = {"type": event, "timestamp": "2026-01-05T02:00:02Z", "data": data}
    jsonschema_rs.validator_for(schema, validate_formats=True).validate(body)


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    with engine.begin() as conn:
        return a_ledger(conn)


@pytest.fixture
def told(engine: Engine, envelope: Envelope) -> Told:
    return Told(engine, envelope)


def final_batch(engine: Engine, ledger: Ledger, count: int, *, after: int = 0) -> None:
    Subscribed(engine, ledger, "", "", after).anchor(count)


def word_at(block: int) -> Word:
    return Word(bytes(32), b"\x77" * 32, b"\xac" * 20, block, b"\xbb" * 32, NOW + block, 0)


def mark_of(conn: Connection, ledger: Ledger, entry_ids: tuple[int, ...], status: int = 2) -> marks.Mark:
    target, cause = entry_ids[:2]
    own = ledger.ledger_id
    return marks.request(conn, own, target, status, cause_ledger_id=own, cause_entry_id=cause, requested_at=NOW)


def test_nothing_is_written_where_nobody_listens(engine: Engine, ledger: Ledger) -> None:
    final_batch(engine, ledger, 3)
    with engine.begin() as conn:
        ledgers.set_closed(conn, ledger.ledger_id)
        assert conn.exec_driver_sql("SELECT count(*) FROM events").scalar_one() == 0


def test_what_is_rolled_back_is_not_told(engine: Engine, told: Told) -> None:
    with engine.connect() as conn:
        a_ledger(conn)
        conn.rollback()
    assert told.events() == []
    with engine.begin() as conn:
        made = a_ledger(conn)
        a_ledger(conn)
    assert told.events() == [("ledger.opened", {**_named(made), "block": 7})]


def test_a_ledger_is_closed_once(engine: Engine, told: Told, ledger: Ledger) -> None:
    for _ in range(2):
        with engine.begin() as conn:
            ledgers.set_closed(conn, ledger.ledger_id)
    assert told.events()[1:] == [("ledger.closed", _named(ledger))]


def test_a_batch_is_told_with_its_records_in_parts(engine: Engine, told: Told, ledger: Ledger) -> None:
    final_batch(engine, ledger, 2)
    final_batch(engine, ledger, 300, after=2)
    with engine.begin() as conn:
        batches.mark_final(conn, ledger.ledger_id, 1, batches.get(conn, ledger.ledger_id, 1).anchor or _never())
    found = told.events()[1:]
    assert [event for event, _ in found] == ["batch.final", "records.final"] + ["batch.final"] + ["records.final"] * 3
    second = found[2][1]
    assert (second["batch"], second["first"], second["count"]) == (1, 2, 300)
    path, _, query = second["entries"].partition("?")
    assert path == f"/v1/ledgers/{ledger.name}/entries"
    after, limit = (part.partition("=")[2] for part in query.split("&"))
    assert (decode_number("entries", after), limit) == (1, "300")
    parts = [data for _, data in found[3:]]
    assert [(part["first"], part["count"]) for part in parts] == [(2, 128), (130, 128), (258, 44)]
    with engine.connect() as conn:
        members = [member.commitment.hex() for member in batches.members(conn, ledger.ledger_id, 1)]
    assert [record for part in parts for record in part["records"]] == members
    assert {part["head"] for part in parts} == {second["head"]}


@pytest.mark.parametrize("first", [32_767 - 4_095, 2**31 - 4_095, 2**52])
def test_a_batch_far_into_a_ledger_is_told(engine: Engine, told: Told, ledger: Ledger, first: int) -> None:
    """Numbers have the width of a seq, however narrow the first ones are."""
    final_batch(engine, ledger, 1)
    (data,) = (data for event, data in told.events() if event == "batch.final")
    far = {name: value for name, value in data.items() if not name.startswith(("ledger", "entries"))}
    with engine.begin() as conn:
        outbox.batch_final(conn, ledger.ledger_id, {**far, "first": first, "count": 4_096})
    assert told.events()[-1][1]["first"] == first


def test_a_batch_whose_block_vanished_is_told_again(engine: Engine, told: Told, ledger: Ledger) -> None:
    final_batch(engine, ledger, 1)
    with engine.begin() as conn:
        batches.back_to_submitted(conn, ledger.ledger_id, 0)
        batches.back_to_submitted(conn, ledger.ledger_id, 0)
        batches.mark_final(conn, ledger.ledger_id, 0, anchor_of(batches.get(conn, ledger.ledger_id, 0), block=12))
    assert told.types()[1:] == ["batch.final", "records.final", "batch.reopened", "batch.final", "records.final"]
    assert [data["block"] for event, data in told.events() if event.startswith("batch")] == [10, 10, 12]


def test_changes_of_standing_are_told_with_their_record(engine: Engine, told: Told, ledger: Ledger) -> None:
    with engine.begin() as conn:
        entry_ids = accept(conn, ledger, range(2))
        refused = mark_of(conn, ledger, entry_ids, 6)
        marks.mark_refused(conn, *refused.key, reason="the contract refused: StandingRefused(from=0, to=6)")
        marks.mark_refused(conn, *refused.key, reason="again")
        batch = seal(conn, ledger)
        submit(conn, batch)
        batches.mark_final(conn, ledger.ledger_id, 0, anchor_of(batch))
        mark = mark_of(conn, ledger, entry_ids)
        for _ in range(2):
            marks.mark_final(conn, *mark.key, 1, word_at(11))
        marks.back_to_submitted(conn, *mark.key)
        marks.back_to_submitted(conn, *mark.key)
    found = [(event, data) for event, data in told.events() if event.startswith("standing")]
    assert [event for event, _ in found] == ["standing.refused", "standing.final", "standing.reopened"]
    assert (found[0][1]["status"], found[0][1]["seq"], found[0][1]["reason"]) == (
        "void",
        None,
        "the contract refused: StandingRefused(from=0, to=6)",
    )
    final = found[1][1]
    assert (final["status"], final["word"], final["block"], final["cause_seq"]) == ("revoked", "77" * 32, 11, 1)
    assert final["record"] == found[2][1]["record"] == found[0][1]["record"]


def test_a_change_that_another_service_made_is_told_too(engine: Engine, told: Told, ledger: Ledger) -> None:
    with engine.begin() as conn:
        (entry_id,) = accept(conn, ledger, [0])
        own, word = ledger.ledger_id, word_at(11)
        for _ in range(2):
            marks.observe(conn, own, entry_id, 2, cause_ledger_id=own, cause_seq=9, word=word, seen_at=NOW)
    assert told.types()[1:] == ["standing.final"]


def test_an_erasure_is_told_once_and_without_its_reason(engine: Engine, told: Told, ledger: Ledger) -> None:
    with engine.begin() as conn:
        (entry_id,) = accept(conn, ledger, [0])
        for reason in ("王某某 asked for it", "again"):
            payloads.erase(conn, ledger.ledger_id, entry_id, erased_at=NOW, erased_by="key", reason=reason)
    ((event, data),) = told.events()[1:]
    assert (event, data["erased_at"], data["seq"]) == ("record.erased", NOW, None)
    assert "王" not in str(data)


def test_an_overdue_receipt_is_told_once(engine: Engine, told: Told, ledger: Ledger) -> None:
    later = 4_000_000_000
    with engine.begin() as conn:
        accept(conn, ledger, range(3), accepted_at=1_000_000)
        accept(conn, ledger, range(3, 5), accepted_at=later)
        seal(conn, ledger, 2)
        accept(conn, ledger, range(5, 6), accepted_at=2_000_000)
    for _ in range(2):
        with engine.begin() as conn:
            outbox.receipts_overdue(conn)
    found = [data for event, data in told.events() if event == "receipt.overdue"]
    assert sorted((data["anchor_by"], data["records"]) for data in found) == [(1_003_600, 3), (2_003_600, 1)]


def test_what_is_final_is_not_overdue(engine: Engine, told: Told, ledger: Ledger) -> None:
    with engine.begin() as conn:
        accept(conn, ledger, range(3), accepted_at=1_000_000)
        batch = seal(conn, ledger)
        submit(conn, batch)
        batches.mark_final(conn, ledger.ledger_id, 0, anchor_of(batch))
        outbox.receipts_overdue(conn)
    assert "receipt.overdue" not in told.types()


def test_each_is_told_of_its_own_ledgers_an_auditor_of_all(engine: Engine, envelope: Envelope) -> None:
    own, stranger = Told(engine, envelope), Told(engine, envelope, uscc=OTHER)
    auditor = Told(engine, envelope, uscc=OTHER, all_ledgers=True)
    one = Told(engine, envelope, ledger=f"charity/{USCC}/SECOND")
    batches_only = Told(engine, envelope, events=["batch.final"])
    with engine.begin() as conn:
        made = [a_ledger(conn, book) for book in ("FIRST", "SECOND")]
    assert [data["ledger"] for _, data in own.events()] == [ledger.name for ledger in made]
    assert auditor.events() == own.events()
    assert [data["ledger"] for _, data in one.events()] == [made[1].name]
    assert stranger.events() == batches_only.events() == []
    with engine.connect() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM events").scalar_one() == 2, "one event for all who listen"


def test_an_endpoint_that_is_removed_meanwhile_does_not_stop_what_is_told(
    engine: Engine, told: Told, ledger: Ledger
) -> None:
    with engine.connect() as removing:
        endpoints.remove(removing, told.id)
        done = threading.Event()

        def close() -> None:
            with engine.begin() as conn:
                ledgers.set_closed(conn, ledger.ledger_id)
            done.set()

        threading.Thread(target=close, daemon=True).start()
        assert done.wait(60), "it waits for the removal"
        removing.commit()
    with engine.connect() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM deliveries").scalar_one() == 0


def test_removing_an_endpoint_removes_what_was_to_be_told(engine: Engine, told: Told, ledger: Ledger) -> None:
    final_batch(engine, ledger, 1)
    with engine.begin() as conn:
        endpoints.remove(conn, told.id)
        assert conn.exec_driver_sql("SELECT count(*) FROM deliveries").scalar_one() == 0


def test_what_happened_is_never_rewritten(engine: Engine, told: Told, ledger: Ledger) -> None:
    final_batch(engine, ledger, 1)
    assert told.events()
    with engine.connect() as conn, pytest.raises(Exception, match="what happened is told as it was"):
        conn.exec_driver_sql("UPDATE events SET data = '{}'")


def test_old_events_are_forgotten_once_nothing_waits(engine: Engine, told: Told, ledger: Ledger) -> None:
    final_batch(engine, ledger, 1)
    with engine.begin() as conn:
        conn.exec_driver_sql("SET LOCAL session_replication_role = replica")
        conn.exec_driver_sql("UPDATE events SET happened_at = happened_at - 1000")
    with engine.begin() as conn:
        assert deliveries.prune(conn, 500) == 0
        endpoints.disable(conn, told.id, "for the test")
        assert deliveries.prune(conn, 5_000) == 0
        assert deliveries.prune(conn, 500) == 3
        assert conn.exec_driver_sql("SELECT count(*) FROM events").scalar_one() == 0


def test_a_new_key_encryption_key_opens_the_endpoints_keys(engine: Engine) -> None:
    network = PaperChain().network
    old, new = KeyEncryptionKey(bytes(range(32))), KeyEncryptionKey(bytes(range(1, 33)))
    with engine.begin() as conn:
        envelope = journal_network.bind(conn, network, old)
        endpoint, key = subscribe(conn, envelope, URL)
        second = endpoints.rotate(conn, endpoint, envelope, overlap_s=100)
        deliveries.test(conn, endpoint.endpoint_id)
        rotation.switch(conn, old, new)
    with engine.begin() as conn:
        opened = journal_network.bind(conn, network, new)
        (claim,) = claims.claim(conn, endpoint.endpoint_id, opened, limit=5, lease_s=-1)
        assert claim.keys == (second, key)
    with engine.begin() as conn, pytest.raises(KeyMismatch):
        claims.claim(conn, endpoint.endpoint_id, envelope, limit=5, lease_s=1)


def _named(ledger: Ledger) -> dict[str, str]:
    return {"ledger": ledger.name, "ledger_id": ledger.ledger_id.hex()}


def _never() -> batches.Anchor:
    raise AssertionError
