"""Is this node on the chain that the descriptor pins, with the contracts that it pins?

Asked at every start: a reset devnet has the same address, chain id and contract addresses, and is another network.
"""

from chainsvc.chain.engines import profile_of
from chainsvc.chain.ledgers import LedgerContract
from chainsvc.chain.node import At, Node
from chainsvc.errors import ConfigurationRefused, NetworkMismatch, StateUnavailable
from chainsvc.network import Network

_HINT = "Point CHAINSVC_NODE_URL at a node of this network, or use the descriptor and journal of the node's network."


def check_network(node: Node, network: Network, at: At = "latest") -> None:
    """Compare a node with a descriptor: chain id, genesis block, code of every contract, network id, kept states.

    Raises:
        NetworkMismatch: The first difference, with both sides.
        ConfigurationRefused: The node has forgotten states that the engine's nodes have to keep.
        NodeUnavailable: The node does not answer.
    """
    _same("chain id", network.chain_id, node.chain_id, node)
    _same("hash of the genesis block", network.genesis.hex(), node.genesis().hex(), node)
    for contract in (network.institutions, *network.ledgers):
        where = f"code at {contract.address.hex()}"
        _same(where, contract.code_hash.hex(), node.code_hash(contract.address, at).hex(), node)
    for address in sorted({ledger.address for ledger in network.ledgers}):
        ledgers = LedgerContract(node, address)
        where = f"of the contract at {address.hex()}"
        _same(f"network id {where}", network.network_id.hex(), ledgers.network_id(at).hex(), node)
        _same(f"register {where}", network.institutions.address.hex(), ledgers.institutions(at).hex(), node)
    check_kept_states(node, network)


def check_kept_states(node: Node, network: Network) -> None:
    """Let a node prove the oldest state that evidence may need: that of the first contract's block.

    Raises:
        ConfigurationRefused: It has forgotten that, and the engine's nodes keep every state.
        NodeUnavailable: It does not answer.
    """
    if profile_of(network.engine).proof_depth is not None:
        return
    for first in network.validators[:1]:  # pinned from that block on
        try:
            node.proof(network.institutions.address, [], first.since)
        except StateUnavailable as error:
            raise ConfigurationRefused(
                "the node does not keep old states, and this network's evidence is proven from them",
                expected=f"eth_getProof for block {first.since}",
                got=error.got,
                where=node.url,
                hint="Run it with every state kept: geth --state.scheme hash --gcmode archive, besu FOREST.",
            ) from error


def _same(what: str, expected: object, got: object, node: Node) -> None:
    if expected != got:
        raise NetworkMismatch(
            f"the node is not on the network of the descriptor: another {what}",
            expected=expected,
            got=got,
            where=node.url,
            hint=_HINT,
        )
