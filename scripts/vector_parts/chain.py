"""What contracts compute too: ledger ids, sum trees, heads and status words."""

from typing import Any

from chainsvc.crypto.suites import SUITES, Suite
from chainsvc.heads import ZERO, Status, head, status_word
from chainsvc.record import ledger_id
from chainsvc.sumtree import Node, SumTree, leaf
from vector_parts.constants import ACTOR, CONTRACT, NETWORK, OFFICE, UNIT, derived, node

FIRST = 1000
"""Seq of the first leaf of every tree."""

SMALL = range(1, 10)
"""Trees that are given with every leaf and every path."""

LARGE = 4096
"""Tree that is given by its rule, its root and some paths."""

LARGE_INDEXES = (0, 1, 2047, 2048, 4095)

NAMES = (
    f"charity/{UNIT}/LUNCH-2026",
    f"subsidy/{UNIT}/NURSING-2026-09",
    f"marriage/{OFFICE}/2026",
    f"a/{OFFICE}/0",
    f"abcdefghijklmnop/{UNIT}/ABCDEFGHIJKLMNOPQRSTUVWXYZ-01234",
)

BLOCK, TIME = 123_456, 1_790_000_000


def files() -> dict[str, Any]:
    """Return ``ledgers.json``, ``trees.json``, ``heads.json`` and ``words.json``."""
    return {
        "ledgers.json": _ledgers(),
        "trees.json": _trees(),
        "heads.json": _heads(),
        "words.json": _words(),
    }


def ledger_of(suite: Suite, flags: int = 0, name: str = NAMES[0]) -> bytes:
    """Return the id of one of the vectors' ledgers."""
    return ledger_id(NETWORK, CONTRACT, suite.id, flags, name)


def _ledgers() -> dict[str, Any]:
    rows = [
        {
            "network": NETWORK.hex(),
            "contract": CONTRACT.hex(),
            "suite": suite.id,
            "flags": flags,
            "name": name,
            "preimage": (b"\x06" + NETWORK + CONTRACT + bytes([suite.id, flags]) + name.encode()).hex(),
            "ledgerId": ledger_of(suite, flags, name).hex(),
        }
        for name in NAMES
        for suite, flags in ((SUITES[1], 0), (SUITES[1], 1), (SUITES[2], 0))
    ]
    return {"rule": "ledgerId = S(preimage), S = SHA-256 in every suite", "ledgers": rows}


def entry(index: int) -> tuple[int, bytes, int, int]:
    """Return seq, commitment, credit and debit of leaf ``index`` by the rule of ``trees.json``."""
    return FIRST + index, derived(f"commitment/{index}"), index * 7919 % 100_000, index * 104_729 % 50_000


def _leaves(suite: Suite, count: int) -> list[Node]:
    return [leaf(suite, ledger_of(suite), *entry(i)) for i in range(count)]


def _trees() -> dict[str, Any]:
    return {
        "rule": "leaf i: seq 1000+i, commitment S('chainsvc-vector/commitment/<i>'), "
        "credit i*7919 mod 100000, debit i*104729 mod 50000; nodes are [hash, credit, debit]",
        "ledger": NAMES[0],
        "first": FIRST,
        "trees": [_small(suite, count) for suite in SUITES.values() for count in SMALL],
        "large": [_large(suite) for suite in SUITES.values()],
    }


def _small(suite: Suite, count: int) -> dict[str, Any]:
    leaves = _leaves(suite, count)
    tree = SumTree(suite, leaves)
    rows = []
    for i in range(count):
        seq, commitment, credit, debit = entry(i)
        rows.append(
            {
                "seq": seq,
                "commitment": commitment.hex(),
                "credit": credit,
                "debit": debit,
                "hash": leaves[i].hash.hex(),
                "path": [node(sibling) for sibling in tree.path(i)],
            }
        )
    return {
        "suite": suite.id,
        "ledgerId": ledger_of(suite).hex(),
        "count": count,
        "root": node(tree.root),
        "leaves": rows,
    }


def _large(suite: Suite) -> dict[str, Any]:
    tree = SumTree(suite, _leaves(suite, LARGE))
    return {
        "suite": suite.id,
        "ledgerId": ledger_of(suite).hex(),
        "count": LARGE,
        "root": node(tree.root),
        "paths": [{"index": i, "path": [node(sibling) for sibling in tree.path(i)]} for i in LARGE_INDEXES],
    }


def _heads() -> dict[str, Any]:
    """Chain three batches; the second one is the tree of five leaves in ``trees.json``, seqs included."""
    ledger, previous, rows = ledger_of(SUITES[1]), ZERO, []
    tree = SumTree(SUITES[1], _leaves(SUITES[1], 5)).root
    batches = (
        (0, FIRST, Node(derived("root/0"), 5_000_000, 4_000_000)),
        (FIRST, 5, tree),
        (FIRST + 5, LARGE, Node(derived("root/2"), 0, 2**53 - 1 - 4_000_000 - tree.debit)),
    )
    for k, (first, count, root) in enumerate(batches):
        fields = (k, first, count, root.hash, root.credit, root.debit, ACTOR, BLOCK + 10 * k, TIME + 20 * k)
        value = head(previous, ledger, *fields)
        rows.append(_head_row(previous, ledger, fields, value))
        previous = value
    return {"rule": "head = S(preimage); heads[1] anchors the tree of five leaves in trees.json", "heads": rows}


def _head_row(previous: bytes, ledger: bytes, fields: tuple[Any, ...], value: bytes) -> dict[str, Any]:
    k, first, count, root, credit, debit, actor, block, time = fields
    numbers = k.to_bytes(8) + first.to_bytes(8) + count.to_bytes(4)
    sums = credit.to_bytes(8) + debit.to_bytes(8)
    preimage = b"\x04" + previous + ledger + numbers + root + sums + actor + block.to_bytes(8) + time.to_bytes(8)
    return {
        "previous": previous.hex(),
        "ledgerId": ledger.hex(),
        "index": k,
        "first": first,
        "count": count,
        "root": root.hex(),
        "credit": credit,
        "debit": debit,
        "actor": actor.hex(),
        "block": block,
        "time": time,
        "preimage": preimage.hex(),
        "head": value.hex(),
    }


def _words() -> dict[str, Any]:
    previous, rows, suite = ZERO, [], SUITES[1]
    target, cause = ledger_of(suite), ledger_of(suite, 0, NAMES[2])
    for j, status in enumerate((Status.SUSPENDED, Status.REVOKED)):
        fields = (1002, status, cause, 7 + j, ACTOR, BLOCK + 100 + j, TIME + 200 + j)
        value = status_word(previous, target, *fields)
        rows.append(_word_row(previous, target, fields, value))
        previous = value
    return {"rule": "word = S(preimage)[0:31] || status", "words": rows}


def _word_row(previous: bytes, target: bytes, fields: tuple[Any, ...], value: bytes) -> dict[str, Any]:
    seq, status, cause, cause_seq, actor, block, time = fields
    numbers = seq.to_bytes(8) + bytes([status])
    moment = block.to_bytes(8) + time.to_bytes(8)
    return {
        "previous": previous.hex(),
        "ledgerId": target.hex(),
        "seq": seq,
        "status": int(status),
        "causeLedgerId": cause.hex(),
        "causeSeq": cause_seq,
        "actor": actor.hex(),
        "block": block,
        "time": time,
        "preimage": (b"\x05" + previous + target + numbers + cause + cause_seq.to_bytes(8) + actor + moment).hex(),
        "word": value.hex(),
    }
