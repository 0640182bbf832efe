"""Compile the contracts and write what the service and the verifier need of them.

::

    python scripts/compile.py            compile, write contracts/artifacts/
    python scripts/compile.py --check    compile, compare with contracts/artifacts/, change nothing

``scripts/gas.py`` then measures what the compiled contracts cost.
``contracts/solc.json`` holds the only compiler settings, ``contracts/package-lock.json`` pins compiler and
OpenZeppelin. soljson is deterministic for a version, so the committed artifacts are compared byte by byte.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import solcx

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ROOT / "contracts"
ARTIFACTS = CONTRACTS / "artifacts"
DEPLOYABLE = ("Institutions", "CharityLedger", "MarriageLedger", "SubsidyLedger")
SOURCE_FOLDERS = ("", "interfaces", "libraries")

Json = dict[str, Any]


def sources() -> Json:
    """Read the project's own sources and every OpenZeppelin source they import, by import name."""
    own = [path for folder in SOURCE_FOLDERS for path in sorted((CONTRACTS / folder).glob("*.sol"))]
    found = {path.relative_to(CONTRACTS).as_posix(): path.read_text() for path in own}
    return {name: {"content": text} for name, text in sorted(found.items())}


def standard_input() -> tuple[Json, str]:
    """Build the compiler's input from ``solc.json``; return it with the compiler version."""
    config = json.loads((CONTRACTS / "solc.json").read_text())
    outputs = ["abi", "evm.bytecode.object", "evm.deployedBytecode", "storageLayout"]
    settings = {**config["settings"], "outputSelection": {"*": {"*": outputs, "": ["ast"]}}}
    return {"language": "Solidity", "sources": sources(), "settings": settings}, config["version"]


def compile_all() -> dict[str, Json]:
    """Compile once; return the artifact of each deployable contract by name."""
    source, version = standard_input()
    wrapper = CONTRACTS / "solc.cjs"
    output = solcx.compile_standard(source, solc_binary=str(wrapper), base_path=str(CONTRACTS))
    report_warnings(output)
    names = names_by_ast_id(output)
    facts = {"solc": version, "inputHash": input_hash(source, output)}
    return {name: artifact(output["contracts"][f"{name}.sol"][name], names) | facts for name in DEPLOYABLE}


def report_warnings(output: Json) -> None:
    """Print warnings about our own sources and stop: a warning is an error here."""
    own = [e for e in output.get("errors", []) if not e["sourceLocation"]["file"].startswith("@")]
    for problem in own:
        print(problem["formattedMessage"], file=sys.stderr)
    if own:
        raise SystemExit(f"{len(own)} compiler warnings in our own sources")


def input_hash(source: Json, output: Json) -> str:
    """Hash all that decides the bytecode: settings, own sources, and the imported sources by content."""
    modules = CONTRACTS / "node_modules"
    imported = {name: (modules / name).read_text() for name in sorted(output["sources"]) if name.startswith("@")}
    text = json.dumps([source["settings"], source["sources"], imported], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def names_by_ast_id(output: Json) -> dict[str, str]:
    """Map the syntax tree's numbers of state variables, which change with any edit, to their names."""
    names: dict[str, str] = {}
    for tree in output["sources"].values():
        for contract in tree["ast"]["nodes"]:
            members = contract.get("nodes", []) if contract["nodeType"] == "ContractDefinition" else []
            names |= {str(m["id"]): m["name"] for m in members if m["nodeType"] == "VariableDeclaration"}
    return names


def artifact(contract: Json, names: dict[str, str]) -> Json:
    """Keep what is used of a contract's output, in a form that changes only with the contract."""
    evm = contract["evm"]
    immutables = {names[key]: places for key, places in evm["deployedBytecode"]["immutableReferences"].items()}
    return {
        "abi": contract["abi"],
        "bytecode": "0x" + evm["bytecode"]["object"],
        "deployedBytecode": "0x" + evm["deployedBytecode"]["object"],
        "immutableReferences": dict(sorted(immutables.items())),
        "storageLayout": layout(contract["storageLayout"]),
    }


def layout(raw: Json) -> Json:
    """Write a storage layout with type names instead of syntax tree numbers, structs apart."""
    types = raw["types"] or {}

    def variables(items: list[Json]) -> list[Json]:
        return [
            {"label": i["label"], "slot": int(i["slot"]), "offset": i["offset"], "type": types[i["type"]]["label"]}
            for i in items
        ]

    structs = {t["label"]: variables(t["members"]) for t in types.values() if "members" in t}
    return {"storage": variables(raw["storage"]), "structs": dict(sorted(structs.items()))}


def text_of(content: Json) -> str:
    """Render a committed JSON file: indented, so that a diff can be read."""
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def differences(built: dict[str, Json]) -> list[str]:
    """Name the artifacts on disk that differ from those just built."""
    paths = {name: ARTIFACTS / f"{name}.json" for name in built}
    return [name for name, path in paths.items() if not path.exists() or path.read_text() != text_of(built[name])]


def main() -> int:
    """Compile; write, or with ``--check`` compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="compare with contracts/artifacts, change nothing")
    arguments = parser.parse_args()
    built = compile_all()
    if arguments.check:
        changed = differences(built)
        for name in changed:
            print(f"contracts/artifacts/{name}.json is not what the sources give; run scripts/compile.py")
        return 1 if changed else 0
    ARTIFACTS.mkdir(exist_ok=True)
    for name, content in built.items():
        (ARTIFACTS / f"{name}.json").write_text(text_of(content))
        print(f"{name}: {len(content['deployedBytecode']) // 2 - 1} bytes of runtime code")
    return 0


if __name__ == "__main__":
    sys.exit(main())
