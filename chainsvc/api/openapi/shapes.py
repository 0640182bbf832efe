"""JSON Schemas of all bodies and answers, by the name they have under ``components``.

They describe what :mod:`chainsvc.client.answers` writes; tests hold each against the class that writes it.
"""

from chainsvc.api.openapi.fields import (
    ACCEPTED_AT,
    ACTOR,
    BATCH,
    BLOCK,
    CREDIT,
    DEBIT,
    ID,
    LEDGER_NAME,
    RECEIPT,
    RECORD,
    REFERENCE,
    SEQ,
    SIGNED_PART,
    STANDING,
    STANDINGS,
    STATES,
    TIME,
    Shape,
    array,
    digest,
    members,
    number,
    one,
    optional,
    page,
    ref,
    said,
    truth,
    words,
)
from chainsvc.client.answers.webhooks import DELIVERY_STATES, EVENT_TYPES

ENDPOINT: dict[str, Shape] = {
    "id": digest(8, "接收端编号", "the endpoint's id"),
    "url": words("接收地址", "where messages are posted"),
    "events": array(one(EVENT_TYPES, "事件类型", "event type")),
    "all_ledgers": truth("全部机构的账簿（需 audit）", "of every organization's ledgers (scope audit)"),
    "ledger": optional(words("仅此账簿", "of this ledger alone")),
    "description": words("说明", "what people call it"),
    "scheme": one(("v1", "v1a"), "签名方式", "v1: HMAC-SHA256; v1a: Ed25519"),
    "created_at": number("订阅时间，Unix 秒", "Unix seconds"),
    "disabled_at": optional(number("停用时间，Unix 秒", "Unix seconds; null while it is told anything")),
    "disabled_because": optional(words("停用原因", "why it was disabled")),
    "failing_since": optional(number("持续失败起始，Unix 秒", "Unix seconds; null while it answers")),
    "old_secret_until": optional(number("旧密钥有效至，Unix 秒", "until when the secret before signs too")),
}
"""Members of an endpoint."""

RESULT = {"anyOf": [ref("Accepted"), ref("Refused")]}

SHAPES: dict[str, Shape] = {
    "Record": RECORD,
    "Submission": said(members(SIGNED_PART), "机构签名，取整批首条", "the issuer's signature: its first one's part"),
    "Receipt": said(
        members(RECEIPT),
        "回执：服务签名的承诺",
        "the service's signed promise",
    ),
    "Accepted": members(
        {
            "id": ID,
            "reference": optional(REFERENCE),
            "revision": optional(number("版本", "revision")),
            "again": truth("此前已存在", "it was there already"),
            "receipt": ref("Receipt"),
        }
    ),
    "Refused": members({"problem": ref("Problem")}),
    "Results": members({"results": array(RESULT)}),
    "AcceptedOrResults": {"anyOf": [ref("Accepted"), ref("Results")]},
    "RecordStatus": members(
        {
            "id": ID,
            "ledger": LEDGER_NAME,
            "reference": optional(REFERENCE),
            "revision": optional(number("版本", "revision")),
            "state": one(STATES, "进度", "how far it has come"),
            "seq": optional(SEQ),
            "batch": optional(BATCH),
            "standing": STANDING,
            "accepted_at": ACCEPTED_AT,
            "anchor_by": number("最迟上链时间，Unix 秒", "anchored by, Unix seconds"),
            "erased": truth("内容已删除", "its content was erased"),
            "private": truth("私有模式，服务从未见过内容", "the service has only its commitment"),
        },
        {"record": ref("Record")},
    ),
    "ReceiptFile": members(
        {
            "id": ID,
            "ledger": LEDGER_NAME,
            "ledger_id": digest(32, "账簿标识", "what the receipt is signed for"),
            "receipt": ref("Receipt"),
        }
    ),
    "Erasure": members(
        {
            "id": ID,
            "erased_at": number("删除时间，Unix 秒", "Unix seconds"),
            "erased_by": words("操作者", "who asked"),
            "reason": words("原因", "why"),
        }
    ),
    "StandingChange": members(
        {
            "status": STANDING,
            "state": one(("requested", "submitted", "final", "refused"), "进度", "how far it has come"),
            "cause_ledger": digest(32, "原因所在账簿", "ledger id of the cause"),
            "cause_seq": optional(SEQ),
            "cause": optional(digest(32, "原因记录", "commitment of the cause")),
            "actor": optional(ACTOR),
            "block": optional(BLOCK),
            "time": optional(TIME),
            "reason": optional(words("拒绝原因", "why it was refused")),
        }
    ),
    "Standing": members({"standing": STANDING, "changes": array(ref("StandingChange"))}),
    "Ledger": members(
        {
            "name": LEDGER_NAME,
            "ledger_id": digest(32, "账簿标识", "ledger id, recomputable from the members below"),
            "network": digest(32, "网络标识", "network id"),
            "contract": digest(20, "合约地址", "its contract"),
            "suite": one(("sha256", "sm3"), "哈希套件", "hash suite"),
            "flags": number("标志位", "bit 0: signed"),
            "signed": truth("提交须由机构签名", "every submission is signed by the organization"),
            "closed": truth("已关闭", "takes no more entries"),
            "entries": number("已受理条数", "accepted entries"),
            "credit": CREDIT,
            "debit": DEBIT,
            "batches": number("已上链批次", "batches final on chain"),
            "anchored_entries": number("已上链条数", "entries final on chain"),
            "anchored_credit": number("已上链入账，分", "credit on chain in fen"),
            "anchored_debit": number("已上链出账，分", "debit on chain in fen"),
            "budget": optional(number("预算，分；不适用为 null", "budget in fen; null where none applies")),
        }
    ),
    "Entry": members(
        {
            "id": ID,
            "state": one(STATES, "进度", "how far it has come"),
            "seq": optional(SEQ),
            "batch": optional(BATCH),
            "credit": CREDIT,
            "debit": DEBIT,
            "previous": optional(digest(32, "上一版本的承诺", "commitment of the prior revision")),
            "standing": STANDING,
            "accepted_at": ACCEPTED_AT,
        }
    ),
    "Batch": members(
        {
            "index": BATCH,
            "first": number("首条序号", "seq of its first entry"),
            "count": number("条数", "its entries"),
            "root": digest(32, "根哈希", "hash of the sum tree's root"),
            "credit": CREDIT,
            "debit": DEBIT,
            "state": one(STATES[1:], "进度；submitted 表示可能已上链", "submitted: may be on chain"),
            "transaction": optional(digest(32, "交易哈希", "transaction")),
            "prev": optional(digest(32, "前一链头", "head before it")),
            "head": optional(digest(32, "链头", "head after it")),
            "actor": optional(ACTOR),
            "block": optional(BLOCK),
            "block_hash": optional(digest(32, "区块哈希", "block hash")),
            "time": optional(TIME),
        }
    ),
    "LedgersPage": page("ledgers", "Ledger"),
    "EntriesPage": page("entries", "Entry"),
    "BatchesPage": page("batches", "Batch"),
    "Endpoint": members(ENDPOINT),
    "NewEndpoint": members(
        {**ENDPOINT, "secret": words("密钥，仅显示一次", "what the receiver verifies with; shown this once")}
    ),
    "Endpoints": members({"endpoints": array(ref("Endpoint"))}),
    "Delivery": members(
        {
            "id": words("消息编号", "the message's id, `webhook-id` of every attempt"),
            "type": words("事件类型", "event type"),
            "happened_at": number("发生时间，Unix 秒", "Unix seconds"),
            "state": one(DELIVERY_STATES, "进度；dead 为不再重试", "dead: given up, until it is replayed"),
            "attempts": number("已尝试次数", "attempts since the last replay"),
            "due_at": optional(number("下次尝试，Unix 秒", "next attempt, Unix seconds")),
            "tried_at": optional(number("最近尝试，Unix 秒", "last attempt, Unix seconds")),
            "status": optional(number("最近应答的 HTTP 状态", "HTTP status of the last answer")),
            "answer": optional(words("应答开头，或无应答的原因", "its beginning, or why there was none")),
        }
    ),
    "DeliveriesPage": page("deliveries", "Delivery"),
    "Replayed": members({"replayed": number("重发条数", "messages sent again")}),
    "Verdict": {
        "type": "object",
        "description": "判定，逐步给出 / the verdict step by step, `chainsvc-verdict/1`",
        "required": ["format", "verdict", "verdictZh", "exitCode", "steps", "facts"],
        "properties": {
            "format": {"const": "chainsvc-verdict/1"},
            "verdict": one(("valid", "invalid", "undetermined", *STANDINGS[1:]), "判定", "the verdict"),
            "verdictZh": words("判定（中文）", "the verdict in Chinese"),
            "exitCode": number("命令行退出码", "exit code of the command line"),
            "steps": array({"type": "object"}),
            "facts": {"type": ["object", "null"]},
        },
    },
    "Health": members({"status": {"const": "ok"}, "version": words("版本", "version")}),
    "Readiness": members(
        {
            "ready": truth("可受理", "takes records"),
            "parts": {"type": "object", "additionalProperties": words("ok 或故障", "`ok`, or what is wrong")},
        }
    ),
    "Problem": {
        "type": "object",
        "description": "RFC 9457；code 稳定 / `code` is stable",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": {"type": "string", "pattern": "^urn:chainsvc:problem:[a-z0-9-]+$"},
            "title": words("类别", "the kind of problem"),
            "status": {"type": "integer"},
            "detail": words("说明", "what is wrong"),
            "code": words("类别代码", "stable code"),
            "instance": words("请求编号", "the request's id"),
            "where": words("位置", "JSON Pointer or parameter"),
            "expected": words("应为", "what would have been right"),
            "got": words("实为", "what came"),
            "hint": words("如何处理", "what to do"),
            "problems": array({"type": "object"}),
            "results": array({"type": ["object", "null"]}),
            "contract": {"type": "object"},
        },
    },
    "RecordChunk": members(
        {"records": array(ref("Record"), 1000)},
        {
            "seeds": {
                **optional({"type": "array"}),
                "items": optional(digest(32, "种子；null 由服务生成", "seed; null: the service makes it")),
            },
            "submission": {"anyOf": [ref("Submission"), {"type": "null"}]},
        },
    ),
    "Commitment": members(
        {
            "commitment": digest(32, "承诺", "commitment"),
            "credit": CREDIT,
            "debit": DEBIT,
            "previous": optional(digest(32, "上一版本的承诺", "commitment of the prior revision")),
        }
    ),
    "CommitmentChunk": members(
        {"commitments": array(ref("Commitment"), 1000)},
        {"submission": {"anyOf": [ref("Submission"), {"type": "null"}]}},
    ),
    "BulkStored": said(
        members(
            {
                "lines": array(said({"type": "array"}, "首行与末行", "first and last line")),
                "ids": array(ID),
                "receipt": members({name: shape for name, shape in RECEIPT.items() if name not in ("index", "path")}),
            }
        ),
        "整批存入：各条回执由 ids 推出",
        "lines stored as one chunk: each receipt follows from the place in `ids`",
    ),
    "BulkLine": said(
        members(
            {"line": number("行号，从 1 起", "line, from 1 on")},
            {
                "known": ref("Accepted"),
                "problem": ref("Problem"),
                "results": array({"anyOf": [ref("Accepted"), ref("Refused")]}),
            },
        ),
        "单行结果：此前已存、不予受理，或该行整批的逐条结果",
        "one line: known before, refused, or the results of the chunk in it",
    ),
    "BulkEnd": said(
        members(
            {},
            {
                "end": members({name: number(name, name) for name in ("lines", "accepted", "known", "refused")}),
                "stopped": members(
                    {
                        "line": optional(number("首个未答的行", "first line without an answer")),
                        "problem": ref("Problem"),
                    }
                ),
            },
        ),
        "末行",
        "the last line: all was answered, or why not",
    ),
    "LedgerOpening": members(
        {"name": LEDGER_NAME},
        {
            "suite": one(("sha256", "sm3"), "哈希套件，缺省 sha256", "hash suite, default sha256"),
            "signed": truth("提交须由机构签名，缺省 false", "default false"),
        },
    ),
    "StandingRequest": members({"status": STANDING, "cause": digest(32, "原因记录", "commitment of the cause")}),
    "EndpointOrder": members(
        {"url": ENDPOINT["url"], "events": {**ENDPOINT["events"], "minItems": 1, "uniqueItems": True}},
        {
            "all_ledgers": ENDPOINT["all_ledgers"],
            "ledger": optional(LEDGER_NAME),
            "description": {**ENDPOINT["description"], "maxLength": 200},
            "scheme": ENDPOINT["scheme"],
        },
    ),
    "ReplayRequest": members(
        {"since": number("自此时起，Unix 秒", "since then, Unix seconds")},
        {"delivered": truth("已送达的也重发，缺省 false", "also what was delivered; default false")},
    ),
    "ErasureRequest": members({"reason": said({"type": "string", "minLength": 1, "maxLength": 500}, "原因", "why")}),
}
