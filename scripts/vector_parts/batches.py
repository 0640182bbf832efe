"""The batches of the vectors, and changes of standing of their entries."""

from dataclasses import replace

from chainsvc.crypto.suites import SHA256, SM3
from chainsvc.evidence import StatusChange
from chainsvc.heads import Status
from vector_parts.constants import ACTOR, derived
from vector_parts.records import ELDERLY, FLOOD, disbursement, donation, registration
from vector_parts.sample import BLOCK, TIME, Batch

DONATIONS = Batch(SHA256, 0, [donation(1, 10_000), disbursement(1, 2_500, ["D-0001"])])
"""Two entries: the worked example of docs/evidence-format.md."""

SIGNED = Batch(
    SHA256, 1, [donation(i, 500 * i, ledger=FLOOD) for i in range(1, 6)], index=3, first=40, prev=derived("head/2")
)
"""Five entries of a signed ledger."""

REGISTRATIONS = Batch(SM3, 0, [registration(i, "甲", "𠮷") for i in range(1, 8)])
"""Seven entries of an SM3 ledger."""


def _odd() -> Batch:
    """Anchor three records that no honest service would take."""
    lacking = donation(8, 800, ledger=ELDERLY)
    body = {key: value for key, value in lacking.body.items() if key != "remark"}
    return Batch(
        SHA256,
        0,
        [
            replace(donation(7, 700, ledger=ELDERLY), credit=7000),
            replace(lacking, body=body),
            replace(donation(9, 900, ledger=ELDERLY), schema="charity.donation.v99"),
        ],
    )


ODD = _odd()
"""Wrong records under right hashes: step 3 alone can tell."""

BATCHES = (DONATIONS, SIGNED, REGISTRATIONS, ODD)


def changes(*statuses: Status, cause: bytes = DONATIONS.ledger_id, after: int = BLOCK) -> tuple[StatusChange, ...]:
    """Return changes of standing, ten blocks apart, with causes in the given ledger."""
    return tuple(
        StatusChange(int(status), cause, 60 + i, ACTOR, after + 10 * (i + 1), TIME + 20 * (i + 1))
        for i, status in enumerate(statuses)
    )
