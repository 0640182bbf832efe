"""Making a backup: one snapshot of all tables, while the service goes on taking records."""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, func, select

from chainsvc.backup.contents import PARTS, Part, part_of, tables
from chainsvc.backup.copying import copy_out
from chainsvc.backup.manifest import KEYS_NAME, NAME, ChainHead, KeysFile, LedgerHead, Manifest, TableFile
from chainsvc.crypto.suites import sha256
from chainsvc.errors import NotFound
from chainsvc.files import sync_folder, whole_folder
from chainsvc.journal import batches, ledgers, schema
from chainsvc.journal.chain_tables import cursors
from chainsvc.journal.network import Belonging, belonging

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all, the latter estimated."""


def make_backup(
    engine: Engine, folder: Path, *, seeds: Path | None, keys: bytes | None, now: int, progress: Progress
) -> Manifest:
    """Write the journal as it is at this moment; what is accepted meanwhile is for the next backup.

    The snapshot holds back the clean-up of dead rows while it is read, and blocks nothing else.

    Args:
        engine: The journal.
        folder: Of the backup; not there yet.
        seeds: Folder of the short-lived part; None for ``seeds`` in ``folder``.
        keys: The sealed keys, None to keep them elsewhere.
        now: Unix seconds.
        progress: Told while bytes are written.

    Returns:
        What is in it.

    Raises:
        FileExistsError: There is something where it should go.
        OSError: The disk is full; nothing is left of the backup.
        NotFound: The journal was never started.
    """
    schema.require_current(engine)
    with ExitStack() as stack:
        # Placed last to first: the folder with the manifest is the last to be there.
        journal = stack.enter_context(whole_folder(folder))
        folders: dict[Part, Path] = {
            "journal": _made(journal / "journal"),
            "seeds": _made(journal / "seeds") if seeds is None else stack.enter_context(whole_folder(seeds)),
        }
        conn = stack.enter_context(engine.connect().execution_options(isolation_level="REPEATABLE READ"))
        conn.exec_driver_sql("SET TRANSACTION READ ONLY")
        manifest = _written(conn, folders, _KeysWriter(journal, keys), now, progress)
        for part in PARTS:
            sync_folder(folders[part])
        _write(journal / NAME, manifest.to_bytes())
        return manifest


class _KeysWriter:
    """Writes the sealed keys beside the manifest, if there are any."""

    def __init__(self, folder: Path, keys: bytes | None) -> None:
        self._folder, self._keys = folder, keys

    def write(self) -> KeysFile | None:
        if self._keys is None:
            return None
        _write(self._folder / KEYS_NAME, self._keys)
        return KeysFile(len(self._keys), sha256(self._keys))


def _written(conn: Connection, folders: dict[Part, Path], keys: _KeysWriter, now: int, progress: Progress) -> Manifest:
    bound = belonging(conn)
    if bound is None:
        raise NotFound("the journal was never started, so there is nothing to back up", hint="Start the service once.")
    files = _copy_all(conn, folders, progress)
    return _manifest(conn, bound, files, keys.write(), now)


def _copy_all(conn: Connection, folders: dict[Part, Path], progress: Progress) -> tuple[TableFile, ...]:
    done, expected = 0, _size(conn)

    def moved(size: int) -> None:
        nonlocal done
        done += size
        progress(done, max(done, expected))

    return tuple(_copy(conn, table, folders[part_of(table.name)], moved) for table in tables())


def _copy(conn: Connection, table: Table, folder: Path, moved: Callable[[int], None]) -> TableFile:
    name = str(table.name)
    columns = tuple(str(column.name) for column in table.columns)
    copied = copy_out(conn, name, columns, folder / f"{name}.copy", moved)
    return TableFile(name, part_of(name), columns, *copied)


def _manifest(
    conn: Connection, bound: Belonging, files: Sequence[TableFile], keys: KeysFile | None, now: int
) -> Manifest:
    return Manifest(
        version=version("chainsvc"),
        made_at=now,
        schema=schema.current(conn),
        network=bound.network_id,
        chain_id=bound.chain_id,
        genesis=bound.genesis,
        kek_check=bound.kek_check,
        chain=_chain(conn),
        ledgers=heads(conn),
        files=tuple(files),
        keys=keys,
    )


def heads(conn: Connection) -> tuple[LedgerHead, ...]:
    """Return how far every ledger has come, ascending by name."""
    found = []
    for ledger in ledgers.listing(conn):
        final, last = batches.anchored(conn, ledger.ledger_id), batches.latest_final(conn, ledger.ledger_id)
        head = None if last is None or last.anchor is None else last.anchor.head
        found.append(LedgerHead(ledger.name, ledger.ledger_id, final.entries, final.batches, head))
    return tuple(found)


def _chain(conn: Connection) -> ChainHead | None:
    row = conn.execute(select(cursors.c.block, cursors.c.block_hash).order_by(cursors.c.block.desc()).limit(1)).first()
    return None if row is None else ChainHead(*row)


def _size(conn: Connection) -> int:
    """Estimate the files' size by that of the tables, whose row headers outweigh what COPY adds."""
    sizes = [func.pg_relation_size(table.name) for table in tables()]
    return sum(conn.execute(select(*sizes)).one())


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
