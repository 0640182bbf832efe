"""A block header's exact bytes, as a node's answer gives them."""

from collections.abc import Mapping
from typing import Any

from chainsvc.errors import MalformedInput, NodeUnavailable
from chainsvc.proof import rebuilding


def header_bytes(members: Mapping[str, Any]) -> bytes:
    """Return the RLP bytes of a header, proven by the block's own hash.

    Args:
        members: The answer to ``eth_getBlockByNumber``.

    Raises:
        NodeUnavailable: No reading of the members hashes to the block's hash.
    """
    try:
        return rebuilding.header_bytes(members, f"block {members.get('number')}")
    except MalformedInput as error:
        raise NodeUnavailable(
            f"the node's answer is no block: {error.message}",
            expected=error.expected,
            got=error.got,
            where=error.where,
            hint="The node reports header members that chainsvc does not know; use another node or a newer chainsvc.",
        ) from error
