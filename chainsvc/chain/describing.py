"""Describing a deployed network anew: what a successor of its descriptor says."""

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

from chainsvc.chain.engines import profile_of
from chainsvc.chain.node import Node
from chainsvc.chain.validators import epochs_after
from chainsvc.network import Network, Validators
from chainsvc.note import VerifierKey
from chainsvc.schemas import all_schemas


def described_anew(before: Network, node: Node, signers: Sequence[VerifierKey] | None = None) -> Network:
    """Return the network's descriptor as it should be now; the same one where nothing has changed.

    Args:
        before: The descriptor in use.
        node: On that network; validators are those of its newest final block.
        signers: All signers from now on, None for those of before.

    Raises:
        NodeUnavailable: The node does not answer, or does not tell the validators.
    """
    profile = profile_of(before.engine)
    newest = profile.final_block(node).number
    epochs = list(before.validators)
    if epochs:
        epochs += epochs_after(profile.validators, node, epochs[-1], newest)
    elif found := profile.validators.validators_at(node, newest):
        epochs.append(Validators(newest, found))
    schemas = {schema.id: schema.sha256 for schema in all_schemas().values()}
    return replace(
        before,
        validators=tuple(epochs),
        signers=before.signers if signers is None else tuple(signers),
        schemas=MappingProxyType({**schemas, **before.schemas}),
    )
