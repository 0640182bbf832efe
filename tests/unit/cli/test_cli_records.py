import json
from pathlib import Path

import pytest
from support.command_line import Run, document, problem
from support.fake_service import FakeService
from support.paper_evidence import ISSUER_KEY, LEDGER, SERVICE_USCC, USCC, donation

from chainsvc.api.ports import Scope
from chainsvc.crypto.suites import SM3
from chainsvc.record import Record


def write(path: str, *records: Record) -> str:
    values = [record.to_json() for record in records]
    Path(path).write_text(json.dumps(values[0] if len(values) == 1 else values, ensure_ascii=False))
    return path


def notarized(served: Run, number: int = 1) -> str:
    return str(document(served("notarize", write("one.json", donation(number)), "--json"))["id"])


def test_one_record_is_notarized_and_found_again(served: Run) -> None:
    first = document(served("notarize", write("one.json", donation(1)), "--json"))
    again = document(served("notarize", "one.json", "--json"))
    assert (first["again"], again["again"]) == (False, True)
    assert first["receipt"] == again["receipt"]
    assert "again: it was there already" in served("notarize", "one.json").stdout


def test_ledger_option_names_the_ledger_of_records_without_one(served: Run) -> None:
    value = donation(1).to_json()
    del value["ledger"]
    Path("one.json").write_text(json.dumps(value))
    assert document(served("notarize", "one.json", "--ledger", LEDGER, "--json"))["ledger"] == LEDGER


def test_record_of_another_ledger_than_the_option_is_refused(served: Run) -> None:
    result = served("notarize", write("one.json", donation(1)), "--ledger", f"{LEDGER}-B", "--json")
    assert (result.exit_code, problem(result)["where"]) == (3, "/ledger")


def test_one_refused_record_has_the_exit_code_of_its_refusal(served: Run) -> None:
    notarized(served)
    result = served("notarize", write("one.json", donation(1, 7)))
    assert result.exit_code == 4
    assert "/reference" in result.stderr


@pytest.mark.parametrize("form", ["array", "lines"])
def test_good_records_go_in_and_bad_ones_come_back_in_a_file_of_the_same_form(served: Run, form: str) -> None:
    bad = {**donation(2).to_json(), "credit": 5}
    values = [donation(1).to_json(), bad, donation(3).to_json()]
    name = {"array": "many.json", "lines": "many.ndjson"}[form]
    text = (
        json.dumps(values) if form == "array" else "".join(json.dumps(value) + "\n" for value in values) + "{nothing\n"
    )
    Path(name).write_text(text)
    result = served("notarize", name, "--json")
    found = document(result)
    assert result.exit_code == 3
    assert (found["sent"], found["again"]) == (2, 0)
    assert found["ledgers"] == {LEDGER: {"records": 2, "credit": 200, "debit": 0}}
    assert [one["number"] for one in found["results"] if "problem" in one] == ([2] if form == "array" else [2, 4])
    back = Path(found["corrections"]).read_text()
    assert back.endswith("{nothing\n") if form == "lines" else json.loads(back) == [bad]

    mended = back.replace('"credit": 5', '"credit": 100').replace("{nothing\n", "")
    Path(found["corrections"]).write_text(mended)
    again = served("notarize", found["corrections"], "--json")
    assert again.exit_code == 0, again.stderr
    assert served("notarize", name, "--json").exit_code == 3


def test_more_records_than_one_call_takes_go_in_all(served: Run) -> None:
    write("many.json", *(donation(number) for number in range(1203)))
    result = served("notarize", "many.json")
    assert result.exit_code == 0
    assert "Sent     1203" in result.stdout
    assert "1,203.00" in result.stdout


def test_receipts_are_kept_one_a_line(served: Run, service: FakeService) -> None:
    served("notarize", write("many.json", donation(1), donation(2)), "--receipts", "receipts.ndjson")
    kept = [json.loads(line) for line in Path("receipts.ndjson").read_text().splitlines()]
    assert [one["reference"] for one in kept] == ["D-1", "D-2"]
    assert kept[0]["receipt"] == service.receipt(bytes.fromhex(kept[0]["id"])).to_json()


@pytest.mark.parametrize(
    ("content", "code"),
    [("{", 3), ("[1]", 3), ('{"a":1.5}', 3), ('[{"a":1,"a":2}]', 3), ("[" * 100 + "]" * 100, 3)],
)
def test_file_that_is_no_record_is_refused(served: Run, content: str, code: int) -> None:
    Path("bad.json").write_text(content)
    assert served("notarize", "bad.json").exit_code == code


def test_unknown_export_is_refused(served: Run) -> None:
    Path("bad.csv").write_text("a,b\n1,2\n")
    result = served("notarize", "bad.csv", "--ledger", LEDGER)
    assert result.exit_code == 3
    assert "无法识别表头" in result.stderr


def test_rows_of_an_export_go_in_and_bad_ones_come_back(served: Run) -> None:
    header = "捐赠编号,捐赠日期,捐赠人,是否匿名,项目名称,捐赠方式,金额(元),币种,是否限定用途,捐赠票据号,备注\n"
    row = "{},{},某先生,否,午餐,现金,10.00,人民币,限定,{},\n"
    rows = [row.format(f"R{n}", "2026-02-30" if n == 2 else "2026-02-06", n) for n in (1, 2, 3)]
    Path("d.csv").write_text("".join([header, *rows]), encoding="gb18030")
    result = served("notarize", "d.csv", "--ledger", f"午餐={LEDGER}")
    assert result.exit_code == 3
    assert "Sent       2 records" in result.stdout
    assert "Total row  none; the rows add up to 30.00 yuan" in result.stdout
    corrections = Path("d_待更正.csv")
    assert "2026-02-30" in corrections.read_text(encoding="gb18030")
    corrections.write_text(corrections.read_text(encoding="gb18030").replace("2026-02-30", "2026-02-28"), "gb18030")
    found = document(served("notarize", corrections, "--ledger", f"午餐={LEDGER}", "--json"))
    assert (found["sent"], found["refused"], found["corrections"]) == (1, [], None)


def test_another_organizations_key_blames_no_row(served: Run, service: FakeService, home: Path) -> None:
    service.add_key("csk_other_secret", SERVICE_USCC, *Scope)
    (home / "api.key").write_text("csk_other_secret\n")
    header = "捐赠编号,捐赠日期,捐赠人,是否匿名,项目名称,捐赠方式,金额(元),币种,是否限定用途,捐赠票据号,备注\n"
    Path("d.csv").write_text(header + "R1,2026-02-06,某先生,否,午餐,现金,10.00,人民币,限定,1,\n", encoding="gb18030")
    result = served("notarize", "d.csv", "--ledger", f"午餐={LEDGER}")
    assert result.exit_code == 6
    assert SERVICE_USCC in result.stderr
    assert not Path("d_待更正.csv").exists()


def test_export_into_a_ledger_that_is_not_open_sends_nothing(served: Run, service: FakeService) -> None:
    Path("d.csv").write_text("捐赠编号\n")
    assert served("notarize", "d.csv", "--ledger", f"{LEDGER}-B").exit_code == 5
    assert service.books[LEDGER].entries == []


def test_signed_ledger_takes_records_signed_by_the_key_file(served: Run, service: FakeService, home: Path) -> None:
    name = f"charity/{USCC}/SIGNED"
    service.open_ledger(name, SM3, signed=True)
    ISSUER_KEY.to_file(home / "org.key")
    write("one.json", donation(1, ledger=name))
    assert served("notarize", "one.json").exit_code == 6
    assert served("notarize", "one.json", "--signing-key", "org.key").exit_code == 0


def test_private_records_stay_in_the_store(served: Run, service: FakeService) -> None:
    value = document(served("notarize", write("one.json", donation(1)), "--store", "private.db", "--json"))
    service.anchor()
    assert service.books[LEDGER].entries[0].record is None
    assert served("evidence", value["id"], "-o", "e.json").exit_code == 5
    found = served("evidence", "D-1", "--ledger", LEDGER, "--store", "private.db", "-o", "e.json", "--json")
    assert document(found)["id"] == value["id"]


def test_status_is_asked_by_id_by_reference_and_by_both_in_one_word(served: Run, service: FakeService) -> None:
    record_id = notarized(served)
    service.anchor()
    forms = [
        [record_id],
        ["D-1", "--ledger", LEDGER],
        [f"{LEDGER}#D-1"],
        ["D-1", "--ledger", LEDGER, "--revision", "0"],
    ]
    found = [document(served("status", *form, "--json")) for form in forms]
    assert all(one == found[0] for one in found)
    assert (found[0]["id"], found[0]["state"]) == (record_id, "final")
    shown = served("status", record_id, "--record").stdout
    assert "current 现行有效" in shown
    assert "/body/donor/name" in shown


def test_unknown_reference_and_unknown_id_are_not_found(served: Run) -> None:
    assert served("status", f"{LEDGER}#D-9").exit_code == 5
    assert served("status", "00" * 32).exit_code == 5


def test_erased_record_has_no_content_and_no_evidence(served: Run, service: FakeService) -> None:
    record_id = notarized(served)
    service.anchor()
    assert document(served("erase", record_id, "--reason", "on request", "--json"))["reason"] == "on request"
    assert document(served("status", record_id, "--json"))["erased"] is True
    assert served("evidence", record_id).exit_code == 5
    assert served("erase", record_id).exit_code == 2


def test_standing_is_asked_for_and_shown(served: Run, service: FakeService) -> None:
    first, second = notarized(served, 1), notarized(served, 2)
    service.anchor()
    asked = document(served("standing", "D-1", "--ledger", LEDGER, "--set", "revoked", "--cause", "D-2", "--json"))
    assert (asked["status"], asked["state"], asked["cause"]) == ("revoked", "requested", second)
    assert "revoked 已撤回" in served("standing", first).stdout
    assert served("standing", first, "--set", "nothing", "--cause", second).exit_code == 3


def test_cause_of_a_change_is_notarized_once(served: Run, service: FakeService) -> None:
    record_id = notarized(served)
    change = ("standing", record_id, "--set", "revoked", "--because", "entered twice", "--json")
    assert served(*change).exit_code == 5
    service.anchor()
    cause = document(served(*change))["cause"]
    found = document(served("status", cause, "--record", "--json"))["record"]
    assert found["schema"] == "status.cause.v1"
    assert found["body"] == {
        "target": {"ledger": LEDGER, "seq": 0, "commitment": record_id},
        "status": "revoked",
        "reason": "entered twice",
    }
    service.books[LEDGER].entries[0].requested.clear()
    assert document(served(*change))["cause"] == cause
    assert served(*change, "--cause", cause).exit_code == 2


def test_ledgers_are_opened_listed_shown_and_closed(served: Run, service: FakeService) -> None:
    name = f"charity/{USCC}/ELDERLY-2026"
    opened = document(served("ledger", "open", name, "--suite", "sm3", "--signed", "--json"))
    assert (opened["suite"], opened["signed"]) == ("sm3", True)
    assert served("ledger", "open", name).exit_code == 4
    assert served("ledger", "open", name, "--suite", "md5").exit_code == 3
    notarized(served)
    service.anchor()
    listed = served("ledger", "list")
    assert "ELDERLY-2026" in listed.stdout
    assert " 1.00 " in listed.stdout
    shown = document(served("ledger", "show", LEDGER, "--batches", "--entries", "--json"))
    assert (len(shown["batches_listed"]), len(shown["entries_listed"])) == (1, 1)
    assert "final" in served("ledger", "show", LEDGER, "--batches", "--entries").stdout
    assert document(served("ledger", "close", LEDGER, "--json"))["closed"] is True
    assert served("notarize", write("one.json", donation(5))).exit_code == 4
