"""One chain node over JSON-RPC: the only place that knows web3.

web3's provider brings sessions, time limits and retries. Its formatting and validation layers are left out: they ask
for the chain id before every call, change header members, and need a special case for each engine. What comes back
is read once, into :mod:`chainsvc.chain.facts`, and what goes wrong is one of our errors.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import requests
from web3 import HTTPProvider
from web3.exceptions import Web3Exception
from web3.providers.rpc.utils import ExceptionRetryConfiguration
from web3.types import RPCEndpoint

from chainsvc import metrics
from chainsvc.chain.facts import AccountProof, Block, Log, Receipt, from_hex, to_hex, to_int
from chainsvc.chain.headers import header_bytes
from chainsvc.chain.node import At
from chainsvc.chain.receipt_bytes import receipt_bytes
from chainsvc.chain.refusals import error_of, transaction_error_of
from chainsvc.errors import BlockGone, NodeUnavailable
from chainsvc.proof.keccak import keccak256

LOG_RANGE = 2_000
"""Blocks asked for in one call for logs; nodes cap it."""

_TIMEOUT_SECONDS = (3.0, 20.0)  # to connect, to answer
_RETRIES = 3
_BLOCKS_KEPT = 4_096
_KNOWN = ("already known", "already imported", "known transaction", "alreadyknown")


class HttpNode:
    """A chain node.

    Args:
        url: Its HTTP JSON-RPC address.
        timeout: Seconds to connect, and to answer.
        retries: How often a connection that breaks is tried again.
    """

    def __init__(self, url: str, *, timeout: tuple[float, float] = _TIMEOUT_SECONDS, retries: int = _RETRIES) -> None:
        """Connect lazily: nothing is sent yet."""
        self.url = url
        # a connection that breaks is tried again; a raw transaction too, as the same bytes count once
        retry = ExceptionRetryConfiguration([requests.ConnectionError], retries=retries, backoff_factor=0.1)
        self._session = _session(url)  # one pool for all threads, closed with the node
        self._provider = HTTPProvider(
            url,
            session=self._session,
            request_kwargs={"timeout": timeout},
            exception_retry_configuration=retry,
        )
        self._chain_id: int | None = None
        self._lock = threading.Lock()
        self._block_at_hash = lru_cache(_BLOCKS_KEPT)(self._read_block_at_hash)

    def close(self) -> None:
        """Close the connections; the next call would open new ones."""
        self._session.close()

    def request(self, method: str, *params: object) -> Any:
        """Return the raw result of one JSON-RPC call.

        Raises:
            NodeUnavailable: No answer, or an error that is none of the others.
            StateUnavailable: The node no longer has the state of the block asked for.
            ChainRefused: A contract reverted.
        """
        began = time.perf_counter()
        outcome = "unreachable"
        try:
            answer = self._provider.make_request(RPCEndpoint(method), list(params))
            outcome = "refused" if answer.get("error") is not None else "ok"
        except (OSError, ValueError, Web3Exception) as error:  # requests' errors are OSErrors
            raise self._down(error) from error
        finally:
            metrics.RPC_REQUEST_SECONDS.labels(method, outcome).observe(time.perf_counter() - began)
        if outcome == "refused":
            raise error_of(method, answer["error"], self.url)
        return answer.get("result")

    @property
    def chain_id(self) -> int:
        """The chain id, asked for once."""
        with self._lock:
            if self._chain_id is None:
                self._chain_id = to_int(self.request("eth_chainId"))
        return self._chain_id

    def genesis(self) -> bytes:
        """Return the hash of block 0; never cached, since a node may be reset behind the same address."""
        return self.block(0).hash

    def head(self) -> Block:
        """Return the newest block."""
        return self.block("latest")

    def block(self, at: At) -> Block:
        """Return a block.

        Raises:
            BlockGone: The chain has no such block.
        """
        return self._block_at_hash(at) if isinstance(at, bytes) else Block.read(self._members(at))

    def has_block(self, number: int, block_hash: bytes) -> bool:
        """Whether the chain has this very block at this height."""
        found = self.request("eth_getBlockByNumber", hex(number), False)  # noqa: FBT003 - a JSON-RPC parameter
        return found is not None and from_hex(found["hash"]) == block_hash

    def lacks_block(self, number: int, block_hash: bytes) -> bool:
        """Whether the chain has another block at this height, or none."""
        return not self.has_block(number, block_hash)

    def header(self, at: At) -> bytes:
        """Return the RLP bytes of a block's header, checked against the block's hash."""
        return header_bytes(self._members(at))

    def clique_signers(self, number: int) -> tuple[bytes, ...]:
        """Return clique's signers after the block of that number, ascending, 20 bytes each."""
        return tuple(sorted(map(from_hex, self.request("clique_getSigners", hex(number)))))

    def code_hash(self, address: bytes, at: At = "latest") -> bytes:
        """Return the Keccak-256 of the code at an address; the hash of nothing where there is none."""
        return keccak256(from_hex(self.request("eth_getCode", to_hex(address), _tag(at))))

    def storage(self, address: bytes, slot: bytes, at: At = "latest") -> bytes:
        """Return the 32 bytes of a storage slot."""
        return from_hex(self.request("eth_getStorageAt", to_hex(address), to_hex(slot), _tag(at))).rjust(32, b"\0")

    def proof(self, address: bytes, slots: Sequence[bytes], at: At) -> AccountProof:
        """Return the EIP-1186 proof of an account and of some of its 32-byte slots.

        Args:
            address: 20 bytes.
            slots: 32 bytes each, zeros included: some nodes refuse shortened ones.
            at: Block number or tag; a hash is looked up first, as not every node takes one here.
        """
        number = self.block(at).number if isinstance(at, bytes) else at
        found = self.request("eth_getProof", to_hex(address), [to_hex(slot) for slot in slots], _tag(number))
        return AccountProof.read(found, tuple(slots))

    def logs(self, addresses: Sequence[bytes], topics: Sequence[bytes | None], first: int, last: int) -> Iterator[Log]:
        """Yield the logs of some contracts from block ``first`` to ``last``, oldest first.

        Args:
            addresses: 20 bytes each.
            topics: Wanted topics by position; None takes any.
            first: First block number.
            last: Last block number; blocks beyond the head have no logs.
        """
        for start in range(first, last + 1, LOG_RANGE):
            wanted = {
                "address": [to_hex(address) for address in addresses],
                "topics": [None if topic is None else to_hex(topic) for topic in topics],
                "fromBlock": hex(start),
                "toBlock": hex(min(start + LOG_RANGE - 1, last)),
            }
            yield from map(Log.read, self.request("eth_getLogs", wanted))

    def nonce(self, address: bytes, at: At = "latest") -> int:
        """Return the number of transactions that the account has sent up to a block, or with ``pending`` ones."""
        return to_int(self.request("eth_getTransactionCount", to_hex(address), _tag(at)))

    def balance(self, address: bytes, at: At = "latest") -> int:
        """Return an account's balance in wei."""
        return to_int(self.request("eth_getBalance", to_hex(address), _tag(at)))

    def call(self, to: bytes, data: bytes, *, sender: bytes | None = None, at: At = "latest") -> bytes:
        """Return what a contract answers without a transaction.

        With ``pending`` the contract sees the present time and what waits to be mined, as a transaction would.

        Raises:
            ChainRefused: It reverted.
        """
        return from_hex(self.request("eth_call", _transaction(to, data, sender), _tag(at)))

    def estimate_gas(self, to: bytes | None, data: bytes, sender: bytes) -> int:
        """Return the gas that a transaction would need now; ``to`` is None for a deployment.

        Raises:
            ChainRefused: It would revert.
        """
        return to_int(self.request("eth_estimateGas", _transaction(to, data, sender), "pending"))

    def base_fee(self) -> int:
        """Return the base fee of the newest block in wei per gas; 0 where gas is free."""
        return to_int(self._members("latest").get("baseFeePerGas", "0x0"))

    def send(self, raw: bytes) -> bytes:
        """Hand a signed transaction to the node and return its hash, computed here.

        The same bytes may be sent any number of times: known already and mined already both count as sent.

        Raises:
            TransactionRefused: The node will not take it; the reason says why.
            NodeUnavailable: No answer: it may have been taken or not, so ask for its receipt later or send again.
        """
        transaction = keccak256(raw)
        try:
            self.request("eth_sendRawTransaction", to_hex(raw))
        except NodeUnavailable as error:
            if not self._was_taken(transaction, error):
                raise transaction_error_of(error) from error
        return transaction

    def receipt(self, transaction: bytes) -> Receipt | None:
        """Return what became of a transaction, or None while it is not mined."""
        found = self.request("eth_getTransactionReceipt", to_hex(transaction))
        return None if found is None else Receipt.read(found)

    def receipts(self, number: int) -> list[tuple[Receipt, bytes]]:
        """Return all receipts of a block, in order, with the bytes of each that the header's root covers.

        Raises:
            BlockGone: The chain has no such block.
        """
        found = self.request("eth_getBlockReceipts", hex(number))
        if found is None:
            raise BlockGone("the chain has no such block", got=number, where=self.url)
        return [(Receipt.read(members), receipt_bytes(members)) for members in found]

    def knows(self, transaction: bytes) -> bool:
        """Whether the node has the transaction, mined or waiting."""
        return self.request("eth_getTransactionByHash", to_hex(transaction)) is not None

    def _was_taken(self, transaction: bytes, error: NodeUnavailable) -> bool:
        if isinstance(error.__cause__, OSError):  # no answer at all
            return False
        known = any(sign in (error.got or "").lower() for sign in _KNOWN)
        return known or self.knows(transaction)

    def _members(self, at: At) -> Any:
        by_hash = isinstance(at, bytes)
        tag = to_hex(at) if isinstance(at, bytes) else _tag(at)
        method = "eth_getBlockByHash" if by_hash else "eth_getBlockByNumber"
        found = self.request(method, tag, False)  # noqa: FBT003 - a JSON-RPC parameter
        if found is None:
            raise BlockGone("the chain has no such block", got=tag, where=self.url)
        return found

    def _read_block_at_hash(self, block_hash: bytes) -> Block:
        return Block.read(self._members(block_hash))

    def _down(self, error: Exception) -> NodeUnavailable:
        return NodeUnavailable(
            "the chain node does not answer",
            got=type(error).__name__,
            where=self.url,
            hint="Is it running? 'chainsvc devnet status' tells for the local devnet; else check CHAINSVC_NODE_URL.",
        )


def _session(url: str) -> requests.Session:
    """Return a session that asks the environment for proxies, certificates and logins now, and not at every call.

    That takes longer than a node on the same machine takes to answer.
    """
    session = requests.Session()
    try:
        found = session.merge_environment_settings(url, {}, None, None, None)
        session.auth = requests.utils.get_netrc_auth(url)
    except ValueError:  # no URL at all: the first call says so
        return session
    session.proxies, session.verify, session.cert = found["proxies"], found["verify"], found["cert"]
    session.trust_env = False
    return session


def _tag(at: At) -> object:
    if isinstance(at, bytes):
        return {"blockHash": to_hex(at)}  # EIP-1898
    return hex(at) if isinstance(at, int) else at


def _transaction(to: bytes | None, data: bytes, sender: bytes | None) -> dict[str, str]:
    call = {"data": to_hex(data)}
    if to is not None:
        call["to"] = to_hex(to)
    if sender is not None:
        call["from"] = to_hex(sender)
    return call
