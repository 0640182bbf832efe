"""When the client sends again, on a transport that fails in every way; no waiting in these tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import orjson
import pytest
import stamina
from support.fake_service import FakeService
from support.paper_evidence import LEDGER, donation

from chainsvc.client import Client
from chainsvc.client.calls import change_standing, export
from chainsvc.client.exchange import Answer
from chainsvc.client.problems import MEDIA_TYPE, problem_of
from chainsvc.client.repeating import LONGEST_WAIT_S, Repeating, Unanswered
from chainsvc.errors import DatabaseUnavailable, NotFound, ServiceUnavailable, Unavailable
from chainsvc.heads import Status

KEY = "csk_full_secret"
Step = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    stamina.set_testing(True, attempts=4)
    yield
    stamina.set_testing(False)


class Script(httpx.BaseTransport):
    """Plays one step a request, then sends for real."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.seen: list[httpx.Request] = []
        self.real = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        if self.steps:
            return self.steps.pop(0)(request)
        return self.real.handle_request(request)

    def close(self) -> None:
        self.real.close()


def down(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def lost(request: httpx.Request) -> httpx.Response:
    """The service did it, but its answer never came."""
    with httpx.HTTPTransport() as transport:
        transport.handle_request(request).read()
    raise httpx.ReadError("reset", request=request)


def away(request: httpx.Request) -> httpx.Response:
    problem = problem_of(DatabaseUnavailable("the journal does not answer"))
    headers = {"content-type": MEDIA_TYPE, "retry-after": "3"}
    return httpx.Response(503, content=orjson.dumps(problem), headers=headers, request=request)


def proxy(request: httpx.Request) -> httpx.Response:
    return httpx.Response(502, text="<html>Bad Gateway</html>", request=request)


@pytest.mark.parametrize("fault", [down, lost, away, proxy])
def test_notarizing_survives_a_fault_and_notarizes_once(url: str, service: FakeService, fault: Step) -> None:
    with Client(url, KEY) as client:
        client.notarize(donation(0))  # the ledger's facts are known
    script = Script()
    script.steps = [script.real.handle_request, fault, fault]
    with Client(url, KEY, transport=script) as client:
        accepted = client.notarize(donation(1))
    assert accepted.again is (fault is lost)
    assert len(service.books[LEDGER].entries) == 2
    ids = {request.headers["x-request-id"] for request in script.seen[1:]}
    assert (len(script.seen), len(ids)) == (4, 1)


@pytest.mark.parametrize(
    ("fault", "error"), [(down, ServiceUnavailable), (away, DatabaseUnavailable), (proxy, ServiceUnavailable)]
)
def test_client_gives_up_with_the_last_reason(url: str, fault: Step, error: type[Unavailable]) -> None:
    script = Script(*[fault] * 9)
    with Client(url, KEY, transport=script) as client, pytest.raises(error) as refused:
        client.ledger(LEDGER)
    assert type(refused.value) is error
    assert len(script.seen) == 4
    assert "secret" not in str(refused.value)


def test_one_attempt_is_one(url: str) -> None:
    script = Script(down, down)
    stamina.set_testing(False)
    with Client(url, KEY, retry_s=0, transport=script) as client, pytest.raises(ServiceUnavailable):
        client.ledger(LEDGER)
    assert len(script.seen) == 1


def test_refusal_is_not_repeated(url: str) -> None:
    script = Script()
    with Client(url, KEY, transport=script) as client, pytest.raises(NotFound):
        client.status("00" * 32)
    assert len(script.seen) == 1


def test_change_of_standing_is_repeated_only_if_it_was_never_sent(url: str, service: FakeService) -> None:
    with Client(url, KEY) as client:
        target, cause = client.notarize(donation(1)), client.notarize(donation(2))
    with Client(url, KEY, transport=Script(down, down)) as client:
        client.change_standing(target, Status.REVOKED, cause)
    with Client(url, KEY, transport=Script(lost)) as client, pytest.raises(ServiceUnavailable):
        client.change_standing(target, Status.REVOKED, cause)
    assert len(service.books[LEDGER].entries[0].requested) == 2


def test_service_says_how_long_to_wait() -> None:
    error = DatabaseUnavailable("down")
    repeatable = Repeating(repeatable=True)
    assert repeatable(Unanswered(error)) is True
    assert repeatable(Unanswered(error, 3.0)) == 3.0
    assert repeatable(Unanswered(error, 0.0)) is not False
    assert repeatable(Unanswered(error, 3600.0)) == LONGEST_WAIT_S
    assert repeatable(error) is False
    once = Repeating(repeatable=False)
    assert once(Unanswered(error, 3.0)) is False
    assert once(Unanswered(error, unsent=True)) is True


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {"content-type": "application/json"}, b"<html>"),
        Answer(200, {"content-type": "application/json"}, b"{}"),
        Answer(200, {"content-type": "application/json"}, b"[1]"),
        Answer(200, {"content-type": "application/json"}, b"null"),
        Answer(500, {"content-type": "text/html"}, b"<html>"),
        Answer(404, {}, b""),
    ],
)
def test_answer_of_another_server_is_told_as_such(answer: Answer) -> None:
    with pytest.raises(ServiceUnavailable, match="not the service's own"):
        change_standing(b"\x01" * 32, Status.VOID, b"\x02" * 32).result(answer)


def test_export_that_breaks_off_leaves_no_file(url: str, tmp_path: Path) -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        def part() -> Iterator[bytes]:
            yield b'{"format":'
            raise httpx.ReadError("reset", request=request)

        return httpx.Response(200, content=part(), request=request)

    file = tmp_path / "export"
    with Client(url, KEY, transport=Script(*[broken] * 4)) as client, pytest.raises(ServiceUnavailable):
        client.export(LEDGER, file)
    assert not list(tmp_path.iterdir())
    with Client(url, KEY, transport=Script(broken)) as client:
        client.export(LEDGER, file)
    assert file.read_bytes().startswith(b'{"format": "chainsvc-export/1"')
    assert export(LEDGER, disclose=True).query == {"disclose": "true"}
