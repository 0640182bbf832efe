"""The devnet's folder: which port and chain id it has, and which processes run it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from chainsvc.devnet.process import Process
from chainsvc.files import whole

_SETTINGS = "devnet.json"
_PROCESSES = "processes.json"
_NOBODY = Process(0, "")


@dataclass(frozen=True, slots=True)
class Home:
    """One devnet on disk.

    Attributes:
        folder: Where everything of it lies.
        port: Its TCP port on the loopback interface; the same one at every start.
        chain_id: Its EIP-155 chain id.
        heartbeat: Seconds after which an empty block is mined on an idle chain; 0 is never.
        born: Unix time of the genesis block: every start of this chain has the same one, another chain another.
    """

    folder: Path
    port: int
    chain_id: int
    heartbeat: int
    born: int

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the devnet that lies in ``folder``; its ``devnet.json`` must exist."""
        kept: dict[str, Any] = json.loads((folder / _SETTINGS).read_text())
        return cls(folder, kept["port"], kept["chainId"], kept["heartbeat"], kept["born"])

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether a devnet was ever started in ``folder``."""
        return (folder / _SETTINGS).exists()

    def write(self) -> None:
        """Remember port, chain id and heartbeat."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = {"port": self.port, "chainId": self.chain_id, "heartbeat": self.heartbeat, "born": self.born}
        _replace(self.folder / _SETTINGS, kept)

    def write_processes(self, keeper: Process, anvil: Process) -> None:
        """Remember who runs this devnet."""
        kept = {"keeper": asdict(keeper), "anvil": asdict(anvil)}
        _replace(self.folder / _PROCESSES, kept)

    def processes(self) -> tuple[Process, Process]:
        """Return keeper and anvil as they were last started; they may be gone."""
        try:
            kept: dict[str, Any] = json.loads((self.folder / _PROCESSES).read_text())
        except FileNotFoundError:
            return _NOBODY, _NOBODY
        return Process(**kept["keeper"]), Process(**kept["anvil"])


def _replace(path: Path, kept: dict[str, Any]) -> None:
    with whole(path) as beside:
        beside.write_text(json.dumps(kept) + "\n")
