"""What the service answers, as values: the API writes them, the client reads them, nothing is described twice.

Each class has ``to_json`` and ``from_json``; the members on the wire have the names of the attributes. Commitments,
ids and hashes are bytes here and lowercase hex on the wire; amounts are fen; times are Unix seconds.
"""

from chainsvc.client.answers.fields import BatchState, EntryState, MarkState, standing_named
from chainsvc.client.answers.ledgers import LedgerBatch, LedgerEntry, LedgerFacts, Page
from chainsvc.client.answers.records import Accepted, Erasure, RecordStatus
from chainsvc.client.answers.standings import Standing, StandingChange

SKELETON = "application/vnd.chainsvc.skeleton+json"
"""Media type of evidence without pairs: all that the service knows of an entry whose record it never saw."""

__all__ = [
    "SKELETON",
    "Accepted",
    "BatchState",
    "EntryState",
    "Erasure",
    "LedgerBatch",
    "LedgerEntry",
    "LedgerFacts",
    "MarkState",
    "Page",
    "RecordStatus",
    "Standing",
    "StandingChange",
    "standing_named",
]
