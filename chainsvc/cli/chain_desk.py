"""An account at its desk: what commands on chain begin with."""

from chainsvc.admin import Desk
from chainsvc.chain.accounts import open_account
from chainsvc.chain.identity import check_network
from chainsvc.chain.institutions import Institutions
from chainsvc.chain.node import Node
from chainsvc.ground import open_node, read_network
from chainsvc.keyring import read_admin
from chainsvc.network import Network
from chainsvc.settings import Settings


def checked_node(settings: Settings) -> tuple[Node, Network]:
    """Return the configured node and the network that it was found to be on.

    Raises:
        ConfigurationRefused: No node or no descriptor.
        NetworkMismatch: The node is on another network than the descriptor's.
        NodeUnavailable: It does not answer.
    """
    network, node = read_network(settings), open_node(settings)
    check_network(node, network)
    return node, network


def desk(settings: Settings, account: str | None) -> Desk:
    """Return the desk of an account, the registrar's of this home by default.

    Raises:
        ConfigurationRefused: As :func:`checked_node`, or the account's key can't be opened.
        NetworkMismatch: The node is on another network than the descriptor's.
        NodeUnavailable: It does not answer.
    """
    node, network = checked_node(settings)
    return Desk(node, network, read_admin(settings) if account is None else open_account(account))


def institutions(settings: Settings) -> Institutions:
    """Return the register, to read from.

    Raises:
        ChainsvcError: As :func:`checked_node`.
    """
    node, network = checked_node(settings)
    return Institutions(node, network.institutions.address)
