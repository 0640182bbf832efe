"""A backup taken and restored as an operator does it: in another database, by the code that the commands call."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from support.database import Databases
from support.station import Station, station

from chainsvc.backup.checking import Place, check_backup
from chainsvc.backup.loading import Loaded, load_backup
from chainsvc.backup.making import make_backup
from chainsvc.backup.manifest import Manifest
from chainsvc.backup.proving import Proof, prove
from chainsvc.erasure_log import ErasureLog
from chainsvc.errors import LeaseLost
from chainsvc.verify import LiveNode

NOW = 1_790_000_000


def silent(_done: int, _of: int) -> None:
    """Show no progress."""


def back_up(engine: Engine, folder: Path, seeds: Path | None = None) -> Manifest:
    """Take a backup."""
    return make_backup(engine, folder, seeds=seeds, keys=None, now=NOW, progress=silent)


def restore(engine: Engine, folder: Path, log: Path | None = None, *, replace: bool = False) -> Loaded:
    """Fill a database from a backup."""
    place = Place.of(folder, None)
    erasures = ErasureLog(log).read() if log else ()
    return load_backup(engine, place, check_backup(place, silent), erasures, replace=replace, progress=silent)


def proof_of(made: Station) -> Proof:
    """Read what the chain reports, and audit everything."""
    with suppress(LeaseLost):  # by its own worker, which reads as well
        made.parts.watcher.catch_up()
    with LiveNode(made.parts.node.url) as source:
        return prove(
            made.parts.engine,
            lambda ledger: made.parts.service.export(ledger.name, disclose=True),
            made.parts.network,
            source,
            lambda _name: silent,
            now=NOW,
        )


@dataclass
class Elsewhere:
    """Databases for restores, made from an empty template."""

    databases: Databases

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """Give an empty database."""
        with self.databases.engine("template0") as engine:
            yield engine

    @contextmanager
    def station(self, made: Station, folder: Path, log: Path | None = None) -> Iterator[Station]:
        """Give a service on the restored backup, not yet caught up."""
        with self.engine() as engine:
            restore(engine, folder, log)
            with station(made.site, engine) as again:
                yield again
