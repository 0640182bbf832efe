"""What a validator finds, told as problems: which field, what was expected, what came."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError

from chainsvc import jcs
from chainsvc.errors import MalformedInput, Problem
from chainsvc.schemas.formats import FORMATS

MAX_PROBLEMS = 64
"""Most problems told of one record; a hostile one could hold thousands."""

_SURROGATE = re.compile("[\ud800-\udfff]")

_SHORT = 40
"""Most characters of a refused value that a problem repeats."""

_NAMES = {"integer": "an integer", "string": "a text", "boolean": "true or false", "null": "null"}
_NAMES |= {"object": "an object", "array": "a list"}


def body_problems(validator: Draft202012Validator, schema: Mapping[str, Any], body: Any) -> list[Problem]:
    """Return every problem of a body, at most ``MAX_PROBLEMS``; pointers start with ``/body``."""
    return value_problems(validator, schema, body, "/body")


def value_problems(
    validator: Draft202012Validator, schema: Mapping[str, Any], value: Any, pointer: str
) -> list[Problem]:
    """Return every problem of one value that stands at the pointer."""
    if problem := _not_json(value, schema, pointer):
        return [problem]
    found = (told for error in validator.iter_errors(value) for told in _problems(error, schema, pointer))
    return in_order(islice(found, MAX_PROBLEMS))


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sort problems by their place, since the validator's order is its own."""
    return sorted(problems, key=lambda problem: (problem.pointer, problem.message))


def _not_json(value: Any, schema: Mapping[str, Any], pointer: str) -> Problem | None:
    """Find what canonical JSON has not: floats, other types, lone surrogates, too deep nesting."""
    try:
        jcs.dumps(value)
    except MalformedInput as error:
        path = _split(error.where) if error.where else _surrogate(value, [])
        node = _node(schema, path)
        expected = _types(_listed(node["type"])) if "type" in node else error.expected
        return Problem(
            pointer + "".join(map(_escaped, path)), f"{_name(schema, path)}: {error.message}", expected, error.got
        )
    return None


def _surrogate(value: Any, path: list[str]) -> list[str]:
    """Find the text that is no Unicode: half of a surrogate pair."""
    if isinstance(value, str):
        return path if _SURROGATE.search(value) else []
    members = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    return next((found for step, member in members if (found := _surrogate(member, [*path, str(step)]))), [])


def _problems(error: ValidationError, schema: Mapping[str, Any], pointer: str) -> Iterator[Problem]:
    path = [str(step) for step in error.instance_path]
    where = pointer + "".join(map(_escaped, path))
    kind = error.kind.as_dict()
    match error.kind.name:
        case "required":  # reported at the parent: the pointer names the member itself
            missing = kind["property"]
            expected = "the member; null where there is nothing"
            yield Problem(where + _escaped(missing), f"{_name(schema, [*path, missing])} is missing", expected)
        case "additionalProperties":
            members = ", ".join(_node(schema, path)["properties"])
            for unknown in kind["unexpected"]:
                yield Problem(where + _escaped(unknown), "unknown member", f"one of {members}", _shortened(unknown))
        case rule:
            node = _node(schema, path)
            expected, fault = _RULES.get(rule, _other)(node, kind, error.instance)
            yield Problem(where, f"{_name(schema, path)}: {fault}", expected, _seen(node, error.instance))


def _wrong_type(_node: Mapping[str, Any], kind: Mapping[str, Any], _value: Any) -> tuple[str, str]:
    return _types(kind["types"]), "wrong type (类型不符)"


def _types(names: list[str]) -> str:
    return " or ".join(_NAMES[name] for name in sorted(names, key="null".__eq__))


def _listed(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names


def _wrong_format(node: Mapping[str, Any], kind: Mapping[str, Any], value: Any) -> tuple[str, str]:
    return _example(node), FORMATS[kind["format"]](value) or "wrong form"


def _wrong_pattern(node: Mapping[str, Any], _kind: Mapping[str, Any], _value: Any) -> tuple[str, str]:
    return _example(node), "wrong form (格式不符)"


def _not_listed(_node: Mapping[str, Any], kind: Mapping[str, Any], _value: Any) -> tuple[str, str]:
    return "one of " + ", ".join(map(str, kind["options"])), "not an allowed value (不在允许的取值中)"


def _limit(template: str, fault: str) -> "_Rule":
    return lambda _node, kind, _value: (template.format(kind["limit"]), fault)


def _repeated(_node: Mapping[str, Any], _kind: Mapping[str, Any], _value: Any) -> tuple[str, str]:
    return "no value twice", "a value stands twice (重复)"


def _other(_node: Mapping[str, Any], kind: Mapping[str, Any], _value: Any) -> tuple[str, str]:
    return str(kind), "does not fit the schema (不符合规范)"


_Rule = Callable[[Mapping[str, Any], Mapping[str, Any], Any], tuple[str, str]]
_RULES: Mapping[str, _Rule] = {
    "type": _wrong_type,
    "format": _wrong_format,
    "pattern": _wrong_pattern,
    "enum": _not_listed,
    "minLength": _limit("at least {} characters", "too short (过短)"),
    "maxLength": _limit("at most {} characters", "too long (过长)"),
    "minimum": _limit("at least {}", "too small (过小)"),
    "maximum": _limit("at most {}", "too large (过大)"),
    "maxItems": _limit("at most {} values", "too many values (过多)"),
    "uniqueItems": _repeated,
}


def _node(schema: Mapping[str, Any], path: list[str]) -> Mapping[str, Any]:
    """Walk down as far as the schema knows the path."""
    node = schema
    for step in path:
        node = node.get("properties", {}).get(step) or node.get("items") or node
    return node


def _name(schema: Mapping[str, Any], path: list[str]) -> str:
    node = _node(schema, path)
    if "title" not in node:  # an array's item goes by the array's name
        node = _node(schema, path[:-1])
    return f"{node['title']} ({node['x-title-en']})"


def _example(node: Mapping[str, Any]) -> str:
    examples = node.get("examples")
    return f"like {examples[0]}" if examples else str(node.get("pattern"))


def _seen(node: Mapping[str, Any], value: Any) -> str:
    """Repeat a refused value, but of a personal one its type and length alone."""
    if not node.get("x-personal"):
        return _shortened(value)
    return f"a text of {len(value)} characters" if isinstance(value, str) else _NAMES[_type(value)]


def _type(value: Any) -> str:
    names = {bool: "boolean", int: "integer", str: "string", dict: "object", list: "array"}
    return names.get(type(value), "null")


def _shortened(value: Any) -> str:
    text = jcs.dumps(value).decode()
    return text if len(text) <= _SHORT else text[:_SHORT] + "…"


def _split(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _escaped(step: str) -> str:
    return "/" + step.replace("~", "~0").replace("/", "~1")
