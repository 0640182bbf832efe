"""The verdict: the verifier's answer step by step, never a bare yes or no."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from chainsvc.heads import Status
from chainsvc.verify.wording import STEP_NAMES, VERDICTS, Wording

FORMAT = "chainsvc-verdict/1"
"""Version of the JSON form."""

VALID, INVALID, UNDETERMINED = "valid", "invalid", "undetermined"
"""Verdicts besides the standings ``superseded`` … ``void``."""

_EXIT_CODES = {VALID: 0, UNDETERMINED: 11, INVALID: 12}
_EXIT_OTHER_STANDING = 10


class Outcome(StrEnum):
    """What came of one step."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


class Finding(NamedTuple):
    """What one step found.

    Attributes:
        outcome: Passed, failed or not checked.
        expected: What would have been right, or what the trusted side holds.
        got: What the file says or what was recomputed from it.
        reason: Why it failed or was not checked; for a passed step what it rests on.
    """

    outcome: Outcome
    expected: str | None = None
    got: str | None = None
    reason: str | None = None


def passed(reason: str | None = None, *, got: str | None = None) -> Finding:
    """Return the finding of a step that passed."""
    return Finding(Outcome.PASSED, None, got, reason)


def failed(reason: str, *, expected: object = None, got: object = None) -> Finding:
    """Return the finding of a step that failed."""
    return Finding(Outcome.FAILED, _text(expected), _text(got), reason)


def not_checked(reason: str, *, expected: object = None, got: object = None) -> Finding:
    """Return the finding of a step that could not be checked."""
    return Finding(Outcome.NOT_CHECKED, _text(expected), _text(got), reason)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


class Step(NamedTuple):
    """One of the ten steps with its outcome; numbers and names are those of the specification."""

    number: int
    finding: Finding

    @property
    def name(self) -> str:
        """English name; :data:`chainsvc.verify.wording.STEP_NAMES` has the Chinese one."""
        return STEP_NAMES[self.number].en

    @property
    def outcome(self) -> Outcome:
        """Passed, failed or not checked."""
        return self.finding.outcome

    def to_json(self) -> dict[str, Any]:
        """Return the step's JSON form."""
        return {
            "number": self.number,
            "name": self.name,
            "nameZh": STEP_NAMES[self.number].zh,
            "outcome": self.outcome.value,
            "expected": self.finding.expected,
            "got": self.finding.got,
            "reason": self.finding.reason,
        }


@dataclass(frozen=True, slots=True)
class Cause:
    """The entry that is the cause of a standing."""

    ledger_id: bytes
    seq: int

    def to_json(self) -> dict[str, Any]:
        """Return the cause's JSON form."""
        return {"ledgerId": self.ledger_id.hex(), "seq": self.seq}


@dataclass(frozen=True, slots=True)
class Seals:
    """Who of the pinned validators stands behind the block that was read.

    Attributes:
        rule: Which seals count.
        needed: How many different validators are needed.
        found: Those that were found, ascending; 20 bytes each.
        validators: The set that they were counted in, ascending.
        since: First block that the set is pinned for.
    """

    rule: str
    needed: int
    found: tuple[bytes, ...]
    validators: tuple[bytes, ...]
    since: int

    def __str__(self) -> str:
        """Say it in a few words."""
        return f"{len(self.found)} of {len(self.validators)} validators by {self.rule}, {self.needed} needed"

    def to_json(self) -> dict[str, Any]:
        """Return the seals' JSON form."""
        return {
            "rule": self.rule,
            "needed": self.needed,
            "found": [address.hex() for address in self.found],
            "validators": [address.hex() for address in self.validators],
            "from": self.since,
        }


@dataclass(frozen=True, slots=True)
class Facts:
    """What the evidence says of itself; as good as the verdict, no better.

    Attributes:
        network: Network id, 32 bytes.
        ledger: Ledger name.
        organization: Unified social credit code.
        schema: Schema id of the record.
        seq: Entry of the ledger.
        commitment: 32 bytes, or None where it could not be recomputed.
        head: Head of the batch, recomputed; it commits to the ledger's whole prefix. None as above.
        actor: Account that anchored the batch, 20 bytes.
        block: Block of the anchoring.
        time: Time of that block, Unix seconds: the record existed no later.
        tolerance: Seconds by which block times may differ from true time.
        signed: Whether the ledger is a signed one.
        standing: At ``standing_block``; None when steps 5 to 8 do not show it.
        cause: Cause of the standing, None when current or not shown.
        standing_block: The block asked for, None when no block could be trusted.
        standing_time: Its time, Unix seconds.
        trust: Why that block is trusted.
        seals: Who stands behind the block of the file's proof; None where no seals were checked, or not enough found.
        attests: Who attests the origin.
        receipt_late: Seconds by which the receipt's deadline was missed; 0 when kept, None without a receipt.
        disclosed: Number of disclosed values.
        hidden: Number of hidden values.
        not_proven: What this verdict does not say.
    """

    network: bytes
    ledger: str
    organization: str
    schema: str
    seq: int
    commitment: bytes | None
    head: bytes | None
    actor: bytes
    block: int
    time: int
    tolerance: int
    signed: bool
    standing: Status | None
    cause: Cause | None
    standing_block: int | None
    standing_time: int | None
    trust: str | None
    seals: Seals | None
    attests: Wording
    receipt_late: int | None
    disclosed: int
    hidden: int
    not_proven: tuple[Wording, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the facts' JSON form; bytes as hex."""
        return {
            "network": self.network.hex(),
            "ledger": self.ledger,
            "organization": self.organization,
            "schema": self.schema,
            "seq": self.seq,
            "commitment": self.commitment.hex() if self.commitment else None,
            "head": self.head.hex() if self.head else None,
            "actor": self.actor.hex(),
            "block": self.block,
            "time": self.time,
            "tolerance": self.tolerance,
            "signed": self.signed,
            "standing": None if self.standing is None else self.standing.label,
            "cause": self.cause.to_json() if self.cause else None,
            "standingBlock": self.standing_block,
            "standingTime": self.standing_time,
            "trust": self.trust,
            "seals": None if self.seals is None else self.seals.to_json(),
            "attests": self.attests.to_json(),
            "receiptLate": self.receipt_late,
            "disclosed": self.disclosed,
            "hidden": self.hidden,
            "notProven": [wording.to_json() for wording in self.not_proven],
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer.

    Attributes:
        verdict: ``valid``, a standing other than current, ``invalid`` or ``undetermined``.
        steps: All ten, in order.
        facts: None when the file could not be read.
    """

    verdict: str
    steps: tuple[Step, ...]
    facts: Facts | None

    @property
    def exit_code(self) -> int:
        """0 valid, 10 another standing, 11 undetermined, 12 invalid."""
        return _EXIT_CODES.get(self.verdict, _EXIT_OTHER_STANDING)

    def step(self, number: int) -> Step:
        """Return one of the ten steps by its number."""
        return self.steps[number - 1]

    def to_json(self) -> dict[str, Any]:
        """Return the verdict's JSON form."""
        return {
            "format": FORMAT,
            "verdict": self.verdict,
            "verdictZh": VERDICTS[self.verdict],
            "exitCode": self.exit_code,
            "steps": [step.to_json() for step in self.steps],
            "facts": None if self.facts is None else self.facts.to_json(),
        }
