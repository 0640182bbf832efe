"""The asynchronous client against the app itself, with no socket between."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest
import stamina
from support.fake_service import FakeService
from support.paper_chain import PaperNode
from support.paper_evidence import ISSUER_KEY, LEDGER, USCC, donation

from chainsvc.api.app import create_app
from chainsvc.client import Accepted, AsyncClient, Client
from chainsvc.errors import NotFound, NotReady, ReferenceConflict, ServiceUnavailable
from chainsvc.record import Record

KEY = "csk_full_secret"
Make = Callable[..., AsyncClient]


@pytest.fixture
def make(service: FakeService) -> Make:
    def client(**options: Any) -> AsyncClient:
        transport = httpx.ASGITransport(create_app(service), raise_app_exceptions=False)
        return AsyncClient("http://chainsvc", KEY, transport=transport, **{"retry_s": 0.0, **options})

    return client


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(main())


def test_verbs_are_those_of_the_blocking_client() -> None:
    verbs = {name for name in vars(Client) if not name.startswith("_")}
    assert verbs == {name for name in vars(AsyncClient) if not name.startswith("_")}


def test_record_goes_from_notarizing_to_a_valid_verdict(make: Make, service: FakeService) -> None:
    async def main() -> None:
        async with make() as client:
            accepted = await client.notarize(donation(1))
            asyncio.get_running_loop().call_later(0.3, service.anchor)
            evidence = await client.wait(accepted, 10, disclose="all")
            assert evidence.value("/body/amount") == 100
            verdict = await client.verify(evidence, node=PaperNode(service.chain))
            assert verdict.verdict == "valid"
            assert (await client.status(accepted)).state == "final"
            assert (await client.find(LEDGER, "D-1")).id == accepted.id
            assert (await client.standing(accepted)).changes == ()
            assert (await client.receipt(accepted))[1] == accepted.receipt

    run(main)


def test_many_records_from_either_kind_of_iterable(make: Make) -> None:
    async def source() -> AsyncIterator[Record]:
        for number in range(3):
            yield donation(number)

    async def main() -> None:
        async with make() as client:
            first = [outcome async for outcome in client.notarize_many([donation(1), donation(1, 7)])]
            assert [type(outcome) for outcome in first] == [Accepted, ReferenceConflict]
            second = [outcome async for outcome in client.notarize_many(source())]
            assert [outcome.again for outcome in second if isinstance(outcome, Accepted)] == [False, True, False]
            assert [entry.id async for entry in client.entries(LEDGER)] == [
                outcome.id for outcome in (first[0], second[0], second[2]) if isinstance(outcome, Accepted)
            ]

    run(main)


def test_calls_at_once_keep_apart(make: Make, service: FakeService) -> None:
    async def main() -> None:
        async with make() as client:
            accepted = await asyncio.gather(*(client.notarize(donation(number % 4)) for number in range(12)))
            assert len({a.commitment for a in accepted}) == 4
            assert {a.reference for a in accepted} == {f"D-{number}" for number in range(4)}

    run(main)
    assert len(service.books[LEDGER].entries) == 4


def test_private_signed_mode(make: Make, service: FakeService, tmp_path: Path) -> None:
    async def main() -> None:
        options = {"private": True, "store": tmp_path / "store.db", "signing_key": ISSUER_KEY}
        async with make(**options) as client:
            ledger = f"charity/{USCC}/SIGNED"
            outcomes = await client.notarize_chunk([donation(number, ledger=ledger) for number in range(3)])
            service.anchor()
            assert isinstance(outcomes[0], Accepted)
            evidence = await client.evidence(outcomes[0], disclose=["/body/donor"])
            assert evidence.value("/body/donor/name") == "某先生"
            assert (await client.verify(evidence, node=PaperNode(service.chain))).verdict == "valid"
            await client.erase(outcomes[0], "当事人申请")
            with pytest.raises(NotFound):
                await client.find(ledger, "D-0")

    run(main)


def test_ledgers_standings_exports_and_checkpoints(make: Make, service: FakeService, tmp_path: Path) -> None:
    async def main() -> None:
        async with make() as client:
            name = f"charity/{USCC}/NEW"
            assert (await client.open_ledger(name)).name == name
            assert name in [facts.name async for facts in client.ledgers()]
            first, second = await client.notarize(donation(1)), await client.notarize(donation(2))
            change = await client.change_standing(first, "revoked", second)
            assert change.cause == second.commitment
            service.anchor()
            assert [batch.count async for batch in client.batches(LEDGER)] == [2]
            await client.export(LEDGER, tmp_path / "export")
            assert len((tmp_path / "export").read_bytes().splitlines()) == 3
            evidence = await client.evidence(first, proof=True)
            verdict = await client.verify(
                evidence, checkpoint=await client.checkpoint(), network=await client.network()
            )
            assert verdict.verdict == "valid"
            assert (await client.close_ledger(name)).closed
            assert (await client.ledger(name)).closed

    run(main)


def test_waiting_and_outages_end_as_the_same_errors(make: Make, service: FakeService) -> None:
    async def main() -> None:
        async with make() as client:
            accepted = await client.notarize(donation(1))
            with pytest.raises(NotReady):
                await client.wait(accepted, 0.1)
        async with AsyncClient("http://127.0.0.1:9", KEY, retry_s=0) as client:
            with pytest.raises(ServiceUnavailable):
                await client.network()

    run(main)
    assert service.books[LEDGER].entries


def test_faults_are_survived_as_by_the_blocking_client(service: FakeService, tmp_path: Path) -> None:
    app = httpx.ASGITransport(create_app(service), raise_app_exceptions=False)
    faults: list[httpx.HTTPError] = [httpx.ConnectError("refused"), httpx.ReadError("reset")]

    class Failing(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if faults:
                raise faults.pop()
            return await app.handle_async_request(request)

    async def main() -> None:
        async with AsyncClient("http://chainsvc", KEY, transport=Failing()) as client:
            accepted = await client.notarize(donation(1))
            faults.append(httpx.ReadError("reset"))
            assert (await client.notarize(donation(1))).id == accepted.id
            faults.append(httpx.ReadError("reset"))
            await client.export(LEDGER, tmp_path / "export")
            with pytest.raises(NotFound):
                await client.export(LEDGER + "-X", tmp_path / "none")

    stamina.set_testing(True, attempts=5)
    try:
        run(main)
    finally:
        stamina.set_testing(False)
    assert [file.name for file in tmp_path.iterdir()] == ["export"]
