"""The verifier runs at a court: it must not pull in a web framework, a database or web3, even indirectly."""

import subprocess
import sys

import pytest

HEAVY = ("web3", "eth_account", "sqlalchemy", "alembic", "psycopg", "fastapi", "starlette", "uvicorn")


@pytest.mark.parametrize(
    "module",
    ["chainsvc.verify", "chainsvc.verify.completeness", "chainsvc.verify.render", "chainsvc.checkpoint"],
)
def test_importing_the_verifier_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
