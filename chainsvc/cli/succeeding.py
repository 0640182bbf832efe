"""Describing a network anew, when its validators, signers or schemas have changed."""

from contextlib import closing
from typing import Annotated

import typer

from chainsvc.chain.describing import described_anew
from chainsvc.chain.identity import check_network
from chainsvc.cli.networks import described, rows
from chainsvc.cli.output import facts, output_of
from chainsvc.cli.successions import NewFile
from chainsvc.errors import Conflict
from chainsvc.ground import open_node, read_network
from chainsvc.keyring import checkpoint_signer
from chainsvc.note import VerifierKey
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
        after = described_anew(before, node, None if signer is None else list(map(VerifierKey.parse, signer)))
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
