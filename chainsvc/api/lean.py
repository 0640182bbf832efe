"""The short way of the commonest call, one record: before the routes, with no thread to wait for, only a commit.

What is not plainly one record (a chunk, a large body, another path) goes on to the routes, which also describe it.
"""

import asyncio
import re
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chainsvc.api import auth
from chainsvc.api.ports import Caller, ServicePort
from chainsvc.api.ports import Scope as Right
from chainsvc.api.problems import refusal
from chainsvc.client.answers import Accepted
from chainsvc.errors import ChainsvcError
from chainsvc.record import MAX_BYTES, LedgerName

_PATH = re.compile(r"/v1/ledgers/([a-z]{1,16}/[0-9A-Z]{18}/[A-Z0-9-]{1,32})/records")
_CHUNK_MARK = b'"records"'
"""Stands in every chunk; a record with these words in it takes the routes' way too."""


class _Route(NamedTuple):
    path: str


_ROUTE = _Route("/v1/ledgers/{kind}/{uscc}/{book}/records")


class SingleRecords:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the app, whose state has the service."""
        self.app = app
        self._answers = Answers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = _PATH.fullmatch(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        headers = dict(scope["headers"]) if path else {}
        length = headers.get(b"content-length", b"")
        if path is None or not length.isdigit() or int(length) > MAX_BYTES:
            await self.app(scope, receive, send)
            return
        messages = await _whole(receive)
        body = b"".join(message.get("body", b"") for message in messages)
        if messages[-1]["type"] == "http.disconnect" or _CHUNK_MARK in body or len(body) > MAX_BYTES:
            await self.app(scope, _replay(messages, receive), send)
            return
        scope["route"] = _ROUTE
        try:
            caller = await _caller(scope, headers.get(b"authorization", b""))
            await self._accept(scope, path[1], body, caller, send)
        except ChainsvcError as error:
            await refusal(scope, error)(scope, receive, send)

    async def _accept(self, scope: Scope, ledger: str, record: bytes, caller: Caller, send: Send) -> None:
        auth.own(caller, LedgerName.parse(ledger))
        service: ServicePort = scope["app"].state.service
        outcome = await self._answers.of(service.accept_record(ledger, record, caller))
        if isinstance(outcome, ChainsvcError):
            raise outcome
        await _answer(outcome, send)


async def _whole(receive: Receive) -> list[Message]:
    """Read to the end of the body, or to where its sender left, which the routes know how to tell."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


def _replay(messages: list[Message], receive: Receive) -> Receive:
    """Return a ``receive`` that gives what was read already, and then goes on."""
    read = iter(messages)

    async def again() -> Message:
        return next(read, None) or await receive()

    return again


async def _caller(scope: Scope, authorization: bytes) -> Caller:
    scheme, _, token = authorization.decode("latin-1").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else ""
    service: ServicePort = scope["app"].state.service
    caller = scope[auth.CALLER] = service.remembered(token)
    return auth.require(caller or await auth.caller_of(scope, token, service), Right.NOTARIZE)


async def _answer(accepted: Accepted, send: Send) -> None:
    body = orjson.dumps(accepted.to_json())
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"location", f"/v1/records/{accepted.id}".encode()),
    ]
    await send({"type": "http.response.start", "status": 200 if accepted.again else 201, "headers": headers})
    await send({"type": "http.response.body", "body": body})


_Outcome = Accepted | ChainsvcError
_Pair = tuple[Future[_Outcome], asyncio.Future[_Outcome]]


@dataclass(slots=True)
class Answers:
    """Brings outcomes from the threads that store to the event loop: a group's all at once, not each by itself."""

    _ready: deque[_Pair] = field(default_factory=deque)
    _told: bool = False

    async def of(self, stored: Future[_Outcome]) -> _Outcome:
        """Wait for an outcome; who stops waiting before it is stored takes it back."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_Outcome] = loop.create_future()
        stored.add_done_callback(lambda done: self._note(loop, (done, answer)))
        try:
            return await answer
        except asyncio.CancelledError:
            stored.cancel()
            raise

    def _note(self, loop: asyncio.AbstractEventLoop, pair: _Pair) -> None:
        self._ready.append(pair)
        if not self._told:  # told twice at worst, never not at all: it is cleared before the pairs are taken
            self._told = True
            loop.call_soon_threadsafe(self._pass_on)

    def _pass_on(self) -> None:
        self._told = False
        while self._ready:
            stored, answer = self._ready.popleft()
            if answer.done() or stored.cancelled():
                continue
            error = stored.exception()
            if error is None:
                answer.set_result(stored.result())
            else:
                answer.set_exception(error)
