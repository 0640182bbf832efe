"""What webhooks send: a shape and an example of every event type, for the OpenAPI document and docs/webhooks.md."""

import hashlib
from typing import Any, Final

from chainsvc.api.openapi.fields import (
    BATCH,
    ID,
    LEDGER_NAME,
    SEQ,
    STANDING,
    Shape,
    array,
    digest,
    members,
    number,
    optional,
    ref,
    said,
    words,
)
from chainsvc.client.answers.webhooks import TEST_EVENT
from chainsvc.cursors import encode

_LEDGER: dict[str, Shape] = {"ledger": LEDGER_NAME, "ledger_id": digest(32, "账簿标识", "ledger id")}
_RECORD: dict[str, Shape] = {**_LEDGER, "record": ID, "seq": optional(SEQ)}
_BLOCK: dict[str, Shape] = {
    "block": number("区块号", "block number"),
    "block_hash": digest(32, "区块哈希", "block hash"),
    "time": number("区块时间", "block time"),
}
_BATCH: dict[str, Shape] = {
    **_LEDGER,
    "batch": BATCH,
    "first": number("首条序号", "seq of its first entry"),
    "count": number("条数", "its entries"),
    "root": digest(32, "根哈希", "hash of the sum tree's root"),
    "head": digest(32, "链头", "head after it"),
    **_BLOCK,
    "transaction": optional(digest(32, "交易哈希", "transaction; null where another service sent it")),
}

DATA: Final[dict[str, Shape]] = {
    "batch.final": said(
        members({**_BATCH, "entries": words("本批条目的地址", "path of the API that lists its entries")}),
        "批次已上链并最终确认",
        "a batch is final on chain",
    ),
    "batch.reopened": said(
        members(_BATCH),
        "已确认的批次所在区块消失，将重新上链",
        "a final batch's block left the chain; it is anchored again",
    ),
    "records.final": said(
        members(
            {
                **_LEDGER,
                "batch": BATCH,
                "head": digest(32, "链头", "head after the batch"),
                "block": number("区块号", "block number"),
                "first": number("首条序号", "seq of the first of them"),
                "count": number("条数，至多 128", "how many, at most 128"),
                "records": array(ID),
            }
        ),
        "记录已最终确认，按序号排列，一批分若干条消息",
        "records that are final, in the order of seq; a batch has several such messages",
    ),
    "standing.final": said(
        members(
            {
                **_RECORD,
                "status": STANDING,
                "word": digest(32, "效力字", "status word"),
                "cause_ledger": digest(32, "原因所在账簿", "ledger id of the cause"),
                "cause_seq": SEQ,
                **_BLOCK,
            }
        ),
        "效力已变更并最终确认",
        "a record's standing has changed on chain",
    ),
    "standing.refused": said(
        members({**_RECORD, "status": STANDING, "reason": words("合约拒绝的原因", "why the contract would refuse it")}),
        "效力变更被拒绝",
        "a change of standing is not one of the allowed moves",
    ),
    "standing.reopened": said(
        members({**_RECORD, "status": STANDING}),
        "已确认的效力变更所在区块消失",
        "a final change's block left the chain; it is carried there again",
    ),
    "ledger.opened": said(
        members({**_LEDGER, "block": number("开立区块", "block that opened it")}), "账簿已开立", "a ledger is open"
    ),
    "ledger.closed": said(members(_LEDGER), "账簿不再受理", "a ledger takes no more entries"),
    "receipt.overdue": said(
        members(
            {
                **_LEDGER,
                "anchor_by": number("承诺的最迟上链时间", "what the receipt promises, Unix seconds"),
                "records": number("逾期条数", "records that are late"),
            }
        ),
        "回执逾期未上链，同时受理的一组只报一次",
        "records are not final by their receipt's deadline; told once for what was accepted together",
    ),
    "record.erased": said(
        members({**_RECORD, "erased_at": number("删除时间，Unix 秒", "Unix seconds")}),
        "记录内容已删除",
        "a record's content was erased",
    ),
    TEST_EVENT: said(members({}), "测试消息", "a test"),
}
"""``data`` of each event type."""


def _bytes(word: str, length: int = 32) -> str:
    return hashlib.shake_256(word.encode()).hexdigest(length)


_NAME = "charity/53320600123456789X/LUNCH-2026"
_AT = 1_767_578_402
_IN_LEDGER = {"ledger": _NAME, "ledger_id": _bytes("ledger")}
_OF_RECORD = {**_IN_LEDGER, "record": _bytes("commitment"), "seq": 41}
_IN_BLOCK = {"block": 1_204, "block_hash": _bytes("block"), "time": _AT}
_OF_BATCH = {
    **_IN_LEDGER,
    "batch": 1,
    "first": 32,
    "count": 32,
    "root": _bytes("root"),
    "head": _bytes("head"),
    **_IN_BLOCK,
    "transaction": _bytes("transaction"),
}
_ENTRIES = f"/v1/ledgers/{_NAME}/entries?after={encode('entries', 31)}&limit=32"

_EXAMPLES: dict[str, dict[str, Any]] = {
    "batch.final": {**_OF_BATCH, "entries": _ENTRIES},
    "batch.reopened": _OF_BATCH,
    "records.final": {
        **_IN_LEDGER,
        "batch": 1,
        "head": _bytes("head"),
        "block": 1_204,
        "first": 32,
        "count": 2,
        "records": [_bytes("commitment"), _bytes("another")],
    },
    "standing.final": {
        **_OF_RECORD,
        "status": "revoked",
        "word": _bytes("word"),
        "cause_ledger": _bytes("ledger"),
        "cause_seq": 57,
        **_IN_BLOCK,
    },
    "standing.refused": {
        **_OF_RECORD,
        "status": "current",
        "reason": "the contract refused: StandingRefused(from=2, to=0)",
    },
    "standing.reopened": {**_OF_RECORD, "status": "revoked"},
    "ledger.opened": {**_IN_LEDGER, "block": 311},
    "ledger.closed": _IN_LEDGER,
    "receipt.overdue": {**_IN_LEDGER, "anchor_by": _AT, "records": 3},
    "record.erased": {**_OF_RECORD, "erased_at": _AT},
    TEST_EVENT: {},
}

EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    event: {"type": event, "timestamp": "2026-01-05T02:00:02Z", "data": data} for event, data in _EXAMPLES.items()
}
"""A whole message's body of each event type."""


def _component(event: str) -> str:
    return "Message_" + event.replace(".", "_")


MESSAGE_SHAPES: Final[dict[str, Shape]] = {
    _component(event): members(
        {
            "type": {"const": event},
            "timestamp": said({"type": "string", "format": "date-time"}, "发生时间", "when it happened, RFC 3339"),
            "data": data,
        }
    )
    for event, data in DATA.items()
}
"""JSON Schemas of the messages' bodies, by the name they have under ``components``."""

_HEADERS = [
    {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": {"type": "string"},
    }
    for name, description in (
        ("webhook-id", "消息编号，重发不变 / the message's id, the same at every attempt"),
        ("webhook-timestamp", "本次发送时间，Unix 秒 / when it was sent, Unix seconds"),
        ("webhook-signature", "签名，可有多个，空格分隔 / signatures with a space between"),
    )
]


def described_messages() -> dict[str, Any]:
    """Return the ``webhooks`` of the OpenAPI document."""
    return {event: {"post": _described(event)} for event in DATA}


def _described(event: str) -> dict[str, Any]:
    body = {"schema": ref(_component(event)), "example": EXAMPLES[event]}
    return {
        "tags": ["webhooks"],
        "summary": DATA[event]["description"],
        "parameters": _HEADERS,
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {
            "2XX": {"description": "已收到，不再发送 / taken, and not sent again"},
            "410": {"description": "停用此接收端 / the endpoint is disabled"},
        },
    }
