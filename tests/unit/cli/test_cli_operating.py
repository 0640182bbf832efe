"""Keys and settings of one's own, and what the commands of the chain refuse before they need one."""

from pathlib import Path

import pytest
from support.command_line import Run, document

from chainsvc.crypto.keys import SigningKey
from chainsvc.settings import Settings

USCC = "91350100M000100Y43"


def test_new_key_is_written_once_and_only_its_public_half_is_shown(run: Run) -> None:
    made = document(run("key", "new", "org.key", "--json"))
    key = SigningKey.from_file(Path("org.key"))
    assert made == {"file": "org.key", "alg": "ed25519", "public": key.public.hex(), "key_id": key.key_id.hex()}
    before = Path("org.key").read_text()
    assert before.strip() not in run("key", "new", "other.key").stdout
    assert run("key", "new", "org.key").exit_code == 2
    assert Path("org.key").read_text() == before


def test_new_account_is_written_once(run: Run) -> None:
    assert document(run("key", "account", "a.account", "--json"))["account"].startswith("0x")
    assert Path("a.account").stat().st_mode & 0o777 == 0o600
    assert run("key", "account", "a.account").exit_code == 2


def test_every_setting_is_shown_and_no_password(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINSVC_DATABASE_URL", "postgresql://someone:secret@db/journal")
    monkeypatch.setenv("CHAINSVC_LONGEST_WAIT_S", '{"marriage": 60}')
    found = document(run("config", "show", "--json"))
    assert set(found["settings"]) == set(Settings.model_fields)
    assert found["settings"]["database_url"] == "postgresql://…@db/journal"
    shown = run("config", "show").stdout
    assert "secret" not in shown
    assert "marriage=60" in shown
    assert "not there" in shown


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["org", "register", "91350100M000100Y44", "--role", "issuer"], 3, "18th"),
        (["org", "register", USCC, "--role", "king"], 2, "no such role"),
        (["org", "suspend", USCC, "--reason", "民" * 11], 2, "at most 32 bytes"),
        (["org", "show", USCC], 8, "network descriptor"),
        (["key", "add", USCC, "nothing.key"], 8, "signing key"),
        (["key", "add", USCC, "ab" * 32, "--purpose", "joy"], 2, "no such purpose"),
        (["budget", "set", "subsidy/x/y", "many", "--by", USCC], 3, "not an amount"),
        (["network", "export"], 8, "network descriptor"),
        (["serve", "--port", "0"], 8, "network descriptor"),
        (["devnet", "status"], 8, "chainsvc devnet up"),
        (["key", "api", "create", "--org", USCC, "--scope", "all"], 2, "no such scope"),
    ],
)
def test_operator_commands_refuse_before_they_touch_anything(run: Run, words: list[str], code: int, told: str) -> None:
    result = run(*words)
    assert result.exit_code == code, result.stderr
    assert told in result.stderr
    assert result.stdout == ""


def test_up_refuses_to_run_a_chain_beside_a_configured_node(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINSVC_NODE_URL", "http://127.0.0.1:1")
    result = run("up")
    assert result.exit_code == 8
    assert not Path("home").exists()
