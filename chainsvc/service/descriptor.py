"""Which descriptor the service goes by: it is replaced while the service runs, by replacing its file.

What may change is what a successor may: later validators, further contracts and schemas, other signers. Anything else
is another network, and a file that is none says nothing; both are told, and the descriptor before goes on.
"""

from pathlib import Path

from sqlalchemy import Engine

from chainsvc.errors import ChainsvcError, ConfigurationRefused, DatabaseUnavailable
from chainsvc.files import FileMark
from chainsvc.journal import network as journal_network
from chainsvc.logs import get_logger
from chainsvc.network import MAX_BYTES, Network
from chainsvc.succession import check_kept

log = get_logger(__name__)

_NEVER = object()


class DescriptorInUse:
    """The descriptor in use; thread-safe."""

    def __init__(self, path: Path, network: Network, engine: Engine) -> None:
        """Go by this descriptor, which the journal is bound to, until the file at ``path`` holds a later one."""
        self._path = path
        self._engine = engine
        self._network = network
        self._mark: FileMark | object | None = _NEVER  # the file may have changed since it was read
        self._refused: str | None = None

    def current(self) -> Network:
        """Return the descriptor in use."""
        return self._network

    def trouble(self) -> str | None:
        """Return why the file's descriptor is not the one in use; None when it is."""
        return self._refused

    def look(self) -> None:
        """Take the descriptor that the file holds now, if it is a later one of the same network.

        Raises:
            DatabaseUnavailable: The journal can't be told; the next look tries again.
        """
        mark = FileMark.of(self._path)
        if mark == self._mark:
            return
        try:
            self._take(self._read())
            self._refused = None
        except DatabaseUnavailable:
            raise
        except ChainsvcError as error:
            self._refuse(f"{self._path} is not taken, and the descriptor before goes on: {error}")
        self._mark = mark

    def _read(self) -> Network:
        try:
            with self._path.open("rb") as file:
                return Network.parse(file.read(MAX_BYTES + 1))
        except OSError as error:
            raise ConfigurationRefused("the file can't be read", got=type(error).__name__) from error

    def _take(self, network: Network) -> None:
        if network.sha256 == self._network.sha256:
            return
        check_kept(self._network, network)
        with self._engine.begin() as conn:
            journal_network.follow(conn, network)
        self._network = network
        log.info("descriptor_changed", sha256=network.sha256.hex())

    def _refuse(self, why: str) -> None:
        log.warning("descriptor_refused", reason=why)
        self._refused = why
