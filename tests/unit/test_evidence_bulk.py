"""What is read in one go is exactly what the careful reader reads, and refused in its words."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainsvc.errors import MalformedInput
from chainsvc.evidence import Evidence, _canonical
from vector_parts.evidence_files import valid

FILES = {name: evidence.to_bytes() for name, (_, evidence) in valid().items()}
EVIDENCE = Evidence.parse(FILES["donation"])


def _told(read: Callable[[], Evidence]) -> Evidence | str:
    try:
        return read()
    except (MalformedInput, ValueError, KeyError, TypeError) as error:
        return str(error)


EDITS = [
    lambda value: value["pairs"][0].append(1),
    lambda value: value["pairs"][-1].__setitem__(2, 1.0),
    lambda value: value["pairs"][-1].__setitem__(2, 2**53),
    lambda value: value["pairs"][-1].__setitem__(2, [1.5]),
    lambda value: value["pairs"][-1].__setitem__(2, [[[[[[[[[[1]]]]]]]]]]),
    lambda value: value["pairs"][-1].__setitem__(2, {"a": 1}),
    lambda value: value["pairs"][-1].__setitem__(2, [{"Ä": 1}]),
    lambda value: value["pairs"][0].__setitem__(1, value["pairs"][0][1].upper()),
    lambda value: value["pairs"][0].__setitem__(1, value["pairs"][0][1][:-2] + "  "),
    lambda value: value["pairs"][0].__setitem__(0, "/Body"),
    lambda value: value["pairs"][0].__setitem__(0, 7),
    lambda value: value["pairs"].insert(0, "no pair"),
    lambda value: value.__setitem__("pairs", []),
    lambda value: value["path"].append(["00" * 32, 1.0, 0]),
    lambda value: value["path"].append(["00" * 32, -1, 0]),
    lambda value: value["path"].append(["00" * 32, True, 0]),
    lambda value: value["path"].append(["00" * 31, 1, 0]),
    lambda value: value["path"].append(["00" * 32, 1]),
    lambda value: value["path"].append("node"),
    lambda value: value.__setitem__("seq", 1.0),
    lambda value: value.update(flags=True),
    lambda value: value["batch"].__setitem__("time", 2**53),
    lambda value: value.pop("seq"),
]


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("files", ["shown", "hidden"])
def test_what_is_read_in_one_go_is_what_the_careful_reader_reads(edit: Callable[[Any], Any], files: str) -> None:
    evidence = EVIDENCE.disclose(()) if files == "hidden" else EVIDENCE
    value = orjson.loads(evidence.to_bytes())
    edit(value)
    data = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    careful = _told(lambda: Evidence._read(data, _canonical(data)))  # the reader that every refusal comes from
    assert _told(lambda: Evidence.parse(data)) == careful


@pytest.mark.parametrize("name", FILES)
def test_every_valid_file_is_read_alike(name: str) -> None:
    data = FILES[name]
    assert Evidence.parse(data) == Evidence._read(data, _canonical(data))


@given(st.sampled_from(sorted(FILES)), st.data())
def test_every_changed_byte_is_judged_alike(name: str, data: st.DataObject) -> None:
    changed = bytearray(FILES[name])
    changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.sampled_from(b'0123456789abcdefA ",[]{}.-e'))
    judged = bytes(changed)
    assert _told(lambda: Evidence.parse(judged)) == _told(lambda: Evidence._read(judged, _canonical(judged)))
