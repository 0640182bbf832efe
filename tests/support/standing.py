"""Which changes of standing each policy allows, as (from, to), written apart from the contracts."""

import itertools
from typing import Final

from chainsvc.heads import Status

C, SUP, REV, SUS, DIS, ANN, VOID = Status

Moves = frozenset[tuple[int, int]]

OWN: Final[Moves] = frozenset({(C, SUP), (C, REV)})
REGULATORS: Final[Moves] = frozenset(
    {
        *itertools.product([C], [REV, SUS, ANN, VOID]),
        *itertools.product([SUS], [C, REV, ANN, VOID]),
        *itertools.product([SUP], [C, ANN, VOID]),
        *itertools.product([REV, ANN, VOID], [C]),
    }
)
DIVORCE_AND_REISSUE: Final[Moves] = frozenset({(C, SUP), (C, DIS), (SUP, DIS)})
MARRIAGE_OWN: Final[Moves] = OWN | DIVORCE_AND_REISSUE | frozenset(itertools.product([C, SUP], [ANN, VOID]))
MARRIAGE_REGULATORS: Final[Moves] = REGULATORS | {(DIS, C)}
NONE: Final[Moves] = frozenset()
