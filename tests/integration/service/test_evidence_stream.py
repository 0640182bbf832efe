"""Evidence and export of a whole ledger, on a real chain and a real journal."""

import orjson
import pytest
from support.records import corrected, donation
from support.station import Station

from chainsvc.api.ports import EvidenceWanted
from chainsvc.checkpoint import Checkpoint
from chainsvc.drafts import Draft
from chainsvc.errors import NotFound, NotReady
from chainsvc.evidence import Evidence
from chainsvc.service import evidence_stream
from chainsvc.verify import CheckpointSource, verify
from chainsvc.verify.completeness import audit_export

ALL = EvidenceWanted(None)


@pytest.fixture(params=[7, 256])
def _paged(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence_stream, "PAGE", request.param)


@pytest.mark.usefixtures("_paged")
def test_a_line_is_what_the_single_call_gives(service: Station) -> None:
    name = service.open().name
    receipts = service.accept(name, [donation(name, n) for n in range(40)])
    service.settle(name)
    receipts += service.accept(name, [corrected(donation(name, 7), receipts[7].commitment, 9_000)])
    receipts += service.accept(name, [donation(name, n) for n in range(50, 60)])
    service.settle(name)
    service.accept(name, [donation(name, 99)])  # not final
    api = service.parts.service
    lines = list(api.evidences(name, ALL))
    files = [Evidence.parse(line.rstrip()) for line in lines]
    assert [file.seq for file in files] == list(range(51))
    assert {file.commitment() for file in files} == {receipt.commitment for receipt in receipts}
    for line, file in zip(lines, files, strict=True):
        assert api.evidence(file.commitment(), None, proof=False).data + b"\n" == line
    assert [len(file.status) for file in files].count(1) == 1
    rest = [Evidence.parse(line.rstrip()).seq for line in api.evidences(name, EvidenceWanted(after=44, limit=3))]
    assert rest == [45, 46, 47]


@pytest.mark.usefixtures("_paged")
def test_all_lines_verify_by_one_checkpoint(service: Station) -> None:
    name = service.open().name
    receipts = service.accept(name, [donation(name, n) for n in range(35)])
    service.settle(name)
    api, network = service.parts.service, service.parts.network
    note = Checkpoint.parse(api.checkpoint().encode())
    service.accept(name, [corrected(donation(name, 3), receipts[3].commitment, 9_000)])
    service.settle(name)
    source = CheckpointSource(note)
    files = list(api.evidences(name, EvidenceWanted(["/body/amount", "/body/nothing"], proof=True)))
    assert len(files) == 35  # the correction lies beyond the checkpoint
    assert {verify(line.rstrip(), network, source).verdict for line in files} == {"valid"}
    with pytest.raises(NotFound, match="no checkpoint was made"):
        next(api.evidences(name, EvidenceWanted(proof=True, block=note.block - 1)))


def test_proofs_before_any_checkpoint_are_refused(service: Station) -> None:
    name = service.open().name
    with pytest.raises(NotReady, match="no checkpoint"):
        next(service.parts.service.evidences(name, EvidenceWanted(proof=True)))


def test_erased_records_have_no_line_and_private_ones_a_skeleton(service: Station) -> None:
    name = service.open().name
    receipts = service.accept(name, [donation(name, n) for n in range(33)])
    stored = service.parts.service._parts.ledgers.stored(name)
    private = service.parts.service._parts.intake.accept_commitments(stored, [Draft(b"\x07" * 32, 5, 0, None)])
    service.settle(name)
    api = service.parts.service
    api.erase(receipts[0].commitment, "asked for", service.caller)
    lines = [orjson.loads(line) for line in api.evidences(name, ALL)]
    (skeleton,) = [line for line in lines if "skeleton" in line]
    assert len(private) == 1
    assert len(lines) == 33
    assert skeleton["commitment"] == "07" * 32
    assert skeleton["skeleton"]["pairs"] == []


def test_an_export_is_of_one_moment_while_the_ledger_goes_on(service: Station) -> None:
    name = service.open().name
    receipts = service.accept(name, [donation(name, n) for n in range(40)])
    service.accept(name, [corrected(donation(name, 7), receipts[7].commitment, 9_000)])
    service.settle(name)
    api = service.parts.service
    block = service.parts.node.block("latest").number
    lines = api.export(name, disclose=True)
    begun = [next(lines)]
    service.accept(name, [corrected(donation(name, 8), receipts[8].commitment, 9_000)])
    service.settle(name)
    report = audit_export([*begun, *lines], service.parts.network, api._parts.source, at=block)
    assert (report.outcome, report.entries, report.changes) == ("complete", 41, 1)
