"""A chain is waited for until it moves, and a validator until it has what the others have; a deadlock is cured."""

from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from chainsvc.devnet.consortium import waiting
from chainsvc.devnet.consortium.folder import Consortium
from chainsvc.devnet.consortium.judging import Condition, Judgement
from chainsvc.devnet.consortium.views import View
from chainsvc.devnet.consortium.waiting import wait_in_step, wait_moving
from chainsvc.errors import NodeUnavailable

Sight = Mapping[int, View | None]


@pytest.fixture
def three(tmp_path: Path) -> Consortium:
    return Consortium.make(tmp_path, 20260, 1, [[1, 2, 3], [4, 5, 6], [7, 8, 9]])


def seen(*weights: int | None) -> Sight:
    """What validators 1, 2, … have, each by the weight of its chain; None of one that does not answer."""
    return {
        number: None if weight is None else view(number, weight, weight) for number, weight in enumerate(weights, 1)
    }


def view(number: int, weight: int, block: int) -> View:
    return View(number, weight // 2, block.to_bytes(32), weight, 1_700_000_000, 2)


def pass_quickly(monkeypatch: pytest.MonkeyPatch, step: float) -> Iterator[int]:
    """Let each look at the clock be so many seconds later, and every head be old."""
    now = count()
    monkeypatch.setattr(
        waiting,
        "time",
        SimpleNamespace(monotonic=lambda: next(now) * step, sleep=lambda _: None, time=lambda: 1_800_000_000.0),
    )
    return now


def show(monkeypatch: pytest.MonkeyPatch, sights: Iterator[Sight]) -> None:
    monkeypatch.setattr(waiting, "views", lambda _: next(sights))


def test_it_waits_for_the_weight_that_the_others_had_when_it_began(
    three: Consortium, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter([seen(None, 40, 42), seen(None, 44, 44), seen(30, 46, 46), seen(42, 48, 48), seen(50, 50, 50)])
    show(monkeypatch, left)
    wait_in_step(three, three.validators[0])
    assert next(left) == seen(50, 50, 50)  # and for no more than that: the others go on meanwhile


def test_alone_it_has_nothing_to_wait_for(three: Consortium, monkeypatch: pytest.MonkeyPatch) -> None:
    show(monkeypatch, iter([seen(None, 10, None), seen(None, 10, None)]))
    wait_in_step(three, three.validators[1])


def test_however_long_it_has_to_catch_up_it_is_waited_for_while_it_goes_on(
    three: Consortium, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = pass_quickly(monkeypatch, 100)
    show(monkeypatch, iter([seen(weight, 40, 40) for weight in (0, 10, 20, 30, 40)]))
    wait_in_step(three, three.validators[0])
    assert next(looks) * 100 > 2 * waiting._PATIENCE_SECONDS


def test_one_that_never_follows_is_told_with_where_to_look(three: Consortium, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "views", lambda _: seen(30, 40, 41))
    monkeypatch.setattr(waiting, "_PATIENCE_SECONDS", 0.0)
    with pytest.raises(NodeUnavailable, match="does not follow the others") as caught:
        wait_in_step(three, three.validators[0])
    assert "41" in str(caught.value.expected)
    assert caught.value.where == str(three.validators[0].log)


@pytest.fixture
def cured(monkeypatch: pytest.MonkeyPatch) -> list[Judgement]:
    """What was cured."""
    done: list[Judgement] = []
    monkeypatch.setattr(waiting, "cure", lambda _, judgement: done.append(judgement))
    return done


def split(number: int) -> Sight:
    """Validator 1 on a branch of its own, as heavy as that of the others."""
    return {1: view(1, 40, number), 2: view(2, 40, 9), 3: view(3, 40, 9)}


def test_a_chain_is_waited_for_until_all_have_a_block_that_none_had(
    three: Consortium, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter([seen(40, 40, 42), seen(40, 44, 44), seen(42, 44, 44), seen(44, 44, 44), seen(50, 50, 50)])
    show(monkeypatch, left)
    wait_moving(three)
    assert next(left) == seen(50, 50, 50)


def test_an_equal_split_that_stays_is_cured(
    three: Consortium, monkeypatch: pytest.MonkeyPatch, cured: list[Judgement]
) -> None:
    pass_quickly(monkeypatch, 2)
    monkeypatch.setattr(waiting, "views", lambda _: seen(50, 50, 50) if cured else split(1))
    wait_moving(three)
    (judgement,) = cured
    assert (judgement.condition, judgement.sides) == (Condition.DEADLOCKED, ((1,), (2, 3)))


def test_one_that_is_still_learning_the_others_chain_is_left_alone(
    three: Consortium, monkeypatch: pytest.MonkeyPatch, cured: list[Judgement]
) -> None:
    pass_quickly(monkeypatch, 2)
    show(monkeypatch, iter([split(number) for number in range(20)] + [seen(50, 50, 50)]))
    wait_moving(three)
    assert not cured


def test_a_chain_that_never_moves_is_told_with_the_reason(
    three: Consortium, monkeypatch: pytest.MonkeyPatch, cured: list[Judgement]
) -> None:
    pass_quickly(monkeypatch, 10)
    monkeypatch.setattr(waiting, "views", lambda _: split(1))
    with pytest.raises(NodeUnavailable, match="does not go on") as caught:
        wait_moving(three)
    assert "deadlocked for good" in str(caught.value.got)
    assert len(cured) == waiting._MOST_CURES  # each may fail


def test_the_time_of_a_cure_that_fails_is_no_part_of_the_patience(
    three: Consortium, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[Judgement] = []
    now = count()

    def fail(_: Consortium, judgement: Judgement) -> None:
        tries.append(judgement)
        for _second in range(70):
            next(now)
        raise NodeUnavailable("they do not follow in 140 s")

    clock = SimpleNamespace(monotonic=lambda: next(now) * 2, sleep=lambda _: None, time=lambda: 1_800_000_000.0)
    monkeypatch.setattr(waiting, "time", clock)
    monkeypatch.setattr(waiting, "cure", fail)
    monkeypatch.setattr(waiting, "views", lambda _: seen(50, 50, 50) if len(tries) > 1 else split(1))
    wait_moving(three)
    assert len(tries) == 2
