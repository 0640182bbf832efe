"""What a worker's round asks for where nothing has changed."""

from collections.abc import Iterator
from typing import Any

import pytest
from support.records import donation
from support.station import Station

from chainsvc.chain.events import LedgerEvent
from chainsvc.chain.ledgers import LedgerContract

pytestmark = [pytest.mark.node, pytest.mark.database]


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Give the contracts whose events are read from now on."""
    read: list[bytes] = []
    events = LedgerContract.events

    def noted(contract: LedgerContract, first: int, last: int, **only: Any) -> Iterator[LedgerEvent]:
        if not only:
            read.append(contract.address)
        yield from events(contract, first, last, **only)

    monkeypatch.setattr(LedgerContract, "events", noted)
    return read


def test_events_are_read_again_with_the_next_block_or_when_asked_for(service: Station, readings: list[bytes]) -> None:
    ledger = service.open()
    service.accept(ledger.name, [donation(ledger.name, 1)])
    service.settle(ledger.name)
    assert ledger.contract in readings
    readings.clear()
    assert service.parts.worker.round().idle
    assert readings == []
    service.parts.watcher.start_over(ledger.contract)
    service.settle(ledger.name)
    assert set(readings) == {ledger.contract}
    readings.clear()
    service.accept(ledger.name, [donation(ledger.name, 2)])
    service.settle(ledger.name)
    assert ledger.contract in readings
