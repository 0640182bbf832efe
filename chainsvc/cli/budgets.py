"""Budgets of subsidy ledgers, set on chain by the regulator."""

from typing import Annotated

import typer

from chainsvc.admin import Desk
from chainsvc.chain.institutions import Institutions
from chainsvc.chain.ledgers import Budget, LedgerContract, State
from chainsvc.cli.arguments import Account, LedgerName
from chainsvc.cli.chain_desk import checked_node, desk
from chainsvc.cli.organizations import checked
from chainsvc.cli.output import facts, moment, output_of, yuan
from chainsvc.errors import InputRefused, NotFound
from chainsvc.network import Network
from chainsvc.record import LedgerName as Name
from chainsvc.settings import load_settings
from chainsvc_adapters.amounts import amount as fen_of
from chainsvc_adapters.cells import CellRefused


def set_one(
    context: typer.Context,
    ledger: LedgerName,
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="In yuan, e.g. 1,250,000.00.")],
    by: Annotated[str, typer.Option("--by", metavar="USCC", help="The regulator that sets it.")],
    account: Account = None,
) -> None:
    """Set a ledger's budget as its regulator.

    A raise holds at once; a cut from the longest deadline on, so that what was accepted can still be anchored.
    """
    fen, output = _fen(amount), output_of(context)
    acting = desk(load_settings(), account)
    with output.working("Setting the budget on chain …"):
        new = acting.set_budget(ledger, _id(acting.institutions, ledger), checked(by), fen)
    budget, state = _present(acting, ledger)
    output.answer({**_value(ledger, budget, state), "new": new}, facts(_rows(ledger, budget, state)))


def show(context: typer.Context, ledger: LedgerName) -> None:
    """Show a ledger's budget and what is spent of it."""
    node, network = checked_node(load_settings())
    contract = LedgerContract(node, _contract(network, ledger))
    ledger_id = _id(Institutions(node, network.institutions.address), ledger)
    budget, state = contract.budget_of(ledger_id), contract.state_of(ledger_id)
    output_of(context).answer(_value(ledger, budget, state), facts(_rows(ledger, budget, state)))


def _present(acting: Desk, ledger: str) -> tuple[Budget, State]:
    contract = LedgerContract(acting.node, _contract(acting.network, ledger))
    ledger_id = _id(acting.institutions, ledger)
    return contract.budget_of(ledger_id), contract.state_of(ledger_id)


def _fen(amount: str) -> int:
    try:
        return fen_of(amount)
    except CellRefused as error:
        raise InputRefused("not an amount in yuan", expected="like 1,250,000.00", got=amount[:40]) from error


def _id(register: Institutions, ledger: str) -> bytes:
    found = register.ledger_named(str(Name.parse(ledger)))
    if found is None:
        raise NotFound("the ledger is not open", got=ledger, hint="chainsvc ledger open")
    return found


def _contract(network: Network, ledger: str) -> bytes:
    kind = Name.parse(ledger).kind
    found = network.contract_of(kind)
    if found is None:
        raise NotFound("the network has no contract for this kind", got=kind)
    return found.address


def _value(ledger: str, budget: Budget, state: State) -> dict[str, object]:
    return {"ledger": ledger, **budget._asdict(), "credit": state.credit, "debit": state.debit}


def _rows(ledger: str, budget: Budget, state: State) -> list[tuple[str, object]]:
    net = state.debit - state.credit
    spent = f"{yuan(net)} yuan" if net >= 0 else f"-{yuan(-net)} yuan"
    rows: list[tuple[str, object]] = [
        ("Ledger", ledger),
        ("Budget", f"{yuan(budget.present)} yuan"),
        ("Spent on chain", f"{spent}: {yuan(state.debit)} paid less {yuan(state.credit)} recovered"),
    ]
    if budget.following_from:
        rows.append(("To come", f"{yuan(budget.following)} yuan from {moment(budget.following_from)}"))
    return rows
