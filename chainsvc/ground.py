"""What a service stands on, by its settings: journal, node and descriptor, opened and checked against each other."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import orjson
from sqlalchemy import Engine

from chainsvc import devnet
from chainsvc.chain.deploy import deploy
from chainsvc.chain.engines import engine_of
from chainsvc.chain.http_node import HttpNode
from chainsvc.chain.identity import check_network
from chainsvc.chain.node import Node
from chainsvc.chain.nodes import Nodes
from chainsvc.chain.quorum_source import QuorumSource
from chainsvc.crypto.envelope import Envelope
from chainsvc.errors import ConfigurationRefused, NodeUnavailable
from chainsvc.files import whole
from chainsvc.journal import network as journal_network
from chainsvc.journal import schema
from chainsvc.journal.embedded import EmbeddedServer
from chainsvc.journal.engine import connect
from chainsvc.keyring import checkpoint_signer, read_accounts, read_admin, read_kek, read_other_keks
from chainsvc.logs import get_logger
from chainsvc.network import Network
from chainsvc.settings import Settings
from chainsvc.verify import Source
from chainsvc.verify.nodes import live

log = get_logger(__name__)

_LONGEST_DEADLINE_S = 172_800  # what deploy tells the register; ends and budget cuts wait for it


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


def _check_deadlines(settings: Settings) -> None:
    longest = max([settings.default_longest_wait_s, *settings.longest_wait_s.values()]) + settings.anchor_margin_s
    if longest > _LONGEST_DEADLINE_S:
        raise ConfigurationRefused(
            "receipts would promise later than the network allows",
            expected=f"longest wait and margin within {_LONGEST_DEADLINE_S} s",
            got=f"{longest:.0f} s",
            where="CHAINSVC_DEFAULT_LONGEST_WAIT_S, CHAINSVC_ANCHOR_MARGIN_S",
        )


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


def node_urls(settings: Settings) -> tuple[str, ...]:
    """Return the addresses of the nodes to talk to: the set ones, or all of the home folder's devnet.

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
    return local.urls


def open_node(settings: Settings) -> Node:
    """Return the node to talk to; several are compared.

    Raises:
        ConfigurationRefused: There is none.
    """
    urls = node_urls(settings)
    return HttpNode(urls[0]) if len(urls) == 1 else Nodes(urls, settings.node_quorum)


@contextmanager
def reading(settings: Settings, node: Node) -> Iterator[Source]:
    """Give what the service itself verifies by: its node, or what a quorum of several has."""
    if isinstance(node, Nodes):
        yield QuorumSource(node)
        return
    with live(node_urls(settings)) as source:
        yield source


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
