"""Ledgers: list, open, close; their entries, batches and exports."""

import itertools
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from chainsvc import cursors
from chainsvc.api import auth
from chainsvc.api.answering import json_answer, lines_answer, page_answer
from chainsvc.api.given import Ledger, LimitsGiven, Service, SmallBody
from chainsvc.api.limits import Limits
from chainsvc.api.openapi.calls import EXPORT_ANSWER, LEDGER_BODY, answer, problems
from chainsvc.api.ports import Caller
from chainsvc.client.answers import LedgerBatch, LedgerFacts, Page
from chainsvc.crypto.suites import suite_named
from chainsvc.errors import MalformedInput
from chainsvc.reading import members_of, text
from chainsvc.record import LedgerName

router = APIRouter(tags=["ledgers"])
_LEDGER = "/v1/ledgers/{kind}/{uscc}/{book}"
_OTHERS = (
    "\n\n其他机构的密钥只看到已上链的合计，否则逐笔金额会泄露。"
    "\n\nAnother organization's key is told what stands on chain only: running sums would tell each amount."
)

After = Annotated[str | None, Query(description="上一页的 next / `next` of the page before")]
Limit = Annotated[int | None, Query(ge=1, description="每页条数 / items of a page; a larger one is cut")]


@router.get(
    "/v1/ledgers",
    summary="账簿列表 / All ledgers",
    description="本网络的全部账簿。\n\nEvery ledger that the journal knows." + _OTHERS,
    responses={200: answer("LedgersPage", "按名称升序 / ascending by name"), **problems(400, 401, 422, 503)},
)
def list_ledgers(
    request: Request,
    caller: auth.AnyCaller,
    service: Service,
    limits: LimitsGiven,
    after: After = None,
    limit: Limit = None,
) -> Response:
    """Return every ledger that the journal knows; which ledgers exist is public on chain."""
    size = _size(limit, limits)
    page = service.ledgers(cursors.decode("ledgers", after), size)
    return page_answer(request, "ledgers", [_shown(caller, facts) for facts in page.items], page.next, size)


@router.post(
    "/v1/ledgers",
    summary="开立账簿 / Open a ledger",
    description="重复开立返回同一账簿。\n\nOpening it again with the same suite and `signed` returns it.",
    status_code=201,
    responses={201: answer("Ledger", "已开立 / open"), **problems(400, 401, 403, 404, 409, 413, 422, 425, 503)},
    openapi_extra=LEDGER_BODY,
)
def open_ledger(caller: auth.LedgerKeeper, body: SmallBody, service: Service) -> Response:
    """Open a ledger on chain."""
    if type(body) is dict:
        body = {"suite": "sha256", "signed": False, **body}
    body = members_of(body, frozenset({"name", "suite", "signed"}))
    name = LedgerName.parse(text(body["name"], "/name"))
    auth.own(caller, name)
    if type(body["signed"]) is not bool:
        raise MalformedInput("not a boolean", expected="true or false", where="/signed")
    suite = suite_named(text(body["suite"], "/suite"))
    facts = service.open_ledger(str(name), suite, signed=body["signed"], caller=caller)
    return json_answer(facts.to_json(), 201, {"Location": f"/v1/ledgers/{facts.name}"})


@router.get(
    _LEDGER,
    summary="账簿 / One ledger",
    description="账簿及其合计。\n\nA ledger's facts and totals." + _OTHERS,
    responses={200: answer("Ledger", "账簿 / its facts and totals"), **problems(400, 401, 404, 503)},
)
def get_ledger(ledger: Ledger, caller: auth.AnyCaller, service: Service) -> Response:
    """Return a ledger's facts and totals."""
    return json_answer(_shown(caller, service.ledger(str(ledger))).to_json())


@router.post(
    f"{_LEDGER}/close",
    summary="关闭账簿 / Close a ledger",
    responses={200: answer("Ledger", "已关闭 / closed"), **problems(400, 401, 403, 404, 409, 425, 503)},
)
def close_ledger(ledger: Ledger, caller: auth.LedgerKeeper, service: Service) -> Response:
    """Close a ledger on chain, once all that it accepted is final there; 425 says that this takes longer."""
    auth.own(caller, ledger)
    return json_answer(service.close_ledger(str(ledger), caller).to_json())


@router.get(
    f"{_LEDGER}/entries",
    summary="条目 / Entries of a ledger",
    responses={200: answer("EntriesPage", "按顺序 / in order"), **problems(400, 401, 403, 404, 422, 503)},
)
def list_entries(
    request: Request,
    ledger: Ledger,
    caller: auth.Reader,
    service: Service,
    limits: LimitsGiven,
    after: After = None,
    limit: Limit = None,
) -> Response:
    """Return a page of entries."""
    auth.readable(caller, ledger)
    size = _size(limit, limits)
    page = service.entries(str(ledger), cursors.decode_number("entries", after), size)
    return page_answer(request, "entries", page.items, page.next, size)


@router.get(
    f"{_LEDGER}/batches",
    summary="批次 / Batches of a ledger",
    description="按批次号。\n\nBy number." + _OTHERS,
    responses={200: answer("BatchesPage", "按批次号 / by number"), **problems(400, 401, 404, 422, 503)},
)
def list_batches(
    request: Request,
    ledger: Ledger,
    caller: auth.AnyCaller,
    service: Service,
    limits: LimitsGiven,
    after: After = None,
    limit: Limit = None,
) -> Response:
    """Return a page of batches; what is final is public on chain."""
    size = _size(limit, limits)
    page = service.batches(str(ledger), cursors.decode_number("batches", after), size)
    if not auth.may_read(caller, ledger):
        page = _final(page)
    return page_answer(request, "batches", page.items, page.next, size)


@router.get(
    f"{_LEDGER}/export",
    summary="导出账簿 / Export a ledger for an audit",
    responses={200: EXPORT_ANSWER, **problems(400, 401, 403, 404, 422, 503)},
)
def export_ledger(
    ledger: Ledger,
    caller: auth.Reader,
    service: Service,
    disclose: Annotated[bool, Query(description="连同记录 / with the records (scope disclose)")] = False,  # noqa: FBT002 - a query parameter
) -> Response:
    """Stream ``chainsvc-export/1``, one JSON object a line."""
    auth.readable(caller, ledger)
    if disclose:
        auth.disclosing(caller)
    file = f"{ledger.kind}-{ledger.uscc}-{ledger.book}.ndjson"
    return lines_answer(service.export(str(ledger), disclose=disclose), file)


def _shown(caller: Caller, facts: LedgerFacts) -> LedgerFacts:
    return facts if auth.may_read(caller, LedgerName.parse(facts.name)) else facts.anchored()


def _final(page: Page[LedgerBatch]) -> Page[LedgerBatch]:
    """Batches become final in order, so the first that is not ends the list."""
    final = tuple(itertools.takewhile(lambda batch: batch.state == "final", page.items))
    return page if len(final) == len(page.items) else Page(final, None)


def _size(limit: int | None, limits: Limits) -> int:
    return min(limit or limits.usual_page, limits.largest_page)
