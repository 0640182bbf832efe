"""Network, key-encryption key, API keys, checkpoints and cursors."""

import json
import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, text
from support.journal import NOW, a_ledger, accept, chunk_of, digest, entry

from chainsvc.crypto.envelope import Envelope, KeyEncryptionKey
from chainsvc.errors import AccessDenied, Conflict, KekTurned, KeyMismatch, NetworkMismatch, NotFound, Unavailable
from chainsvc.journal import checkpoints, chunks, cursors, keys, network, payloads, rotation
from chainsvc.journal.accepting import accept_chunk
from chainsvc.journal.checkpoints import StoredCheckpoint
from chainsvc.journal.cursors import Cursor
from chainsvc.network import Clock, Contract, LedgerContract, Network, Slots
from chainsvc.network import Engine as ChainEngine

pytestmark = pytest.mark.database
KEK, OTHER_KEK = KeyEncryptionKey(digest("kek")), KeyEncryptionKey(digest("other kek"))


def deployment() -> Network:
    return Network(
        network_id=digest("network"),
        chain_id=31337,
        genesis=digest("genesis"),
        name="test",
        institutions=Contract(b"\x01" * 20, digest("code")),
        ledgers=(LedgerContract(b"\x02" * 20, digest("code"), "charity"),),
        slots=Slots(4, 1, 5, 3, 0, 2),
        engine=ChainEngine("anvil", "block", 1),
        time=Clock(15),
        signers=(),
        validators=(),
        schemas={},
    )


def test_new_journal_is_bound_and_stays_bound(engine: Engine) -> None:
    with engine.begin() as conn:
        assert network.belonging(conn) is None
        envelope = network.bind(conn, deployment(), KEK)
    with engine.begin() as conn:
        again = network.bind(conn, deployment(), KEK)
        index = envelope.reference_index(digest("ledger"), "DON-1")
        assert again.reference_index(digest("ledger"), "DON-1") == index
        bound = network.belonging(conn)
        assert bound is not None
        assert (bound.network_id, bound.descriptor) == (digest("network"), deployment().to_bytes())


def test_newer_descriptor_of_the_same_network_is_kept(engine: Engine) -> None:
    renamed = replace(deployment(), name="renamed")
    with engine.begin() as conn:
        network.bind(conn, deployment(), KEK)
        network.bind(conn, renamed, KEK)
        bound = network.belonging(conn)
        assert bound is not None
        assert json.loads(bound.descriptor)["name"] == "renamed"


@pytest.mark.parametrize(("member", "value"), [("network_id", digest("x")), ("chain_id", 1), ("genesis", digest("y"))])
def test_other_network_is_refused_with_both_ids(engine: Engine, member: str, value: Any) -> None:
    with engine.begin() as conn:
        network.bind(conn, deployment(), KEK)
        with pytest.raises(NetworkMismatch) as refusal:
            network.bind(conn, replace(deployment(), **{member: value}), KEK)
    shown = value.hex() if isinstance(value, bytes) else str(value)
    assert refusal.value.got == shown
    assert refusal.value.expected not in {None, shown}


def test_other_key_encryption_key_is_refused(engine: Engine) -> None:
    with engine.begin() as conn:
        network.bind(conn, deployment(), KEK)
        with pytest.raises(KeyMismatch):
            network.bind(conn, deployment(), OTHER_KEK)


def test_rotation_wraps_every_key_anew_and_keeps_records_readable(engine: Engine) -> None:
    seed = digest("seed")
    with engine.begin() as conn:
        envelope = network.bind(conn, deployment(), KEK)
        ledger = a_ledger(conn)
        for number in range(3):
            chunk = chunk_of(conn, ledger, [entry(number)])
            cipher, wrapped = envelope.new_chunk_key(ledger.ledger_id, chunk.chunk_id)
            row = replace(
                entry(number),
                sealed_seed=cipher.seal_seed(0, seed),
                sealed_record=cipher.seal_record(0, seed, b"record %d" % number),
            )
            accept_chunk(conn, replace(chunk, wrapped_key=wrapped), [row])
    with pytest.raises(KeyMismatch), engine.begin() as conn:
        rotation.switch(conn, OTHER_KEK, KeyEncryptionKey(digest("a third")))
    with engine.begin() as conn:
        assert rotation.switch(conn, KEK, OTHER_KEK)
        assert not rotation.switch(conn, KEK, OTHER_KEK)
    assert rotation.rewrap_chunks(engine, KEK, OTHER_KEK) == 3
    assert rotation.rewrap_chunks(engine, KEK, OTHER_KEK) == 0
    with engine.begin() as conn:
        rotated = network.bind(conn, deployment(), OTHER_KEK)
        assert rotated.reference_index(seed, "r") == envelope.reference_index(seed, "r")
        for chunk_id in conn.execute(text("SELECT chunk_id FROM chunks ORDER BY chunk_id")).scalars().all():
            kept = payloads.get(conn, ledger.ledger_id, chunks.entry_id_of(chunk_id, 0))
            assert kept is not None
            cipher = rotated.unwrap(ledger.ledger_id, chunk_id, kept.wrapped_key)
            opened = cipher.open_seed(0, kept.sealed_seed)
            assert cipher.open_record(0, opened, kept.sealed_record).startswith(b"record ")
            with pytest.raises(KeyMismatch):
                envelope.unwrap(ledger.ledger_id, chunk_id, kept.wrapped_key)


def test_rotation_pages_through_many_chunks(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "PAGE", 2)
    with pytest.raises(NotFound), engine.begin() as conn:
        rotation.switch(conn, KEK, OTHER_KEK)
    with engine.begin() as conn:
        envelope = network.bind(conn, deployment(), KEK)
        for book in ("A", "B"):
            ledger = a_ledger(conn, book)
            for number in range(3):
                chunk = chunk_of(conn, ledger, [entry(number)])
                wrapped = envelope.new_chunk_key(ledger.ledger_id, chunk.chunk_id)[1]
                accept_chunk(conn, replace(chunk, wrapped_key=wrapped), [entry(number)])
    pages: list[int] = []
    assert rotation.rewrap_chunks(engine, KEK, OTHER_KEK, pages.append) == 6
    assert pages == [2, 2, 2]
    with pytest.raises(KeyMismatch):
        rotation.rewrap_chunks(engine, KEK, KeyEncryptionKey(digest("a third")))


def test_chunk_wrapped_with_the_old_key_is_not_stored_once_another_counts(engine: Engine) -> None:
    with engine.begin() as conn:
        envelope = network.bind(conn, deployment(), KEK, lambda: [OTHER_KEK])
        ledger = a_ledger(conn)
    with engine.begin() as conn:
        rotation.switch(conn, KEK, OTHER_KEK)

    def store() -> None:
        with engine.begin() as conn:
            chunk = chunk_of(conn, ledger, [entry(1)])
            wrapped = envelope.new_chunk_key(ledger.ledger_id, chunk.chunk_id)[1]
            accept_chunk(conn, replace(chunk, wrapped_key=wrapped), [entry(1)], kek_check=envelope.check_value())

    with pytest.raises(KekTurned) as caught:
        store()
    envelope.turn(caught.value.check)
    store()
    with engine.connect() as conn:
        assert conn.execute(text("SELECT count(*) FROM chunks")).scalar_one() == 1
    assert rotation.rewrap_chunks(engine, KEK, OTHER_KEK) == 0  # wrapped with the new one


def test_switch_waits_for_who_is_storing(engine: Engine) -> None:
    with engine.begin() as conn:
        envelope = network.bind(conn, deployment(), KEK)
        ledger = a_ledger(conn)
    switched = threading.Event()

    def switch() -> None:
        with engine.begin() as conn:
            rotation.switch(conn, KEK, OTHER_KEK)
        switched.set()

    thread = threading.Thread(target=switch)
    with engine.begin() as conn:
        chunk = chunk_of(conn, ledger, [entry(1)])
        wrapped = envelope.new_chunk_key(ledger.ledger_id, chunk.chunk_id)[1]
        accept_chunk(conn, replace(chunk, wrapped_key=wrapped), [entry(1)], kek_check=KEK.check_value)
        thread.start()
        _until_waiting(engine)
        assert not switched.is_set()
    thread.join(60)
    assert switched.is_set()
    assert rotation.rewrap_chunks(engine, KEK, OTHER_KEK) == 1


def _until_waiting(engine: Engine) -> None:
    """Wait until somebody waits for a lock on the table of chunks."""
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'chunks'::regclass"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with engine.connect() as conn:
            if conn.exec_driver_sql(query).scalar_one():
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits")


def test_process_without_the_new_key_says_what_it_lacks(engine: Engine) -> None:
    with engine.begin() as conn:
        envelope = network.bind(conn, deployment(), KEK)
    with pytest.raises(Unavailable, match="does not have"):
        envelope.turn(OTHER_KEK.check_value)
    assert envelope.check_value() == KEK.check_value


def test_journal_opens_with_either_key_while_one_replaces_the_other(engine: Engine) -> None:
    with engine.begin() as conn:
        network.bind(conn, deployment(), KEK)
    with engine.begin() as conn:
        rotation.switch(conn, KEK, OTHER_KEK)
    for first, second in ((KEK, OTHER_KEK), (OTHER_KEK, KEK)):
        with engine.begin() as conn:
            assert network.bind(conn, deployment(), first, lambda: [second]).check_value() == OTHER_KEK.check_value  # noqa: B023 - called within the turn
    with pytest.raises(KeyMismatch), engine.begin() as conn:
        network.bind(conn, deployment(), KEK)


def test_rotated_api_key_holds_beside_the_new_one_for_a_while(engine: Engine) -> None:
    with engine.begin() as conn:
        old, token = keys.create(conn, "53320600123456789X", ["read"], "import", now=NOW)
        new, new_token = keys.rotate(conn, old.key_id, now=NOW, overlap_s=60)
        assert (new.uscc, new.scopes, new.label, new.expires_at) == (old.uscc, old.scopes, old.label, None)
        assert keys.authenticate(conn, token, now=NOW + 59).key_id == old.key_id
        assert keys.authenticate(conn, new_token, now=NOW + 10**6).key_id == new.key_id
        with pytest.raises(AccessDenied):
            keys.authenticate(conn, token, now=NOW + 60)
        with pytest.raises(NotFound):
            keys.rotate(conn, old.key_id, now=NOW + 60, overlap_s=60)
        again, _ = keys.rotate(conn, new.key_id, now=NOW, overlap_s=0)
        with pytest.raises(AccessDenied):
            keys.authenticate(conn, new_token, now=NOW)
        assert again.expires_at is None


def test_api_key_is_shown_once_and_known_by_its_hash(engine: Engine) -> None:
    with engine.begin() as conn:
        key, token = keys.create(conn, "53320600123456789X", {"read", "notarize"}, "import", now=NOW)
        assert token.startswith(f"csk_{key.key_id}_")
        assert keys.authenticate(conn, token, now=NOW) == key
        assert keys.listing(conn) == keys.listing(conn, key.uscc) == (key,)
        stored = conn.execute(text("SELECT encode(secret_sha256, 'hex') FROM api_keys")).scalar_one()
        assert stored not in token
        assert token.rpartition("_")[2] not in str(conn.execute(text("SELECT * FROM api_keys")).all())
        accept(conn, a_ledger(conn), [1])


@pytest.mark.parametrize(
    "wrong", ["", "csk", "csk_", "csk_é_1", "csk_00_11", "xyz_{id}_{secret}", "csk_{id}_{secret}0"]
)
def test_wrong_api_key_is_denied(engine: Engine, wrong: str) -> None:
    with engine.begin() as conn:
        key, token = keys.create(conn, "53320600123456789X", ["read"], "import", now=NOW)
        with pytest.raises(AccessDenied):
            keys.authenticate(conn, wrong.format(id=key.key_id, secret=token.rpartition("_")[2]), now=NOW)


def test_revoked_and_expired_api_keys_are_denied(engine: Engine) -> None:
    with engine.begin() as conn:
        short, token = keys.create(conn, "53320600123456789X", ["read"], "a day", now=NOW, expires_at=NOW + 86_400)
        assert keys.authenticate(conn, token, now=NOW + 86_399) == short
        with pytest.raises(AccessDenied):
            keys.authenticate(conn, token, now=NOW + 86_400)
        key, token = keys.create(conn, "53320600123456789X", ["read"], "import", now=NOW)
        keys.revoke(conn, key.key_id, now=NOW + 1)
        keys.revoke(conn, key.key_id, now=NOW + 2)
        with pytest.raises(AccessDenied):
            keys.authenticate(conn, token, now=NOW + 3)
        assert {item.revoked_at for item in keys.listing(conn)} == {None, NOW + 1}
        with pytest.raises(NotFound):
            keys.revoke(conn, "none", now=NOW)


def test_checkpoint_covering_a_block_is_the_first_one(engine: Engine) -> None:
    first, second = (StoredCheckpoint(block, digest(block), f"note {block}", NOW) for block in (10, 20))
    with engine.begin() as conn:
        assert checkpoints.latest(conn) is None
        assert (checkpoints.save(conn, second), checkpoints.save(conn, first)) == (second, first)
        assert checkpoints.save(conn, replace(first, note="again")) == first
        assert checkpoints.latest(conn) == second
        assert [checkpoints.at_or_after(conn, block) for block in (1, 10, 11, 21)] == [first, first, second, None]
        with pytest.raises(Conflict, match="another hash"):
            checkpoints.save(conn, replace(first, block_hash=digest("fork")))


def test_cursor_moves_both_ways(engine: Engine) -> None:
    contract = b"\x02" * 20
    with engine.begin() as conn:
        assert cursors.load(conn, contract) is None
        for block in (5, 9, 3):
            cursors.save(conn, Cursor(contract, block, digest(block)))
            assert cursors.load(conn, contract) == Cursor(contract, block, digest(block))


def test_envelope_needs_the_journals_own_index_key() -> None:
    with pytest.raises(KeyMismatch):
        Envelope(OTHER_KEK, Envelope.create(KEK).wrapped_index_key)
