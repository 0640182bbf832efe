"""The chain states and checkpoints that the cases are verified against, and the file that lists them all."""

from typing import Any

from chainsvc.checkpoint import Checkpoint
from chainsvc.evidence import Evidence
from chainsvc.note import Signer
from vector_parts import borders, proofs, rules
from vector_parts.batches import BATCHES, DONATIONS, REGISTRATIONS
from vector_parts.cases import FILES, STRANGER, Case, Raw, cases
from vector_parts.constants import CONTRACT, NETWORK, OFFICE, UNIT, derived
from vector_parts.evidence_files import splice
from vector_parts.sample import TIME
from vector_parts.state import INSTITUTIONS, NUMBER, SIGNER, ChainState, key_word, network

EXIT_CODES = {"valid": 0, "undetermined": 11, "invalid": 12}
"""Every other verdict is a standing, 10."""

STEPS = range(1, 11)


def files() -> dict[str, Any]:
    """Return the descriptor and ``evidence/verdicts.json``."""
    return {
        "evidence/network.json": network().to_bytes(),
        "evidence/verdicts.json": {
            "rule": "network is the verifier's descriptor; a case has a node that answers from a chain state, "
            "or a checkpoint, or neither; slots and codes that are not listed are zero",
            "network": "evidence/network.json",
            "chains": {name: state.to_json() for name, state in _chains().items()},
            "checkpoints": _checkpoints(),
            "cases": [_row(case) for case in (*cases(), *rules.cases(), *borders.cases(), *proofs.cases())],
        },
    }


def _chains() -> dict[str, ChainState]:
    donation, registration = FILES["donation"].seq, FILES["registration"].seq
    told = {
        "resumed": {(DONATIONS.ledger_id, donation): FILES["donation-resumed"].status},
        "superseded": {(DONATIONS.ledger_id, donation): FILES["donation-superseded"].status},
        "dissolved": {(REGISTRATIONS.ledger_id, registration): FILES["registration-dissolved"].status},
    }
    keys = {
        "another's key": key_word(OFFICE, 1),
        "key for receipts": key_word(UNIT, 2),
        "key ended": key_word(UNIT, 1, until=TIME),
        "key too late": key_word(UNIT, 1, since=TIME + 1),
        "key ends later": key_word(UNIT, 1, until=TIME + 1),
        "key compromised": key_word(UNIT, 1, compromised=TIME),
        "key compromised later": key_word(UNIT, 1, compromised=TIME + 1),
    }
    return {
        "plain": ChainState.of(BATCHES),
        **{name: ChainState.of(BATCHES, words) for name, words in told.items()},
        **_broken(),
        **borders.chains(),
        "no keys": ChainState.of(BATCHES, issuer=bytes(32), service=bytes(32)),
        **{name: ChainState.of(BATCHES, issuer=word) for name, word in keys.items()},
    }


def _broken() -> dict[str, ChainState]:
    other_code, other_register = ChainState.of(BATCHES), ChainState.of(BATCHES)
    other_code.codes[CONTRACT] = derived("other code")
    other_register.codes[INSTITUTIONS] = derived("other code")
    early = ChainState.of([])
    early.number, early.time = 4999, TIME - 2
    return {"other code": other_code, "other register": other_register, "before the batches": early}


def _checkpoints() -> dict[str, str]:
    block_hash = ChainState.of(BATCHES).hash
    stranger = Signer(SIGNER.name, STRANGER)
    notes = {
        "good": Checkpoint(NETWORK, NUMBER, block_hash).sign([SIGNER]),
        "stranger": Checkpoint(NETWORK, NUMBER, block_hash).sign([stranger]),
        "another block": Checkpoint(NETWORK, NUMBER + 1, block_hash).sign([SIGNER]),
        "another network": Checkpoint(derived("another"), NUMBER, block_hash).sign([SIGNER]),
        "another hash": Checkpoint(NETWORK, NUMBER, derived("another")).sign([SIGNER]),
    }
    notes |= proofs.checkpoints()
    return {name: note.to_bytes().decode() for name, note in notes.items()}


def _row(case: Case) -> dict[str, Any]:
    outcomes = {**dict.fromkeys(case.failed, "failed"), **dict.fromkeys(case.unchecked, "not checked")}
    return {
        "name": case.name,
        **_file(case.evidence),
        "chain": case.chain,
        "checkpoint": case.checkpoint,
        "at": case.at,
        "verdict": case.verdict,
        "exitCode": EXIT_CODES.get(case.verdict, 10),
        "steps": [outcomes.get(step, "passed") for step in STEPS],
    }


def _file(evidence: Evidence | Raw) -> dict[str, Any]:
    """Return the valid file that the evidence is, or is the least edit of."""
    if isinstance(evidence, Raw):
        return {"file": f"evidence/valid/{evidence.base}.json", "edit": evidence.edit}
    data = evidence.to_bytes()
    edits = {name: splice(one.to_bytes(), data) for name, one in FILES.items()}
    name = min(edits, key=lambda name: len(str(edits[name])))
    return {"file": f"evidence/valid/{name}.json", "edit": None if FILES[name].to_bytes() == data else edits[name]}
