"""The way of a single record: no dependency to solve and no thread to wait for, only its group's commit.

The route's function takes chunks, and describes the call.
"""

from asyncio import wrap_future
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute

from chainsvc.api import auth
from chainsvc.api.answering import json_answer
from chainsvc.api.given import limits_of, read_body, service_of
from chainsvc.api.ports import Caller, Scope, ServicePort
from chainsvc.client.answers import Accepted
from chainsvc.errors import ChainsvcError
from chainsvc.record import LedgerName

_CHUNK_MARK = b'"records"'


class SingleRecord(APIRoute):
    """A route whose body is one record, or a chunk."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        endpoint = self.endpoint

        async def handle(request: Request) -> Response:
            service, limits = await service_of(request), await limits_of(request)
            caller = auth.require(await auth.caller_of(request, _token(request), service), Scope.NOTARIZE)
            ledger = LedgerName.parse("{kind}/{uscc}/{book}".format(**request.path_params))
            body = await read_body(request, limits.largest_body_bytes)
            if _CHUNK_MARK in body:  # or a record that has these words in it
                return await run_in_threadpool(endpoint, ledger, caller, body, service, limits)
            return await _accepted(service, ledger, body, caller)

        return handle


async def _accepted(service: ServicePort, ledger: LedgerName, record: bytes, caller: Caller) -> Response:
    auth.own(caller, ledger)
    return single_answer(await wrap_future(service.accept_record(str(ledger), record, caller)))


def single_answer(result: Accepted | ChainsvcError) -> Response:
    """Return the answer of a call with one record.

    Raises:
        ChainsvcError: The record's own refusal.
    """
    if isinstance(result, ChainsvcError):
        raise result
    location = {"Location": f"/v1/records/{result.id}"}
    return json_answer(result.to_json(), 200 if result.again else 201, location)


def _token(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
