"""The audit: an honest ledger is complete, and each way of cheating has its name."""

import copy
import io
import json
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.paper_book import Book, cause, make_book
from support.paper_chain import LEDGER_CONTRACT, PaperChain, PaperNode, rpc_transport
from support.paper_evidence import USCC, PaperLedger, corrected, donation

from chainsvc import jcs
from chainsvc.errors import ConfigurationRefused, MalformedInput, NodeUnavailable
from chainsvc.heads import Status
from chainsvc.verify import CheckpointSource, LiveNode
from chainsvc.verify.audit_report import MAX_FINDINGS, AuditReport
from chainsvc.verify.completeness import audit_export
from chainsvc.verify.export import MAX_LINE, ExportEntry, parse_line, read_lines, write_line


@pytest.fixture
def book() -> Book:
    """A fresh book."""
    return make_book()


def _codes(report: AuditReport) -> list[str]:
    return [finding.code for finding in report.findings]


def _line(lines: list[bytes], test: Callable[[Any], bool]) -> int:
    return next(i for i, line in enumerate(lines) if test(json.loads(line)))


def _entry(lines: list[bytes], seq: int) -> int:
    return _line(lines, lambda value: value.get("seq") == seq)


def _edit(lines: list[bytes], index: int, change: Callable[[Any], Any]) -> list[bytes]:
    edited = [*lines]
    edited[index] = jcs.dumps(change(json.loads(lines[index]))) + b"\n"
    return edited


# --- honest ledgers ------------------------------------------------------------------------------------------------


def test_an_honest_ledger_is_complete(book: Book) -> None:
    report = book.audit()
    assert (report.outcome, report.exit_code, _codes(report)) == ("complete", 0, [])
    assert (report.entries, report.batches, report.changes, report.readable) == (9, 3, 2, 9)
    assert (report.credit, report.debit) == (615 + 100, 12)
    assert report.head == book.chain.value_of_head(book.ledger.id, 2)
    assert report.block == book.chain.tip.block.number


def test_a_live_node_gives_the_same_answer(book: Book) -> None:
    node = LiveNode("http://127.0.0.1:1", transport=rpc_transport(book.chain))
    assert audit_export(book.ledger.export(), book.chain.network, node).outcome == "complete"


def test_erased_entries_are_checked_as_commitments(book: Book) -> None:
    report = book.audit(book.ledger.export(erased=range(9)))
    assert (report.outcome, report.readable) == ("complete", 0)
    assert any("not readable" in note for note in report.notes)


def test_without_a_node_it_is_undetermined(book: Book) -> None:
    report = audit_export(book.ledger.export(), book.chain.network)
    assert (report.outcome, report.exit_code, report.unread) == ("undetermined", 11, "no node was given")
    assert report.head == book.chain.value_of_head(book.ledger.id, 2)


def test_a_node_that_fails_leaves_it_undetermined(book: Book) -> None:
    class Silent(PaperNode):
        def read(self, *_: Any, **__: Any) -> Any:
            raise NodeUnavailable("the node does not answer")

    report = audit_export(book.ledger.export(), book.chain.network, Silent(book.chain))
    assert (report.outcome, report.trust) == ("undetermined", None)
    assert "does not answer" in str(report.unread)


def test_a_block_that_changes_during_the_audit_leaves_it_undetermined(book: Book) -> None:
    class Moving(PaperNode):
        def read(self, *arguments: Any, **options: Any) -> Any:
            snapshot = super().read(*arguments, **options)
            at = options["at"]
            return snapshot if at is None else replace(snapshot, block=replace(snapshot.block, hash=b"\x01" * 32))

    report = audit_export(book.ledger.export(), book.chain.network, Moving(book.chain))
    assert "changed during the audit" in str(report.unread)


def test_a_checkpoint_is_refused(book: Book) -> None:
    with pytest.raises(ConfigurationRefused):
        audit_export([], book.chain.network, CheckpointSource(book.chain.checkpoint()))


def test_an_older_export_is_audited_at_its_block(book: Book) -> None:
    lines, block = book.ledger.export(), book.chain.tip.block.number
    book.ledger.anchor([donation(20)])
    assert _codes(book.audit(lines)) == ["entries-missing"]
    assert book.audit(lines, at=block).outcome == "complete"


def test_progress_is_told(book: Book) -> None:
    told: list[tuple[int, int]] = []
    book.audit(progress=lambda done, of: told.append((done, of)))
    assert told == [(6, 9), (8, 9), (9, 9), (9, 9)]


def test_a_cause_in_another_ledger_is_noted() -> None:
    chain = PaperChain()
    ledger = PaperLedger(chain)
    (seq,) = ledger.anchor([donation(1)])
    chain.mark(ledger.id, seq, Status.REVOKED, (b"\x09" * 32, 4))
    report = audit_export(ledger.export(), chain.network, PaperNode(chain))
    assert report.outcome == "complete"
    assert "another ledger" in report.notes[0]


def test_an_unpinned_schema_is_noted(book: Book) -> None:
    network = replace(book.chain.network, schemas=MappingProxyType({}))
    report = audit_export(book.ledger.export(), network, PaperNode(book.chain))
    assert report.outcome == "complete"
    assert "charity.donation.v1" in report.notes[0]


# --- entries -------------------------------------------------------------------------------------------------------


def test_a_deleted_entry_is_a_gap_with_its_seq(book: Book) -> None:
    lines = book.ledger.export()
    del lines[_entry(lines, 3)]
    finding = book.audit(lines).findings[0]
    assert (finding.code, finding.seq, finding.batch) == ("gap", 3, 0)


def test_a_deleted_last_entry_of_a_batch_is_a_gap(book: Book) -> None:
    lines = book.ledger.export()
    del lines[_entry(lines, 5)]
    finding = book.audit(lines).findings[0]
    assert (finding.code, finding.seq, finding.expected) == ("gap", 5, "seq 5 to 5")


def test_a_deleted_entry_with_seqs_closed_up_is_another_head(book: Book) -> None:
    lines = book.ledger.export()
    del lines[_entry(lines, 3)]
    for seq in (4, 5):
        lines = _edit(lines, _entry(lines, seq), lambda value: {**value, "seq": value["seq"] - 1})
    batch = _line(lines, lambda value: value.get("batch", {}).get("index") == 0)
    lines = _edit(lines, batch, lambda value: {"batch": {**value["batch"], "count": 5}})
    assert "head-mismatch" in _codes(book.audit(lines))


def test_a_doubled_entry_stops_the_audit_or_is_out_of_order(book: Book) -> None:
    lines = book.ledger.export()
    index = _entry(lines, 2)
    report = book.audit([*lines[: index + 1], *lines[index:]])
    assert (report.findings[0].code, report.findings[0].seq) == ("disorder", 2)


def test_swapped_entries_are_out_of_order(book: Book) -> None:
    lines = book.ledger.export()
    i, j = _entry(lines, 1), _entry(lines, 2)
    lines[i], lines[j] = lines[j], lines[i]
    codes = _codes(book.audit(lines))
    assert codes[0] == "gap"
    assert "disorder" in codes


def test_swapped_entries_with_swapped_seqs_break_the_leaf_order_and_the_head(book: Book) -> None:
    lines = book.ledger.export()
    i, j = _entry(lines, 1), _entry(lines, 2)
    first, second = json.loads(lines[i]), json.loads(lines[j])
    lines = _edit(_edit(lines, i, lambda _: {**second, "seq": 1}), j, lambda _: {**first, "seq": 2})
    report = book.audit(lines)
    assert [(f.code, f.seq) for f in report.findings][:2] == [("leaf-order", 2), ("head-mismatch", 0)]


def test_a_changed_record_is_not_what_its_commitment_binds(book: Book) -> None:
    lines = book.ledger.export()

    def spend_more(value: Any) -> Any:
        for pair in value["pairs"]:
            if pair[0] == "/body/remark":
                pair[2] = "changed"
        return value

    report = book.audit(_edit(lines, _entry(lines, 3), spend_more))
    assert [(f.code, f.seq) for f in report.findings] == [("commitment-mismatch", 3)]
    assert report.findings[0].expected == book.ledger.entry(3).commitment.hex()


def test_changed_amounts_are_not_the_records_nor_the_heads(book: Book) -> None:
    lines = book.ledger.export()
    report = book.audit(_edit(lines, _entry(lines, 3), lambda value: {**value, "credit": value["credit"] + 1}))
    assert _codes(report) == ["amounts-mismatch", "head-mismatch", "totals-mismatch"]


def test_a_forged_entry_darkens_its_batch_and_no_other(book: Book) -> None:
    forged = PaperLedger(PaperChain())
    records = [entry.record for entry in book.ledger.batches[0][2]]
    forged.anchor([replace(records[0], reference="FORGED"), *records[1:]])
    lines, other = book.ledger.export(), forged.export()
    lines[2:8] = other[2:8]
    heads = [f.batch for f in book.audit(lines).findings if f.code == "head-mismatch"]
    assert heads == [0]


def test_an_entry_that_was_never_anchored_is_told(book: Book) -> None:
    elsewhere = copy.deepcopy(book)
    elsewhere.ledger.anchor([donation(30)])
    finding = book.audit(elsewhere.ledger.export()).findings[0]
    assert (finding.code, finding.batch, finding.seq) == ("unanchored", 3, 9)


def test_a_missing_batch_is_told(book: Book) -> None:
    lines = book.ledger.export()
    start = _line(lines, lambda value: value.get("batch", {}).get("index") == 1)
    codes = _codes(book.audit(lines[:start] + lines[start + 3 :]))
    assert codes[:2] == ["disorder", "gap"]


@pytest.mark.parametrize("member", ["block", "time", "actor"])
def test_a_changed_batch_fact_is_another_head(book: Book, member: str) -> None:
    lines = book.ledger.export()
    index = _line(lines, lambda value: value.get("batch", {}).get("index") == 2)

    def change(value: Any) -> Any:
        old = value["batch"][member]
        return {"batch": {**value["batch"], member: old + 1 if isinstance(old, int) else "44" * 20}}

    assert "head-mismatch" in _codes(book.audit(_edit(lines, index, change)))


def test_batches_that_go_back_in_time_are_told(book: Book) -> None:
    lines = book.ledger.export()
    index = _line(lines, lambda value: value.get("batch", {}).get("index") == 1)
    report = book.audit(_edit(lines, index, lambda value: {"batch": {**value["batch"], "block": 0}}))
    assert report.findings[0].code == "disorder"


def test_missing_entries_are_told_when_the_end_is_forged(book: Book) -> None:
    lines = book.ledger.export()
    start = _line(lines, lambda value: value.get("batch", {}).get("index") == 2)
    cut = [*lines[:start], lines[-1]]
    cut = _edit(cut, 0, lambda value: {**value, "batches": 2, "entries": 8})
    report = book.audit(cut)
    assert ("entries-missing", 8) in [(f.code, f.seq) for f in report.findings]


# --- standing ------------------------------------------------------------------------------------------------------


def test_a_hidden_change_of_standing_is_told(book: Book) -> None:
    lines = book.ledger.export()
    del lines[_line(lines, lambda value: value.get("status", [None])[0] == book.revoked)]
    report = book.audit(lines)
    (finding,) = [f for f in report.findings if f.code == "standing-missing"]
    assert (finding.seq, str(finding.expected).split()[0]) == (book.revoked, "revoked")


def test_an_invented_change_of_standing_is_told(book: Book) -> None:
    lines = book.ledger.export()
    change = json.loads(lines[-2])["status"]
    lines.insert(len(lines) - 1, jcs.dumps({"status": [0, *change[1:]]}) + b"\n")
    assert "standing-mismatch" in _codes(book.audit(lines))


@pytest.mark.parametrize(("position", "value"), [(1, 2), (3, 5), (4, "44" * 20), (5, 1), (6, 1)])
def test_a_changed_change_of_standing_is_told(book: Book, position: int, value: Any) -> None:
    lines = book.ledger.export()
    index = _line(lines, lambda line: line.get("status", [None])[0] == book.corrected)

    def change(line: Any) -> Any:
        line["status"][position] = value
        return line

    findings = [(f.code, f.seq) for f in book.audit(_edit(lines, index, change)).findings]
    assert ("standing-mismatch", book.corrected) in findings


def test_a_change_of_an_entry_that_is_not_there_is_told(book: Book) -> None:
    lines = book.ledger.export()
    change = json.loads(lines[-2])["status"]
    lines.insert(len(lines) - 1, jcs.dumps({"status": [99, *change[1:]]}) + b"\n")
    assert ("status-unknown-entry", 99) in [(f.code, f.seq) for f in book.audit(lines).findings]


def _audited(mark: Callable[[PaperChain, PaperLedger], object]) -> list[tuple[str, int | None]]:
    """Audit an honest export of a ledger in which this was done on the chain."""
    chain = PaperChain()
    ledger = PaperLedger(chain)
    mark(chain, ledger)
    report = audit_export(ledger.export(), chain.network, PaperNode(chain))
    return [(finding.code, finding.seq) for finding in report.findings]


def test_a_revision_that_supersedes_nothing_is_told() -> None:
    def mark(_chain: PaperChain, ledger: PaperLedger) -> None:
        (seq,) = ledger.anchor([donation(1)])
        ledger.anchor([corrected(donation(1), ledger.entry(seq).commitment, 80)])

    assert _audited(mark) == [("supersede-missing", 1)]


def test_a_revision_with_a_wrong_net_change_is_told() -> None:
    def mark(chain: PaperChain, ledger: PaperLedger) -> None:
        (seq,) = ledger.anchor([donation(1)])
        wrong = replace(corrected(donation(1), ledger.entry(seq).commitment, 80), debit=19)
        ledger.anchor([wrong])
        chain.mark(ledger.id, seq, Status.SUPERSEDED, (ledger.id, 1))

    assert _audited(mark) == [("net-change", 1)]


def test_a_revision_without_its_previous_one_is_told() -> None:
    assert _audited(lambda _, ledger: ledger.anchor([corrected(donation(1), b"\x01" * 32, 80)])) == [
        ("previous-missing", 0)
    ]


def test_a_revision_of_another_reference_is_told() -> None:
    def mark(chain: PaperChain, ledger: PaperLedger) -> None:
        (seq,) = ledger.anchor([donation(1)])
        ledger.anchor([corrected(donation(2), ledger.entry(seq).commitment, 80)])
        chain.mark(ledger.id, seq, Status.SUPERSEDED, (ledger.id, 1))

    assert _audited(mark) == [("revision-order", 1)]


def test_a_first_revision_whose_amounts_do_not_follow_is_told() -> None:
    assert _audited(lambda _, ledger: ledger.anchor([donation(1, credit=99)])) == [("record-refused", 0)]


def test_a_record_of_another_ledger_is_told() -> None:
    other = f"charity/{USCC}/OTHER"
    assert _audited(lambda _, ledger: ledger.anchor([donation(1, ledger=other)])) == [("record-refused", 0)]


def test_a_cause_that_is_not_there_is_told() -> None:
    def mark(chain: PaperChain, ledger: PaperLedger) -> None:
        ledger.anchor([donation(1)])
        chain.mark(ledger.id, 0, Status.REVOKED, (ledger.id, 5))

    assert _audited(mark) == [("cause-unknown", 0)]


def test_a_cause_about_another_entry_is_told() -> None:
    def mark(chain: PaperChain, ledger: PaperLedger) -> None:
        ledger.anchor([donation(1), donation(2)])
        ledger.anchor([cause(1, ledger.entry(1).commitment)])
        chain.mark(ledger.id, 0, Status.REVOKED, (ledger.id, 2))

    assert _audited(mark) == [("cause-mismatch", 0)]


@pytest.mark.parametrize(
    ("status", "declared", "expected"), [(2, "revoked", []), (3, "revoked", [("cause-mismatch", 0)])]
)
def test_a_cause_must_declare_the_standing_it_gives(
    status: int, declared: str, expected: list[tuple[str, int]]
) -> None:
    def mark(chain: PaperChain, ledger: PaperLedger) -> None:
        ledger.anchor([donation(1)])
        ledger.anchor([cause(0, ledger.entry(0).commitment, declared)])
        chain.mark(ledger.id, 0, status, (ledger.id, 1))

    assert _audited(mark) == expected


def test_one_reference_twice_is_told() -> None:
    def mark(_chain: PaperChain, ledger: PaperLedger) -> None:
        ledger.anchor([donation(1)])
        ledger.anchor([donation(1, issued_at="2026-09-03T10:00:00+08:00")])

    assert _audited(mark) == [("duplicate-reference", 1)]


def test_one_commitment_twice_is_told() -> None:
    def mark(_chain: PaperChain, ledger: PaperLedger) -> None:
        ledger.anchor([donation(1)])
        ledger.anchor([donation(1)])

    assert _audited(mark) == [("duplicate-commitment", 1), ("duplicate-reference", 1)]


# --- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", range(15))
def test_a_file_cut_off_anywhere_is_told(book: Book, keep: int) -> None:
    lines = book.ledger.export()
    assert len(lines) == 16
    codes = _codes(book.audit(lines[:keep]))
    assert "truncated" in codes


def test_a_line_cut_off_is_told(book: Book) -> None:
    lines = book.ledger.export()
    lines[5] = lines[5][:-10]
    finding = book.audit(lines).findings[0]
    assert (finding.code, finding.message.split(":")[0]) == ("malformed", "line 6")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"[]\n",
        b'{"end":false}\n',
        b'{"end":true,"more":1}\n',
        b'{"batch":{}}\n',
        b'{"seq":1}\n',
        b'{"status":[1,2,3]}\n',
        b'{"format":"chainsvc-export/2"}\n',
        b"x" * (MAX_LINE + 1),
        b"[" * 1000,
        b'{"seq":1,"seq":2}',
        b"\xff",
    ],
)
def test_a_line_that_is_none_stops_the_audit(book: Book, line: bytes) -> None:
    lines = book.ledger.export()
    report = book.audit([*lines[:3], line, *lines[3:]])
    assert _codes(report)[0] == "malformed"
    assert report.outcome == "findings"


@pytest.mark.parametrize(
    "order",
    [
        lambda lines: [lines[1], lines[0], *lines[2:]],
        lambda lines: [lines[0], *lines],
        lambda lines: [*lines, lines[-1]],
        lambda lines: [*lines, lines[1]],
        lambda lines: [lines[0], lines[2], *lines[3:]],
        lambda lines: [*lines[:-3], lines[-2], lines[1], lines[-1]],
    ],
)
def test_lines_out_of_place_stop_the_audit(book: Book, order: Callable[[list[bytes]], list[bytes]]) -> None:
    assert "malformed" in _codes(book.audit(order(book.ledger.export())))


def test_the_first_lines_counts_must_be_right(book: Book) -> None:
    lines = _edit(book.ledger.export(), 0, lambda value: {**value, "entries": 10})
    assert _codes(book.audit(lines)) == ["truncated"]


@pytest.mark.parametrize(
    ("member", "value"),
    [("network", "01" * 32), ("contract", "01" * 20), ("name", f"funeral/{USCC}/2026")],
)
def test_a_ledger_of_another_network_is_told(book: Book, member: str, value: str) -> None:
    lines = _edit(book.ledger.export(), 0, lambda header: {**header, member: value})
    assert _codes(book.audit(lines))[0] == "wrong-network"


@pytest.mark.parametrize(("member", "value"), [("suite", 2), ("flags", 1), ("name", f"charity/{USCC}/OTHER")])
def test_another_ledgers_first_line_finds_nothing_anchored(book: Book, member: str, value: object) -> None:
    lines = _edit(book.ledger.export(), 0, lambda header: {**header, member: value})
    assert "unanchored" in _codes(book.audit(lines))


def test_other_code_at_the_contracts_address_is_told(book: Book) -> None:
    book.chain.code[LEDGER_CONTRACT] += b"\x00"
    assert _codes(book.audit()) == ["wrong-code"]


def test_findings_are_bounded() -> None:
    chain = PaperChain()
    ledger = PaperLedger(chain)
    ledger.anchor([donation(i, credit=99) for i in range(MAX_FINDINGS + 10)])
    report = audit_export(ledger.export(), chain.network, PaperNode(chain))
    assert (len(report.findings), report.found) == (MAX_FINDINGS, MAX_FINDINGS + 10)


def test_report_is_json(book: Book) -> None:
    lines = book.ledger.export()
    del lines[_entry(lines, 3)]
    told = json.loads(json.dumps(book.audit(lines).to_json()))
    assert (told["outcome"], told["exitCode"], told["findings"][0]["seq"]) == ("findings", 13, 3)


def test_lines_are_read_back_as_written(book: Book) -> None:
    for line in book.ledger.export():
        assert write_line(parse_line(line)) == line


def test_a_hostile_file_is_never_held_as_one_line() -> None:
    pieces = list(read_lines(io.BytesIO(b"x" * (3 * MAX_LINE))))
    assert max(len(piece) for piece in pieces) <= MAX_LINE + 2
    with pytest.raises(MalformedInput, match="too long"):
        parse_line(pieces[0])


BOOK = make_book()
LINES = BOOK.ledger.export()


@given(st.data())
def test_no_changed_byte_is_complete(data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(LINES) - 1))
    line = bytearray(LINES[number])
    index = data.draw(st.integers(0, len(line) - 2))
    line[index] ^= data.draw(st.integers(1, 255))
    report = BOOK.audit([*LINES[:number], bytes(line), *LINES[number + 1 :]])
    assert report.outcome == "findings"


@given(st.permutations(range(len(LINES))))
def test_no_other_order_of_lines_is_complete(order: list[int]) -> None:
    report = BOOK.audit([LINES[i] for i in order])
    assert (report.outcome == "complete") is (order == sorted(order))


def test_an_entry_line_carries_what_the_leaf_binds() -> None:
    entry = next(line for line in map(parse_line, LINES) if isinstance(line, ExportEntry))
    assert entry.commitment == BOOK.ledger.entry(0).commitment
