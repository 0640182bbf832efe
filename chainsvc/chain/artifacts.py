"""Compiled contracts, as ``scripts/compile.py`` wrote them; running the service needs no compiler.

In a wheel they lie in ``chainsvc/artifacts``; in the repository in ``contracts/artifacts``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from chainsvc.errors import NotFound

_PACKAGED = Path(__file__).resolve().parent.parent / "artifacts"
_REPOSITORY = Path(__file__).resolve().parent.parent.parent / "contracts" / "artifacts"

INSTITUTIONS = "Institutions"
"""The register of institutions, deployed once for a network."""

POLICY_CONTRACTS = ("CharityLedger", "MarriageLedger", "SubsidyLedger")
"""One ledger contract for each policy."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One compiled contract.

    Attributes:
        name: The contract's name.
        abi: Its ABI, as web3 takes it.
        bytecode: Creation code, before the ABI-encoded constructor arguments.
        deployed_bytecode: Runtime code with zeros where the immutables go.
        immutables: Where each immutable goes: name to places, each (start, length) in bytes.
        storage_layout: ``{"storage": [{label, slot, offset, type}…], "structs": {…}}``.
        solc: Compiler version.
        input_hash: SHA-256, in hex, over settings and all sources.
    """

    name: str
    abi: list[dict[str, Any]]
    bytecode: bytes
    deployed_bytecode: bytes
    immutables: Mapping[str, tuple[tuple[int, int], ...]]
    storage_layout: Mapping[str, Any]
    solc: str
    input_hash: str

    def runtime_code(self, values: Mapping[str, bytes]) -> bytes:
        """Return the code that stands on the chain once every immutable has its value.

        Args:
            values: 32 bytes (left-padded, as the EVM stores a word) for each immutable's name.
        """
        code = bytearray(self.deployed_bytecode)
        for name, places in self.immutables.items():
            for start, length in places:
                code[start : start + length] = values[name]
        return bytes(code)


@cache
def artifact(name: str) -> Artifact:
    """Load one contract's artifact.

    Raises:
        NotFound: No such artifact was packaged.
    """
    path = artifacts_folder() / f"{name}.json"
    if not path.is_file():
        raise NotFound(
            "no such compiled contract", got=name, hint="python scripts/compile.py writes contracts/artifacts"
        )
    raw = json.loads(path.read_text(encoding="utf-8"))
    places = {
        label: tuple((place["start"], place["length"]) for place in spots)
        for label, spots in raw["immutableReferences"].items()
    }
    return Artifact(
        name=name,
        abi=raw["abi"],
        bytecode=bytes.fromhex(raw["bytecode"][2:]),
        deployed_bytecode=bytes.fromhex(raw["deployedBytecode"][2:]),
        immutables=places,
        storage_layout=raw["storageLayout"],
        solc=raw["solc"],
        input_hash=raw["inputHash"],
    )


def artifacts_folder() -> Path:
    """Return the folder of artifacts: the wheel's if this is an installed package, else the repository's."""
    return _PACKAGED if _PACKAGED.is_dir() else _REPOSITORY
