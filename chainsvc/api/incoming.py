"""A request's body as a file, for a thread that reads lines of it: decoded, in constant memory."""

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import IO, Any, Literal, cast, get_args

import anyio
import anyio.from_thread
from fastapi import Request
from starlette.requests import ClientDisconnect

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from chainsvc.errors import BodyTooLarge, InputRefused, MalformedInput

BLOCK = 256 * 1024
"""Bytes that are decoded at once."""

_PAUSE_S = 0.02
"""When nothing came for so long, what came is answered."""

LONGEST_PAUSE_S = 60.0
"""A sender who says nothing for so long gives its place up."""

_PARTS_AHEAD = 4
"""Parts, of some 64 KiB, that wait for their reader."""

_LARGEST_WINDOW_LOG = 23
"""8 MiB: what a zstd decoder has to support (RFC 8878, section 3.1.1.1.2), and no more."""

Coding = Literal["identity", "gzip", "zstd"]

CODINGS: tuple[Coding, ...] = get_args(Coding)
"""Content codings that a bulk body may come in."""

Line = tuple[int, bytes]
"""Number and content."""


class Incoming(io.RawIOBase):
    """The raw body, passed on part by part to the thread that reads it, as fast as it reads and no faster.

    Attributes:
        on_pause: Called by that thread when the sender pauses.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.on_pause: Callable[[], None] = _nothing
        self._parts: SimpleQueue[bytes | None] = SimpleQueue()
        self._slots = anyio.Semaphore(_PARTS_AHEAD)
        self._rest = b""

    async def pump(self, request: Request) -> None:
        """Pass the body on until its end; a sender who leaves before is told to the reader."""
        end = None
        try:
            async for part in request.stream():
                if part:
                    await self._slots.acquire()
                    self._parts.put(part)
            end = b""
        except ClientDisconnect:
            return
        finally:
            self._parts.put(end)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill the buffer with what is there, waiting for it; 0 at the end.

        Raises:
            ConnectionResetError: The sender left before the end.
            InputRefused: It said nothing for too long.
        """
        if not self._rest:
            self._rest = self._next()
        size = min(len(buffer), len(self._rest))
        memoryview(buffer)[:size], self._rest = self._rest[:size], self._rest[size:]
        return size

    def _next(self) -> bytes:
        try:
            part = self._parts.get(timeout=_PAUSE_S)
        except Empty:
            self.on_pause()
            part = self._after_pause()
        if part is None:
            raise ConnectionResetError("the sender left before the end of the body")
        if part:
            anyio.from_thread.run_sync(self._slots.release)
        else:
            self._parts.put(part)  # the end stays
        return part

    def _after_pause(self) -> bytes | None:
        try:
            return self._parts.get(timeout=LONGEST_PAUSE_S)
        except Empty:
            expected = f"a line within {LONGEST_PAUSE_S:.0f} s"
            raise InputRefused("the sender said nothing for too long", expected=expected) from None


def _nothing() -> None:
    """Answer nothing early."""


def coding_of(header: str) -> Coding:
    """Return the coding that a ``Content-Encoding`` header names (RFC 9110 section 8.4).

    Raises:
        InputRefused: One that is not taken.
    """
    named = header.strip().lower() or "identity"
    for coding in CODINGS:
        if named in (coding, f"x-{coding}"):
            return coding
    raise InputRefused(
        "this content coding is not taken", expected=", ".join(CODINGS), got=named[:40], where="Content-Encoding"
    )


def decoded(raw: Incoming, coding: Coding) -> IO[bytes]:
    """Return the body without its content coding; its ``read`` returns what there is."""
    if coding == "gzip":
        return cast("IO[bytes]", _Gunzip(fileobj=io.BufferedReader(raw)))
    if coding == "zstd":
        limits: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _LARGEST_WINDOW_LOG}
        return cast("IO[bytes]", _Unzstd(cast("IO[bytes]", raw), options=limits))
    return cast("IO[bytes]", raw)


class _Gunzip(gzip.GzipFile):
    """Gzip whose ``read`` returns what there is, like the others."""

    def read(self, size: int | None = -1) -> bytes:
        return self.read1(-1 if size is None else size)


class _Unzstd(zstd.ZstdFile):
    """Zstandard likewise."""

    def read(self, size: int | None = -1) -> bytes:
        return self.read1(-1 if size is None else size)


def lines(file: IO[bytes], largest: int) -> Iterator[Line]:
    """Yield the lines that are not empty, with their numbers from 1 on.

    Raises:
        BodyTooLarge: A line of more than ``largest`` bytes.
        MalformedInput: The compressed data is damaged or ends too early.
    """
    number, rest = 0, b""
    while block := _read(file):
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            number += 1
            if line.strip():
                yield number, line
        if len(rest) > largest:
            raise BodyTooLarge("a line is too long", expected=f"at most {largest} bytes", where=f"line {number + 1}")
    if rest.strip():
        yield number + 1, rest


def _read(file: IO[bytes]) -> bytes:
    try:
        return file.read(BLOCK)
    except (EOFError, zlib.error, gzip.BadGzipFile, zstd.ZstdError) as error:
        raise MalformedInput("the compressed body is damaged or ends too early", got=str(error)[:80]) from error
