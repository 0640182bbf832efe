"""Proving: three records verified in several ways, standing that changes, tampered copies that fail."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from chainsvc.checkpoint import Checkpoint
from chainsvc.client import Client, RecordStatus
from chainsvc.errors import NotReady, PolicyRefused
from chainsvc.evidence import Evidence
from chainsvc.heads import Status
from chainsvc.network import Network
from chainsvc.record import Record
from chainsvc.verify import CheckpointSource, LiveNode, Outcome, Verdict, verify
from demo.screen import Screen
from demo.stage import CHARITY, COUNTY, OFFICE, Stage, charity_ledgers, marriage_ledger, subsidy_ledgers

_PATIENCE_S = 60.0
_CORRECTION_FEN = 20_00
_SHOWN: dict[str, tuple[str, ...]] = {
    "donation": ("/body/amount", "/body/date", "/body/campaign"),
    "marriage": ("/body/certificate", "/body/date", "/body/office"),
    "payment": ("/body/programme", "/body/month", "/body/amount"),
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """A record that the demo follows."""

    word: str
    client: Client
    ledger: str
    reference: str

    def status(self) -> RecordStatus:
        """Return where its latest revision stands, with the record."""
        return self.client.find(self.ledger, self.reference, with_record=True)


def prove(screen: Screen, stage: Stage) -> int:
    """Show everything; return how many things were not as they should be."""
    chosen = _choose(stage)
    wrong = sum(show(screen, stage, chosen) for show in (_three_ways, _divorce, _correction, _tampered))
    return wrong + _overspending(screen, chosen)


def _choose(stage: Stage) -> Mapping[str, Chosen]:
    nursing = next(iter(subsidy_ledgers().values()))
    lunch = next(iter(charity_ledgers().values()))
    return {
        "donation": Chosen("donation", stage.clients[CHARITY.slug], lunch, "JZ20260106000001"),
        "marriage": Chosen("marriage", stage.clients[OFFICE.slug], marriage_ledger(), "J440106-2026-000004"),
        "payment": Chosen("payment", stage.clients[COUNTY.slug], nursing, "2026-09-1"),
    }


@dataclass(frozen=True, slots=True)
class Trust:
    """What a verifier trusts: files of its own, and a node of its own."""

    network: Network
    checkpoint: Checkpoint
    node: str

    def by_node(self, data: bytes) -> Verdict:
        """Verify against the node."""
        with LiveNode(self.node) as source:
            return verify(data, self.network, source)

    def offline(self, data: bytes) -> Verdict:
        """Verify against the checkpoint alone."""
        return verify(data, self.network, CheckpointSource(self.checkpoint))

    def by_seals(self, data: bytes) -> Verdict | None:
        """Verify by what the validators sealed; None where the network has none."""
        return verify(data, self.network, None) if self.network.validators else None


def trust_in(stage: Stage) -> Trust:
    """Write the verifier's files, and read them back as a stranger would."""
    (stage.home / "checkpoint.txt").write_text(stage.clients[CHARITY.slug].checkpoint())
    network = Network.parse((stage.home / "network.json").read_bytes())
    checkpoint = Checkpoint.parse((stage.home / "checkpoint.txt").read_bytes())
    return Trust(network, checkpoint, stage.node_url)


def evidence_of(stage: Stage, chosen: Chosen) -> bytes:
    """Fetch the evidence of a record's first revision, with proofs, and keep it as a file."""
    status = chosen.client.find(chosen.ledger, chosen.reference, 0)
    shown = _SHOWN[chosen.word]
    data = chosen.client.evidence(status.commitment, disclose=shown, proof=True).to_bytes()
    folder = stage.home / "evidence"
    folder.mkdir(exist_ok=True)
    (folder / f"{chosen.word}.json").write_bytes(data)
    return data


def _three_ways(screen: Screen, stage: Stage, chosen: Mapping[str, Chosen]) -> int:
    screen.section("3  Three records, verified in several ways")
    trust = trust_in(stage)
    ways = ["by the service", "own node", "offline", *(["by seals alone"] if trust.network.validators else [])]
    table = screen.table("record", "reference", "bytes", "shown", *ways, right=("bytes", "shown"))
    wrong = 0
    for one in chosen.values():
        data = evidence_of(stage, one)
        evidence = Evidence.parse(data)
        shown = sum(not pair.hidden for pair in evidence.pairs)
        service = httpx.post(f"{stage.url}/v1/verify", content=data).json()["verdict"]
        verdicts = [service, trust.by_node(data).verdict, trust.offline(data).verdict]
        if (sealed := trust.by_seals(data)) is not None:
            verdicts.append(sealed.verdict)
        expected = evidence.standing.label if evidence.standing else "valid"
        wrong += sum(str(verdict) != expected for verdict in verdicts)
        table.add_row(
            one.word, one.reference, f"{len(data):,}", f"{shown}/{len(evidence.pairs)}", *map(coloured, verdicts)
        )
    screen.print(table)
    _show_steps(screen, trust.offline((stage.home / "evidence" / "marriage.json").read_bytes()))
    return wrong


def _show_steps(screen: Screen, verdict: Verdict) -> None:
    screen.print("\n  the marriage, offline, step by step")
    for step in verdict.steps:
        mark = {"passed": "[green]✓[/green]", "failed": "[red]✗[/red]"}.get(step.outcome.value, "[dim]–[/dim]")
        reason = step.finding.reason or step.finding.got or ""
        screen.print(f"    {mark} {step.number:>2} {step.name:<11} [dim]{reason}[/dim]")


def _divorce(screen: Screen, stage: Stage, chosen: Mapping[str, Chosen]) -> int:
    screen.section("4  A divorce turns the marriage's standing")
    marriage = Chosen("marriage", chosen["marriage"].client, marriage_ledger(), "J330106-2026-000003")
    trust = trust_in(stage)
    before = evidence_of(stage, marriage)
    was = trust.by_node(before).verdict
    record = Record.from_json(dict(marriage.status().record or {}))
    divorce = divorce_record(record)
    accepted = marriage.client.notarize(divorce)
    wait_standing(marriage.client, marriage.status().commitment, Status.DISSOLVED)
    trust = trust_in(stage)
    after = trust.offline(evidence_of(stage, marriage))
    old = trust.by_node(before).verdict
    known = " (known from an earlier run)" if accepted.again else ""
    screen.line(f"{marriage.reference}: {was} before {divorce.reference}{known}")
    screen.line(f"now {coloured(after.verdict)} offline; the cause is entry {_cause(after)}")
    screen.line(f"the file made before the divorce says {coloured(old)} too: the chain knows better than the file")
    return [str(after.verdict), str(old)].count("dissolved") != 2  # noqa: PLR2004 - both of them


def divorce_record(marriage: Record) -> Record:
    """Return a divorce of a marriage, in the same ledger."""
    body: dict[str, Any] = dict(marriage.body)
    number = body["certificate"]["number"]
    body["certificate"] = {"number": number.replace("J", "L", 1), "previous": number}
    body["date"] = "2026-11-20"
    body["registration"] = {"ledger": None, "seq": None, "commitment": None}
    return Record(
        "marriage.divorce.v1",
        marriage.ledger,
        body["certificate"]["number"],
        0,
        None,
        0,
        0,
        "2026-11-20T00:00:00+08:00",
        body,
    )


def _correction(screen: Screen, stage: Stage, chosen: Mapping[str, Chosen]) -> int:
    screen.section("5  A corrected donation supersedes its first revision")
    donation = chosen["donation"]
    first = donation.client.find(donation.ledger, donation.reference, 0, with_record=True)
    record = Record.from_json(dict(first.record or {}))
    fixed = Record(
        record.schema,
        record.ledger,
        record.reference,
        1,
        first.commitment.hex(),
        0,
        _CORRECTION_FEN,
        record.issued_at,
        {**record.body, "amount": record.body["amount"] - _CORRECTION_FEN},
    )
    accepted = donation.client.notarize(fixed)
    wait_standing(donation.client, first.commitment, Status.SUPERSEDED)
    trust = trust_in(stage)
    old = trust.offline(evidence_of(stage, donation))
    new = donation.client.wait(accepted, _PATIENCE_S, disclose=("/body/amount",), proof=False)
    now = trust.by_node(new.to_bytes())
    screen.line(
        f"{record.reference}: {record.body['amount'] / 100:,.2f} corrected to {fixed.body['amount'] / 100:,.2f} yuan"
        f" (debit {_CORRECTION_FEN / 100:,.2f})"
    )
    screen.line(f"revision 0 is {coloured(old.verdict)}, revision 1 is {coloured(now.verdict)}")
    return (str(old.verdict), str(now.verdict)) != ("superseded", "valid")


def _tampered(screen: Screen, stage: Stage, chosen: Mapping[str, Chosen]) -> int:
    screen.section("6  Tampered copies are refused")
    trust = trust_in(stage)
    wrong = 0
    for one, (what, changed) in zip(chosen.values(), _tampering(stage, chosen), strict=True):
        verdict = trust.by_node(changed)
        failed = next((step for step in verdict.steps if step.outcome is Outcome.FAILED), None)
        wrong += failed is None or str(verdict.verdict) != "invalid"
        said = f"step {failed.number} {failed.name}" if failed else "nothing failed"
        screen.line(f"{one.word:<9} {what:<44} {coloured(verdict.verdict)}  {said}", good=failed is not None)
    return wrong


def _tampering(stage: Stage, chosen: Mapping[str, Chosen]) -> Iterator[tuple[str, bytes]]:
    donation = evidence_of(stage, chosen["donation"])
    yield "one more yuan in the disclosed amount", donation.replace(b"666600]", b"666700]", 1)
    marriage = evidence_of(stage, chosen["marriage"])
    yield "another date of registration", marriage.replace(b'"2026-01-25"', b'"2026-01-26"', 1)
    payment = evidence_of(stage, chosen["payment"])
    yield "reformatted by an editor", payment.replace(b'{"batch":{', b'{ "batch": {', 1)


def _overspending(screen: Screen, chosen: Mapping[str, Chosen]) -> int:
    screen.section("7  Overspending is refused at the door")
    ledger = charity_ledgers()["暴雨洪涝灾害应急救助"]
    client = chosen["donation"].client
    facts = client.ledger(ledger)
    body = {
        "number": "BF-TOO-MUCH",
        "date": "2026-10-02",
        "campaign": "暴雨洪涝灾害应急救助",
        "recipient": {"name": "某项目执行方", "uscc": None},
        "purpose": "现金资助",
        "amount": facts.credit,
        "beneficiaries": None,
        "donations": None,
        "remark": None,
    }
    record = Record(
        "charity.disbursement.v1", ledger, "BF-TOO-MUCH", 0, None, 0, facts.credit, "2026-10-02T00:00:00+08:00", body
    )
    try:
        client.notarize(record)
    except PolicyRefused as refused:
        screen.line(f"{refused.message}: {refused.expected}, got {refused.got}")
        return 0
    screen.line("an overspending disbursement was accepted", good=False)
    return 1


def wait_standing(client: Client, commitment: bytes, wanted: Status) -> None:
    """Wait until an entry has a standing."""
    deadline = time.monotonic() + _PATIENCE_S
    while client.standing(commitment).standing is not wanted:
        if time.monotonic() > deadline:
            raise NotReady(f"the standing did not become {wanted.label} in time", hint="See demo.log.")
        time.sleep(0.1)


def _cause(verdict: Verdict) -> str:
    facts = verdict.facts
    return "unknown" if facts is None or facts.cause is None else f"{facts.cause.seq} of the same office's ledger"


def coloured(verdict: object) -> str:
    """Return a verdict in its colour."""
    word = str(verdict)
    colour = {"valid": "green", "invalid": "red", "undetermined": "red"}.get(word, "yellow")
    return f"[{colour}]{word}[/{colour}]"
