"""The local queue on the command line: over an outage, and what becomes of what waits."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from support.command_line import Run, document, problem
from support.fake_service import FakeService
from support.paper_evidence import LEDGER, USCC, donation
from typer.testing import Result

from chainsvc.client import Queue
from chainsvc.crypto.suites import SHA256
from chainsvc.record import Record

AWAY = "http://127.0.0.1:1"
HEADER = "捐赠编号,捐赠日期,捐赠人,是否匿名,项目名称,捐赠方式,金额(元),币种,是否限定用途,捐赠票据号,备注\n"
SPENT = "拨付编号,拨付日期,项目名称,受益方,用途,金额(元),受益人数,签收日期,签收人\n"


@pytest.fixture
def away(served: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call the command line while nothing answers."""

    def call(*words: object) -> Result:
        with monkeypatch.context() as patch:
            patch.setenv("CHAINSVC_URL", AWAY)
            return served(*words)

    return call


def write(name: str, records: Sequence[Record]) -> str:
    Path(name).write_text("".join(json.dumps(record.to_json()) + "\n" for record in records))
    return name


def rows(*numbers: int) -> str:
    return HEADER + "".join(
        f"R{n},{'2026-02-30' if n == 2 else '2026-02-06'},某先生,否,午餐,现金,10.00,人民币,限定,{n},\n" for n in numbers
    )


def stored(service: FakeService, ledger: str = LEDGER) -> list[str]:
    return [kept.record.reference for kept in service.books[ledger].entries if kept.record]


def test_file_is_queued_while_the_service_is_away_and_drained_later(
    away: Run, served: Run, service: FakeService
) -> None:
    file = write("many.ndjson", [donation(number) for number in range(1100)])
    result = away("notarize", file, "--queue", "out.queue", "--json")
    found = document(result)
    assert result.exit_code == 0
    assert (found["sent"], found["queued"], found["refused"]) == (0, 1100, 0)
    assert found["results"][0] == {"number": 1, "queue_id": 1}
    assert document(served("queue", "status", "out.queue", "--json"))["waiting"] == 1100
    assert away("queue", "drain", "out.queue").exit_code == 7
    drained = document(served("queue", "drain", "out.queue", "--json"))
    assert drained == {"accepted": 1100, "known": 0, "refused": 0, "left": 0}
    assert stored(service) == [f"D-{number}" for number in range(1100)]
    told = served("queue", "outcomes", "out.queue", "--receipts", "receipts.ndjson", "--forget", "--json")
    assert len(document(told)["outcomes"]) == 1100
    assert len(Path("receipts.ndjson").read_text().splitlines()) == 1100
    assert document(served("queue", "status", "out.queue", "--json"))["accepted"] == 0


def test_same_command_again_goes_on_and_doubles_nothing(away: Run, served: Run, service: FakeService) -> None:
    bad = replace(donation(2), body={**donation(2).body, "amount": "1"})
    file = write("many.ndjson", [donation(0), donation(1), bad, donation(3)])
    words = ("notarize", file, "--queue", "out.queue", "--receipts", "receipts.ndjson")
    shown = away(*words)
    assert shown.exit_code == 3
    assert "Queued   3, to be sent by: chainsvc queue drain" in shown.stdout
    assert "waits in the queue" in shown.stderr
    found = document(served(*words, "--json"))
    assert (found["sent"], found["again"], found["queued"], found["refused"]) == (3, 0, 0, 1)
    assert document(served(*words, "--json"))["again"] == 3
    assert stored(service) == ["D-0", "D-1", "D-3"]
    assert len(Path("receipts.ndjson").read_text().splitlines()) == 6
    assert Queue("out.queue").pending() == (0, 0, 0, 0)


def test_one_record_is_queued_or_has_its_receipt(away: Run, served: Run, service: FakeService) -> None:
    Path("one.json").write_text(json.dumps(donation(1).to_json()))
    assert document(away("notarize", "one.json", "--queue", "q", "--json")) == {"queued": 1, "queue_id": 1}
    assert "Queued as  1" in away("notarize", "one.json", "--queue", "q").stdout
    Path("two.json").write_text(json.dumps(donation(2).to_json()))
    assert document(served("notarize", "two.json", "--queue", "q", "--json"))["again"] is False
    assert stored(service) == ["D-1", "D-2"]


def test_export_goes_over_the_queue_with_its_corrections(away: Run, served: Run, service: FakeService) -> None:
    Path("d.csv").write_text(rows(1, 2, 3), encoding="gb18030")
    words = ("notarize", "d.csv", "--ledger", LEDGER, "--queue", "q")
    shown = away(*words)
    assert shown.exit_code == 3
    assert "Queued     2 records, to be sent by: chainsvc queue drain" in shown.stdout
    corrections = Path("d_待更正.csv")
    assert "2026-02-30" in corrections.read_text(encoding="gb18030")
    found = document(served(*words, "--json"))
    assert (found["sent"], found["queued"], len(found["refused"])) == (2, 0, 1)
    corrections.write_text(corrections.read_text(encoding="gb18030").replace("2026-02-30", "2026-02-28"), "gb18030")
    found = document(served("notarize", corrections, "--ledger", LEDGER, "--queue", "q", "--json"))
    assert (found["sent"], found["refused"], found["corrections"]) == (1, [], None)
    assert stored(service) == ["R1", "R3", "R2"]
    assert Queue("q").pending() == (0, 0, 0, 0)
    assert served("notarize", "d.csv", "--ledger", f"{LEDGER}-B", "--queue", "q").exit_code == 5


def test_refused_record_is_shown_retried_and_dropped(away: Run, served: Run, service: FakeService) -> None:
    assert served("notarize", write("first.ndjson", [donation(1, 7), donation(9)])).exit_code == 0
    away("notarize", write("many.ndjson", [donation(1), donation(2)]), "--queue", "q")
    assert served("queue", "drain", "q").exit_code == 3
    shown = served("queue", "status", "q").stdout
    assert "Refused                        1" in shown
    assert "D-1" in shown
    letters = document(served("queue", "status", "q", "--json"))["letters"]
    assert [(one["queue_id"], one["problem"]["code"]) for one in letters] == [(1, "reference-conflict")]
    outcomes = served("queue", "outcomes", "q").stdout
    assert "D-2" in outcomes
    assert letters[0]["problem"]["detail"] in outcomes
    assert document(served("queue", "retry", "q", "--json")) == {"retried": 1}
    assert document(served("queue", "drain", "q", "--json"))["refused"] == 1
    assert served("queue", "drop", "q").exit_code == 2
    assert document(served("queue", "drop", "q", "1", "--json")) == {"dropped": 1}
    assert served("queue", "drain", "q").exit_code == 0
    assert stored(service) == ["D-1", "D-9", "D-2"]


def test_ledger_of_another_organization_waits(served: Run, away: Run, service: FakeService) -> None:
    foreign = "charity/91350211M000100Y43/BOOK"
    service.open_ledger(foreign, SHA256, signed=False)
    away("notarize", write("many.ndjson", [donation(1, ledger=foreign), donation(2)]), "--queue", "q")
    result = served("queue", "drain", "q")
    assert result.exit_code == 6
    assert "Left      1" in result.stdout
    assert stored(service) == ["D-2"]
    assert served("notarize", "many.ndjson", "--queue", "q").exit_code == 6
    assert Queue("q").pending()[0:3:2] == (1, 0)


def test_sealed_queue_needs_its_key(away: Run, served: Run, service: FakeService) -> None:
    assert served("key", "new", "queue.key").exit_code == 0
    file = write("many.ndjson", [donation(1), donation(2)])
    away("notarize", file, "--queue", "q", "--queue-key", "queue.key")
    assert b"D-1" not in b"".join(file.read_bytes() for file in Path().glob("q*") if file.is_file())
    assert problem(served("queue", "status", "q", "--json"))["code"] == "configuration-refused"
    assert served("queue", "drain", "q", "--queue-key", "queue.key").exit_code == 0
    assert stored(service) == ["D-1", "D-2"]


def test_private_records_are_not_sent_in_custody(away: Run, served: Run, service: FakeService) -> None:
    away("notarize", write("many.ndjson", [donation(1), donation(2)]), "--queue", "q", "--store", "private.db")
    assert served("queue", "drain", "q").exit_code == 8
    assert served("queue", "drain", "q", "--store", "private.db").exit_code == 0
    assert [kept.private for kept in service.books[LEDGER].entries] == [True, True]


def test_rows_of_two_records_wait_for_each_other(served: Run, away: Run, service: FakeService) -> None:
    """What the policy refuses holds the receipt that would say it was handed out."""
    book = f"charity/{USCC}/SPENT"
    service.open_ledger(book, SHA256, signed=False)
    Path("spent.csv").write_text(
        SPENT + "B1,2026-02-06,午餐,某学校,餐费,10.00,3,2026-02-07,某老师\n", encoding="gb18030"
    )
    shown = away("notarize", "spent.csv", "--ledger", book, "--queue", "q", "--json")
    assert document(shown)["queued"] == 2
    found = document(served("notarize", "spent.csv", "--ledger", book, "--queue", "q", "--json"))
    assert (found["sent"], len(found["refused"]), found["held"]) == (0, 1, [2])
    assert stored(service, book) == []
    assert Queue("q").pending() == (0, 0, 0, 0)
