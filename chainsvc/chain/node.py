"""What the service asks of a chain node, whether one answers or several of different institutions are compared."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from chainsvc.chain.facts import AccountProof, Block, Log, Receipt

At: TypeAlias = int | bytes | str
"""A block: its number, its 32-byte hash, or ``latest`` or ``pending``."""


class Fees(NamedTuple):
    """EIP-1559 fees in wei per gas."""

    most: int
    priority: int


class Node(Protocol):
    """A chain node; thread-safe.

    Every call may raise:
        NodeUnavailable: No answer, or none to go by.
        StateUnavailable: The state of the block asked for is no longer there.
    """

    @property
    def url(self) -> str:
        """Where it is, for people."""

    @property
    def chain_id(self) -> int:
        """The chain id, asked for once."""

    def close(self) -> None:
        """Close the connections; the next call would open new ones."""

    def genesis(self) -> bytes:
        """Return the hash of block 0; never cached, since a node may be reset behind the same address."""

    def head(self) -> Block:
        """Return the newest block."""

    def block(self, at: At) -> Block:
        """Return a block.

        Raises:
            BlockGone: The chain has no such block.
        """

    def has_block(self, number: int, block_hash: bytes) -> bool:
        """Whether the chain has this very block at this height."""

    def lacks_block(self, number: int, block_hash: bytes) -> bool:
        """Whether the block is not on the chain; of several nodes some may have it and some not, then neither holds."""

    def header(self, at: At) -> bytes:
        """Return the RLP bytes of a block's header, checked against the block's hash."""

    def clique_signers(self, number: int) -> tuple[bytes, ...]:
        """Return clique's signers after the block of that number, ascending, 20 bytes each.

        Raises:
            NodeUnavailable: Also where the node does not offer the call (``--http.api clique``).
        """

    def code_hash(self, address: bytes, at: At = "latest") -> bytes:
        """Return the Keccak-256 of the code at an address; the hash of nothing where there is none."""

    def storage(self, address: bytes, slot: bytes, at: At = "latest") -> bytes:
        """Return the 32 bytes of a storage slot."""

    def proof(self, address: bytes, slots: Sequence[bytes], at: At) -> AccountProof:
        """Return the EIP-1186 proof of an account and of some of its 32-byte slots.

        Args:
            address: 20 bytes.
            slots: 32 bytes each, zeros included: some nodes refuse shortened ones.
            at: Block number or tag; a hash is looked up first, as not every node takes one here.
        """

    def logs(self, addresses: Sequence[bytes], topics: Sequence[bytes | None], first: int, last: int) -> Iterator[Log]:
        """Yield the logs of some contracts from block ``first`` to ``last``, oldest first.

        Args:
            addresses: 20 bytes each.
            topics: Wanted topics by position; None takes any.
            first: First block number.
            last: Last block number; blocks beyond the head have no logs.
        """

    def nonce(self, address: bytes, at: At = "latest") -> int:
        """Return the number of transactions that the account has sent up to a block, or with ``pending`` ones."""

    def balance(self, address: bytes, at: At = "latest") -> int:
        """Return an account's balance in wei."""

    def call(self, to: bytes, data: bytes, *, sender: bytes | None = None, at: At = "latest") -> bytes:
        """Return what a contract answers without a transaction.

        With ``pending`` the contract sees the present time and what waits to be mined, as a transaction would.

        Raises:
            ChainRefused: It reverted.
        """

    def estimate_gas(self, to: bytes | None, data: bytes, sender: bytes) -> int:
        """Return the gas that a transaction would need now; ``to`` is None for a deployment.

        Raises:
            ChainRefused: It would revert.
        """

    def base_fee(self) -> int:
        """Return the base fee of the newest block in wei per gas; 0 where gas is free."""

    def send(self, raw: bytes) -> bytes:
        """Hand a signed transaction over and return its hash, computed here.

        The same bytes may be sent any number of times: known already and mined already both count as sent.

        Raises:
            TransactionRefused: It is not taken; the reason says why.
            NodeUnavailable: No answer: it may have been taken or not, so ask for its receipt later or send again.
        """

    def receipt(self, transaction: bytes) -> Receipt | None:
        """Return what became of a transaction, or None while it is not mined."""

    def knows(self, transaction: bytes) -> bool:
        """Whether the transaction is known, mined or waiting."""
