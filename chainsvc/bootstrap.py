"""The only place that wires parts together: from settings to a running service."""

import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import orjson
from sqlalchemy import Engine

from chainsvc import devnet
from chainsvc.anchor import Anchorer, Confirmer, Hold, Sealer, Sender, Share, Watcher
from chainsvc.anchor.calling import Caller
from chainsvc.api.limits import Limits
from chainsvc.chain.accounts import create_account, open_account
from chainsvc.chain.deploy import deploy
from chainsvc.chain.engines import Engine as Profile
from chainsvc.chain.engines import engine_of, profile_of
from chainsvc.chain.http_node import HttpNode
from chainsvc.chain.identity import check_network
from chainsvc.chain.institutions import Institutions
from chainsvc.chain.ledgers import LedgerContract
from chainsvc.chain.node import Node
from chainsvc.chain.nodes import Nodes
from chainsvc.chain.signer import Signer
from chainsvc.crypto.envelope import Envelope, KeyEncryptionKey
from chainsvc.crypto.key_names import KeyName
from chainsvc.crypto.keys import SigningKey
from chainsvc.crypto.opening import create_signing_key, open_signing_key
from chainsvc.erasure_log import ErasureLog
from chainsvc.errors import ConfigurationRefused, KeyMismatch, NodeUnavailable
from chainsvc.files import whole
from chainsvc.intake import Intake
from chainsvc.intake.bulk import BulkIntake
from chainsvc.intake.drafters import Drafters
from chainsvc.intake.gathering import Gathering
from chainsvc.intake.singles import Singles
from chainsvc.journal import leases, schema
from chainsvc.journal import network as journal_network
from chainsvc.journal.embedded import EmbeddedServer
from chainsvc.journal.engine import connect
from chainsvc.logs import get_logger
from chainsvc.network import Network
from chainsvc.note import Signer as NoteSigner
from chainsvc.service import Parts, Service
from chainsvc.service.behind import BehindChain
from chainsvc.service.checkpoints import Checkpoints
from chainsvc.service.entitlements import Entitlements
from chainsvc.service.evidence import Issuer
from chainsvc.service.evidence_stream import EvidenceStream
from chainsvc.service.export import Exporter
from chainsvc.service.issuers import IssuerKeys
from chainsvc.service.ledgers import Ledgers
from chainsvc.service.receipt_keys import ReceiptKeys
from chainsvc.service.records import Records
from chainsvc.service.standings import Standings
from chainsvc.service.webhooks import Webhooks
from chainsvc.service.workers import Workers
from chainsvc.settings import Settings
from chainsvc.verify import Source
from chainsvc.verify.nodes import live
from chainsvc.webhooks import Deliverer
from chainsvc.worker import Worker

log = get_logger(__name__)

KEK_VARIABLE = "CHAINSVC_KEK"
"""Environment variable with the key-encryption key, in hex or base64; no setting, so that it is never shown."""

_OPERATOR = "chainsvc-operator"  # name of the operator's keys in signed notes
_LONGEST_DEADLINE_S = 172_800  # what deploy tells the register; ends and budget cuts wait for it


@dataclass(frozen=True, slots=True)
class Running:
    """A service and its workers, wired but not started.

    Attributes:
        settings: As given.
        engine: The journal.
        network: The descriptor.
        node: The chain node.
        service: What the API serves.
        workers: Seal and anchor, one for each account whose key is here; none where there is no key.
        watcher: Takes in what the chain reports, for who waits for it.
        deliverer: Delivers webhooks.
    """

    settings: Settings
    engine: Engine
    network: Network
    node: Node
    service: Service
    workers: tuple[Worker, ...]
    watcher: Watcher
    deliverer: Deliverer

    @property
    def worker(self) -> Worker:
        """The worker of the first account."""
        return self.workers[0]


@contextmanager
def open_journal(settings: Settings) -> Iterator[Engine]:
    """Open the journal's database, the embedded one unless a URL is set, with the newest schema.

    Raises:
        DatabaseUnavailable: It does not answer.
        ConfigurationRefused: Not a supported server.
    """
    with open_database(settings) as engine:
        schema.upgrade(engine)
        yield engine


@contextmanager
def open_database(settings: Settings) -> Iterator[Engine]:
    """Open the same database as it is, whatever its schema.

    Raises:
        DatabaseUnavailable: It does not answer.
        ConfigurationRefused: Not a supported server.
    """
    with ExitStack() as stack:
        url = settings.database_url
        if url is None:
            url = stack.enter_context(EmbeddedServer(settings.home / "postgres")).url()
        engine = connect(url)
        stack.callback(engine.dispose)
        yield engine


def node_urls(settings: Settings) -> tuple[str, ...]:
    """Return the addresses of the nodes to talk to: the set ones, or that of the home folder's devnet.

    Raises:
        ConfigurationRefused: Neither.
    """
    if settings.nodes:
        return settings.nodes
    local = devnet.status(settings.home / "devnet")
    if local is None:
        raise ConfigurationRefused(
            "no chain node is set",
            where="CHAINSVC_NODE_URLS or CHAINSVC_NODE_URL",
            hint="Set it, or start the devnet: chainsvc devnet up.",
        )
    return (local.url,)


def open_node(settings: Settings) -> Node:
    """Return the node to talk to; several are compared.

    Raises:
        ConfigurationRefused: There is none.
    """
    urls = node_urls(settings)
    return HttpNode(urls[0]) if len(urls) == 1 else Nodes(urls, settings.node_quorum)


def read_network(settings: Settings) -> Network:
    """Return the descriptor.

    Raises:
        ConfigurationRefused: No such file.
        MalformedInput: Not a descriptor.
    """
    path = settings.descriptor
    if not path.exists():
        hint = "Deploy with 'chainsvc up', or set CHAINSVC_NETWORK_FILE."
        raise ConfigurationRefused("there is no network descriptor", where=str(path), hint=hint)
    return Network.parse(path.read_bytes())


def make_keys(settings: Settings) -> None:
    """Make the keys that are missing: a key is never written over."""
    for name in (settings.key_name("receipt"), settings.key_name("checkpoint")):
        if is_missing_file(name):
            create_signing_key(name)
    if KEK_VARIABLE not in os.environ and not settings.key("kek").exists():
        _refuse_lost_kek(settings)
        SigningKey.generate().to_file(settings.key("kek"))  # 32 random bytes, mode 0600, like any other
    for account in (*settings.accounts, settings.key_name("admin")):
        if is_missing_file(account):
            create_account(account)


def is_missing_file(name: str) -> bool:
    """Tell whether a key is named as a file that is not there; what a signer or a module holds is there or refused."""
    parsed = KeyName.parse(name)
    return parsed.scheme in {"file", "keystore"} and not Path(parsed.place).exists()


def _refuse_lost_kek(settings: Settings) -> None:
    """A home with a deployed network has a journal, which no new key opens."""
    if settings.descriptor.exists():
        raise KeyMismatch(
            "the journal's key-encryption key is not there",
            expected="the key that it was written with",
            where=str(settings.key("kek")),
            hint=f"Put the file back, or set {KEK_VARIABLE}; without it the stored records can't be read.",
        )


def read_kek(settings: Settings) -> KeyEncryptionKey:
    """Return the key-encryption key: of the environment where it is set there, else of its file.

    Raises:
        ConfigurationRefused: Neither holds 32 bytes.
    """
    text = os.environ.get(KEK_VARIABLE)
    if text is not None:
        return KeyEncryptionKey.from_text(text)
    present, following = settings.key("kek"), settings.kek_next
    return KeyEncryptionKey.from_file(following if following.exists() and not present.exists() else present)


def read_other_keks(settings: Settings) -> tuple[KeyEncryptionKey, ...]:
    """Return the key-encryption keys that may count while one is replaced, beside that of :func:`read_kek`.

    Raises:
        ConfigurationRefused: A file is there and holds no key.
    """
    files = (settings.kek_next, settings.key("kek"))
    return tuple(KeyEncryptionKey.from_file(path) for path in files if path.exists())


def read_accounts(settings: Settings) -> tuple[Signer, ...]:
    """Return the accounts to anchor with; none where none was named and the home has no file of one.

    Raises:
        ConfigurationRefused: A named key is missing, or can't be opened.
        SignerUnavailable: A remote signer had to be asked for its keys, and does not answer.
    """
    named = settings.account_key_file is not None or settings.account_key_files or settings.account_keys
    return tuple(open_account(name) for name in settings.accounts if named or not is_missing_file(name))


def read_receipt_key(settings: Settings) -> SigningKey:
    """Return the key that signs receipts.

    Raises:
        ConfigurationRefused: It is missing, or can't be opened.
    """
    return open_signing_key(settings.key_name("receipt"))


def read_admin(settings: Settings) -> Signer:
    """Return the account that deploys and registers organizations.

    Raises:
        ConfigurationRefused: Its key is missing, or can't be opened.
    """
    return open_account(settings.key_name("admin"))


def deploy_devnet(settings: Settings, local: devnet.Devnet) -> Network:
    """Fund the accounts of a new devnet, deploy the contracts, and keep the descriptor."""
    signer = read_admin(settings)
    devnet.fund(local, [signer.address, *(anchoring.address for anchoring in read_accounts(settings))])
    signers = [checkpoint_signer(settings).verifier_key]
    with closing(HttpNode(local.url)) as node:
        made = deploy(node, signer, engine_of(local.engine), name="devnet", checkpoint_signers=signers)
    _keep(settings.home / "deployment.json", orjson.dumps(made.to_json(), option=orjson.OPT_INDENT_2))
    _keep(settings.descriptor, made.network.to_bytes())
    return made.network


def _keep(path: Path, content: bytes) -> None:
    with whole(path) as beside:
        beside.write_bytes(content)


def checkpoint_signers(settings: Settings) -> tuple[NoteSigner, ...]:
    """Return who signs checkpoints: the present key, and the former one while it is kept for those who pinned it."""
    former = settings.former_checkpoint_key
    kept = (NoteSigner(_OPERATOR, open_signing_key(str(former))),) if former.exists() else ()
    return (checkpoint_signer(settings), *kept)


def checkpoint_signer(settings: Settings) -> NoteSigner:
    """Return the operator's checkpoint signer."""
    return NoteSigner(_OPERATOR, open_signing_key(settings.key_name("checkpoint")))


@dataclass(frozen=True, slots=True)
class Ground:
    """What a service stands on, opened and checked.

    Attributes:
        settings: With the URL of the database that was opened.
        engine: The journal.
        envelope: Opens what is encrypted in it.
        network: The descriptor.
        node: The chain node.
    """

    settings: Settings
    engine: Engine
    envelope: Envelope
    network: Network
    node: Node


@contextmanager
def grounded(settings: Settings) -> Iterator[Ground]:
    """Open and check what a service stands on; leaving the context closes it.

    Raises:
        NetworkMismatch: The node or the journal is of another network.
        KeyMismatch: The journal was written with another key-encryption key.
        ConfigurationRefused: A setting does not fit.
    """
    network = read_network(settings)
    _check_deadlines(settings)
    with ExitStack() as stack:
        node = stack.enter_context(closing(open_node(settings)))
        try:
            check_network(node, network)
        except NodeUnavailable as error:  # intake goes on without a node; the worker compares at the first contact
            log.warning("node_unavailable_at_start", reason=str(error))
        engine = stack.enter_context(open_journal(settings))
        with engine.begin() as conn:
            envelope = journal_network.bind(conn, network, read_kek(settings), partial(read_other_keks, settings))
        url = engine.url.render_as_string(hide_password=False)
        yield Ground(settings.model_copy(update={"database_url": url}), engine, envelope, network, node)


@contextmanager
def running(settings: Settings) -> Iterator[Running]:
    """Wire a service; leaving the context lets its leases go and closes the journal.

    Raises:
        NetworkMismatch: The node or the journal is of another network.
        KeyMismatch: The journal was written with another key-encryption key.
        ConfigurationRefused: A setting does not fit.
    """
    with ExitStack() as stack:
        ground = stack.enter_context(grounded(settings))
        source = stack.enter_context(live(node_urls(settings)))
        parts = _wire(stack, ground, settings, source)
        for worker in parts.workers:
            stack.callback(worker.stop, settings.stop_grace_s)
        yield parts


def _check_deadlines(settings: Settings) -> None:
    longest = max([settings.default_longest_wait_s, *settings.longest_wait_s.values()]) + settings.anchor_margin_s
    if longest > _LONGEST_DEADLINE_S:
        raise ConfigurationRefused(
            "receipts would promise later than the network allows",
            expected=f"longest wait and margin within {_LONGEST_DEADLINE_S} s",
            got=f"{longest:.0f} s",
            where="CHAINSVC_DEFAULT_LONGEST_WAIT_S, CHAINSVC_ANCHOR_MARGIN_S",
        )


def _wire(stack: ExitStack, ground: Ground, settings: Settings, source: Source) -> Running:
    engine, envelope, network, node = ground.engine, ground.envelope, ground.network, ground.node
    profile = profile_of(network.engine)
    signers = read_accounts(settings)
    deliverer = Deliverer(engine, envelope, settings)
    institutions = Institutions(node, network.institutions.address)
    anchorers = [_anchorer(settings, engine, network, node, profile, institutions, signer) for signer in signers]
    running_here = tuple(Worker(anchorer, settings.poll_s, settings.lease_s) for anchorer in anchorers)
    watch = Hold(engine, leases.WATCH, _me(), settings.lease_s)
    watcher = Watcher(engine, node, profile, _contracts(node, network), network, watch)
    workers = Workers(engine, [signer.address for signer in signers])
    caller = Caller(engine, node, profile, signers, institutions.may_anchor)
    receipt_keys = stack.enter_context(ReceiptKeys(settings.key_name("receipt"), institutions))
    clock = time.time
    intake = _intake(settings, engine, envelope, institutions, receipt_keys.current, workers)
    ledgers = Ledgers(engine, network, node, caller)
    drafters = stack.enter_context(closing(Drafters(settings.draft_processes)))
    gathering = stack.enter_context(closing(Gathering(Singles(engine, intake, ledgers.recent).together)))
    issuer = Issuer(engine, envelope, network, node)
    parts = Parts(
        engine=engine,
        network=network,
        intake=intake,
        gathering=gathering,
        bulk=BulkIntake(engine, intake, drafters, Limits().largest_chunk),
        records=Records(engine, envelope, clock, ErasureLog(settings.erasure_log)),
        issuer=issuer,
        evidence_stream=EvidenceStream(engine, envelope, network, node, issuer),
        standings=Standings(engine, clock),
        ledgers=ledgers,
        exporter=Exporter(engine, envelope, network),
        checkpoints=Checkpoints(engine, network, node, profile, checkpoint_signers(settings), clock),
        webhooks=Webhooks(engine, envelope, settings),
        source=source,
        health={
            "worker": _health(running_here, workers),
            "webhooks": lambda: deliverer.outage,
            "clock": workers.clock_trouble,
            "ledgers": BehindChain(engine).trouble,
            "receipt key": receipt_keys.trouble,
            **({"nodes": lambda: node.trouble} if isinstance(node, Nodes) else {}),
        },
    )
    return Running(settings, engine, network, node, Service(parts), running_here, watcher, deliverer)


def _health(here: Sequence[Worker], anywhere: Workers) -> Callable[[], str | None]:
    """Tell of the workers of this process while they run, else of those of all processes."""

    def trouble() -> str | None:
        if not any(worker.started for worker in here):
            return anywhere.trouble()
        return "; ".join(told for worker in here if (told := worker.trouble)) or None

    return trouble


def _intake(
    settings: Settings,
    engine: Engine,
    envelope: Envelope,
    institutions: Institutions,
    receipt_key: Callable[[], SigningKey],
    workers: Workers,
) -> Intake:
    def anchor_by(kind: str, accepted_at: int) -> int:
        return accepted_at + int(settings.wait_of(kind) + settings.anchor_margin_s)

    keys, entitlements = IssuerKeys(institutions), Entitlements(institutions, workers.accounts)
    return Intake(engine, envelope, receipt_key, anchor_by, keys.may_issue, entitlements.check)


def _anchorer(
    settings: Settings,
    engine: Engine,
    network: Network,
    node: Node,
    profile: Profile,
    institutions: Institutions,
    signer: Signer,
) -> Anchorer:
    hold = Hold(engine, leases.of_account(signer.address), _me(), settings.lease_s)
    watch = Hold(engine, leases.WATCH, _me(), settings.lease_s)
    share = Share(engine, hold, signer.address, institutions.may_anchor)
    contracts = _contracts(node, network)
    return Anchorer(
        hold,
        watch,
        share,
        Sealer(engine, settings, hold, share),
        Sender(engine, node, profile, contracts, signer, hold, largest_marks=settings.largest_marks),
        Confirmer(engine, node, profile, contracts, signer.address, hold, watch),
        Watcher(engine, node, profile, contracts, network, watch),
    )


def _contracts(node: Node, network: Network) -> dict[bytes, LedgerContract]:
    addresses = sorted({ledger.address for ledger in network.ledgers})
    return {address: LedgerContract(node, address) for address in addresses}


def _me() -> str:
    return f"{socket.gethostname()} process {os.getpid()}"
