"""Webhooks: who is told of what, what became of telling, and telling again."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from chainsvc import cursors
from chainsvc.api import auth
from chainsvc.api.answering import json_answer, page_answer
from chainsvc.api.given import LimitsGiven, Service, SmallBody
from chainsvc.api.openapi.calls import ENDPOINT_BODY, REPLAY_BODY, answer, problems
from chainsvc.api.ports import Caller, Scope
from chainsvc.api.webhook_port import EndpointOrder
from chainsvc.client.answers.fields import one_of, truth
from chainsvc.client.answers.webhooks import EVENT_TYPES, DeliveryState
from chainsvc.errors import InputRefused, MalformedInput
from chainsvc.reading import array_of, members_of, text, whole
from chainsvc.record import LedgerName

router = APIRouter(tags=["webhooks"])
_ROOT = "/v1/webhooks"
_ENDPOINT = f"{_ROOT}/{{endpoint_id}}"
_MESSAGE = f"{_ENDPOINT}/deliveries/{{message_id}}"
_LONGEST_DESCRIPTION = 200
_DEFAULTS: dict[str, Any] = {"all_ledgers": False, "ledger": None, "description": "", "scheme": "v1"}

EndpointId = Annotated[
    str,
    Path(
        description="接收端编号 / the endpoint's id",
        json_schema_extra={"pattern": "^[0-9a-f]{16}$"},
        examples=["0123456789abcdef"],
    ),
]
MessageId = Annotated[
    str,
    Path(
        description="消息编号，即 webhook-id / the message's id, its `webhook-id`",
        json_schema_extra={"pattern": "^evt_[0-9a-f]{32}$"},
        examples=["evt_0123456789abcdef0123456789abcdef"],
    ),
]
State = Annotated[
    DeliveryState | None,
    Query(description="仅此状态；dead 为不再重试的 / of this state only; `dead`: given up"),
]


@router.post(
    _ROOT,
    summary="订阅 / Ask to be told",
    description=(
        "密钥仅在此显示一次。内网地址与非 HTTPS 地址默认拒绝。"
        "\n\nThe secret is shown this once. Addresses of private networks, and such without HTTPS, are refused unless "
        "the operator allows them. `all_ledgers` needs the scope `audit` too. See docs/webhooks.md."
    ),
    status_code=201,
    responses={201: answer("NewEndpoint", "已订阅 / subscribed"), **problems(400, 401, 403, 409, 413, 422, 503)},
    openapi_extra=ENDPOINT_BODY,
)
def add_endpoint(caller: auth.WebhookKeeper, body: SmallBody, service: Service) -> Response:
    """Make an endpoint."""
    made = service.webhooks.add(_order(caller, body))
    return json_answer(made.to_json(), 201, {"Location": f"{_ROOT}/{made.id}"})


@router.get(
    _ROOT,
    summary="接收端列表 / All endpoints of the organization",
    responses={200: answer("Endpoints", "由旧到新 / the oldest first"), **problems(401, 403, 503)},
)
def list_endpoints(caller: auth.WebhookKeeper, service: Service) -> Response:
    """Return the organization's endpoints."""
    return json_answer({"endpoints": [found.to_json() for found in service.webhooks.list(caller.uscc)]})


@router.get(
    _ENDPOINT,
    summary="接收端 / One endpoint",
    responses={200: answer("Endpoint", "接收端 / the endpoint"), **problems(401, 403, 404, 503)},
)
def get_endpoint(endpoint_id: EndpointId, caller: auth.WebhookKeeper, service: Service) -> Response:
    """Return an endpoint."""
    return json_answer(service.webhooks.get(caller.uscc, endpoint_id).to_json())


@router.delete(
    _ENDPOINT,
    summary="取消订阅 / Remove an endpoint",
    status_code=204,
    responses={
        204: {"description": "已删除，未送达的一并删除 / gone, with what was still to be told"},
        **problems(401, 403, 404, 503),
    },
)
def remove_endpoint(endpoint_id: EndpointId, caller: auth.WebhookKeeper, service: Service) -> Response:
    """Remove an endpoint."""
    service.webhooks.remove(caller.uscc, endpoint_id)
    return Response(None, 204)


@router.post(
    f"{_ENDPOINT}/enable",
    summary="重新启用 / Enable an endpoint",
    description=(
        "未送达的不自动补发，用 replay。"
        "\n\nWhat it missed is not sent by itself: replay it. While an endpoint is disabled, no new messages are "
        "written for it."
    ),
    responses={200: answer("Endpoint", "已启用 / enabled"), **problems(401, 403, 404, 503)},
)
def enable_endpoint(endpoint_id: EndpointId, caller: auth.WebhookKeeper, service: Service) -> Response:
    """Enable an endpoint."""
    return json_answer(service.webhooks.enable(caller.uscc, endpoint_id).to_json())


@router.post(
    f"{_ENDPOINT}/rotate",
    summary="更换密钥 / Give an endpoint a new secret",
    description=(
        "新旧密钥在一段时间内同时签名。"
        "\n\nThe secret before signs beside the new one until `old_secret_until`; a second rotation ends it at once."
    ),
    responses={
        200: answer("NewEndpoint", "新密钥仅显示一次 / the secret is shown this once"),
        **problems(401, 403, 404, 503),
    },
)
def rotate_secret(endpoint_id: EndpointId, caller: auth.WebhookKeeper, service: Service) -> Response:
    """Make a new secret."""
    return json_answer(service.webhooks.rotate(caller.uscc, endpoint_id).to_json())


@router.post(
    f"{_ENDPOINT}/test",
    summary="发送测试消息 / Send a test message",
    status_code=202,
    responses={202: answer("Delivery", "已排队 / on its way"), **problems(401, 403, 404, 409, 503)},
)
def test_endpoint(endpoint_id: EndpointId, caller: auth.WebhookKeeper, service: Service) -> Response:
    """Have a test message sent on the way of all others."""
    delivery = service.webhooks.test(caller.uscc, endpoint_id)
    location = f"{_ROOT}/{endpoint_id}/deliveries/{delivery.id}"
    return json_answer(delivery.to_json(), 202, {"Location": location})


@router.get(
    f"{_ENDPOINT}/deliveries",
    summary="投递记录 / Deliveries of an endpoint",
    responses={200: answer("DeliveriesPage", "由新到旧 / the newest first"), **problems(400, 401, 403, 404, 422, 503)},
)
def list_deliveries(
    request: Request,
    endpoint_id: EndpointId,
    caller: auth.WebhookKeeper,
    service: Service,
    limits: LimitsGiven,
    state: State = None,
    after: Annotated[str | None, Query(description="上一页的 next / `next` of the page before")] = None,
    limit: Annotated[int | None, Query(ge=1, description="每页条数 / items of a page; a larger one is cut")] = None,
) -> Response:
    """Return a page of deliveries, with each one's last answer."""
    size = min(limit or limits.usual_page, limits.largest_page)
    before = cursors.decode_number("deliveries", after)
    page = service.webhooks.deliveries(caller.uscc, endpoint_id, before, size, state)
    kept = {} if state is None else {"state": state}
    return page_answer(request, "deliveries", page.items, page.next, size, **kept)


@router.get(
    _MESSAGE,
    summary="一次投递 / One delivery",
    responses={200: answer("Delivery", "进度与最近一次应答 / how far it is"), **problems(400, 401, 403, 404, 503)},
)
def get_delivery(
    endpoint_id: EndpointId, message_id: MessageId, caller: auth.WebhookKeeper, service: Service
) -> Response:
    """Return a delivery."""
    return json_answer(service.webhooks.delivery(caller.uscc, endpoint_id, message_id).to_json())


@router.post(
    f"{_MESSAGE}/replay",
    summary="重发一条 / Send one message again",
    description="编号不变。\n\nUnder the same id, with all attempts anew, whatever became of it.",
    status_code=202,
    responses={202: answer("Delivery", "已排队 / on its way"), **problems(400, 401, 403, 404, 409, 503)},
)
def replay_delivery(
    endpoint_id: EndpointId, message_id: MessageId, caller: auth.WebhookKeeper, service: Service
) -> Response:
    """Have one message sent again."""
    return json_answer(service.webhooks.replay(caller.uscc, endpoint_id, message_id).to_json(), 202)


@router.post(
    f"{_ENDPOINT}/replay",
    summary="重发一段时间以来的 / Send again what happened since a time",
    description=(
        "缺省只重发 dead 的；delivered 为 true 时已送达的也重发。"
        "\n\nThe dead ones; with `delivered` also those that were taken, for a receiver that lost them."
    ),
    status_code=202,
    responses={202: answer("Replayed", "已排队 / on their way"), **problems(400, 401, 403, 404, 409, 413, 422, 503)},
    openapi_extra=REPLAY_BODY,
)
def replay_since(endpoint_id: EndpointId, caller: auth.WebhookKeeper, body: SmallBody, service: Service) -> Response:
    """Have what happened since a time sent again."""
    body = members_of({"delivered": False, **body} if type(body) is dict else body, frozenset({"since", "delivered"}))
    since, delivered = whole(body["since"], "/since"), truth(body["delivered"], "/delivered")
    count = service.webhooks.replay_since(caller.uscc, endpoint_id, since, delivered=delivered)
    return json_answer({"replayed": count}, 202)


def _order(caller: Caller, body: Any) -> EndpointOrder:
    """Read what is asked for, and check the caller's right to it.

    Raises:
        MalformedInput: Not such a body.
        InputRefused: An event type that there is not, or a description too long.
        Forbidden: Other organizations' ledgers without the scope ``audit``.
    """
    body = members_of({**_DEFAULTS, **body} if type(body) is dict else body, frozenset({"url", "events", *_DEFAULTS}))
    order = EndpointOrder(
        uscc=caller.uscc,
        url=text(body["url"], "/url"),
        events=_events(body["events"]),
        all_ledgers=truth(body["all_ledgers"], "/all_ledgers"),
        ledger=None if body["ledger"] is None else str(LedgerName.parse(text(body["ledger"], "/ledger"))),
        description=_description(text(body["description"], "/description")),
        scheme=one_of(body["scheme"], ("v1", "v1a"), "/scheme"),
    )
    if order.all_ledgers:
        auth.require(caller, Scope.AUDIT)
    elif order.ledger is not None:
        auth.own(caller, LedgerName.parse(order.ledger))
    return order


def _events(value: Any) -> tuple[str, ...]:
    events = [text(event, f"/events/{index}") for index, event in enumerate(array_of(value, "/events"))]
    for index, event in enumerate(events):
        if event not in EVENT_TYPES:
            known = ", ".join(EVENT_TYPES)
            raise InputRefused("no such event type", expected=known, got=event[:40], where=f"/events/{index}")
    if not events or len(set(events)) != len(events):
        raise MalformedInput("not a list of event types", expected="one or more, each once", where="/events")
    return tuple(events)


def _description(value: str) -> str:
    if len(value) > _LONGEST_DESCRIPTION or not value.isprintable():
        expected = f"one line of at most {_LONGEST_DESCRIPTION} characters"
        raise InputRefused("not such a description", expected=expected, where="/description")
    return value
