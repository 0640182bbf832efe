"""Every custom error of every deployed contract is reached by a named test."""

import ast
from pathlib import Path

from chainsvc.chain.artifacts import INSTITUTIONS, POLICY_CONTRACTS, artifact

HERE = Path(__file__).resolve().parent
ASSERTIONS = {"assert_refused", "assert_deployment_refused"}


def errors_of(contracts: tuple[str, ...]) -> set[str]:
    """Return the names of all custom errors in the ABIs."""
    return {entry["name"] for name in contracts for entry in artifact(name).abi if entry["type"] == "error"}


def errors_asserted() -> dict[str, str]:
    """Return each error that a test asserts, with that test's name."""
    found: dict[str, str] = {}
    for path in sorted(HERE.glob("test_*.py")):
        for test in ast.walk(ast.parse(path.read_text())):
            if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
                found |= dict.fromkeys(_asserted_in(test), test.name)
    return found


def _asserted_in(test: ast.FunctionDef) -> set[str]:
    calls = [node for node in ast.walk(test) if isinstance(node, ast.Call)]
    names = set()
    for call in calls:
        called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        errors = [keyword.value for keyword in call.keywords if keyword.arg == "error"]
        if called in ASSERTIONS:
            assert isinstance(errors[0], ast.Tuple)
            first = errors[0].elts[0]
            assert isinstance(first, ast.Constant)
            names.add(str(first.value))
    return names


def test_every_custom_error_is_asserted_by_a_test() -> None:
    declared = errors_of((INSTITUTIONS, *POLICY_CONTRACTS))
    assert declared - errors_asserted().keys() == set()


def test_no_test_asserts_an_error_that_is_gone() -> None:
    declared = errors_of((INSTITUTIONS, *POLICY_CONTRACTS)) | {"Panic"}
    assert errors_asserted().keys() - declared == set()
