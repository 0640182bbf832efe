"""Loading a backup: in one transaction, so that a database becomes that of the backup or stays as it was."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import Connection, Engine, func, select, text

from chainsvc.backup.checking import Checked, Place
from chainsvc.backup.contents import tables
from chainsvc.backup.copying import Copied, copy_in
from chainsvc.backup.making import heads
from chainsvc.backup.manifest import Manifest, TableFile
from chainsvc.erasure_log import ErasedRecord
from chainsvc.errors import BackupDamaged, Conflict, StartRefused
from chainsvc.journal import entries, payloads, schema
from chainsvc.journal.columns import chunk_ids

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""

_OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'chainsvc' AND pid <> pg_backend_pid()"
)
_IDENTITIES = text(
    "SELECT table_name, column_name FROM information_schema.columns"
    " WHERE table_schema = current_schema() AND is_identity = 'YES'"
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a database was made of.

    Attributes:
        manifest: Of the backup.
        rows: In all tables.
        has_seeds: Whether records can be read.
        erased: Records of the backup that were erased later, and so again now.
        unknown: Erasures of records that the backup does not have.
    """

    manifest: Manifest
    rows: int
    has_seeds: bool
    erased: int
    unknown: int


def load_backup(
    engine: Engine,
    place: Place,
    checked: Checked,
    erasures: Sequence[ErasedRecord],
    *,
    replace: bool,
    progress: Progress,
) -> Loaded:
    """Fill a database from a backup that was checked.

    Args:
        engine: The database; nobody else may use it.
        place: Of the backup.
        checked: What checking it gave.
        erasures: To be repeated where the backup still has the record.
        replace: Whether a journal that is there may be deleted.
        progress: Told while bytes are loaded.

    Raises:
        Conflict: The database has a journal, and ``replace`` was not said; or a service uses it.
        StartRefused: The backup is of a later version.
        BackupDamaged: A file was changed since it was checked.
    """
    manifest = checked.manifest
    if not schema.is_known(manifest.schema):
        expected, got = (
            f"revision {schema.newest()} or before",
            f"revision {manifest.schema}, chainsvc {manifest.version}",
        )
        hint = "Restore with the version that made the backup, or a later one."
        raise StartRefused("the backup is of a later version", expected=expected, got=got, hint=hint)
    with engine.begin() as conn:
        _make_room(conn, replace=replace)
        schema.upgrade_within(conn, manifest.schema)
        rows = _copy_all(conn, place, checked, progress)
        _set_sequences(conn)
        schema.upgrade_within(conn)
        _compare_heads(conn, manifest)
        found = [_erase(conn, ledger, group) for ledger, group in _by_ledger(erasures)]
        conn.exec_driver_sql("ANALYZE")
    erased = sum(found)
    return Loaded(manifest, rows, checked.has_seeds, erased, len(erasures) - erased)


def _make_room(conn: Connection, *, replace: bool) -> None:
    if schema.current(conn) == "base":
        return
    kept = [table.name for table in tables() if _has_rows(conn, table.name)]
    if kept and not replace:
        raise Conflict(
            "the database has a journal already",
            expected="an empty database",
            got=f"rows in {', '.join(kept[:5])}",
            where="CHAINSVC_DATABASE_URL",
            hint="Name an empty database, or say --replace to delete what is there.",
        )
    if others := int(conn.execute(_OTHERS).scalar_one()):
        hint = "Stop 'chainsvc serve' and every other process of chainsvc first."
        raise Conflict("a service uses the database", expected="nobody", got=f"{others} connections", hint=hint)
    schema.downgrade_within(conn, "base")


def _has_rows(conn: Connection, table: str) -> bool:
    if conn.execute(select(func.to_regclass(table))).scalar_one() is None:  # of a later revision
        return False
    return bool(conn.exec_driver_sql(f"SELECT EXISTS (SELECT FROM {table})").scalar_one())  # noqa: S608 - our own name


def _copy_all(conn: Connection, place: Place, checked: Checked, progress: Progress) -> int:
    wanted = [file for file in checked.manifest.files if file.part == "journal" or checked.has_seeds]
    done, expected, rows = 0, sum(file.size for file in wanted), 0

    def moved(size: int) -> None:
        nonlocal done
        done += size
        progress(done, expected)

    for file in wanted:
        path = place.part(file.part) / file.name
        _compare(file, copy_in(conn, file.table, file.columns, path, moved))
        rows += file.rows
    return rows


def _compare(file: TableFile, copied: Copied) -> None:
    stated = Copied(file.rows, file.size, file.sha256)
    if copied != stated:
        expected, got = f"{stated.rows} rows, {stated.sha256.hex()}", f"{copied.rows} rows, {copied.sha256.hex()}"
        raise BackupDamaged("a file of the backup was changed", expected, got, file.name)


def _set_sequences(conn: Connection) -> None:
    """Go on after the highest number that was restored; numbers given later than the backup may come again."""
    highest = conn.exec_driver_sql("SELECT max(chunk_id) FROM chunks").scalar_one()
    if highest is not None:
        conn.execute(select(func.setval(chunk_ids.name, highest)))
    for table, column in conn.execute(_IDENTITIES).all():
        sequence = f"pg_get_serial_sequence('{table}', '{column}')"
        conn.exec_driver_sql(f"SELECT setval({sequence}, max({column})) FROM {table}")  # noqa: S608 - of the catalog


def _compare_heads(conn: Connection, manifest: Manifest) -> None:
    found = heads(conn)
    if found != manifest.ledgers:
        wrong = [one.name for one, other in zip(found, manifest.ledgers, strict=False) if one != other]
        got = wrong[0] if wrong else f"{len(found)} ledgers"
        raise BackupDamaged("the tables are not of this manifest", f"{len(manifest.ledgers)} ledgers", got, "ledgers")


def _by_ledger(erasures: Iterable[ErasedRecord]) -> Iterable[tuple[bytes, list[ErasedRecord]]]:
    ordered = sorted(erasures, key=lambda erased: (erased.ledger_id, erased.erased_at))
    return [(ledger, list(group)) for ledger, group in groupby(ordered, key=lambda erased: erased.ledger_id)]


def _erase(conn: Connection, ledger_id: bytes, erasures: Sequence[ErasedRecord]) -> int:
    """Repeat the erasures of a ledger; return how many of its records were there."""
    found = entries.find_by_commitments(conn, ledger_id, [erased.commitment for erased in erasures])
    for erased in erasures:
        entry = found.get(erased.commitment)
        if entry is not None:
            about = {"erased_by": erased.erased_by, "reason": erased.reason}
            payloads.erase(conn, ledger_id, entry.entry_id, erased_at=erased.erased_at, **about)
    return sum(erased.commitment in found for erased in erasures)
