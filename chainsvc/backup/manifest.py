"""The manifest: what a backup holds, ``chainsvc-backup/1``, in canonical JSON (RFC 8785).

::

    {"format":"chainsvc-backup/1", "version":TEXT, "made_at":N, "schema":REVISION,
     "network":HEX32, "chain_id":N, "genesis":HEX32, "kek_check":HEX32,
     "chain":{"block":N,"block_hash":HEX32}|null,                                how far the chain was read
     "ledgers":[{"name":TEXT,"ledger_id":HEX32,"entries":N,"batches":N,"head":HEX32|null}, …],   by name; final ones
     "files":[{"table":TEXT,"part":"journal"|"seeds","columns":[TEXT, …],"rows":N,"bytes":N,"sha256":HEX32}, …],
     "keys":{"bytes":N,"sha256":HEX32}|null}

Files stand in the order in which they are loaded. Each is PostgreSQL's ``COPY … (FORMAT binary)`` of the named columns.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from chainsvc import jcs
from chainsvc.backup.contents import PARTS, Part
from chainsvc.errors import MalformedInput
from chainsvc.reading import array_of, members_of, text, unhex, whole

FORMAT = "chainsvc-backup/1"
"""The only version."""

NAME = "manifest.json"
"""File name of the manifest."""

KEYS_NAME = "keys.sealed"
"""File name of the sealed keys."""

MAX_BYTES = 64 * 1024 * 1024
"""Largest manifest: some hundred thousand ledgers."""

_MAX_DEPTH = 6
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_MEMBERS = frozenset(
    {"format", "version", "made_at", "schema", "network", "chain_id", "genesis", "kek_check", "chain", "ledgers"}
    | {"files", "keys"}
)
_FILE = frozenset({"table", "part", "columns", "rows", "bytes", "sha256"})
_LEDGER = frozenset({"name", "ledger_id", "entries", "batches", "head"})


@dataclass(frozen=True, slots=True)
class TableFile:
    """One table of the backup.

    Attributes:
        table: Its name.
        part: ``journal`` or ``seeds``.
        columns: Names, in the order of the file.
        rows: How many.
        size: Of the file, in bytes.
        sha256: Of the file.
    """

    table: str
    part: Part
    columns: tuple[str, ...]
    rows: int
    size: int
    sha256: bytes

    @property
    def name(self) -> str:
        """The file's name in the folder of its part."""
        return f"{self.table}.copy"

    @classmethod
    def from_json(cls, value: Any, where: str) -> Self:
        """Read one element of ``files``."""
        value = members_of(value, _FILE, where)
        part: Part | None = next((one for one in PARTS if one == value["part"]), None)
        if part is None:
            raise MalformedInput("no part of a backup", expected=" or ".join(PARTS), where=f"{where}/part")
        columns = array_of(value["columns"], f"{where}/columns")
        return cls(
            _identifier(value["table"], f"{where}/table"),
            part,
            tuple(_identifier(column, f"{where}/columns") for column in columns),
            whole(value["rows"], f"{where}/rows"),
            whole(value["bytes"], f"{where}/bytes"),
            unhex(value["sha256"], f"{where}/sha256", 32),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the element of ``files``."""
        return {
            "table": self.table,
            "part": self.part,
            "columns": list(self.columns),
            "rows": self.rows,
            "bytes": self.size,
            "sha256": self.sha256.hex(),
        }


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """How far one ledger had come: what of it was final.

    Attributes:
        name: ``kind/uscc/book``.
        ledger_id: 32 bytes.
        entries: Final entries.
        batches: Final batches.
        head: Head of the last of them, 32 bytes; None without any.
    """

    name: str
    ledger_id: bytes
    entries: int
    batches: int
    head: bytes | None

    @classmethod
    def from_json(cls, value: Any, where: str) -> Self:
        """Read one element of ``ledgers``."""
        value = members_of(value, _LEDGER, where)
        return cls(
            text(value["name"], f"{where}/name"),
            unhex(value["ledger_id"], f"{where}/ledger_id", 32),
            whole(value["entries"], f"{where}/entries"),
            whole(value["batches"], f"{where}/batches"),
            None if value["head"] is None else unhex(value["head"], f"{where}/head", 32),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the element of ``ledgers``."""
        return {
            "name": self.name,
            "ledger_id": self.ledger_id.hex(),
            "entries": self.entries,
            "batches": self.batches,
            "head": None if self.head is None else self.head.hex(),
        }


@dataclass(frozen=True, slots=True)
class KeysFile:
    """The sealed keys: size in bytes, and SHA-256."""

    size: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class ChainHead:
    """How far the chain was read: block number, and its hash."""

    block: int
    block_hash: bytes


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds.

    Attributes:
        version: Of chainsvc.
        made_at: Unix seconds.
        schema: Revision of the tables.
        network: Network id, 32 bytes.
        chain_id: Of the chain.
        genesis: Hash of its block 0.
        kek_check: Check value of the key-encryption key that opens it.
        chain: How far the chain was read; None before the first reading.
        ledgers: Ascending by name.
        files: In the order of loading.
        keys: None where the keys are kept elsewhere.
    """

    version: str
    made_at: int
    schema: str
    network: bytes
    chain_id: int
    genesis: bytes
    kek_check: bytes
    chain: ChainHead | None
    ledgers: tuple[LedgerHead, ...]
    files: tuple[TableFile, ...]
    keys: KeysFile | None

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a manifest's bytes.

        Raises:
            MalformedInput: Not one, or not canonical: it was changed.
        """
        value = members_of(jcs.loads(data, max_bytes=MAX_BYTES, max_depth=_MAX_DEPTH), _MEMBERS)
        if value["format"] != FORMAT:
            raise MalformedInput("unknown format", expected=FORMAT, got=str(value["format"])[:40], where="/format")
        if jcs.dumps(value) != data:
            raise MalformedInput("the manifest was changed", expected="canonical JSON", where=NAME)
        return cls(
            version=text(value["version"], "/version"),
            made_at=whole(value["made_at"], "/made_at"),
            schema=text(value["schema"], "/schema"),
            network=unhex(value["network"], "/network", 32),
            chain_id=whole(value["chain_id"], "/chain_id"),
            genesis=unhex(value["genesis"], "/genesis", 32),
            kek_check=unhex(value["kek_check"], "/kek_check", 32),
            chain=_chain(value["chain"]),
            ledgers=_all(LedgerHead.from_json, value["ledgers"], "/ledgers"),
            files=_all(TableFile.from_json, value["files"], "/files"),
            keys=_keys(value["keys"]),
        )

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the manifest of a backup's folder.

        Raises:
            MalformedInput: The folder is no backup, or an unfinished one.
        """
        path = folder / NAME
        if not path.is_file():
            hint = "A backup is the folder that 'chainsvc backup' wrote; one that was cut off has no manifest."
            raise MalformedInput("this is no backup", expected=f"a folder with {NAME}", where=str(folder), hint=hint)
        with path.open("rb") as file:
            return cls.parse(file.read(MAX_BYTES + 1))

    def to_bytes(self) -> bytes:
        """Return the canonical bytes."""
        chain, keys = self.chain, self.keys
        return jcs.dumps(
            {
                "format": FORMAT,
                "version": self.version,
                "made_at": self.made_at,
                "schema": self.schema,
                "network": self.network.hex(),
                "chain_id": self.chain_id,
                "genesis": self.genesis.hex(),
                "kek_check": self.kek_check.hex(),
                "chain": None if chain is None else {"block": chain.block, "block_hash": chain.block_hash.hex()},
                "ledgers": [ledger.to_json() for ledger in self.ledgers],
                "files": [file.to_json() for file in self.files],
                "keys": None if keys is None else {"bytes": keys.size, "sha256": keys.sha256.hex()},
            }
        )

    def of_part(self, part: Part) -> tuple[TableFile, ...]:
        """Return the files of a part."""
        return tuple(file for file in self.files if file.part == part)


def _all(read: Any, value: Any, where: str) -> tuple[Any, ...]:
    return tuple(read(one, f"{where}/{index}") for index, one in enumerate(array_of(value, where)))


def _chain(value: Any) -> ChainHead | None:
    if value is None:
        return None
    value = members_of(value, frozenset({"block", "block_hash"}), "/chain")
    return ChainHead(whole(value["block"], "/chain/block"), unhex(value["block_hash"], "/chain/block_hash", 32))


def _keys(value: Any) -> KeysFile | None:
    if value is None:
        return None
    value = members_of(value, frozenset({"bytes", "sha256"}), "/keys")
    return KeysFile(whole(value["bytes"], "/keys/bytes"), unhex(value["sha256"], "/keys/sha256", 32))


def _identifier(value: Any, where: str) -> str:
    found = text(value, where)
    if not _IDENTIFIER.fullmatch(found):  # names a file and a table
        raise MalformedInput("no name of a table or column", expected=_IDENTIFIER.pattern, got=found[:40], where=where)
    return found
