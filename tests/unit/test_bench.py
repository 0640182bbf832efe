import io

import pytest
from rich.console import Console

from bench.figures import Fact, Ratio, fact_table, ratio_table, shown
from bench.hashing import hash_all, noting, noting_all
from bench.samples import CAUSE_PAIRS, DONATION_PAIRS, causes, donations
from bench.timing import race
from chainsvc.crypto.suites import SHA256, sha256
from chainsvc.proof.keccak import keccak256
from chainsvc.schemas import check_record

LEDGER = "charity/533206001803406341/BENCH"


def rendered(table: object) -> list[str]:
    console = Console(file=io.StringIO(), width=120)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_a_ratio_is_that_of_its_median_round() -> None:
    ratio = Ratio("ours", "base", "records")
    for ours, base in ((10.0, 100.0), (30.0, 100.0), (90.0, 100.0)):
        ratio.add(ours, base)
    assert ratio.median == pytest.approx(0.3)
    assert ratio.to_json()["ratio"] == {"median": 0.3, "min": 0.1, "max": 0.9}


def test_the_table_has_a_row_for_each_ratio_with_its_absolute_rates() -> None:
    header, first, second = rendered(
        ratio_table([Ratio("commit", "hashes", "", [20_000.0], [80_000.0]), Ratio("chain", "tx", "", [600.0], [50.0])])
    )
    assert header.split()[:2] == ["what", "ratio"]
    assert first.split() == ["commit", "0.25", "0.25", "–", "0.25", "20,000", "80,000", "hashes"]
    assert second.split() == ["chain", "12", "12", "–", "12", "600", "50", "tx"]


def test_facts_of_one_kind_share_a_table() -> None:
    header, row = rendered(fact_table([Fact("anchor", {"64": 69_227, "4,096": 16.9})]))
    assert header.split() == ["what", "64", "4,096"]
    assert row.split() == ["anchor", "69,227", "16.9"]


@pytest.mark.parametrize(("ratio", "text"), [(0.0684, "0.068"), (0.41, "0.41"), (11.7, "12"), (3_400.2, "3,400")])
def test_ratios_show_the_digits_that_count(ratio: float, text: str) -> None:
    assert shown(ratio) == text


def test_rounds_do_both_sides_in_turns() -> None:
    done: list[str] = []
    ratio = race(
        Ratio("ours", "base", "n"), (1, lambda: done.append("ours")), (1, lambda: done.append("base")), 3, _Ticks()
    )
    assert done == ["ours", "base", "base", "ours", "ours", "base"]
    assert ratio.ours == ratio.base == [1.0, 1.0, 1.0]


class _Ticks:
    """A clock that is a second later each time."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        self._now += 1
        return self._now


def test_what_is_noted_is_what_was_hashed() -> None:
    suite, noted = noting(SHA256)
    assert suite.hash(b"a") == sha256(b"a")
    with noting_all() as (of_sha256, of_keccak):
        sha256(b"b")
        keccak256(b"c")
    assert (noted, of_sha256, of_keccak) == ([b"a"], [b"b"], [b"c"])
    suite, again = noting(SHA256)
    hash_all(suite.hash, noted)
    assert again == noted


def test_the_records_are_valid_and_as_long_as_they_say() -> None:
    (donation,), (cause,) = donations(LEDGER, 1), causes(LEDGER, 1)
    check_record(donation)
    check_record(cause)
    assert (len(donation.flatten()), len(cause.flatten())) == (DONATION_PAIRS, CAUSE_PAIRS)
