"""The summary: what stands on chain, beside what the files say."""

from chainsvc.journal import batches, marks, transactions
from demo.feeding import Fed
from demo.screen import Screen
from demo.stage import CHARITY, Stage

_REFUSALS_SHOWN = 12


def summarize(screen: Screen, stage: Stage, fed: Fed) -> None:
    """Show ledgers, totals, gas and refused rows."""
    screen.section("8  Summary")
    table = screen.table(
        "ledger",
        "records",
        "batches",
        "credit, chain",
        "credit, file",
        "debit, chain",
        "debit, file",
        right=("records", "batches", "credit, chain", "credit, file", "debit, chain", "debit, file"),
    )
    for facts in stage.clients[CHARITY.slug].ledgers():
        file = fed.totals.get(facts.name)
        table.add_row(
            _short(facts.name),
            f"{facts.anchored_entries:,}",
            f"{facts.batches}",
            _yuan(facts.anchored_credit),
            _yuan(file.credit) if file else "",
            _yuan(facts.anchored_debit),
            _yuan(file.debit) if file else "",
        )
    screen.print(table)
    screen.print("  [dim]LUNCH-2026 has one debit more than the file: the correction of section 5.[/dim]")
    _gas(screen, stage)
    _refusals(screen, fed)


def _gas(screen: Screen, stage: Stage) -> None:
    """Gas of batches alone, and of the calls that also change standings."""
    with stage.parts.engine.connect() as conn:
        sent = transactions.mined_from_block(conn, 0)
        counts = {tx.hash: sum(b.count for b in batches.of_transaction(conn, tx.hash)) for tx in sent}
        changes = {tx.hash: len(marks.of_transaction(conn, tx.hash)) for tx in sent}
    used = {tx.hash: _gas_used(stage, tx.hash) for tx in sent}
    plain = [tx_hash for tx_hash, count in counts.items() if count and not changes[tx_hash]]
    mixed = [tx_hash for tx_hash, count in changes.items() if count]
    records, gas = sum(counts[tx] for tx in plain), sum(used[tx] for tx in plain)
    moved, gas_moved = sum(changes[tx] for tx in mixed), sum(used[tx] for tx in mixed)
    screen.print(
        f"\n  {records:,} records in {len(plain)} transactions: [bold]{gas / max(records, 1):,.1f} gas a record[/bold]"
        f" · {moved} changes of standing in {len(mixed)}: {gas_moved / max(moved, 1):,.0f} gas each, batches included"
    )


def _gas_used(stage: Stage, tx_hash: bytes) -> int:
    receipt = stage.parts.node.receipt(tx_hash)
    return receipt.gas_used if receipt else 0


def _refusals(screen: Screen, fed: Fed) -> None:
    screen.print(f"\n  {len(fed.refused)} rows refused, in corrections/ in the form they came in:")
    for name, refusal in fed.refused[:_REFUSALS_SHOWN]:
        screen.print(f"    [dim]{name}[/dim] row {refusal.row}: {refusal.reason}")


def _yuan(fen: int) -> str:
    return f"{fen / 100:,.2f}"


def _short(name: str) -> str:
    """Leave out the middle of the organization's code: the ledger fits its column."""
    kind, uscc, book = name.split("/")
    return f"{kind}/{uscc[:4]}…{uscc[-2:]}/{book}"
