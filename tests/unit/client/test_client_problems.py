"""Every error goes out as a problem and comes back as itself."""

from collections.abc import Iterator

import orjson
import pytest

from chainsvc.client.answers import Accepted
from chainsvc.client.problems import error_of, problem_of
from chainsvc.errors import (
    ChainRefused,
    ChainsvcError,
    ChunkMixed,
    NotFound,
    Problem,
    RecordRefused,
    ReferenceConflict,
)
from chainsvc.receipt import Receipt

ACCEPTED = Accepted(b"\x01" * 32, "D-1", 0, Receipt(1, 0, 1, (), b"\x02" * 32, b"\x03" * 64, 5, 9), again=True)


def kinds(kind: type[ChainsvcError] = ChainsvcError) -> Iterator[type[ChainsvcError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from kinds(child)


def back(error: ChainsvcError) -> ChainsvcError:
    return error_of(orjson.loads(orjson.dumps(problem_of(error))))


OURS = [kind for kind in kinds() if kind.__module__ == ChainsvcError.__module__]  # adapters have their own


@pytest.mark.parametrize("kind", [kind for kind in OURS if "__init__" not in vars(kind) or kind is ChainsvcError])
def test_plain_error_keeps_its_class_and_words(kind: type[ChainsvcError]) -> None:
    error = kind("what", expected="a", got=5, where="/x", hint="do")
    again = back(error)
    assert type(again) is kind
    assert str(again) == str(error) == "what; at /x; expected a; got 5. do"
    assert vars(again) == vars(error)


def test_every_kind_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in kinds()]
    assert len(codes) == len(set(codes))


def test_record_refusal_keeps_every_place() -> None:
    places = (Problem("/body/a", "no", "x", "y"), Problem("/body/b", "neither"))
    again = back(RecordRefused("refused", places))
    assert isinstance(again, RecordRefused)
    assert again.problems == places
    assert again.where == "/body/a"


def test_mixed_chunk_keeps_each_result() -> None:
    again = back(ChunkMixed([ACCEPTED, None, ReferenceConflict("other", where="/reference")]))
    assert isinstance(again, ChunkMixed)
    assert again.results[:2] == (ACCEPTED, None)
    assert isinstance(again.results[2], ReferenceConflict)
    assert again.got == "1 of 3 new and right"


def test_revert_keeps_the_contracts_words() -> None:
    again = back(ChainRefused("SequenceMismatch", {"expected": 4, "got": 3}))
    assert isinstance(again, ChainRefused)
    assert (again.name, again.arguments) == ("SequenceMismatch", {"expected": "4", "got": "3"})
    assert (again.expected, again.got) == ("4", "3")


def test_code_of_a_later_version_keeps_its_words() -> None:
    again = error_of({"code": "something-new", "detail": "the words", "hint": "do"})
    assert type(again) is ChainsvcError
    assert str(again) == "the words. do"


def test_problem_says_only_what_there_is() -> None:
    assert problem_of(NotFound("no such record")) == {
        "type": "urn:chainsvc:problem:not-found",
        "title": "No such ledger, record or batch",
        "status": 404,
        "detail": "no such record",
        "code": "not-found",
    }
