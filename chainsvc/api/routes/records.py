"""Records: hand them over, see where they stand, erase them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from chainsvc.api import auth
from chainsvc.api.answering import json_answer
from chainsvc.api.given import Ledger, LimitsGiven, RecordId, Service, SmallBody, body_up_to
from chainsvc.api.openapi.calls import (
    COMMITMENT_BODY,
    ERASE_BODY,
    RECORDS_BODY,
    answer,
    problems,
)
from chainsvc.bodies import commitment_chunk, record_chunk
from chainsvc.client.answers import Accepted, RecordStatus
from chainsvc.client.problems import result_json
from chainsvc.errors import ChainsvcError, InputRefused
from chainsvc.reading import members_of, text
from chainsvc.record import LedgerName

router = APIRouter(tags=["records"])
_LEDGER = "/v1/ledgers/{kind}/{uscc}/{book}"
_RECORD = "/v1/records/{record_id}"
_LONGEST_REASON = 500

ChunkBody = Annotated[bytes, Depends(body_up_to(lambda limits: limits.largest_body_bytes))]
WithRecord = Annotated[
    bool, Query(alias="record", description="连同记录内容 / with the record itself (scope disclose)")
]


@router.post(
    f"{_LEDGER}/records",
    summary="存证 / Notarize one record or a chunk",
    description=(
        "同一 ledger、reference、revision 内容相同时返回首张回执；内容不同为 409。"
        "\n\nThe same ledger, reference and revision with the same content returns the first receipt, with other "
        "content 409. In a chunk each record has its own answer: good ones go in, bad ones come back as problems; "
        "a signed ledger takes a chunk whole or not at all."
    ),
    status_code=201,
    responses={
        201: answer("Accepted", "单条，新存入 / one record, new"),
        200: answer("AcceptedOrResults", "单条，已存在；或整批结果 / one that was there, or a chunk's results"),
        **problems(400, 401, 403, 404, 409, 410, 413, 422, 503),
    },
    openapi_extra=RECORDS_BODY,
)
def post_records(
    ledger: Ledger, caller: auth.Notarizer, body: ChunkBody, service: Service, limits: LimitsGiven
) -> Response:
    """Make records durable and return their receipts."""
    auth.own(caller, ledger)
    chunk = record_chunk(body, str(ledger), limits.largest_chunk)
    results = chunk.accept(lambda items: service.accept_records(str(ledger), items, chunk.submission, caller))
    if not chunk.single:
        return _results(results)
    if isinstance(results[0], ChainsvcError):
        raise results[0]
    return json_answer(results[0].to_json(), 200 if results[0].again else 201, _location(results[0]))


@router.post(
    f"{_LEDGER}/commitments",
    summary="仅存承诺（私有模式） / Notarize commitments without their records",
    description=(
        "记录与种子不离开业务系统。\n\nThe records and their seeds stay with the sender, who alone can disclose later."
    ),
    responses={
        200: answer("Results", "逐条结果，按原顺序 / one result each, in order"),
        **problems(400, 401, 403, 404, 409, 413, 422, 503),
    },
    openapi_extra=COMMITMENT_BODY,
)
def post_commitments(
    ledger: Ledger, caller: auth.Notarizer, body: ChunkBody, service: Service, limits: LimitsGiven
) -> Response:
    """Make commitments durable and return their receipts."""
    auth.own(caller, ledger)
    items, submission = commitment_chunk(body, limits.largest_chunk)
    return _results(service.accept_commitments(str(ledger), items, submission, caller))


@router.get(
    f"{_LEDGER}/records",
    summary="按业务编号查询 / Find a record by its reference",
    responses={200: answer("RecordStatus", "记录状态 / where it stands"), **problems(400, 401, 403, 404, 422, 503)},
)
def find_record(
    ledger: Ledger,
    caller: auth.Reader,
    service: Service,
    reference: Annotated[str, Query(description="业务编号 / the business system's key", examples=["JZ2026-000001"])],
    revision: Annotated[int | None, Query(ge=0, description="版本，缺省为最新 / default: the latest")] = None,
    with_record: WithRecord = False,  # noqa: FBT002 - a query parameter
) -> Response:
    """Return the status of a record by its reference."""
    auth.readable(caller, ledger)
    if with_record:
        auth.disclosing(caller)
    return _status(service.record_by_reference(str(ledger), reference, revision, disclose=with_record))


@router.get(
    _RECORD,
    summary="记录状态 / Where a record stands",
    responses={200: answer("RecordStatus", "记录状态 / where it stands"), **problems(400, 401, 403, 404, 422, 503)},
)
def get_record(
    record_id: RecordId,
    caller: auth.Reader,
    service: Service,
    with_record: WithRecord = False,  # noqa: FBT002 - a query parameter
) -> Response:
    """Return the status of a record by its id."""
    if with_record:
        auth.disclosing(caller)
    status = service.record(record_id, disclose=with_record)
    auth.readable(caller, LedgerName.parse(status.ledger))
    return _status(status)


@router.get(
    f"{_RECORD}/receipt",
    summary="回执 / A record's receipt",
    responses={200: answer("ReceiptFile", "可公开 / may be published"), **problems(400, 401, 403, 404, 503)},
)
def get_receipt(record_id: RecordId, caller: auth.Reader, service: Service) -> Response:
    """Return the signed promise, with the ledger id that it is signed for."""
    status = service.record(record_id, disclose=False)
    auth.readable(caller, LedgerName.parse(status.ledger))
    ledger = service.ledger(status.ledger)
    return json_answer(
        {
            "id": status.id,
            "ledger": ledger.name,
            "ledger_id": ledger.ledger_id.hex(),
            "receipt": service.receipt(record_id).to_json(),
        }
    )


@router.delete(
    _RECORD,
    summary="删除记录内容 / Erase a record",
    description=(
        "删除正文、种子、盐与业务编号；承诺与金额保留，链仍可验证。"
        "\n\nDeletes body, seed, salts and reference; commitment and amounts stay, so the chain still verifies."
    ),
    responses={200: answer("Erasure", "已删除 / erased"), **problems(400, 401, 403, 404, 413, 422, 503)},
    openapi_extra=ERASE_BODY,
)
def erase_record(record_id: RecordId, caller: auth.Eraser, body: SmallBody, service: Service) -> Response:
    """Erase a record; again returns the first erasure."""
    reason = text(members_of(body, frozenset({"reason"}))["reason"], "/reason").strip()
    if not 1 <= len(reason) <= _LONGEST_REASON:
        raise InputRefused("an erasure needs a reason", expected=f"1 to {_LONGEST_REASON} characters", where="/reason")
    auth.own(caller, LedgerName.parse(service.record(record_id, disclose=False).ledger))
    return json_answer(service.erase(record_id, reason, caller).to_json())


def _location(accepted: Accepted) -> dict[str, str]:
    return {"Location": f"/v1/records/{accepted.id}"}


def _results(results: list[Accepted | ChainsvcError]) -> Response:
    return json_answer({"results": [result_json(result) for result in results]})


def _status(status: RecordStatus) -> Response:
    return json_answer(status.to_json())
