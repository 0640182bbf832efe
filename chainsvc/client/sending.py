"""Sending: the only I/O of the SDK, once blocking and once asynchronous, over the same values."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx

from chainsvc.client.exchange import Answer, Await, Begin, Call, Part, Step, Steps
from chainsvc.client.options import call_headers
from chainsvc.client.repeating import Unanswered, check_answer, retrying, translated
from chainsvc.files import whole

T = TypeVar("T")
PageOf = Callable[[str | None], Call[Part[T]]]
"""The call for the page after a cursor."""


def _request(http: httpx.Client | httpx.AsyncClient, call: Call[Any]) -> httpx.Request:
    return http.build_request(
        call.method, call.path, params=dict(call.query), content=call.body, headers=call_headers(call)
    )


def _final(response: httpx.Response, body: bytes) -> Answer:
    answer = Answer(response.status_code, response.headers, body)
    check_answer(answer)
    return answer


class _Errand:
    """A call under way in a thread of its own, which does not keep the program from ending."""

    def __init__(self, do: Callable[[], Any]) -> None:
        self._do = do
        self._result: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="chainsvc-call", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._do()
        except BaseException as error:  # noqa: BLE001 - whoever waits for it gets it
            self._error = error

    def outcome(self) -> Any:
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._result

    def cancel(self) -> None:
        """Let it end by itself: what was sent can't be called back."""


class Sender:
    """Sends calls and drives verbs, blocking."""

    def __init__(self, http: httpx.Client, retry_s: float) -> None:
        """Send over this HTTP client, repeating for so many seconds."""
        self._http = http
        self._retry_s = retry_s

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def run(self, steps: Steps[T]) -> T:
        """Drive a verb: do each step, send its result or its error back in."""
        try:
            step = next(steps)
            while True:
                try:
                    result = self._step(step)
                except Exception as error:  # noqa: BLE001 - the verb decides which it takes
                    step = steps.throw(error)
                else:
                    step = steps.send(result)
        except StopIteration as stop:
            value: T = stop.value
            return value

    def _step(self, step: Step) -> Any:
        if isinstance(step, Call):
            return self.do(step)
        if isinstance(step, Begin):
            return _Errand(lambda: self.do(step.call))
        if isinstance(step, Await):
            return step.ticket.outcome()
        time.sleep(step.seconds)
        return None

    def do(self, call: Call[T]) -> T:
        """Send a call and return its result.

        Raises:
            ChainsvcError: What the service refused, or that it is away.
        """
        return call.result(self._repeat(call, self._begun if call.cuttable else self._once))

    def pages(self, page: PageOf[T]) -> Iterator[T]:
        """Yield the items of all pages."""
        part = self.do(page(None))
        yield from part.items
        while part.next is not None:
            part = self.do(page(part.next))
            yield from part.items

    def save(self, call: Call[None], path: Path) -> None:
        """Write the answer's body to a file, whole or not at all."""
        with whole(path) as beside:
            call.result(self._repeat(call, lambda request: self._write(request, beside)))

    def _repeat(self, call: Call[Any], once: Callable[[httpx.Request], Answer]) -> Answer:
        request = _request(self._http, call)
        try:
            for attempt in retrying(call, self._retry_s):
                with attempt:
                    try:
                        return once(request)
                    except httpx.HTTPError as error:
                        raise translated(error, str(self._http.base_url)) from error
        except Unanswered as unanswered:
            raise unanswered.error from unanswered.__cause__
        raise AssertionError("the attempts end with an answer or an error")

    def _once(self, request: httpx.Request) -> Answer:
        response = self._http.send(request)
        return _final(response, response.content)

    def _begun(self, request: httpx.Request) -> Answer:
        """Return the answer as far as it came."""
        response, body = self._http.send(request, stream=True), bytearray()
        try:
            for part in response.iter_bytes():
                body += part
        except httpx.TransportError:
            if not body:
                raise
        finally:
            response.close()
        return _final(response, bytes(body))

    def _write(self, request: httpx.Request, path: Path) -> Answer:
        response = self._http.send(request, stream=True)
        try:
            if response.is_error:
                return _final(response, response.read())
            with path.open("wb") as out:
                for part in response.iter_bytes():
                    out.write(part)
        finally:
            response.close()
        return _final(response, b"")


class AsyncSender:
    """Sends calls and drives verbs on an event loop; each method is as that of :class:`Sender`."""

    def __init__(self, http: httpx.AsyncClient, retry_s: float) -> None:
        """Send over this HTTP client, repeating for so many seconds."""
        self._http = http
        self._retry_s = retry_s

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def run(self, steps: Steps[T]) -> T:
        """Drive a verb."""
        try:
            step = next(steps)
            while True:
                try:
                    result = await self._step(step)
                except Exception as error:  # noqa: BLE001 - the verb decides which it takes
                    step = steps.throw(error)
                else:
                    step = steps.send(result)
        except StopIteration as stop:
            value: T = stop.value
            return value

    async def _step(self, step: Step) -> Any:
        if isinstance(step, Call):
            return await self.do(step)
        if isinstance(step, Begin):
            return asyncio.create_task(self.do(step.call))
        if isinstance(step, Await):
            return await step.ticket
        await asyncio.sleep(step.seconds)
        return None

    async def do(self, call: Call[T]) -> T:
        """Send a call and return its result."""
        return call.result(await self._repeat(call, self._begun if call.cuttable else self._once))

    async def pages(self, page: PageOf[T]) -> AsyncIterator[T]:
        """Yield the items of all pages."""
        part = await self.do(page(None))
        for item in part.items:
            yield item
        while part.next is not None:
            part = await self.do(page(part.next))
            for item in part.items:
                yield item

    async def save(self, call: Call[None], path: Path) -> None:
        """Write the answer's body to a file, whole or not at all."""
        with whole(path) as beside:
            call.result(await self._repeat(call, lambda request: self._write(request, beside)))

    async def _repeat(self, call: Call[Any], once: Callable[[httpx.Request], Awaitable[Answer]]) -> Answer:
        request = _request(self._http, call)
        try:
            async for attempt in retrying(call, self._retry_s):
                with attempt:
                    try:
                        return await once(request)
                    except httpx.HTTPError as error:
                        raise translated(error, str(self._http.base_url)) from error
        except Unanswered as unanswered:
            raise unanswered.error from unanswered.__cause__
        raise AssertionError("the attempts end with an answer or an error")

    async def _once(self, request: httpx.Request) -> Answer:
        response = await self._http.send(request)
        return _final(response, response.content)

    async def _begun(self, request: httpx.Request) -> Answer:
        response, body = await self._http.send(request, stream=True), bytearray()
        try:
            async for part in response.aiter_bytes():
                body += part
        except httpx.TransportError:
            if not body:
                raise
        finally:
            await response.aclose()
        return _final(response, bytes(body))

    async def _write(self, request: httpx.Request, path: Path) -> Answer:
        response = await self._http.send(request, stream=True)
        try:
            if response.is_error:
                return _final(response, await response.aread())
            with path.open("wb") as out:
                async for part in response.aiter_bytes():
                    out.write(part)
        finally:
            await response.aclose()
        return _final(response, b"")
