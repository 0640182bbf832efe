"""The network descriptor, as a verifier looks at it."""

import typer

from chainsvc.cli.arguments import Descriptor
from chainsvc.cli.connection import pinned_network
from chainsvc.cli.output import facts, listing, output_of
from chainsvc.cli.verifying import network_on_first_use
from chainsvc.network import Network, Validators
from chainsvc.settings import load_settings


def show(context: typer.Context, network: Descriptor = None) -> None:
    """Show a network descriptor and its SHA-256.

    Compare the SHA-256 with one that you got another way, e.g. printed or by telephone, before you pin it.
    """
    settings, output = load_settings(), output_of(context)
    pinned = pinned_network(settings, network)
    found = pinned or network_on_first_use(output, settings)
    origin = (
        f"the service at {settings.url}: compare its SHA-256 before you pin it" if pinned is None else "your own file"
    )
    value = {"sha256": found.sha256.hex(), "first_use": pinned is None, "descriptor": described(found)}
    contracts = [(kind, address, code) for kind, address, code in _contracts(found)]
    output.answer(
        value, facts([("From", origin), *rows(found)]), listing(("Contract", "Address", "Code hash"), contracts)
    )


def described(network: Network) -> dict[str, object]:
    """Return what a descriptor says, in short."""
    return {
        "network_id": network.network_id.hex(),
        "name": network.name,
        "chain_id": network.chain_id,
        "genesis": network.genesis.hex(),
        "contracts": {kind: address for kind, address, _ in _contracts(network)},
        "signers": [str(key) for key in network.signers],
        "validators": [
            {"from": epoch.since, "addresses": [f"0x{address.hex()}" for address in epoch.addresses]}
            for epoch in network.validators
        ],
        "schemas": len(network.schemas),
    }


def rows(network: Network) -> list[tuple[str, object]]:
    """Return the facts that people compare."""
    return [
        ("Network", f"{network.name}, {network.network_id.hex()}"),
        ("SHA-256", network.sha256.hex()),
        ("Chain", f"{network.chain_id}, genesis {network.genesis.hex()}"),
        ("Final", f"{network.engine.name}, {network.engine.finality}"),
        ("Clock", f"± {network.time.tolerance} s"),
        ("Validators", "\n".join(map(_validators, network.validators)) or "not pinned: seals are not checked"),
        ("Checkpoints by", "\n".join(str(key) for key in network.signers) or "nobody"),
        ("Schemas", f"{len(network.schemas)} pinned"),
    ]


def _validators(epoch: Validators) -> str:
    listed = ", ".join(f"0x{address.hex()}" for address in epoch.addresses)
    return f"from block {epoch.since}: {listed}"


def _contracts(network: Network) -> list[tuple[str, str, str]]:
    register = network.institutions
    return [
        ("institutions", f"0x{register.address.hex()}", register.code_hash.hex()),
        *((ledger.kind, f"0x{ledger.address.hex()}", ledger.code_hash.hex()) for ledger in network.ledgers),
    ]
