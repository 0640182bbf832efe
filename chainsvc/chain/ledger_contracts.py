"""The ledger contracts of the descriptor in use, which may get further ones while the service runs."""

from collections.abc import Callable, Iterator, Mapping

from chainsvc.chain.ledgers import LedgerContract
from chainsvc.chain.node import Node
from chainsvc.network import Network


class LedgerContracts(Mapping[bytes, LedgerContract]):
    """Ledger contracts by address, ascending; thread-safe, and each way through them is of one descriptor."""

    def __init__(self, node: Node, network: Callable[[], Network]) -> None:
        """Reach the contracts of what ``network`` returns through this node."""
        self._node = node
        self._network = network
        self._known: tuple[Network | None, dict[bytes, LedgerContract]] = None, {}

    def __getitem__(self, address: bytes) -> LedgerContract:
        """Return the contract at a 20-byte address."""
        return self._now()[address]

    def __iter__(self) -> Iterator[bytes]:
        """Yield the addresses."""
        return iter(self._now())

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._now())

    def _now(self) -> dict[bytes, LedgerContract]:
        network = self._network()
        of, contracts = self._known
        if of is not network:
            addresses = sorted({ledger.address for ledger in network.ledgers})
            contracts = {
                address: contracts.get(address) or LedgerContract(self._node, address) for address in addresses
            }
            self._known = network, contracts
        return contracts
