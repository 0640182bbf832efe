"""Giving the network descriptor to verifiers."""

import sys
from typing import Annotated

import typer

from chainsvc.cli.evidence import OutFile
from chainsvc.cli.networks import rows
from chainsvc.cli.output import facts, output_of
from chainsvc.ground import read_network
from chainsvc.keyring import checkpoint_signer
from chainsvc.settings import load_settings


def export(
    context: typer.Context,
    output_file: OutFile = None,
    sign: Annotated[
        bool, typer.Option("--sign", help="As a signed note, by the checkpoint key; its SHA-256 stays the same.")
    ] = False,
) -> None:
    """Write the descriptor for verifiers, signed if asked."""
    settings, output = load_settings(), output_of(context)
    network = read_network(settings)
    data = network.sign([checkpoint_signer(settings)]) if sign else network.to_bytes()
    if output_file is None and sign and output.json:
        output.document({"sha256": network.sha256.hex(), "note": data.decode()})
        return
    if output_file is None:
        sys.stdout.write(data.decode() if sign else data.decode() + "\n")
        return
    output_file.write_bytes(data)
    value = {"file": str(output_file), "sha256": network.sha256.hex(), "signed": sign}
    output.answer(value, facts([("Descriptor", output_file), *rows(network)]))
