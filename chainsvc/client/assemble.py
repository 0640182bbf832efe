"""Completing evidence whose record only its holder has (private mode).

The service knows an entry's commitment, place and receipt, and answers a *skeleton*: the evidence object with
``pairs: []``. The holder fills the pairs in from the record and its seed. The result is checked like any evidence.
"""

from chainsvc import jcs
from chainsvc.commitment import derive_salts
from chainsvc.crypto.suites import suite_of
from chainsvc.errors import MalformedInput
from chainsvc.evidence import MAX_BYTES_WITH_PROOF, MAX_DEPTH, Evidence, Pair
from chainsvc.reading import whole
from chainsvc.record import Record


def assemble(skeleton: bytes, record: Record, seed: bytes) -> Evidence:
    """Return the evidence with every pair disclosed; :meth:`Evidence.disclose` hides what shall not be shown.

    Raises:
        MalformedInput: Not a skeleton, or the whole is no evidence.
    """
    value = jcs.loads(skeleton, max_bytes=MAX_BYTES_WITH_PROOF, max_depth=MAX_DEPTH)
    if type(value) is not dict or value.get("pairs") != []:
        raise MalformedInput("not a skeleton of evidence", expected="pairs: []", where="/pairs")
    suite = suite_of(whole(value.get("suite"), "/suite", 255))
    pairs = record.flatten()
    salts = derive_salts(suite, seed, len(pairs))
    value["pairs"] = [
        Pair(path, salt, member, None).to_json() for (path, member), salt in zip(pairs, salts, strict=True)
    ]
    return Evidence.parse(jcs.dumps(value))


def check_commitment(evidence: Evidence, record_id: bytes) -> Evidence:
    """Return the evidence when it is that record's.

    Raises:
        MalformedInput: It is another's.
    """
    if (got := evidence.commitment()) != record_id:
        raise MalformedInput("the evidence is of another record", expected=record_id.hex(), got=got.hex())
    return evidence
