import pytest
from support.command_line import Run, problem

from chainsvc import errors
from chainsvc.cli import records
from chainsvc.errors import ChainsvcError, Problem, RecordRefused

ID = "ab" * 32


def raising(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def load_settings() -> None:
        raise error

    monkeypatch.setattr(records, "load_settings", load_settings)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.ChainsvcError, 1),
        (errors.FileRefused, 3),
        (errors.PolicyRefused, 4),
        (errors.NotFound, 5),
        (errors.NotReady, 5),
        (errors.Forbidden, 6),
        (errors.SignatureRefused, 6),
        (errors.NodeUnavailable, 7),
        (errors.NetworkMismatch, 8),
    ],
)
def test_error_becomes_one_line_and_its_class_the_exit_code(
    run: Run, monkeypatch: pytest.MonkeyPatch, kind: type[ChainsvcError], code: int
) -> None:
    raising(kind("it is so", expected="this", got="that", where="/there", hint="Mend it."), monkeypatch)
    result = run("status", ID)
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr == (
        "✗ it is so\n    expected  this\n    got       that\n    where     /there\n    hint      Mend it.\n"
    )


def test_error_as_json_is_a_problem_on_standard_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(errors.PolicyRefused("too much", expected="1", got="2"), monkeypatch)
    result = run("status", ID, "--json")
    assert result.stdout == ""
    assert problem(result) == {
        "type": "urn:chainsvc:problem:policy-refused",
        "title": "The amount would break the ledger's policy",
        "status": 409,
        "detail": "too much",
        "code": "policy-refused",
        "expected": "1",
        "got": "2",
        "exit_code": 4,
    }


def test_refused_record_lists_every_place(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    places = (Problem("/body/amount", "not a number"), Problem("/body/date", "no such day", "a day"))
    raising(RecordRefused("the record is refused", places), monkeypatch)
    result = run("status", ID)
    assert "    /body/amount: not a number\n" in result.stderr
    assert "    /body/date: no such day; expected a day\n" in result.stderr


def test_bug_shows_its_place_but_neither_traceback_nor_value(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(KeyError("110101199003077758"), monkeypatch)
    result = run("status", ID)
    assert result.exit_code == 1
    assert result.stderr.startswith("✗ internal error: KeyError\n")
    assert "load_settings" in result.stderr
    assert "--debug" in result.stderr
    assert "110101199003077758" not in result.stderr


def test_debug_shows_the_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(KeyError("x"), monkeypatch)
    assert "Traceback (most recent call last)" in run("status", ID, "--debug").stderr


def test_interrupt_ends_with_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(KeyboardInterrupt(), monkeypatch)
    assert run("status", ID).exit_code == 130


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nothing"], "No such command 'nothing'"),
        (["status"], "Missing argument"),
        (["status", ID, "--nothing"], "No such option: --nothing"),
        (["status", "D-1"], "which ledger is the reference in?"),
        (["verify", "nothing.json"], "No such file"),
        (["standing", ID, "--set", "revoked"], "both a new standing and a cause"),
        (["key", "api", "nothing"], "No such command 'nothing'"),
        (["notarize", "/dev/null"], "which ledgers do the rows belong to?"),
    ],
)
@pytest.mark.usefixtures("served")
def test_wrong_call_is_refused_with_2(run: Run, words: list[str], told: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert result.stderr.startswith("✗ ")
    assert told in result.stderr
    as_json = run(*words, "--json")
    assert (as_json.exit_code, problem(as_json)["code"]) == (2, "usage")


def test_file_that_can_not_be_written_is_refused_with_2(served: Run) -> None:
    result = served("export", "charity/91350100M000100Y43/LUNCH-2026", "-o", "/nowhere/x.ndjson")
    assert result.exit_code == 2
    assert "/nowhere/x.ndjson" in result.stderr


def test_no_api_key_is_refused_before_anything_is_sent(run: Run) -> None:
    result = run("ledger", "list")
    assert result.exit_code == 6
    assert "CHAINSVC_API_KEY_FILE" in result.stderr


def test_service_that_is_away_is_unavailable(served: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINSVC_URL", "http://127.0.0.1:1")
    result = served("ledger", "list")
    assert (result.exit_code, result.stdout) == (7, "")
    assert "http://127.0.0.1:1" in result.stderr


def test_wrong_setting_is_refused_with_8_and_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINSVC_PORT", "many")
    result = run("config", "show")
    assert result.exit_code == 8
    assert "CHAINSVC_PORT" in result.stderr
