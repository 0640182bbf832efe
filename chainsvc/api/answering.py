"""Answers: JSON, pages with their link, entity tags."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from chainsvc.client.answers import LedgerBatch, LedgerEntry, LedgerFacts
from chainsvc.client.answers.webhooks import Delivery
from chainsvc.cursors import encode

_BLOCK = 65_536


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return JSON."""
    return Response(orjson.dumps(value), status, headers, "application/json")


def page_answer(
    request: Request,
    noun: str,
    items: Sequence[LedgerEntry | LedgerBatch | LedgerFacts | Delivery],
    following: int | str | None,
    limit: int,
    **kept: str,
) -> Response:
    """Return ``{<noun>: […], next}``, with the next page also as a link (RFC 8288) that keeps parameters."""
    cursor = None if following is None else encode(noun, following)
    headers = {}
    if cursor is not None:
        query = urlencode({"after": cursor, "limit": limit, **kept})
        headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
    return json_answer({noun: [item.to_json() for item in items], "next": cursor}, headers=headers)


def tagged_answer(request: Request, data: bytes, media_type: str, cache: str) -> Response:
    """Return bytes with a strong entity tag, or 304 where the caller has them already (RFC 9110 section 13.1.2)."""
    tag = f'"{hashlib.sha256(data).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": cache, "Vary": "Authorization"}
    known = [part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")]
    if tag in known or "*" in known:
        return Response(None, 304, headers)
    return Response(data, 200, headers, media_type)


def lines_answer(lines: Iterator[bytes], file: str) -> Response:
    """Return lines of JSON as they are made, under the name of a file; a refusal before the first is a refusal."""
    first = next(lines, b"")
    headers = {"Content-Disposition": f'attachment; filename="{file}"'}
    return StreamingResponse(_blocks(chain([first], lines)), headers=headers, media_type="application/x-ndjson")


def _blocks(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Join lines, since each piece costs a switch of threads."""
    block = bytearray()
    for line in lines:
        block += line
        if len(block) >= _BLOCK:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)
