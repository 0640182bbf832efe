"""What a queue tells of its records."""

from typing import NamedTuple

from chainsvc.client.bulk.windows import Window
from chainsvc.errors import ChainsvcError
from chainsvc.record import Record


class Queued(NamedTuple):
    """A record that is safe in the queue.

    Attributes:
        id: Its place; ids ascend in the order of adding.
        ledger: Ledger name.
        reference: Its reference.
        revision: Its revision.
    """

    id: int
    ledger: str
    reference: str
    revision: int


class Pending(NamedTuple):
    """How much is in the queue.

    Attributes:
        waiting: Records that are still to be sent.
        size: Their bytes, and those of refused ones.
        refused: Dead letters.
        accepted: Outcomes that nobody fetched yet.
    """

    waiting: int
    size: int
    refused: int
    accepted: int


class DeadLetter(NamedTuple):
    """A record that was refused.

    Attributes:
        id: Its place.
        record: The record.
        problem: Why.
    """

    id: int
    record: Record
    problem: ChainsvcError


class Waiting(NamedTuple):
    """What a drain sends next.

    Attributes:
        ids: Of each record of the window, in order.
        window: The records.
    """

    ids: list[int]
    window: Window
