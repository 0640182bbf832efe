"""A short drill: every kind of fault once, on real parts; the long one is ``make faults`` (docs/faults.md)."""

from pathlib import Path

import pytest
from support.drill.lap import Size, lap

_ROUNDS = 5  # in which 10 faults a round are all kinds there are, each once at least


@pytest.mark.node
@pytest.mark.database
@pytest.mark.timeout(900)
def test_every_promise_is_kept_under_every_fault(tmp_path: Path) -> None:
    with lap(tmp_path / "lap", "ci", Size(strikes=10, load_s=3.0)) as made:
        for _ in range(_ROUNDS):
            made.round()
    assert made.figures.counts["records"] > 100
