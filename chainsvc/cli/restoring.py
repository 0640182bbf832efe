"""Restoring a backup, and the proof that it is whole."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text
from sqlalchemy import Engine

from chainsvc.backup.checking import Checked, Place
from chainsvc.backup.discovering import accounts_of, missing_ledgers
from chainsvc.backup.loading import Loaded, load_backup
from chainsvc.backup.manifest import KEYS_NAME, Manifest
from chainsvc.backup.proving import LedgerLosses, Proof, prove
from chainsvc.backup.sealed_keys import open_keys, read_passphrase
from chainsvc.bootstrap import Running, running
from chainsvc.chain.ledgers import LedgerContract
from chainsvc.cli.backups import Folder, Passphrase, Seeds, checked_backup, key_places
from chainsvc.cli.output import Output, facts, listing, moment, output_of, yuan
from chainsvc.crypto.envelope import verify_check
from chainsvc.erasure_log import ErasedRecord, ErasureLog
from chainsvc.errors import Conflict, LeaseLost, NetworkMismatch, NodeUnavailable
from chainsvc.files import whole
from chainsvc.ground import open_database, open_node, read_network, reading
from chainsvc.journal import ledgers
from chainsvc.journal.ledgers import Ledger
from chainsvc.journal.network import belonging
from chainsvc.keyring import read_accounts, read_kek
from chainsvc.logs import setup_logs
from chainsvc.settings import Settings, load_settings
from chainsvc.verify.audit_report import FINDINGS, OUTCOMES_ZH
from chainsvc.verify.completeness import Progress
from chainsvc.verify.render import audit_table

Erasures = Annotated[
    list[Path] | None,
    typer.Option(
        "--erasures", metavar="FILE", help="Copy of an erasure log, to repeat what was erased later; may repeat."
    ),
]


def run(
    context: typer.Context,
    folder: Folder,
    seeds: Seeds = None,
    with_keys: Passphrase = None,
    erasures: Erasures = None,
    replace: Annotated[bool, typer.Option("--replace", help="Delete the journal that the database has.")] = False,
    without_seeds: Annotated[
        bool, typer.Option("--without-seeds", help="Restore entries and receipts only: no record can be read.")
    ] = False,
) -> None:
    """Fill an empty database from a backup, and prove it.

    All or nothing, in one transaction. What was erased after the backup is erased again, by the home's erasure log
    and the copies named. Then every ledger is audited against the chain.
    Exit status: 0 complete, 11 not compared with the chain, 13 something is missing, named in the report.
    """
    settings, output, place = load_settings(), output_of(context), Place.of(folder, seeds)
    checked = checked_backup(context, place)
    _check_seeds(checked, place, without_seeds=without_seeds)
    if with_keys is not None:
        _restore_keys(settings, folder, checked.manifest, read_passphrase(with_keys))
    _check_home(settings, checked.manifest)
    log = _erasures(settings, erasures or [])
    with open_database(settings) as engine:
        with output.progress("Restoring") as told:
            loaded = load_backup(engine, place, checked, log, replace=replace, progress=told)
        _keep_descriptor(settings, engine)
    proof = _proof(output, settings)
    output.answer({**_loaded_value(loaded), **_proof_value(proof)}, _loaded_facts(loaded), *_shown(proof))
    raise typer.Exit(proof.exit_code)


def prove_all(context: typer.Context) -> None:
    """Audit every ledger of the journal against the chain.

    The journal is compared with itself, then every ledger with the chain, records included. Of a service that runs
    meanwhile the newest batches may show as missing: ask again.
    Exit status: 0 complete, 11 not compared with the chain, 13 something is missing, named in the report.
    """
    settings, output = load_settings(), output_of(context)
    proof = _proof(output, settings)
    output.answer(_proof_value(proof), *_shown(proof))
    raise typer.Exit(proof.exit_code)


def _check_seeds(checked: Checked, place: Place, *, without_seeds: bool) -> None:
    if not checked.has_seeds and not without_seeds:
        raise Conflict(
            "the backup's seeds are not there, so no record could be read",
            expected="the folder 'seeds' of this backup",
            where=str(place.seeds),
            hint="Name it with --seeds; where it was deleted in time, say --without-seeds.",
        )


def _restore_keys(settings: Settings, folder: Path, manifest: Manifest, passphrase: str) -> None:
    """Put the keys where the settings want them; a key is never written over."""
    if manifest.keys is None:
        raise Conflict("the backup has no keys", where=str(folder), hint="Put the keys in place that were kept apart.")
    places = key_places(settings)
    for name, content in open_keys((folder / KEYS_NAME).read_bytes(), passphrase).items():
        path = places.get(name)
        if path is None:
            hint = "Name as many files in CHAINSVC_ACCOUNT_KEY_FILES as there were."
            raise Conflict("the backup has more accounts than are set", got=name, hint=hint)
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with whole(path) as beside:
                beside.touch(mode=0o600)
                beside.write_bytes(content)


def _check_home(settings: Settings, manifest: Manifest) -> None:
    """Refuse what would end in a journal that this home can't use, before anything is written."""
    verify_check(read_kek(settings), manifest.kek_check)
    if settings.descriptor.exists() and (network := read_network(settings)).network_id != manifest.network:
        raise NetworkMismatch(
            "the backup is of another network",
            expected=network.network_id.hex(),
            got=manifest.network.hex(),
            where=str(settings.descriptor),
            hint="Restore it in the home folder of its network, or in a new one.",
        )
    open_node(settings).close()


def _erasures(settings: Settings, copies: list[Path]) -> list[ErasedRecord]:
    """Read the home's log and the copies; the same erasure in several of them is one."""
    logs = [settings.erasure_log, *(path.resolve(strict=True) for path in copies)]
    found = {(one.ledger_id, one.commitment): one for path in logs for one in ErasureLog(path).read()}
    return list(found.values())


def _keep_descriptor(settings: Settings, engine: Engine) -> None:
    if settings.descriptor.exists():
        return
    with engine.connect() as conn:
        bound = belonging(conn)
    assert bound is not None  # every backup is of a journal that was bound
    with whole(settings.descriptor) as beside:
        beside.write_bytes(bound.descriptor)


def _proof(output: Output, settings: Settings) -> Proof:
    setup_logs(level="CRITICAL")  # what it finds is in its answer
    with running(settings) as parts, ExitStack() as stack:
        compared = catch_up(output, parts)

        def progress(name: str) -> Progress:
            return stack.enter_context(output.progress(f"Auditing 审计中 {name}"))

        def export(ledger: Ledger) -> Iterator[bytes]:
            return parts.service.export(ledger.name, disclose=True)

        source = stack.enter_context(reading(settings, parts.node)) if compared else None
        return prove(parts.engine, export, parts.network, source, progress, now=int(time.time()))


def catch_up(output: Output, parts: Running) -> bool:
    """Read what the chain reports, also of ledgers that were opened after the backup; False when no node answers."""
    try:
        with output.working("Reading the chain …"):
            found = _missing_ledgers(parts)
            parts.watcher.catch_up()
    except LeaseLost:
        output.remark("A worker follows the chain already; what it has not read yet may show as missing.")
        return True
    except NodeUnavailable as error:
        output.remark(f"The chain is not compared: {error}")
        return False
    for name in found:
        output.remark(f"Ledger {name} was opened after the backup.")
    return True


def _missing_ledgers(parts: Running) -> list[str]:
    head = parts.node.head().number
    found = []
    with parts.engine.begin() as conn:
        accounts = accounts_of(conn) | {signer.address for signer in read_accounts(parts.settings)}
        for address in sorted({ledger.address for ledger in parts.network.ledgers}):
            for ledger in missing_ledgers(conn, LedgerContract(parts.node, address), accounts, head):
                ledgers.register(conn, ledger)
                found.append(ledger.name)
                parts.watcher.start_over(address)
    return found


def lost_table(losses: LedgerLosses) -> RenderableType:
    """Return a ledger's batches with lost entries, and what can be done."""
    state = "held" if losses.held else "adopted"
    rows = [
        (
            batch.k,
            f"{batch.first} to {batch.first + batch.count - 1}",
            batch.lost,
            yuan(batch.credit),
            yuan(batch.debit),
        )
        for batch in losses.batches
    ]
    title = Text(f"Lost, but on chain: {losses.name} ({state})", "bold")
    columns = ("Batch", "Seq", "Lost", "Credit", "Debit")
    return Group(title, listing(columns, rows, right=("Batch", "Lost", "Credit", "Debit")))


def _loaded_value(loaded: Loaded) -> dict[str, Any]:
    return {
        "made_at": loaded.manifest.made_at,
        "rows": loaded.rows,
        "has_seeds": loaded.has_seeds,
        "erased_again": loaded.erased,
        "erasures_unknown": loaded.unknown,
    }


def _loaded_facts(loaded: Loaded) -> RenderableType:
    return facts(
        [
            ("Restored", f"{loaded.rows:,} rows of {moment(loaded.manifest.made_at)}"),
            ("Records", "readable" if loaded.has_seeds else "not readable: the seeds were not restored"),
            ("Erased again", f"{loaded.erased} records that were erased after the backup"),
        ]
    )


def _proof_value(proof: Proof) -> dict[str, Any]:
    return {"exit_code": proof.exit_code, **proof.to_json()}


def _shown(proof: Proof) -> list[RenderableType]:
    """Every ledger in a line, and what was found of each in full."""
    rows = [
        (report.ledger, f"{report.entries:,}", report.block, f"{report.outcome} {OUTCOMES_ZH[report.outcome]}")
        for report in proof.audits
    ]
    shown: list[RenderableType] = [listing(("Ledger", "Entries", "Block", "Audit"), rows, right=("Entries", "Block"))]
    shown += [lost_table(one) for one in proof.ledgers if one.batches]
    shown += [f"{one.late} entries of {one.name} are late by their receipts" for one in proof.ledgers if one.late]
    shown += [f"The journal contradicts itself: {one.rule}: {one.detail}" for one in proof.disagreements]
    return shown + [audit_table(one.ledger, one) for one in proof.audits if one.outcome == FINDINGS]
