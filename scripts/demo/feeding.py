"""Feeding: the exports go through the adapters, bad rows come back in a corrections file."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import Progress

from chainsvc.admin import Desk
from chainsvc.client import Client, LedgerFacts
from chainsvc.client.handover import Outcome
from chainsvc.errors import NotReady
from chainsvc.record import Record
from chainsvc_adapters.corrections import write_corrections
from chainsvc_adapters.drafts import Ledgers
from chainsvc_adapters.export import Export, Refusal
from chainsvc_adapters.registry import open_export
from chainsvc_adapters.send import Sums, send
from demo.screen import Screen
from demo.stage import (
    CHARITY,
    COUNTY,
    ISSUERS,
    MONTHS,
    OFFICE,
    REGULATOR,
    Stage,
    charity_ledgers,
    marriage_ledger,
    subsidy_ledgers,
)

_PATIENCE_S = 120.0


@dataclass(slots=True)
class Fed:
    """What went in.

    Attributes:
        totals: Sums of the files by ledger.
        refused: By file, rows with why.
    """

    totals: dict[str, Sums] = field(default_factory=dict)
    refused: list[tuple[str, Refusal]] = field(default_factory=list)


class _Notary:
    """The client, in the form that adapters send to."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def notarize(self, records: Sequence[Record]) -> list[Outcome]:
        return list(self._client.notarize_many(records))


def feed(screen: Screen, stage: Stage, sample: Path) -> Fed:
    """Notarize the sample exports; donations before what spends them."""
    screen.section("2  Notarizing what the business systems export")
    charity, marriage, county = charity_ledgers(), {"*": marriage_ledger()}, subsidy_ledgers()
    rolls = [sample / f"残疾人两项补贴发放表_{month}.xlsx" for month in MONTHS]
    _set_budgets(screen, stage, rolls, county)
    plan = [
        (CHARITY.slug, sample / "捐赠明细.csv", charity),
        (CHARITY.slug, sample / "项目拨付明细.xlsx", charity),
        (OFFICE.slug, sample / "婚姻登记.csv", marriage),
        *((COUNTY.slug, roll, county) for roll in rolls),
    ]
    fed = Fed()
    with screen.progress() as progress:
        for slug, path, ledgers in plan:
            _feed_one(progress, stage, fed, stage.clients[slug], path, ledgers)
    return fed


def _set_budgets(screen: Screen, stage: Stage, rolls: Sequence[Path], ledgers: Mapping[str, str]) -> None:
    """The regulator approves each roll: its ledger may pay out what the roll adds up to."""
    with screen.step("regulator: budgets of the subsidy ledgers") as notes:
        sums: dict[str, Sums] = {}
        for roll in rolls:
            for _, record in open_export(roll, Ledgers.of(ledgers)).records:
                sums.setdefault(record.ledger, Sums()).add(record)
        desk = Desk(stage.parts.node, stage.parts.network, stage.regulator)
        client = stage.clients[COUNTY.slug]
        with desk.together() as at_once:
            new = sum(
                at_once.set_budget(name, client.ledger(name).ledger_id, REGULATOR.uscc, total.debit)
                for name, total in sums.items()
            )
        _wait_budgets(client, {name: total.debit for name, total in sums.items()})
        notes.append(f"{new} set, {len(sums) - new} known; {_yuan(sum(s.debit for s in sums.values()))} yuan in all")


def _wait_budgets(client: Client, budgets: Mapping[str, int]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while any(client.ledger(name).budget != fen for name, fen in budgets.items()):
        if time.monotonic() > deadline:
            raise NotReady("the budgets did not reach the service", hint="See demo.log.")
        time.sleep(0.1)


def _feed_one(
    progress: Progress, stage: Stage, fed: Fed, client: Client, path: Path, ledgers: Mapping[str, str]
) -> None:
    task = progress.add_task(Screen.name(path.name), total=None, note="")
    export = open_export(path, Ledgers.of(ledgers))
    summary = send(
        export, _Notary(client), progress=lambda done, total: progress.update(task, completed=done, total=total)
    )
    for name, sums in summary.ledgers.items():
        kept = fed.totals.setdefault(name, Sums())
        kept.records += sums.records
        kept.credit += sums.credit
        kept.debit += sums.debit
    fed.refused += [(path.name, refusal) for refusal in summary.refused]
    note = f"{summary.sent} new, {summary.again} known, {len(summary.refused)} refused"
    progress.update(task, note=note)
    _write_corrections(stage.home, export, summary.refused, path)


def _write_corrections(home: Path, export: Export, refused: Sequence[Refusal], path: Path) -> None:
    if refused:
        folder = home / "corrections"
        folder.mkdir(exist_ok=True)
        write_corrections(export, refused, folder / path.name)


def wait_final(screen: Screen, stage: Stage) -> None:
    """Wait until everything accepted is final on chain."""
    with screen.progress() as progress:
        task = progress.add_task(Screen.name("final on chain"), total=None, note="")
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            ledgers = list(_own_ledgers(stage))
            done, total = sum(f.anchored_entries for f in ledgers), sum(f.entries for f in ledgers)
            progress.update(task, completed=done, total=total, note=f"{sum(f.batches for f in ledgers)} batches")
            if done == total:
                return
            if time.monotonic() > deadline:
                raise NotReady("not everything became final in time", hint="See demo.log.")
            time.sleep(0.1)


def _own_ledgers(stage: Stage) -> Iterator[LedgerFacts]:
    """Each organization asks for its own: of the others' it is told what is on chain, and not what waits."""
    for who in ISSUERS:
        yield from (facts for facts in stage.clients[who.slug].ledgers() if f"/{who.uscc}/" in facts.name)


def _yuan(fen: int) -> str:
    return f"{fen / 100:,.2f}"
