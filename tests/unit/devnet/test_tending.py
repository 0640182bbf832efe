"""A program that runs validators cures them meanwhile, and only when nothing else helps."""

import threading
from pathlib import Path

import pytest

from chainsvc.devnet.consortium import tending
from chainsvc.devnet.consortium.curing import Cure
from chainsvc.devnet.consortium.folder import Consortium
from chainsvc.devnet.consortium.tending import tended
from chainsvc.devnet.consortium.views import View
from chainsvc.errors import Conflict


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Consortium:
    monkeypatch.setattr(tending, "_LOOK_SECONDS", 0.001)
    return Consortium.make(tmp_path, 20260, 1, [[1, 2, 3], [4, 5, 6]])


class Network:
    """Two validators on branches of equal weight, or of one mind; until they are healed."""

    def __init__(self, *, split: bool) -> None:
        self.split, self.looks, self.healed = split, 0, 0
        self.looked = threading.Event()

    def views(self, _: Consortium) -> dict[int, View | None]:
        self.looks += 1
        if self.looks > 20:
            self.looked.set()
        if self.looks == 2:
            raise RuntimeError("a fault of its own")
        blocks = [b"one", b"two"] if self.split and self.healed < 2 else [b"same", b"same"]
        return {number: View(number, 7, block, 14, 1_700_000_000, 1) for number, block in enumerate(blocks, 1)}

    def heal(self) -> Cure:
        self.healed += 1
        if self.healed == 1:
            raise Conflict("it ended by itself")
        return Cure((1,), 5)


def test_what_is_split_is_healed_until_it_goes_on(two: Consortium, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(split=True)
    monkeypatch.setattr(tending, "views", network.views)
    with tended(two, network.heal):
        assert network.looked.wait(60)
    assert network.healed == 2  # the first try is refused; between the two a look fails, and is told


def test_what_is_of_one_mind_is_left_alone(two: Consortium, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(split=False)
    monkeypatch.setattr(tending, "views", network.views)
    with tended(two, network.heal):
        assert network.looked.wait(60)
    assert network.healed == 0
