"""Describing a network anew, when its validators, signers or schemas have changed."""

from contextlib import closing
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated

import typer

from chainsvc.bootstrap import checkpoint_signer, open_node, read_network
from chainsvc.chain.engines import profile_of
from chainsvc.chain.identity import check_network
from chainsvc.chain.node import Node
from chainsvc.chain.validators import epochs_after
from chainsvc.cli.networks import described, rows
from chainsvc.cli.output import facts, output_of
from chainsvc.cli.successions import NewFile
from chainsvc.errors import Conflict
from chainsvc.network import Network, Validators
from chainsvc.note import VerifierKey
from chainsvc.schemas import all_schemas
from chainsvc.settings import load_settings
from chainsvc.succession import Successor


def succeed(
    context: typer.Context,
    output_file: NewFile,
    signer: Annotated[
        list[str] | None,
        typer.Option("--signer", metavar="VKEY", help="All signers from now on, by verifier key; may repeat."),
    ] = None,
) -> None:
    """Describe the network anew, as successor of the descriptor.

    Validators come from the node, as of its newest final block, schemas from this version; signers stay unless named.
    Where the descriptor has several signers, more than half of them sign: chainsvc network cosign.
    """
    settings, output = load_settings(), output_of(context)
    before = read_network(settings)
    with closing(open_node(settings)) as node:
        check_network(node, before)
        after = _described_anew(before, node, signer)
    if after == before:
        raise Conflict("nothing has changed since the descriptor in use", got=before.sha256.hex())
    successor = Successor(after, before.sha256).sign([checkpoint_signer(settings)])
    output_file.write_bytes(successor.to_bytes())
    missing = len(before.signers) // 2 + 1 - len(successor.signed_by(before))
    value = {"file": str(output_file), "after": before.sha256.hex(), "sha256": after.sha256.hex(), "missing": missing}
    output.answer(
        {**value, "descriptor": described(after)},
        facts([("Successor", output_file), ("Signatures missing", missing), *rows(after)]),
    )


def _described_anew(before: Network, node: Node, signers: list[str] | None) -> Network:
    profile = profile_of(before.engine)
    newest = profile.final_block(node).number
    epochs = list(before.validators)
    if epochs:
        epochs += epochs_after(profile.validators, node, epochs[-1], newest)
    elif found := profile.validators.validators_at(node, newest):
        epochs.append(Validators(newest, found))
    return replace(
        before,
        validators=tuple(epochs),
        signers=before.signers if signers is None else tuple(map(VerifierKey.parse, signers)),
        schemas=MappingProxyType({**_schemas(), **before.schemas}),
    )


def _schemas() -> dict[str, bytes]:
    return {schema.id: schema.sha256 for schema in all_schemas().values()}
