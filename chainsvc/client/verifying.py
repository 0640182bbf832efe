"""Verifying evidence on this machine, with the verifier that anyone runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from chainsvc.checkpoint import Checkpoint
from chainsvc.evidence import Evidence
from chainsvc.network import Network
from chainsvc.verify import CheckpointSource, LiveNode, Source, Verdict, verify
from chainsvc.verify.wording import Wording

FIRST_USE = Wording(
    "that the network is the right one: its descriptor was taken from the service itself, on first use",
    "网络本身是否可信：网络描述取自被验证的服务（首次使用）",
)
"""What a verdict does not prove when the caller gave no descriptor of its own."""


def verify_locally(
    evidence: Evidence | bytes,
    network: Network,
    *,
    node: str | Source | None,
    checkpoint: Checkpoint | bytes | str | None,
    at: int | None,
    first_use: bool,
) -> Verdict:
    """Return the verdict; it says so when the descriptor came from the service.

    Raises:
        ValueError: Both a node and a checkpoint were given.
        MalformedInput: The checkpoint is none.
    """
    data = evidence.to_bytes() if isinstance(evidence, Evidence) else evidence
    with _source(node, checkpoint) as source:
        verdict = verify(data, network, source, at)
    if not first_use or verdict.facts is None:
        return verdict
    return replace(verdict, facts=replace(verdict.facts, not_proven=(*verdict.facts.not_proven, FIRST_USE)))


@contextmanager
def _source(node: str | Source | None, checkpoint: Checkpoint | bytes | str | None) -> Iterator[Source | None]:
    if node is not None and checkpoint is not None:
        raise ValueError("give a node or a checkpoint, not both")
    if isinstance(node, str):
        with LiveNode(node) as live:
            yield live
    elif checkpoint is not None:
        yield CheckpointSource(_checkpoint(checkpoint))
    else:
        yield node


def _checkpoint(checkpoint: Checkpoint | bytes | str) -> Checkpoint:
    if isinstance(checkpoint, Checkpoint):
        return checkpoint
    return Checkpoint.parse(checkpoint.encode() if isinstance(checkpoint, str) else checkpoint)
