"""Standing in an audited ledger: every status word recomputed, and read back for every entry."""

from collections.abc import Callable, Mapping
from typing import Any

from chainsvc.errors import MalformedInput
from chainsvc.heads import ZERO, status_word
from chainsvc.verify.audit_chain import WINDOW, AuditedChain
from chainsvc.verify.audit_report import FindingList
from chainsvc.verify.case import status_of
from chainsvc.verify.export import ExportChange
from chainsvc.verify.links import Links


class StandingAudit:
    """Walks through the changes of standing.

    Attributes:
        changes: Changes read.
        far_causes: Those whose cause stands in another ledger.
    """

    def __init__(self, ledger_id: bytes, chain: AuditedChain, links: Links, findings: FindingList) -> None:
        """Keep words and causes in ``links``."""
        self._ledger_id = ledger_id
        self._chain = chain
        self._links = links
        self._findings = findings
        self._last_block = 0
        self.changes = self.far_causes = 0

    def change(self, line: ExportChange, entries: int) -> None:
        """Take the next change; the ledger has so many entries."""
        change = line.change
        if change.block < self._last_block:
            expected, got = f"block {self._last_block} or later", f"block {change.block}"
            message = "changes are not in chain order"
            self._findings.add("disorder", message, seq=line.seq, expected=expected, got=got)
        self._last_block = change.block
        self.changes += 1
        if line.seq >= entries:
            message = "a change of an entry that is not there"
            self._findings.add("status-unknown-entry", message, seq=line.seq, expected=f"below {entries}")
        facts = change.status, change.cause_ledger, change.cause_seq, change.actor, change.block, change.time
        word = status_word(self._links.word_of(line.seq), self._ledger_id, line.seq, *facts)
        is_here = change.cause_ledger == self._ledger_id
        self.far_causes += not is_here
        self._links.add_change(self.changes, line.seq, change.status, change.cause_seq if is_here else None, word)

    def state(self) -> dict[str, Any]:
        """Return where it is, as JSON."""
        return {"changes": self.changes, "far": self.far_causes, "last_block": self._last_block}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from a :meth:`state`."""
        self.changes, self.far_causes, self._last_block = state["changes"], state["far"], state["last_block"]

    def compare(self, begin: int, entries: int, progress: Callable[[int, int], None]) -> None:
        """Read every entry's slot from ``begin`` on: only so does a change that the export hides come to light."""
        for first in range(begin, entries, WINDOW):
            after = min(first + WINDOW, entries)
            told = self._links.words_between(first, after)
            for seq, held in self._chain.words(first, after).items():
                self._compare_word(seq, told.get(seq, ZERO), held)
            progress(after, entries)

    def _compare_word(self, seq: int, told: bytes, held: bytes) -> None:
        if told == held:
            return
        code = "standing-missing" if told == ZERO else "standing-mismatch"
        message = "the contract has a change that the export has not" if told == ZERO else "not the contract's word"
        self._findings.add(code, message, seq=seq, expected=_label(held), got=_label(told))


def _label(word: bytes) -> str:
    try:
        return f"{status_of(word).label} {word.hex()}"
    except MalformedInput:
        return f"unknown {word.hex()}"
