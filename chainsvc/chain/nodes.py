"""Several nodes of different institutions as one: no single one of them is trusted.

What is asked is judged in one of four ways, each the cheapest that is sound:

===============  =======================================================  ==========================================
read             rule                                                     a liar
===============  =======================================================  ==========================================
block, head      a quorum has this very block (headers are hashed here)   is outvoted, and named
state, nonce     one node proves it by that block's state root            fails the proof, is named, the next is asked
receipt, logs    a quorum says the same; else the receipts' root decides  fails the proof, is named
call at a block  a quorum answers the same                                is outvoted, and named
pending, gas     what most say: pools may differ                          costs a transaction that reverts
===============  =======================================================  ==========================================

The head is the newest block that a quorum has. It never goes back unless a quorum says that the block is gone.
Transactions go to all nodes but another chain's.
"""

from collections.abc import Collection, Iterator, Sequence

from chainsvc.chain.agreement import Fault, majority
from chainsvc.chain.common_blocks import CommonBlocks
from chainsvc.chain.facts import AccountProof, Block, Log, Receipt
from chainsvc.chain.http_node import HttpNode
from chainsvc.chain.member import Member
from chainsvc.chain.node import At
from chainsvc.chain.outcome import Outcome, told_by_most
from chainsvc.chain.panel import Panel
from chainsvc.chain.proven import proven_account
from chainsvc.chain.reports import Reports, Wanted
from chainsvc.errors import TransactionRefused
from chainsvc.proof.account import Account
from chainsvc.proof.keccak import keccak256

PATIENCE_S = 2.0
"""How long slower nodes are waited for once a quorum has answered."""

_TIMEOUT_SECONDS = (2.0, 10.0)  # to connect, to answer


class Nodes:
    """Nodes that are compared, in place of one; thread-safe."""

    def __init__(self, urls: Sequence[str], quorum: int | None = None, *, patience_s: float = PATIENCE_S) -> None:
        """Connect lazily: nothing is sent yet.

        Args:
            urls: Their HTTP JSON-RPC addresses, the preferred first.
            quorum: How many have to agree; more than half by default.
            patience_s: How long slower ones are waited for.
        """
        members = [Member(HttpNode(url, timeout=_TIMEOUT_SECONDS, retries=1)) for url in urls]
        self.panel = Panel(members, quorum or majority(len(members)), patience_s)
        self._blocks = CommonBlocks(self.panel)
        self._reports = Reports(self.panel, self._blocks)

    @property
    def url(self) -> str:
        """Where they are, for people."""
        return self.panel.names

    @property
    def trouble(self) -> str | None:
        """Which node is left out, and why; None when all agree."""
        return self.panel.trouble

    def close(self) -> None:
        """Close the connections."""
        self.panel.close()

    # --- which chain, which blocks: a quorum ---

    @property
    def chain_id(self) -> int:
        """The chain id; nodes with another one are named and left out."""
        return self._blocks.chain_id()

    def genesis(self) -> bytes:
        """Return the hash of block 0; nodes with another one are named and left out."""
        return self._blocks.genesis()

    def head(self) -> Block:
        """Return the newest block that a quorum has; it goes back only if a quorum says that the block is gone."""
        return self._blocks.head().block

    def block(self, at: At) -> Block:
        """Return a block: by number what a quorum has there, by hash what hashes to it.

        Raises:
            BlockGone: A quorum has no such block.
        """
        return self._blocks.at(at).block

    def header(self, at: At) -> bytes:
        """Return the RLP bytes of a block's header, checked against the block's hash."""
        return self._blocks.at(at).header

    def clique_signers(self, number: int) -> tuple[bytes, ...]:
        """Return clique's signers after the block of that number, as a quorum has them."""
        return self.panel.agree(lambda node: node.clique_signers(number)).value

    def base_fee(self) -> int:
        """Return the base fee of the newest block that a quorum has."""
        return self._blocks.head().base_fee

    def has_block(self, number: int, block_hash: bytes) -> bool:
        """Whether a quorum has this very block; False also while too few have any block there."""
        return self._blocks.count(number, block_hash).having >= self.panel.quorum

    def lacks_block(self, number: int, block_hash: bytes) -> bool:
        """Whether a quorum does not have this block; False also while that is open."""
        return self._blocks.count(number, block_hash).lacking >= self.panel.quorum

    # --- state: one node and a proof ---

    def code_hash(self, address: bytes, at: At = "latest") -> bytes:
        """Return the Keccak-256 of the code at an address; the hash of nothing where there is none."""
        return self._state(address, (), at)[0].code_hash

    def storage(self, address: bytes, slot: bytes, at: At = "latest") -> bytes:
        """Return the 32 bytes of a storage slot."""
        return self._state(address, (slot,), at)[1].storage[0].value

    def proof(self, address: bytes, slots: Sequence[bytes], at: At) -> AccountProof:
        """Return the EIP-1186 proof of an account and of some of its 32-byte slots, checked."""
        return self._state(address, slots, at)[1]

    def balance(self, address: bytes, at: At = "latest") -> int:
        """Return an account's balance in wei."""
        return self._state(address, (), at)[0].balance

    def nonce(self, address: bytes, at: At = "latest") -> int:
        """Return the number of transactions that the account has sent up to a block; with ``pending`` the middle one.

        What waits differs from node to node, and a number that is too high would leave a gap.
        """
        if at != "pending":
            return self._state(address, (), at)[0].nonce
        answers = self.panel.ask(lambda node: node.nonce(address, "pending"))
        self.panel.require(answers)
        return _middle(answers.values())

    def _state(self, address: bytes, slots: Sequence[bytes], at: At) -> tuple[Account, AccountProof]:
        block = self._blocks.at(at).block
        return self.panel.first(lambda node: proven_account(node, address, slots, block))

    # --- what happened: a quorum, or the receipts' root ---

    def receipt(self, transaction: bytes) -> Receipt | None:
        """Return what became of a transaction, or None while it is not mined as far as a quorum knows."""
        return self._reports.receipt(transaction)

    def logs(self, addresses: Sequence[bytes], topics: Sequence[bytes | None], first: int, last: int) -> Iterator[Log]:
        """Yield the logs of some contracts from block ``first`` to ``last``, oldest first."""
        end = self._blocks.head()
        if last < end.block.number:
            end = self._blocks.number(last)
        if first <= end.block.number:
            yield from self._reports.logs(Wanted(tuple(addresses), tuple(topics), first), end)

    # --- calls and transactions ---

    def call(self, to: bytes, data: bytes, *, sender: bytes | None = None, at: At = "latest") -> bytes:
        """Return what a contract answers without a transaction: a quorum's answer, or with ``pending`` that of most.

        Raises:
            ChainRefused: It reverted.
        """
        if at == "pending":
            answers = self.panel.ask(lambda node: Outcome.of(lambda: node.call(to, data, sender=sender, at="pending")))
            self.panel.require(answers)
            return told_by_most(answers).or_raise()
        block_hash = at if isinstance(at, bytes) else self._blocks.at(at).block.hash
        said = self.panel.agree(lambda node: Outcome.of(lambda: node.call(to, data, sender=sender, at=block_hash)))
        for member in said.differing:
            member.blame(Fault.WRONG, f"it answers another value than a quorum to a call at block {block_hash.hex()}")
        return said.value.or_raise()

    def estimate_gas(self, to: bytes | None, data: bytes, sender: bytes) -> int:
        """Return the gas that a transaction would need now: the middle of what the nodes say, if most would take it.

        Raises:
            ChainRefused: It would revert.
        """
        answers = self.panel.ask(lambda node: Outcome.of(lambda: node.estimate_gas(to, data, sender)))
        self.panel.require(answers)
        refused = {member: outcome for member, outcome in answers.items() if outcome.refused}
        if 2 * len(refused) > len(answers):
            told_by_most(refused).or_raise()
        return _middle([outcome.value for outcome in answers.values() if outcome.value is not None])

    def send(self, raw: bytes) -> bytes:
        """Hand a signed transaction to all nodes and return its hash; one that takes it is enough.

        Raises:
            TransactionRefused: None takes it.
            NodeUnavailable: No answer: it may have been taken or not, so ask for its receipt later or send again.
        """

        def hand_over(node: HttpNode) -> TransactionRefused | None:
            try:
                node.send(raw)
            except TransactionRefused as refused:
                return refused
            return None

        answers = self.panel.ask(hand_over)
        if not answers:
            self.panel.require(answers)
        refusals = [refused for refused in answers.values() if refused is not None]
        if len(refusals) == len(answers):
            raise refusals[0]
        return keccak256(raw)

    def knows(self, transaction: bytes) -> bool:
        """Whether a quorum knows the transaction, mined or waiting: else it is worth sending again."""
        answers = self.panel.ask(lambda node: node.knows(transaction))
        self.panel.require(answers)
        return sum(answers.values()) >= self.panel.quorum


def _middle(numbers: Collection[int]) -> int:
    return sorted(numbers)[len(numbers) // 2]
