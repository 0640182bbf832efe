"""Joining a network that others run: a second deployment with keys, database and service of its own."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from chainsvc.chain.identity import check_network
from chainsvc.cli.networks import rows
from chainsvc.cli.output import facts, output_of
from chainsvc.errors import NetworkMismatch
from chainsvc.files import whole
from chainsvc.ground import open_node
from chainsvc.keyring import checkpoint_signer, make_keys, read_accounts, read_receipt_key
from chainsvc.network import Network
from chainsvc.settings import Settings, load_settings


def join(
    context: typer.Context,
    descriptor: Annotated[Path, typer.Argument(metavar="DESCRIPTOR", help="The network's, from whom you trust.")],
    operator: Annotated[
        str, typer.Option("--operator", metavar="USCC", help="The organization that will run the service.")
    ] = "USCC",
) -> None:
    """Prepare this home for a network that is there already.

    The node of CHAINSVC_NODE_URL must be on it. Keys that are missing are made. What the network's registrar has to do
    next is shown; then 'chainsvc serve' serves. Repeating it is harmless.
    """
    settings, output = load_settings(), output_of(context)
    network = Network.parse(descriptor.read_bytes())
    with output.working("Comparing node and descriptor …"), closing(open_node(settings)) as node:
        check_network(node, network)
    make_keys(settings)  # before the descriptor: with it, a missing key-encryption key would be a lost one
    _keep(settings, network)
    accounts = [f"0x{signer.address.hex()}" for signer in read_accounts(settings)]
    receipt, checkpoint = read_receipt_key(settings).public.hex(), str(checkpoint_signer(settings).verifier_key)
    asked = [
        f"chainsvc org register {operator} --role operator",
        f"chainsvc key add {operator} {receipt} --purpose receipt",
        *(f"chainsvc org delegate {operator} --to {account}" for account in accounts),
    ]
    value = {
        "network": network.sha256.hex(),
        "descriptor": str(settings.descriptor),
        "accounts": accounts,
        "receipt_key": receipt,
        "checkpoint_key": checkpoint,
        "registrar": asked,
    }
    shown = [("Accounts", "\n".join(accounts)), ("Receipt key", receipt), ("Checkpoint key", checkpoint)]
    output.answer(value, facts([*rows(network), *shown, ("Ask the registrar", "\n".join(asked))]))


def _keep(settings: Settings, network: Network) -> None:
    if settings.descriptor.exists():
        known = Network.parse(settings.descriptor.read_bytes())
        if known.network_id != network.network_id:
            raise NetworkMismatch(
                "this home belongs to another network",
                expected=known.network_id.hex(),
                got=network.network_id.hex(),
                where=str(settings.descriptor),
                hint="Use another CHAINSVC_HOME.",
            )
    settings.descriptor.parent.mkdir(parents=True, exist_ok=True)
    with whole(settings.descriptor) as beside:
        beside.write_bytes(network.to_bytes())
