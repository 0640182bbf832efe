"""The answers of a bulk stream, one JSON object a line."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, repeat
from typing import Any, TypeAlias

from chainsvc.client.answers import Accepted
from chainsvc.receipt import Receipt

Answer: TypeAlias = dict[str, Any]
"""One line of the answer."""


def stored(numbers: Sequence[int], commitments: Iterable[bytes], receipt: Receipt) -> Answer:
    """Tell of lines that were stored as one chunk.

    One signature serves them all: the receipt of a record is this one with the record's place in ``ids`` as its index
    and the path there of the tree over ``ids`` (:class:`chainsvc.receipt.ChunkTree`).

    Args:
        numbers: Of the lines, in the order of the chunk.
        commitments: In the order of the chunk.
        receipt: Any receipt of the chunk.
    """
    promise = receipt.to_json()
    del promise["index"], promise["path"]
    return {"lines": _ranges(numbers), "ids": [commitment.hex() for commitment in commitments], "receipt": promise}


def known(number: int, accepted: Accepted) -> Answer:
    """Tell of a line that was there before, with its first receipt."""
    return {"line": number, "known": accepted.to_json()}


def problem(number: int, problem: Answer) -> Answer:
    """Tell why a line did not go in."""
    return {"line": number, "problem": problem}


def lines_of(answer: Answer) -> Iterator[int]:
    """Yield the numbers of the lines that an answer settles."""
    for first, last in answer.get("lines", ()):
        yield from range(first, last + 1)
    if "line" in answer:
        yield answer["line"]


def outcomes_of(answer: Answer) -> Iterator[str]:
    """Yield ``accepted``, ``known`` or ``refused`` for each record that an answer settles."""
    yield from repeat("accepted", len(answer.get("ids", ())))
    for result in answer.get("results", [answer] if "line" in answer else []):
        if "problem" in result:
            yield "refused"
        else:
            yield "known" if result.get("known") or result.get("again") else "accepted"


def _ranges(numbers: Sequence[int]) -> list[list[int]]:
    """Return ascending numbers as pairs of first and last."""
    breaks = [index for index, (before, after) in enumerate(pairwise(numbers), 1) if after != before + 1]
    starts, ends = [0, *breaks], [*breaks, len(numbers)]
    return [[numbers[start], numbers[end - 1]] for start, end in zip(starts, ends, strict=True)]
