"""Gas money on the local chain."""

from typing import Annotated

import typer

from chainsvc import devnet
from chainsvc.cli.devnets import started
from chainsvc.cli.organizations import address_of
from chainsvc.cli.output import facts, output_of
from chainsvc.settings import load_settings


def fund(
    context: typer.Context,
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Address (40 hex digits) or key file.")],
) -> None:
    """Give an account gas money on the local chain."""
    settings = load_settings()
    address = address_of(settings, account)
    devnet.fund(started(settings), [address])
    value = {"account": f"0x{address.hex()}", "wei": devnet.PLENTY}
    output_of(context).answer(value, facts([("Funded", value["account"])]))
