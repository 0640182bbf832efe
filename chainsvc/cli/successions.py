"""Successors of a network descriptor, as a verifier follows them and a signer agrees to them."""

from pathlib import Path
from typing import Annotated

import typer

from chainsvc.cli.arguments import Descriptor
from chainsvc.cli.connection import followed, pinned_network, read
from chainsvc.cli.networks import described, rows
from chainsvc.cli.output import facts, output_of
from chainsvc.cli.refusals import UsageRefused
from chainsvc.crypto.opening import open_signing_key
from chainsvc.files import whole
from chainsvc.note import Signer
from chainsvc.settings import load_settings
from chainsvc.succession import MAX_BYTES, Successor

NewFile = Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where to.")]


def follow(
    context: typer.Context,
    successors: Annotated[
        list[Path], typer.Argument(metavar="SUCCESSOR…", help="Signed successors, in order; a file may hold several.")
    ],
    output_file: NewFile,
    network: Descriptor = None,
) -> None:
    """Follow signed successors from the pinned descriptor.

    The newest is written for you to pin. Each must be signed by more than half of the signers that the descriptor
    before it pins, and may neither change the chain and its contracts nor who sealed blocks so far. The successors may
    come from anybody.
    """
    settings, output = load_settings(), output_of(context)
    pinned = pinned_network(settings, network)
    if pinned is None:
        raise UsageRefused("nothing to follow from", expected="--network or CHAINSVC_NETWORK_FILE", got="no descriptor")
    newest = followed(pinned, successors)
    with whole(output_file) as beside:  # it may be the file that a running service goes by
        beside.write_bytes(newest.to_bytes())
    value = {"file": str(output_file), "from": pinned.sha256.hex(), "sha256": newest.sha256.hex()}
    output.answer(
        {**value, "descriptor": described(newest)},
        facts([("Descriptor", output_file), ("Followed from", pinned.sha256.hex()), *rows(newest)]),
    )


def cosign(
    context: typer.Context,
    successor: Annotated[Path, typer.Argument(metavar="SUCCESSOR", help="The successor to agree to.", exists=True)],
    key: Annotated[str, typer.Option("--key", metavar="KEY", help="Your signing key, by its file or name.")],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Your name among the descriptor's signers.")],
    network: Descriptor = None,
) -> None:
    """Add your signature to a successor.

    Look at what it says first. It must follow the descriptor that you pinned, in which your key is one of the signers.
    """
    settings, output = load_settings(), output_of(context)
    pinned = pinned_network(settings, network)
    signer = Signer(name, open_signing_key(key))
    if pinned is None or signer.verifier_key not in pinned.signers:
        raise UsageRefused("this key is none of the pinned descriptor's signers", got=str(signer.verifier_key))
    signed = Successor.parse(read(successor, MAX_BYTES)).sign([signer])
    names = [known.name for known in signed.signed_by(pinned)]
    successor.write_bytes(signed.to_bytes())
    value = {"file": str(successor), "signed_by": names, "needed": len(pinned.signers) // 2 + 1}
    output.answer(
        {**value, "descriptor": described(signed.network)},
        facts([("Successor", successor), ("Signed by", ", ".join(names)), *rows(signed.network)]),
    )
