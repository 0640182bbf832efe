"""What one node says, proven by a block header that others vouch for: accounts, storage and receipts.

A header's hash covers the roots of state and receipts. So once the hash is agreed on, one honest node is enough for
the rest, and one that lies is caught (EIP-1186; Yellow Paper, section 4.3).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

from chainsvc.chain.facts import AccountProof, Block, Receipt, StorageProof
from chainsvc.chain.http_node import HttpNode
from chainsvc.chain.node import At
from chainsvc.errors import BlockGone, MalformedInput
from chainsvc.proof import rlp
from chainsvc.proof.account import Account, prove_account, prove_slot
from chainsvc.proof.header import MAX_BYTES, Header
from chainsvc.proof.keccak import EMPTY_CODE
from chainsvc.proof.ordered import ordered_root
from chainsvc.proof.trie import EMPTY_ROOT

T = TypeVar("T")

_RECEIPTS_ROOT, _BASE_FEE = 5, 15  # places in a header
_NOBODY = Account(0, 0, EMPTY_ROOT, EMPTY_CODE)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A block as its header's bytes have it; two with the same hash say the same.

    Attributes:
        block: Read from the header.
        header: RLP.
    """

    block: Block
    header: bytes

    @classmethod
    def of(cls, node: HttpNode, at: At) -> Self:
        """Read a block's header from a node.

        Raises:
            BlockGone: The node has no such block.
            NodeUnavailable: What it gave does not hash to what it says.
            MalformedInput: It is another block than the one asked for.
        """
        data = node.header(at)
        header = Header.parse(data)
        if not isinstance(at, str) and at != (header.number if isinstance(at, int) else header.hash):
            raise MalformedInput("another block than the one asked for", expected=_shown(at), got=header.number)
        return cls(Block(header.number, header.hash, header.parent, header.timestamp, header.state_root), data)

    @property
    def receipts_root(self) -> bytes:
        """Root of the block's receipts, 32 bytes."""
        return self._fields()[_RECEIPTS_ROOT]

    @property
    def base_fee(self) -> int:
        """Wei per gas; 0 where the chain has none (EIP-1559)."""
        return int.from_bytes(b"".join(self._fields()[_BASE_FEE : _BASE_FEE + 1]))

    def _fields(self) -> list[bytes]:
        return rlp.strings(rlp.decode(self.header, max_bytes=MAX_BYTES, where="header"), "header")


def proven_account(node: HttpNode, address: bytes, slots: Sequence[bytes], at: Block) -> tuple[Account, AccountProof]:
    """Return an account and some of its slots as they are in the state of a block.

    Raises:
        BlockGone: The node has another block at this height, or none.
        MalformedInput: What the node says is not what the state root covers.
    """
    return _proven(node, at, lambda: _check_account(node.proof(address, slots, at.number), address, at.state_root))


def _check_account(proof: AccountProof, address: bytes, root: bytes) -> tuple[Account, AccountProof]:
    account = prove_account(root, address, proof.nodes, "account proof")
    if account is None:
        none = tuple(StorageProof(one.slot, bytes(32), ()) for one in proof.storage)
        return _NOBODY, AccountProof(proof.nodes, EMPTY_CODE, EMPTY_ROOT, none)
    stated = (proof.code_hash, proof.storage_root)
    if stated != (account.code_hash, account.storage_root):
        raise MalformedInput("the account is another", expected=account.code_hash.hex(), got=proof.code_hash.hex())
    for one in proof.storage:
        value = prove_slot(account.storage_root, one.slot, one.nodes, f"proof of slot {one.slot.hex()}")
        if value != one.value:
            raise MalformedInput("the slot holds another value", expected=value.hex(), got=one.value.hex())
    return account, proof


def proven_receipts(node: HttpNode, sealed: Sealed) -> tuple[Receipt, ...]:
    """Return all receipts of a block, in order; content and order are what the header covers.

    Not covered are the hashes of their transactions: that a receipt belongs to one, a node says.

    Raises:
        BlockGone: The node has another block at this height, or none.
        MalformedInput: What the node says is not what the receipts' root covers.
    """

    def check() -> tuple[Receipt, ...]:
        found = node.receipts(sealed.block.number)
        root = ordered_root([data for _, data in found])
        if root != sealed.receipts_root:
            raise MalformedInput("the receipts are others", expected=sealed.receipts_root.hex(), got=root.hex())
        return tuple(receipt for receipt, _ in found)

    return _proven(node, sealed.block, check)


def _proven(node: HttpNode, at: Block, check: Callable[[], T]) -> T:
    """Read and check, and once more where that fails: the node may have come to the block only after its answer."""
    try:
        return _checked(node, at, check)
    except MalformedInput:
        return _checked(node, at, check)


def _checked(node: HttpNode, at: Block, check: Callable[[], T]) -> T:
    """A node on another branch gives that branch's proof, which is no lie."""
    try:
        return check()
    except MalformedInput as error:
        if node.has_block(at.number, at.hash):
            raise
        raise BlockGone("the node has another block there", expected=at.hash.hex(), where=node.url) from error


def _shown(at: int | bytes) -> str:
    return at.hex() if isinstance(at, bytes) else str(at)
