"""Artifacts: what stands on the chain is what is committed, compiled with the committed settings."""

import json
import tomllib
from pathlib import Path

import pytest
from support.world import LONGEST_DEADLINE, NETWORK_ID, World

from chainsvc.chain.artifacts import INSTITUTIONS, POLICY_CONTRACTS, artifact
from chainsvc.errors import NotFound

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
SIZE_LIMIT = 24_576
"""Bytes of runtime code a contract may have (EIP-170)."""

# Opcodes that paris does not have, or that would let a contract change or depend on what it must not.
FORBIDDEN = {0x46: "CHAINID", 0x49: "BLOBHASH", 0x5E: "MCOPY", 0x5F: "PUSH0", 0xF2: "CALLCODE", 0xF4: "DELEGATECALL"}
SELFDESTRUCT = 0xFF
PUSH1, PUSH32 = 0x60, 0x7F
INVALID = 0xFE


def opcodes(code: bytes) -> set[int]:
    """Return the opcodes of runtime code, without push data and without what follows the last INVALID."""
    found, position = set(), 0
    code = code[: code.rindex(bytes([INVALID]))]
    while position < len(code):
        opcode = code[position]
        found.add(opcode)
        position += 1 + (opcode - PUSH1 + 1 if PUSH1 <= opcode <= PUSH32 else 0)
    return found


@pytest.mark.parametrize("name", [INSTITUTIONS, *POLICY_CONTRACTS])
def test_runtime_code_fits_and_has_no_forbidden_opcode(name: str) -> None:
    compiled = artifact(name)
    assert len(compiled.deployed_bytecode) <= SIZE_LIMIT
    found = opcodes(compiled.deployed_bytecode)
    assert {text for opcode, text in FORBIDDEN.items() if opcode in found} == set()
    assert SELFDESTRUCT not in found


@pytest.mark.parametrize("name", [INSTITUTIONS, *POLICY_CONTRACTS])
def test_artifact_names_the_pinned_compiler(name: str) -> None:
    assert artifact(name).solc == json.loads((CONTRACTS / "solc.json").read_text())["version"]


def test_forge_compiles_with_the_settings_of_solc_json() -> None:
    """``foundry.toml`` has to repeat them, because forge reads no other file."""
    ours = json.loads((CONTRACTS / "solc.json").read_text())["settings"]
    forge = tomllib.loads((CONTRACTS / "foundry.toml").read_text())["profile"]["default"]
    assert ours == {
        "evmVersion": forge["evm_version"],
        "optimizer": {"enabled": forge["optimizer"], "runs": forge["optimizer_runs"]},
        "metadata": {"bytecodeHash": forge["bytecode_hash"]},
        "viaIR": forge["via_ir"],
    }


@pytest.mark.node
def test_code_on_chain_is_the_artifact_with_its_immutables(world: World) -> None:
    register = world.institutions.raw_address.rjust(32, b"\0")
    ledger = {"networkId": NETWORK_ID, "institutions": register}
    deadline = LONGEST_DEADLINE.to_bytes(32)
    expected = {
        world.institutions: ("Institutions", {"longestDeadline": deadline}),
        world.charity: ("CharityLedger", ledger),
        world.marriage: ("MarriageLedger", ledger),
        world.subsidy: ("SubsidyLedger", ledger | {"_longestDeadline": deadline}),
    }
    for contract, (name, values) in expected.items():
        code = world.node.rpc("eth_getCode", contract.address, "latest")
        assert code == "0x" + artifact(name).runtime_code(values).hex(), name


def test_unknown_artifact_is_refused_by_name() -> None:
    with pytest.raises(NotFound, match="no such compiled contract"):
        artifact("Nothing")
