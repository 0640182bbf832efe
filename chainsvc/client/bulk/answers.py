"""Reading the answer to one request of many lines, also one that was cut.

::

    {"lines": [[first, last], …], "ids": […], "receipt": {…}}   a chunk that was stored; one signature for all of it
    {"line": n, "known": {…}}                                   was there before
    {"line": n, "problem": {…}}                                 refused; the others go in
    {"stopped": {"line": n, "problem": {…}}}                    line n and those after it are not answered
    {"end": {…}}                                                always last; without it the answer was cut
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from chainsvc.client.answers import Accepted
from chainsvc.client.bulk.lines import Parcel
from chainsvc.client.checking import ChunkPromise
from chainsvc.client.handover import Handover
from chainsvc.client.problems import error_of
from chainsvc.errors import ChainsvcError, MalformedInput, ServiceUnavailable
from chainsvc.reading import array_of, unhex, whole

_END = b'{"end"'
_ID_BYTES = 32


def is_whole(body: bytes) -> bool:
    """Tell whether an answer came to its end, without reading it; it may still have stopped early."""
    return body.endswith(b"\n") and body[body.rfind(b"\n", 0, -1) + 1 :].startswith(_END) and b'"stopped"' not in body


@dataclass(slots=True)
class Reading:
    """One answer being read.

    Attributes:
        handover: Checks what is promised.
        parcel: What was sent, and where results go.
        asked: Items that were sent, in the order of the lines.
        stopped: Why the service stopped, None where it did not say so.
    """

    handover: Handover
    parcel: Parcel
    asked: Sequence[int]
    stopped: ChainsvcError | None = None

    def take(self, body: bytes) -> None:
        """Read every line that came whole.

        Raises:
            SignatureRefused: The service promises something else than what was sent.
            ServiceUnavailable: The answer does not fit what was sent.
        """
        *lines, _ = body.split(b"\n")
        try:
            for line in lines:
                if line:
                    self._line(orjson.loads(line))
        except (KeyError, TypeError, ValueError, AttributeError, MalformedInput) as error:
            raise ServiceUnavailable(
                "the answer does not fit what was sent",
                expected="one line of chainsvc for each that was sent",
                got=type(error).__name__,
                hint="Check the URL, and the proxy between.",
            ) from error

    def _line(self, value: Mapping[str, Any]) -> None:
        if "ids" in value:
            self._chunk(value)
        elif "known" in value:
            index = self._index(value["line"])
            known = Accepted.from_json(value["known"])
            self.parcel.results[index] = self.handover.checked(self.parcel.facts, self.parcel.items[index], known)
        elif "problem" in value:
            self.parcel.results[self._index(value["line"])] = error_of(value["problem"])
        elif "stopped" in value:
            self.stopped = error_of(value["stopped"]["problem"])
        elif "end" not in value:
            raise KeyError("no known line")

    def _chunk(self, value: Mapping[str, Any]) -> None:
        ids = _ids(value["ids"])
        promise = ChunkPromise.from_json(value["receipt"])
        indices = list(self._indices(value["lines"]))
        if not len(indices) == len(ids) == promise.count:
            raise ValueError("a chunk with more or fewer lines than ids")
        items = [self.parcel.items[index] for index in indices]
        accepted = self.handover.promised(self.parcel.facts, items, ids, promise)
        for index, one in zip(indices, accepted, strict=True):
            self.parcel.results[index] = one

    def _indices(self, ranges: Any) -> Iterator[int]:
        for first, last in array_of(ranges, "/lines"):
            yield self._index(first)
            for line in range(first + 1, whole(last, "/lines", len(self.asked)) + 1):
                yield self._index(line)

    def _index(self, line: Any) -> int:
        number = whole(line, "/line", len(self.asked))
        if number == 0:
            raise ValueError("lines count from 1")
        index = self.asked[number - 1]
        if self.parcel.results[index] is not None:
            raise ValueError("a line answered twice")
        return index


def _ids(value: Any) -> list[bytes]:
    """Read ids at once: one by one takes as long as their hashes."""
    texts = array_of(value, "/ids")
    data = unhex("".join(texts), "/ids")
    if any(len(text) != 2 * _ID_BYTES for text in texts):
        raise ValueError("an id of another length")
    return [data[start : start + _ID_BYTES] for start in range(0, len(data), _ID_BYTES)]
