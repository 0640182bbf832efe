"""What the door lets in: nothing that could not be anchored in time, and nothing that tells strangers an amount."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine
from support.records import corrected, donation
from support.served import serving
from support.station import REGULATOR, USCC, Site, Station, build_site, station

from chainsvc import devnet, keyring
from chainsvc.admin import Desk
from chainsvc.api.app import create_app
from chainsvc.api.ports import Scope
from chainsvc.chain.institutions import Delegation, Institutions, Purpose, Role
from chainsvc.chain.ledgers import Anchor, LedgerContract, Mark
from chainsvc.chain.signer import KeyFileSigner
from chainsvc.chain.transactions import send_and_wait
from chainsvc.client.answers import Accepted, LedgerFacts
from chainsvc.crypto.keys import SigningKey
from chainsvc.crypto.suites import SHA256
from chainsvc.drafts import Draft
from chainsvc.errors import ChainRefused, ChainsvcError, Conflict, NotEntitled, NotFound, RecordErased
from chainsvc.heads import Status
from chainsvc.journal import keys
from chainsvc.record import ledger_id
from chainsvc.service.entitlements import Entitlements
from chainsvc.service.issuers import IssuerKeys
from chainsvc.service.receipt_key import ReceiptKey

OTHER = "1133010643464097X7"
"""A second organization, which only these tests register."""


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[Site]:
    try:
        yield build_site(tmp_path)
    finally:
        devnet.down(tmp_path / "devnet")


@pytest.fixture
def alone(own_site: Site, engine: Engine) -> Iterator[Station]:
    with station(own_site, engine) as made:
        yield made


# --- receipts are given for what can be anchored ---


def test_while_its_organization_is_suspended_nothing_new_gets_a_receipt(alone: Station) -> None:
    name = alone.open().name
    (first,) = alone.accept(name, [donation(name, 1)])
    alone.settle(name)
    _desk(alone, alone.site.regulator).suspend(USCC, REGULATOR, "x")
    _ask_anew(alone)
    again, new = alone.send(name, [donation(name, 1), donation(name, 2)])
    assert isinstance(again, Accepted)
    assert (again.again, again.receipt) == (True, first.receipt)
    assert isinstance(new, NotEntitled)
    assert (USCC in new.message, new.got) == (True, "it is suspended")
    assert alone.parts.service.ledger(name).entries == 1
    _desk(alone, alone.site.regulator).resume(USCC, REGULATOR)
    _ask_anew(alone)
    alone.accept(name, [donation(name, 2)])
    assert alone.settle(name).anchored_entries == 2


@pytest.mark.parametrize("what", ["organization", "delegation"])
def test_an_end_before_the_deadline_gives_no_receipts(alone: Station, what: str) -> None:
    margin = int(alone.parts.settings.anchor_margin_s)
    name = _open_for_other(alone, what, until=int(time.time()) + margin - 60)
    (refused,) = alone.send(name, [donation(name, 1)])
    assert isinstance(refused, NotEntitled)
    assert "over from" in str(refused.got)
    assert alone.parts.service.ledger(name).entries == 0


@pytest.mark.parametrize("what", ["organization", "delegation"])
def test_an_end_after_the_deadline_is_no_obstacle(alone: Station, what: str) -> None:
    margin = int(alone.parts.settings.anchor_margin_s)
    name = _open_for_other(alone, what, until=int(time.time()) + margin + 600)
    alone.accept(name, [donation(name, 1)])
    assert alone.settle(name).anchored_entries == 1


def test_an_end_is_planned_so_that_what_was_accepted_is_still_anchored(alone: Station) -> None:
    parts = alone.parts
    desk = Desk(parts.node, parts.network, keyring.read_admin(parts.settings))
    register = desk.institutions
    assert desk.register(OTHER, Role.ISSUER)
    earliest = parts.node.head().time + register.longest_deadline()
    with pytest.raises(ChainRefused) as caught:
        desk.end_organization(OTHER, earliest - 60)
    assert caught.value.name == "EndTooEarly"
    until = desk.end_organization(OTHER)
    assert until >= earliest
    found = register.organization_of(OTHER)
    assert found is not None
    assert (found.until, register.is_active(OTHER)) == (until, True)  # it is still to come
    assert desk.end_organization(OTHER) == until  # planned already
    with pytest.raises(ChainRefused) as caught:
        desk.end_organization(OTHER, until + 1)
    assert caught.value.name == "EndExtended"
    with pytest.raises(NotFound):
        desk.end_organization(REGULATOR[::-1])


def test_only_a_registrar_ends_an_organization(alone: Station) -> None:
    with pytest.raises(ChainRefused):
        _desk(alone, alone.site.regulator).end_organization(USCC)


def test_rights_are_judged_from_now_to_the_deadline(alone: Station) -> None:
    register, account = _register(alone), _account(alone).address
    now = [time.time()]
    rights = Entitlements(register, lambda: [account], lambda: now[0])
    rights.check(USCC, int(now[0]) + 10**9)
    with pytest.raises(NotEntitled, match="not registered"):
        rights.check(OTHER, int(now[0]))
    with pytest.raises(NotEntitled, match="does not act for it"):
        Entitlements(register, lambda: [bytes(20)]).check(USCC, int(now[0]))
    now[0] -= 3600
    with pytest.raises(NotEntitled, match="not in force before"):
        rights.check(USCC, int(now[0]))


def test_what_was_last_known_counts_while_the_node_is_away(alone: Station) -> None:
    now = [time.time()]
    register, account = _register(alone), _account(alone).address
    suspended, unknown = (Entitlements(register, lambda: [account], lambda: now[0]) for _ in range(2))
    _desk(alone, alone.site.regulator).suspend(USCC, REGULATOR, "x")
    with pytest.raises(NotEntitled, match="suspended"):
        suspended.check(USCC, int(now[0]))
    devnet.down(alone.site.home / "devnet")
    now[0] += 60
    with pytest.raises(NotEntitled, match="suspended"):
        suspended.check(USCC, int(now[0]))
    unknown.check(USCC, int(now[0]))
    devnet.up(alone.site.home / "devnet")
    now[0] += 60
    with pytest.raises(NotEntitled, match="suspended"):
        unknown.check(USCC, int(now[0]))


def test_an_answer_serves_for_seconds(alone: Station) -> None:
    now = [time.time()]
    rights = Entitlements(_register(alone), lambda: [_account(alone).address], lambda: now[0])
    rights.check(USCC, int(now[0]))
    _desk(alone, alone.site.regulator).suspend(USCC, REGULATOR, "x")
    now[0] += 4.9
    rights.check(USCC, int(now[0]))
    now[0] += 0.2
    with pytest.raises(NotEntitled):
        rights.check(USCC, int(now[0]))


# --- keys and erasures ---


def test_a_key_signs_from_its_start_and_not_before(alone: Station) -> None:
    key, now = SigningKey.generate(), [time.time()]
    start = int(now[0]) + 25
    _add_key(alone, key, Purpose.SUBMISSION, since=start)
    issuers = IssuerKeys(_register(alone), lambda: now[0])
    assert not issuers.may_issue(USCC, key.key_id, start + 3600)
    now[0] = start - 1
    assert not issuers.may_issue(USCC, key.key_id, start + 3600)
    now[0] = start
    assert issuers.may_issue(USCC, key.key_id, start + 3600)


def test_erasing_what_the_service_never_had_leaves_its_holder_the_evidence(service: Station) -> None:
    api, name = service.parts.service, service.open().name
    private = _commitment(credit=100)
    _take(service, name, private)
    (kept,) = service.accept(name, [donation(name, 1)])
    service.settle(name)
    before = api.evidence(private.commitment, None, proof=False)
    for commitment in (private.commitment, kept.commitment):
        assert api.erase(commitment, "asked by the person", service.caller).reason == "asked by the person"
    assert api.evidence(private.commitment, None, proof=False) == before
    assert before.skeleton
    with pytest.raises(RecordErased):
        api.evidence(kept.commitment, None, proof=False)
    states = [api.record(commitment, disclose=True) for commitment in (private.commitment, kept.commitment)]
    assert [(state.erased, state.private) for state in states] == [(True, True), (True, False)]


# --- a receipt key that the chain does not know is told ---


def test_a_receipt_key_that_is_not_registered_is_told(own_site: Site, engine: Engine, tmp_path: Path) -> None:
    key = SigningKey.generate()
    key.to_file(tmp_path / "other.key")
    with station(own_site, engine, receipt_key_file=tmp_path / "other.key") as made:
        state = made.parts.service.ready()
        assert state.ready
        assert "is not registered" in state.parts["receipt key"]
        command = f"chainsvc key add USCC {key.public.hex()} --purpose receipt"
        assert command in state.parts["receipt key"]
        _add_key(made, key, Purpose.RECEIPT)
        assert command in made.parts.service.ready().parts["receipt key"]  # asked again in half a minute
    with station(own_site, engine, receipt_key_file=tmp_path / "other.key") as made:
        assert made.parts.service.ready().parts["receipt key"] == "ok"


def test_a_receipt_key_is_judged_as_a_verifier_would(alone: Station) -> None:
    now = [time.time()]
    known, wrong, late, leaked = (SigningKey.generate() for _ in range(4))
    _add_key(alone, known, Purpose.RECEIPT)
    _add_key(alone, wrong, Purpose.CHECKPOINT)
    _add_key(alone, late, Purpose.RECEIPT, since=int(now[0]) + 100, until=int(now[0]) + 200)
    _add_key(alone, leaked, Purpose.RECEIPT)
    _act(alone, _register(alone).compromise_key(leaked.key_id, int(now[0]) - 5))
    now[0] = time.time()
    keys_seen = {key: ReceiptKey(_register(alone), key, lambda: now[0]) for key in (known, wrong, late, leaked)}
    assert keys_seen[known].trouble() is None
    assert "as a checkpoint key" in str(keys_seen[wrong].trouble())
    assert "is valid from" in str(keys_seen[late].trouble())
    assert "compromised" in str(keys_seen[leaked].trouble())
    now[0] += 120
    assert keys_seen[late].trouble() is None
    now[0] += 120
    assert "is valid from" in str(keys_seen[late].trouble())


def test_without_a_node_the_receipt_key_is_as_last_seen(alone: Station) -> None:
    now = [time.time()]
    known, unknown = _receipt_key(alone), SigningKey.generate()
    seen, missing, never = (ReceiptKey(_register(alone), key, lambda: now[0]) for key in (known, unknown, unknown))
    assert seen.trouble() is None
    assert missing.trouble() is not None
    devnet.down(alone.site.home / "devnet")
    now[0] += 31
    assert seen.trouble() is None
    assert "is not registered" in str(missing.trouble())
    assert never.trouble() is None


def _receipt_key(made: Station) -> SigningKey:
    return SigningKey.from_file(made.parts.settings.key("receipt"))


def _add_key(made: Station, key: SigningKey, purpose: Purpose, since: int = 0, until: int = 0) -> None:
    _act(made, _register(made).add_key(USCC, key.alg, key.public, purpose, since, until))


def _act(made: Station, call: bytes) -> None:
    """Act for the organization, by the account that the worker uses when it runs."""
    made.parts.worker.round()
    send_and_wait(made.parts.node, _account(made), _register(made).address, call)


# --- one entry has one next revision ---


def test_an_entry_takes_one_revision_in_private_mode_too(service: Station) -> None:
    facts = service.open()
    first, second = _commitment(credit=100), _commitment(debit=20, of=1)
    _take(service, facts.name, first)
    _take(service, facts.name, second)
    for _ in range(2):  # while its mark waits, and when it is final
        (refused,) = _offer(service, facts.name, _commitment(debit=30, of=1, n=3))
        assert isinstance(refused, Conflict)
        assert refused.where == "/previous"
        (again,) = _offer(service, facts.name, second)
        assert isinstance(again, Accepted)
        assert again.again
        service.settle(facts.name)
    _take(service, facts.name, _commitment(debit=5, of=2, n=4))
    assert service.settle(facts.name).anchored_debit == 25
    standing = service.parts.service.standing(first.commitment)
    assert [(change.status, change.state) for change in standing.changes] == [(Status.SUPERSEDED, "final")]


def test_two_revisions_of_one_entry_in_one_chunk_are_one_too_many(service: Station) -> None:
    name = service.open().name
    _take(service, name, _commitment(credit=100))
    taken, refused = _offer(service, name, _commitment(debit=20, of=1), _commitment(debit=30, of=1, n=3))
    assert isinstance(taken, Accepted)
    assert isinstance(refused, Conflict)
    assert service.parts.service.ledger(name).debit == 20


def test_an_erased_entry_takes_one_revision_by_whatever_reference(service: Station) -> None:
    name = service.open().name
    (gone,) = service.accept(name, [donation(name, 1)])
    service.parts.service.erase(gone.commitment, "asked by the person", service.caller)
    service.accept(name, [corrected(donation(name, 1), gone.commitment, 80)])
    (refused,) = service.send(name, [corrected(donation(name, 2), gone.commitment, 70)])
    assert isinstance(refused, Conflict)


def test_an_entry_that_a_regulator_made_current_again_takes_a_revision(alone: Station) -> None:
    facts = alone.open()
    _take(alone, facts.name, _commitment(credit=100))
    _take(alone, facts.name, _commitment(debit=20, of=1))
    alone.settle(facts.name)
    _reverse(alone, facts, seq=0)
    alone.settle(facts.name)
    first = _commitment(credit=100).commitment
    assert alone.parts.service.standing(first).standing is Status.CURRENT
    _take(alone, facts.name, _commitment(debit=30, of=1, n=3))
    (refused,) = _offer(alone, facts.name, _commitment(debit=40, of=1, n=4))
    assert isinstance(refused, Conflict)
    alone.settle(facts.name)
    assert alone.parts.service.standing(first).standing is Status.SUPERSEDED


def _commitment(credit: int = 0, debit: int = 0, of: int | None = None, n: int | None = None) -> Draft:
    """Return the commitment of 32 bytes ``n``: the first, or one that revises the one ``of``."""
    number = n if n is not None else 1 if of is None else of + 1
    return Draft(bytes([number]) * 32, credit, debit, None if of is None else bytes([of]) * 32)


def _offer(made: Station, name: str, *drafts: Draft) -> list[Accepted | ChainsvcError]:
    parts = made.parts.service._parts
    return parts.intake.accept_commitments(parts.ledgers.stored(name), drafts)


def _take(made: Station, name: str, draft: Draft) -> None:
    (taken,) = _offer(made, name, draft)
    assert isinstance(taken, Accepted), taken


def _reverse(made: Station, facts: LedgerFacts, seq: int) -> None:
    """Make an entry current again, as a regulator with a ledger of decisions."""
    contract, book = LedgerContract(made.parts.node, facts.contract), f"D-{time.time_ns()}"
    own = ledger_id(facts.network, facts.contract, SHA256.id, 0, f"charity/{REGULATOR}/{book}")
    for call in (
        contract.open_ledger("charity", REGULATOR, book, SHA256.id, 0),
        contract.anchor([Anchor(own, 0, 1, bytes(32), 0, 0)]),
        contract.set_status([Mark(facts.ledger_id, seq, Status.CURRENT, own, 0)]),
    ):
        send_and_wait(made.parts.node, made.site.regulator, facts.contract, call)


# --- nothing tells strangers an amount ---


def test_strangers_see_no_amount_before_its_batch_is_final(service: Station) -> None:
    name = service.open().name
    whose = (USCC, Scope.NOTARIZE), (REGULATOR, Scope.NOTARIZE), (REGULATOR, Scope.AUDIT)
    with _clients(service, *whose) as (own, other, auditor):
        for fen in (1000, 1001):
            service.accept(name, [donation(name, fen, fen=fen)])
            assert _seen(other, name) == (0, 0, [])
        service.parts.worker._anchorer.seal()
        assert _seen(other, name) == (0, 0, [])
        assert _seen(own, name) == _seen(auditor, name) == (2, 2001, [("sealed", 2001)])
        service.settle(name)
        assert _seen(other, name) == _seen(own, name) == (2, 2001, [("final", 2001)])
        service.accept(name, [donation(name, 7, fen=7)])
        service.parts.worker._anchorer.seal()
        assert _seen(other, name) == (2, 2001, [("final", 2001)])
        assert _seen(own, name) == (3, 2008, [("final", 2001), ("sealed", 7)])


@contextmanager
def _clients(made: Station, *whose: tuple[str, Scope]) -> Iterator[list[httpx.Client]]:
    """Give a client for each organization and scope, of one served API."""
    with ExitStack() as stack:
        server = stack.enter_context(serving(create_app(made.parts.service)))
        with made.parts.engine.begin() as conn:
            tokens = [keys.create(conn, uscc, [scope], "a test", now=0)[1] for uscc, scope in whose]
        yield [
            stack.enter_context(httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {token}"}))
            for token in tokens
        ]


def _seen(api: httpx.Client, name: str) -> tuple[int, int, list[tuple[str, int]]]:
    facts = api.get(f"/v1/ledgers/{name}").json()
    (listed,) = (one for one in api.get("/v1/ledgers").json()["ledgers"] if one["name"] == name)
    assert listed == facts
    batches = api.get(f"/v1/ledgers/{name}/batches?limit=2").json()
    assert batches["next"] is None or len(batches["batches"]) == 2
    return facts["entries"], facts["credit"], [(batch["state"], batch["credit"]) for batch in batches["batches"]]


def _desk(made: Station, signer: KeyFileSigner) -> Desk:
    return Desk(made.parts.node, made.parts.network, signer)


def _register(made: Station) -> Institutions:
    return Institutions(made.parts.node, made.parts.network.institutions.address)


def _account(made: Station) -> KeyFileSigner:
    return KeyFileSigner.from_file(made.parts.settings.key("account"))


def _ask_anew(made: Station) -> None:
    """Forget what the door remembers of organizations, as seconds later."""
    check: Any = made.parts.service._parts.intake._check_entitled
    check.__self__._seen.clear()


def _open_for_other(made: Station, what: str, until: int) -> str:
    """Open a ledger of another organization, whose registration or delegation ends then."""
    register, account, admin = _register(made), _account(made).address, KeyFileSigner.from_file(_admin(made))
    ends = {"organization": 0, "delegation": 0} | {what: until}
    for call in (
        register.register_organization(OTHER, Role.ISSUER, until=ends["organization"]),
        register.delegate(OTHER, account, until=ends["delegation"]),
    ):
        send_and_wait(made.parts.node, admin, register.address, call)
    found = register.delegation_of(OTHER, account)
    assert isinstance(found, Delegation)
    assert found.until == ends["delegation"]
    name = f"charity/{OTHER}/B-{time.time_ns()}"
    return made.parts.service.open_ledger(name, SHA256, signed=False, caller=made.caller).name


def _admin(made: Station) -> Path:
    return Path(made.parts.settings.key_name("admin"))
