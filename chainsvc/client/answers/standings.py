"""Answers about the standing of an entry."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from chainsvc.client.answers.fields import MarkState, hex_or_none, maybe, one_of, standing_named
from chainsvc.heads import Status
from chainsvc.reading import array_of, text, unhex, whole


@dataclass(frozen=True, slots=True)
class StandingChange:
    """One change of an entry's standing, asked for or done.

    Attributes:
        status: The new standing.
        state: See :data:`MarkState`.
        cause_ledger: Ledger id of the cause, 32 bytes.
        cause_seq: The cause's seq, None until it is sealed.
        cause: The cause's commitment, None where the journal does not have it.
        actor: Account that changed it, 20 bytes, once final.
        block: Block number, once final.
        time: Block time, once final.
        reason: Why it was refused.
    """

    status: Status
    state: MarkState
    cause_ledger: bytes
    cause_seq: int | None
    cause: bytes | None
    actor: bytes | None = None
    block: int | None = None
    time: int | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the answer."""
        return {
            "status": self.status.label,
            "state": self.state,
            "cause_ledger": self.cause_ledger.hex(),
            "cause_seq": self.cause_seq,
            "cause": hex_or_none(self.cause),
            "actor": hex_or_none(self.actor),
            "block": self.block,
            "time": self.time,
            "reason": self.reason,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read an answer.

        Raises:
            MalformedInput: A member of another type.
        """
        return cls(
            status=standing_named(value["status"]),
            state=one_of(value["state"], ("requested", "submitted", "final", "refused"), "/state"),
            cause_ledger=unhex(value["cause_ledger"], "/cause_ledger", 32),
            cause_seq=maybe(whole, value["cause_seq"], "/cause_seq"),
            cause=maybe(unhex, value["cause"], "/cause"),
            actor=maybe(unhex, value["actor"], "/actor"),
            block=maybe(whole, value["block"], "/block"),
            time=maybe(whole, value["time"], "/time"),
            reason=maybe(text, value["reason"], "/reason"),
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """An entry's standing and how it came to it.

    Attributes:
        standing: By its final changes.
        changes: All of them in order, also those that wait or were refused.
    """

    standing: Status
    changes: tuple[StandingChange, ...]

    def to_json(self) -> dict[str, Any]:
        """Return ``{standing, changes}``."""
        return {"standing": self.standing.label, "changes": [change.to_json() for change in self.changes]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read an answer.

        Raises:
            MalformedInput: A member of another type.
        """
        changes = tuple(StandingChange.from_json(change) for change in array_of(value["changes"], "/changes"))
        return cls(standing_named(value["standing"]), changes)
