"""The consortium's folder: which validators there are, at which ports, and with which keys.

::

    consortium.json     chain id, block period, ports
    genesis.json        block 0, the same for all
    logs/               one file a validator
    validator-1/        keystore, password, node key, geth's database, process.json
    validator-2/ …

The keys are for a devnet: their password lies beside them.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chainsvc.devnet.process import Process
from chainsvc.devnet.rpc import HOST, call
from chainsvc.files import whole

_SETTINGS = "consortium.json"
_NODE_KEY_BYTES = 32


@dataclass(frozen=True)
class Validator:
    """One validator on disk.

    Attributes:
        number: From 1 on.
        folder: What is its own.
        log: The file that its process writes to.
        http: Loopback port of its JSON-RPC.
        p2p: Loopback port for the other validators.
        engine_api: Loopback port of an API that geth can't be told to leave closed.
    """

    number: int
    folder: Path
    log: Path
    http: int
    p2p: int
    engine_api: int

    @property
    def name(self) -> str:
        """As people read it."""
        return f"validator {self.number}"

    @property
    def url(self) -> str:
        """Where its JSON-RPC answers."""
        return f"http://{HOST}:{self.http}"

    @property
    def database(self) -> Path:
        """Where geth keeps the chain; missing in a fresh or wiped validator."""
        return self.folder / "geth" / "chaindata"

    @property
    def node_key(self) -> Path:
        """The key by which its peers know it, in hex."""
        return self.folder / "geth" / "nodekey"

    @cached_property
    def address(self) -> bytes:
        """The account that seals, 20 bytes."""
        (keystore,) = (self.folder / "keystore").iterdir()
        return bytes.fromhex(json.loads(keystore.read_text())["address"])

    @cached_property
    def node_id(self) -> str:
        """The public part of the node key: 128 hex digits."""
        key = ec.derive_private_key(int(self.node_key.read_text(), 16), ec.SECP256K1())
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return point[1:].hex()

    @property
    def enode(self) -> str:
        """How its peers reach it."""
        return f"enode://{self.node_id}@{HOST}:{self.p2p}"

    @property
    def process(self) -> Process:
        """The process that was last started for it; it may be gone."""
        try:
            return Process(**json.loads((self.folder / "process.json").read_text()))
        except FileNotFoundError:
            return Process(0, "")

    def keep_process(self, process: Process) -> None:
        """Remember who runs it."""
        with whole(self.folder / "process.json") as beside:
            beside.write_text(json.dumps({"pid": process.pid, "started": process.started}) + "\n")

    def make_node_key(self) -> None:
        """Draw the key by which its peers know it."""
        self.node_key.parent.mkdir(parents=True, exist_ok=True)
        self.node_key.write_text(os.urandom(_NODE_KEY_BYTES).hex())
        self.node_key.chmod(0o600)

    def call(self, method: str, *params: object) -> Any:
        """Return the result of one JSON-RPC call to it.

        Raises:
            NodeUnavailable: It does not answer, or with an error.
        """
        return call(self.http, method, *params)


@dataclass(frozen=True)
class Consortium:
    """One consortium on disk.

    Attributes:
        folder: Where everything of it lies.
        chain_id: Its EIP-155 chain id.
        period: Seconds between blocks.
        validators: Ascending by number.
    """

    folder: Path
    chain_id: int
    period: int
    validators: tuple[Validator, ...]

    @classmethod
    def make(cls, folder: Path, chain_id: int, period: int, ports: Sequence[Sequence[int]]) -> Self:
        """Return a consortium with these ports (JSON-RPC, peers, engine API), one triple a validator."""
        validators = tuple(
            Validator(number, folder / f"validator-{number}", folder / "logs" / f"validator-{number}.log", *triple)
            for number, triple in enumerate(ports, start=1)
        )
        return cls(folder, chain_id, period, validators)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the consortium that lies in ``folder``; its ``consortium.json`` must exist."""
        kept: dict[str, Any] = json.loads((folder / _SETTINGS).read_text())
        return cls.make(folder, kept["chainId"], kept["period"], kept["ports"])

    @staticmethod
    def exists(folder: Path) -> bool:
        """Whether a consortium was ever started in ``folder``."""
        return (folder / _SETTINGS).exists()

    def write(self) -> None:
        """Remember chain id, period and ports."""
        ports = [[one.http, one.p2p, one.engine_api] for one in self.validators]
        kept = {"chainId": self.chain_id, "period": self.period, "ports": ports}
        with whole(self.folder / _SETTINGS) as beside:
            beside.write_text(json.dumps(kept) + "\n")

    @property
    def genesis(self) -> Path:
        """The file of block 0; it is there once every validator has its keys."""
        return self.folder / "genesis.json"

    def others(self, than: Validator) -> tuple[Validator, ...]:
        """Return every other validator."""
        return tuple(one for one in self.validators if one.number != than.number)

    def peers_of(self, validator: Validator) -> tuple[str, ...]:
        """Return how a validator reaches each of the others."""
        return tuple(one.enode for one in self.others(validator))
