"""Every header of the captured clique networks is judged as the capture says, forks too."""

import itertools
from typing import Any

import pytest
from support.captured_seals import CLIQUE, FORK_RULES, RULES, header, replayed

from chainsvc.errors import HeaderRefused
from chainsvc.proof.seals.clique import CliqueHeader, Rules
from chainsvc.proof.seals.following import SealedBy, check_run, count, threshold
from chainsvc.proof.seals.replay import Sealers

CHAIN = replayed(CLIQUE["chain"], RULES)


def _sealers_of(number: int) -> tuple[bytes, ...]:
    return CHAIN[number - 1].sealers


def _run(first: int, after: int) -> list[bytes]:
    return [header(block) for block in CLIQUE["chain"][first : first + after + 1]]


def test_every_block_from_genesis_has_the_captured_sealer() -> None:
    assert len(CHAIN) == 63
    assert [state.sealed_by.hex() for state in CHAIN[1:]] == [block["sealer"] for block in CLIQUE["chain"][1:]]


def test_votes_change_the_sealers_at_the_captured_blocks() -> None:
    changes = [
        {"block": state.header.number, "sealers": [address.hex() for address in state.sealers]}
        for before, state in itertools.pairwise(CHAIN)
        if state.sealers != before.sealers
    ]
    assert changes == CLIQUE["changes"]


@pytest.mark.parametrize("number", [20, 40, 60])
def test_replay_from_a_trusted_checkpoint_block_comes_to_the_same_sealers(number: int) -> None:
    states = replayed(CLIQUE["chain"][number:], RULES)
    assert [state.sealers for state in states] == [state.sealers for state in CHAIN[number:]]


@pytest.mark.parametrize("case", CLIQUE["invalid"], ids=lambda case: str(case["name"]))
def test_tampered_header_is_refused_by_the_captured_rule(case: Any) -> None:
    before = CHAIN[case["after"]]
    if case["expected"] == "ACCEPTED":  # a flipped seal: the same sealer's, and another block
        after = before.after(header(case), bytes.fromhex(case["hash"]))
        genuine = CHAIN[case["after"] + 1]
        assert after.sealed_by == genuine.sealed_by
        assert after.header.hash != genuine.header.hash
        return
    with pytest.raises(HeaderRefused) as caught:
        before.after(header(case), bytes.fromhex(case["hash"]))
    assert caught.value.rule == case["expected"]


@pytest.mark.parametrize("case", CLIQUE["malformed"], ids=lambda case: str(case["name"]))
def test_bytes_that_are_no_london_header_are_malformed(case: Any) -> None:
    with pytest.raises(HeaderRefused) as caught:
        CliqueHeader.parse(header(case))
    assert caught.value.rule == "malformed-header"


def test_other_block_than_the_next_and_other_trusted_hash_are_refused() -> None:
    with pytest.raises(HeaderRefused, match="not-next"):
        CHAIN[20].after(header(CLIQUE["chain"][22]))
    with pytest.raises(HeaderRefused, match="hash-mismatch"):
        Sealers.trusted(header(CLIQUE["chain"][20]), bytes(32), RULES)


def test_block_that_lists_nobody_is_no_start() -> None:
    block = CLIQUE["chain"][21]
    with pytest.raises(HeaderRefused, match="lists no sealers"):
        Sealers.trusted(header(block), bytes.fromhex(block["hash"]), RULES)


@pytest.mark.parametrize(
    ("sealers", "needed"), [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5), (10, 7), (13, 9)]
)
def test_threshold_tolerates_a_third_of_cheats(sealers: int, needed: int) -> None:
    assert threshold(sealers) == needed
    assert 2 * needed - sealers > (sealers - 1) // 3 or needed == sealers


@pytest.mark.parametrize("fork", CLIQUE["forks"], ids=lambda fork: str(fork["name"]))
@pytest.mark.parametrize("side", ["a", "b"])
def test_branch_of_a_real_fork_has_the_captured_final_blocks(fork: Any, side: str) -> None:
    states = replayed([CLIQUE["chain"][0], *fork["common"], *fork[side]], FORK_RULES)
    branch = states[fork["fork_after"] + 1 :]
    assert len({state.sealed_by for state in branch}) == fork["distinct"][side]
    assert 1 + sum(state.header.fields.difficulty for state in states[1:]) == fork["difficulty"][side]
    final = [state.header.hash.hex() for state in branch if _is_final(state, branch)]
    assert final == fork["final"][side]


def _is_final(block: Sealers, branch: list[Sealers]) -> bool:
    after = [SealedBy(s.sealed_by, s.sealers) for s in branch if s.header.number > block.header.number]
    return count(block.sealers, after).final


@pytest.mark.parametrize("fork", CLIQUE["forks"], ids=lambda fork: str(fork["name"]))
def test_at_most_one_branch_of_a_real_fork_is_final(fork: Any) -> None:
    assert not (fork["final"]["a"] and fork["final"]["b"])


@pytest.mark.parametrize("first", [1, 12, 13, 20, 38, 48, 49, 50, 55])
def test_block_is_final_after_enough_different_sealers_and_not_before(first: int) -> None:
    for after in range(8):
        sealers = {CHAIN[number].sealed_by for number in range(first + 1, first + after + 1)}
        needed = threshold(max(len(_sealers_of(number)) for number in range(first + 1, first + max(after, 1) + 1)))
        if len(sealers) < needed:
            with pytest.raises(HeaderRefused, match="below-quorum"):
                check_run(_run(first, after), _sealers_of, Rules(1, 20))
            continue
        sealed = check_run(_run(first, after), _sealers_of, Rules(1, None))
        assert (sealed.number, sealed.hash) == (first, CHAIN[first].header.hash)
        assert {*sealed.found} <= sealers
        assert len(sealed.found) >= sealed.needed


def test_run_with_a_gap_or_another_branch_is_refused() -> None:
    run = _run(21, 4)
    with pytest.raises(HeaderRefused, match="not-next"):
        check_run([run[0], *run[2:]], _sealers_of, RULES)
    fork = CLIQUE["forks"][1]
    with pytest.raises(HeaderRefused, match="wrong-parent"):
        check_run([header(fork["b"][0]), *map(header, fork["a"][1:])], lambda _: CHAIN[0].sealers, FORK_RULES)
