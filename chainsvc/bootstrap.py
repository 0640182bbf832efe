"""The only place that wires parts together: from settings to a running service."""

import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from sqlalchemy import Engine

from chainsvc.anchor import Anchorer, Confirmer, Hold, Sealer, Sender, Share, Watcher
from chainsvc.anchor.calling import Caller
from chainsvc.api.limits import Limits
from chainsvc.chain.engines import Engine as Profile
from chainsvc.chain.engines import profile_of
from chainsvc.chain.institutions import Institutions
from chainsvc.chain.ledger_contracts import LedgerContracts
from chainsvc.chain.node import Node
from chainsvc.chain.nodes import Nodes
from chainsvc.chain.signer import Signer
from chainsvc.crypto.envelope import Envelope
from chainsvc.crypto.keys import SigningKey
from chainsvc.erasure_log import ErasureLog
from chainsvc.ground import Ground, grounded, reading
from chainsvc.intake import Intake
from chainsvc.intake.bulk import BulkIntake
from chainsvc.intake.drafters import Drafters
from chainsvc.intake.gathering import Gathering
from chainsvc.intake.singles import Singles
from chainsvc.journal import leases
from chainsvc.keyring import checkpoint_signers, read_accounts
from chainsvc.network import Network
from chainsvc.service import Parts, Service
from chainsvc.service.behind import BehindChain
from chainsvc.service.checkpoints import Checkpoints
from chainsvc.service.descriptor import DescriptorInUse
from chainsvc.service.entitlements import Entitlements
from chainsvc.service.evidence import Issuer
from chainsvc.service.evidence_stream import EvidenceStream
from chainsvc.service.export import Exporter
from chainsvc.service.issuers import IssuerKeys
from chainsvc.service.ledgers import Ledgers
from chainsvc.service.looking import Looking
from chainsvc.service.receipt_keys import ReceiptKeys
from chainsvc.service.records import Records
from chainsvc.service.standings import Standings
from chainsvc.service.webhooks import Webhooks
from chainsvc.service.workers import Workers
from chainsvc.settings import Settings
from chainsvc.verify import Source
from chainsvc.webhooks import Deliverer
from chainsvc.worker import Worker


@dataclass(frozen=True, slots=True)
class Running:
    """A service and its workers, wired but not started.

    Attributes:
        settings: As given.
        engine: The journal.
        descriptor: The network's, as it is in use.
        node: The chain node.
        service: What the API serves.
        workers: Seal and anchor, one for each account whose key is here; none where there is no key.
        watcher: Takes in what the chain reports, for who waits for it.
        deliverer: Delivers webhooks.
    """

    settings: Settings
    engine: Engine
    descriptor: DescriptorInUse
    node: Node
    service: Service
    workers: tuple[Worker, ...]
    watcher: Watcher
    deliverer: Deliverer

    @property
    def network(self) -> Network:
        """The descriptor in use."""
        return self.descriptor.current()

    @property
    def worker(self) -> Worker:
        """The worker of the first account."""
        return self.workers[0]


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
        source = stack.enter_context(reading(settings, ground.node))
        parts = _wire(stack, ground, settings, source)
        for worker in parts.workers:
            stack.callback(worker.stop, settings.stop_grace_s)
        yield parts


def _wire(stack: ExitStack, ground: Ground, settings: Settings, source: Source) -> Running:
    engine, envelope, network, node = ground.engine, ground.envelope, ground.network, ground.node
    profile = profile_of(network.engine)
    signers = read_accounts(settings)
    deliverer = Deliverer(engine, envelope, settings)
    institutions = Institutions(node, network.institutions.address)
    descriptor = DescriptorInUse(settings.descriptor, network, engine)
    stack.enter_context(Looking("descriptor", descriptor.look))
    contracts = LedgerContracts(node, descriptor.current)
    anchoring = _Anchoring(settings, engine, network, node, profile, institutions, contracts)
    anchorers = [_anchorer(anchoring, signer) for signer in signers]
    running_here = tuple(Worker(anchorer, settings.poll_s, settings.lease_s) for anchorer in anchorers)
    watch = Hold(engine, leases.WATCH, _me(), settings.lease_s)
    watcher = Watcher(engine, node, profile, contracts, network, watch)
    workers = Workers(engine, [signer.address for signer in signers])
    caller = Caller(engine, node, profile, signers, institutions.may_anchor)
    receipt_keys = ReceiptKeys(settings.key_name("receipt"), institutions)
    stack.enter_context(Looking("receipt key", receipt_keys.look))
    clock = time.time
    checkpoint_signers(settings)  # a key that can't be opened is told now, not at the first checkpoint
    intake = _intake(settings, engine, envelope, institutions, receipt_keys.current, workers)
    ledgers = Ledgers(engine, descriptor.current, node, caller)
    drafters = stack.enter_context(closing(Drafters(settings.draft_processes)))
    limits = Limits()
    storing = stack.enter_context(ThreadPoolExecutor(limits.bulk_streams, "storing"))
    gathering = stack.enter_context(closing(Gathering(Singles(engine, intake, ledgers.recent).together)))
    issuer = Issuer(engine, envelope, descriptor.current, node)
    parts = Parts(
        engine=engine,
        network=descriptor.current,
        intake=intake,
        gathering=gathering,
        bulk=BulkIntake(engine, intake, drafters, storing, limits.largest_chunk),
        records=Records(engine, envelope, clock, ErasureLog(settings.erasure_log)),
        issuer=issuer,
        evidence_stream=EvidenceStream(engine, envelope, descriptor.current, node, issuer),
        standings=Standings(engine, clock),
        ledgers=ledgers,
        exporter=Exporter(engine, envelope, network),
        checkpoints=Checkpoints(engine, network, node, profile, partial(checkpoint_signers, settings), clock),
        webhooks=Webhooks(engine, envelope, settings),
        source=source,
        health={
            "worker": _health(running_here, workers),
            "webhooks": lambda: deliverer.outage,
            "clock": workers.clock_trouble,
            "ledgers": BehindChain(engine).trouble,
            "receipt key": receipt_keys.trouble,
            "descriptor": descriptor.trouble,
            **({"nodes": lambda: node.trouble} if isinstance(node, Nodes) else {}),
        },
    )
    return Running(settings, engine, descriptor, node, Service(parts), running_here, watcher, deliverer)


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


class _Anchoring(NamedTuple):
    """What all accounts anchor with."""

    settings: Settings
    engine: Engine
    network: Network
    node: Node
    profile: Profile
    institutions: Institutions
    contracts: LedgerContracts


def _anchorer(common: _Anchoring, signer: Signer) -> Anchorer:
    settings, engine, network, node, profile, institutions, contracts = common
    hold = Hold(engine, leases.of_account(signer.address), _me(), settings.lease_s)
    watch = Hold(engine, leases.WATCH, _me(), settings.lease_s)
    share = Share(engine, hold, signer.address, institutions.may_anchor)
    return Anchorer(
        hold,
        watch,
        share,
        Sealer(engine, settings, hold, share),
        Sender(engine, node, profile, contracts, signer, hold, largest_marks=settings.largest_marks),
        Confirmer(engine, node, profile, contracts, signer.address, hold, watch),
        Watcher(engine, node, profile, contracts, network, watch),
    )


def _me() -> str:
    return f"{socket.gethostname()} process {os.getpid()}"
