import os
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parent.parent.parent
CONTRACTS = ROOT / ".importlinter"

CORE = frozenset(
    {
        "checkpoint",
        "commitment",
        "crypto",
        "errors",
        "evidence",
        "files",
        "heads",
        "jcs",
        "network",
        "note",
        "proof",
        "reading",
        "receipt",
        "record",
        "schemas",
        "shape",
        "succession",
        "sumtree",
        "verify",
    }
)
"""What a court, a bank or a business system needs; no service among it."""

SERVICE_ONLY = ("alembic", "fastapi", "psycopg", "sqlalchemy", "structlog", "uvicorn", "web3")


@pytest.fixture(autouse=True)
def _at_the_top(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("chainsvc", "chainsvc_adapters", include_external_packages=True, cache_dir=None)


def lint_imports(contracts: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter beside the tests; within, it would disable the loggers of all libraries."""
    linter = Path(sys.executable).with_name("lint-imports")
    command = [str(linter), "--config", str(contracts), "--no-cache"]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


def test_all_contracts_are_kept() -> None:
    linted = lint_imports(CONTRACTS)
    assert linted.returncode == 0, linted.stdout


def test_layers_the_other_way_round_are_broken(tmp_path: Path) -> None:
    upside_down = tmp_path / "contracts"
    upside_down.write_text(
        "[importlinter]\nroot_package = chainsvc\n\n[importlinter:contract:layers]\nname = Upside down\ntype = layers\n"
        "layers =\n    chainsvc.errors\n    chainsvc.jcs\n",
        encoding="utf-8",
    )
    linted = lint_imports(upside_down)
    assert linted.returncode == 1
    assert "Upside down BROKEN" in linted.stdout


def imported_by(graph: grimp.ImportGraph, package: str) -> set[str]:
    """Return the direct imports of a package and everything in it, outside itself."""
    modules = {package, *graph.find_descendants(package)}
    found = set().union(*(graph.find_modules_directly_imported_by(module) for module in modules))
    return {module for module in found if module not in modules}


def own_parts(modules: set[str]) -> set[str]:
    return {module.split(".")[1] for module in modules if module.startswith("chainsvc.")}


def third_parties(modules: set[str]) -> set[str]:
    names = {module.split(".")[0] for module in modules}
    return names - set(sys.stdlib_module_names) - {"chainsvc", "chainsvc_adapters"}


@pytest.mark.parametrize("part", sorted(CORE))
def test_the_core_imports_only_itself(graph: grimp.ImportGraph, part: str) -> None:
    assert own_parts(imported_by(graph, f"chainsvc.{part}")) <= CORE


def test_the_client_imports_only_the_core_and_http(graph: grimp.ImportGraph) -> None:
    imported = imported_by(graph, "chainsvc.client")
    assert own_parts(imported) <= CORE
    assert third_parties(imported) <= {"httpx", "orjson", "stamina"}


def test_the_verifier_needs_http_and_a_terminal_beside_the_core(graph: grimp.ImportGraph) -> None:
    assert third_parties(imported_by(graph, "chainsvc.verify")) <= {"httpx", "orjson", "rich"}


def test_adapters_import_records_schemas_client_and_errors_only(graph: grimp.ImportGraph) -> None:
    imported = imported_by(graph, "chainsvc_adapters")
    assert own_parts(imported) <= {"client", "errors", "record", "schemas"}


@pytest.mark.parametrize("module", ["chainsvc.verify", "chainsvc.client", "chainsvc.evidence", "chainsvc_adapters"])
def test_importing_it_loads_no_service_library(module: str) -> None:
    """Look at what is really loaded: a third-party import inside another one is no edge of the graph."""
    code = f"import sys, {module}; print(*sorted(set({SERVICE_ONLY!r}) & set(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'adapters'}"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == ""
