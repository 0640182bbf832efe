"""An audit that is stopped goes on, and finds what it would have found; blocks and processes change nothing."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.paper_book import Book, make_book
from support.paper_chain import rpc_transport
from support.paper_evidence import donation

from chainsvc import jcs
from chainsvc.errors import ConfigurationRefused
from chainsvc.verify import LiveNode, audit_blocks, audit_chain, audit_file, audit_standing
from chainsvc.verify.audit_file import audit_file as audit
from chainsvc.verify.audit_report import AuditReport
from chainsvc.verify.completeness import audit_export

Edit = Callable[[list[bytes]], list[bytes]]


def _replaced(begin: bytes, old: bytes, new: bytes) -> Edit:
    """Change the first line that begins so."""

    def edit(lines: list[bytes]) -> list[bytes]:
        at = next(number for number, line in enumerate(lines) if line.startswith(begin) and old in line)
        return [*lines[:at], lines[at].replace(old, new, 1), *lines[at + 1 :]]

    return edit


EDITS: dict[str, Edit] = {
    "honest": lambda lines: lines,
    "an entry missing": lambda lines: [*lines[:4], *lines[5:]],
    "an entry twice": lambda lines: [*lines[:4], lines[4], *lines[4:]],
    "two entries exchanged": lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]],
    "another amount": _replaced(b'{"commitment"', b'"credit":1', b'"credit":2'),
    "a float": _replaced(b'{"commitment"', b'"credit":1', b'"credit":1.0,"x":1'),
    "a space": _replaced(b'{"commitment"', b'"credit":1', b'"credit": 1'),
    "a member twice": _replaced(b'{"commitment"', b'"credit":1', b'"credit":1,"credit":1'),
    "another salt": _replaced(b'{"commitment"', b'["/body/amount","', b'["/body/amount","0'),
    "a pair missing": _replaced(b'{"commitment"', b',["/credit"', b',["/credis"'),
    "a change missing": lambda lines: [line for line in lines if not line.startswith(b'{"status":[4')],
    "no end": lambda lines: lines[:-1],
    "a batch of another account": _replaced(b'{"batch"', b'"actor":"', b'"actor":"ff'),
    "something else": lambda lines: [*lines[:6], b'{"what":1}\n', *lines[6:]],
    "no lines": lambda _: [],
}


@pytest.fixture(params=EDITS)
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Book:
    """A book with an export, honest or not, in a file."""
    book = make_book()
    (tmp_path / "export.ndjson").write_bytes(b"".join(EDITS[request.param](book.ledger.export())))
    return book


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def _node(book: Book) -> LiveNode:
    return LiveNode("http://127.0.0.1:1", transport=rpc_transport(book.chain))


def _line_by_line(book: Book, path: Path, monkeypatch: pytest.MonkeyPatch) -> AuditReport:
    """Audit without blocks, as a reader who takes one line at a time."""
    with monkeypatch.context() as patch:
        patch.setattr(audit_blocks.BlockCheck, "__call__", lambda *_: None)
        return audit_export(_lines(path), book.chain.network, _node(book))


@pytest.mark.parametrize("size", [1, 2, 3, 512])
def test_blocks_change_no_finding(book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    path = tmp_path / "export.ndjson"
    monkeypatch.setattr(audit_blocks, "BLOCK_LINES", size)
    report = audit_export(_lines(path), book.chain.network, _node(book))
    assert report == _line_by_line(book, path, monkeypatch)


def test_processes_change_no_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book, path = make_book(), tmp_path / "export.ndjson"
    path.write_bytes(b"".join(EDITS["another salt"](book.ledger.export())))
    monkeypatch.setattr(audit_blocks, "BLOCK_LINES", 2)
    report = audit(path, book.chain.network, _node(book), processes=2)
    assert report == _line_by_line(book, path, monkeypatch)
    assert report.found


class StoppedError(Exception):
    """What stands for a kill."""


def _stop_after(calls: int) -> Callable[[int, int], None]:
    left = itertools.count(calls, -1)

    def told(_done: int, _all: int) -> None:
        if next(left) == 0:
            raise StoppedError

    return told


def _audited(book: Book, folder: Path, progress: Any = None) -> AuditReport:
    path = folder / "export.ndjson"
    return audit(path, book.chain.network, _node(book), progress=progress, resume=folder / "state")


@pytest.mark.parametrize("stops", [1, 2, 3])
def test_an_audit_stopped_anywhere_reports_the_same(
    book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stops: int
) -> None:
    monkeypatch.setattr(audit_file, "SAVE_S", -1.0)
    monkeypatch.setattr(audit_standing, "WINDOW", 4)
    monkeypatch.setattr(audit_chain, "WINDOW", 4)
    whole = audit_export(_lines(tmp_path / "export.ndjson"), book.chain.network, _node(book))
    for _ in range(20):
        try:
            report = _audited(book, tmp_path, _stop_after(stops))
        except StoppedError:
            continue
        break
    assert report == whole
    assert _audited(book, tmp_path, _stop_after(0)) == whole  # read, not audited again


def test_a_resumed_audit_keeps_to_its_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = make_book()
    (tmp_path / "export.ndjson").write_bytes(b"".join(book.ledger.export()))
    block = book.chain.tip.block.number
    monkeypatch.setattr(audit_file, "SAVE_S", -1.0)
    with pytest.raises(StoppedError):
        _audited(book, tmp_path, _stop_after(2))
    book.ledger.anchor([donation(50)])
    report = _audited(book, tmp_path)
    assert (report.outcome, report.block) == ("complete", block)


def test_another_export_of_that_name_is_audited_anew(tmp_path: Path) -> None:
    book = make_book()
    path = tmp_path / "export.ndjson"
    path.write_bytes(b"".join(book.ledger.export()))
    assert _audited(book, tmp_path).outcome == "complete"
    path.write_bytes(b"".join(EDITS["an entry missing"](book.ledger.export())))
    assert _audited(book, tmp_path).outcome == "findings"


def test_a_saved_audit_that_is_none_is_refused(tmp_path: Path) -> None:
    book = make_book()
    (tmp_path / "export.ndjson").write_bytes(b"".join(book.ledger.export()))
    _audited(book, tmp_path)
    (state,) = (tmp_path / "state").glob("*.audit")
    state.write_bytes(b"no database at all, but a text that is long enough to be looked at" * 100)
    with pytest.raises(ConfigurationRefused, match="saved audit"):
        _audited(book, tmp_path)


def test_a_report_reads_back_from_its_json(book: Book, tmp_path: Path) -> None:
    report = audit_export(_lines(tmp_path / "export.ndjson"), book.chain.network, _node(book))
    assert AuditReport.from_json(json.loads(jcs.dumps(report.to_json()))) == report
