"""The standing of an entry, and its changes."""

from fastapi import APIRouter, Response

from chainsvc.api import auth
from chainsvc.api.answering import json_answer
from chainsvc.api.given import RecordId, Service, SmallBody
from chainsvc.api.openapi.calls import STANDING_BODY, answer, problems
from chainsvc.client.answers import standing_named
from chainsvc.reading import members_of, unhex
from chainsvc.record import LedgerName

router = APIRouter(tags=["standing"])
_PATH = "/v1/records/{record_id}/standing"


@router.get(
    _PATH,
    summary="效力状态 / An entry's standing",
    responses={200: answer("Standing", "现状与历次变更 / now and how it came"), **problems(400, 401, 403, 404, 503)},
)
def get_standing(record_id: RecordId, caller: auth.Reader, service: Service) -> Response:
    """Return the standing and its changes, also those that wait or were refused."""
    auth.readable(caller, LedgerName.parse(service.record(record_id, disclose=False).ledger))
    return json_answer(service.standing(record_id).to_json())


@router.post(
    _PATH,
    summary="变更效力 / Change an entry's standing",
    description=(
        "原因记录须在本机构的账簿中；是否允许由链上规则决定。"
        "\n\nThe cause is an entry in a ledger of the key's organization; whether it may change this entry is the "
        "contract's rule. The change is carried to the chain later: ask again."
    ),
    status_code=202,
    responses={
        202: answer("StandingChange", "已受理 / asked for"),
        **problems(400, 401, 403, 404, 409, 413, 422, 503),
    },
    openapi_extra=STANDING_BODY,
)
def post_standing(record_id: RecordId, caller: auth.StandingChanger, body: SmallBody, service: Service) -> Response:
    """Ask for a change of standing."""
    body = members_of(body, frozenset({"status", "cause"}))
    status = standing_named(body["status"])
    cause = unhex(body["cause"], "/cause", 32)
    auth.own(caller, LedgerName.parse(service.record(cause, disclose=False).ledger))
    change = service.change_standing(record_id, status, cause, caller)
    return json_answer(change.to_json(), 202, {"Location": f"/v1/records/{record_id.hex()}/standing"})
