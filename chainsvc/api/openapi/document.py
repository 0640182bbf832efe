"""The whole OpenAPI document: what FastAPI gathers from the routes, and our shapes."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from chainsvc.api.openapi.messages import MESSAGE_SHAPES, described_messages
from chainsvc.api.openapi.shapes import SHAPES

_FRAMEWORK_SHAPES = ("HTTPValidationError", "ValidationError")

DESCRIPTION = """\
民政业务记录的存证与验证。业务系统交存记录或承诺，得到签名回执；上链确认后取得证据文件，任何人可不信任本服务而自行验证。

Notarize civil-affairs records, and verify them without trusting the operator. A business system hands over records
or commitments and gets signed receipts; once anchored, each record has an evidence file.

* 金额单位为分，整数；哈希与编号为小写十六进制；时间为 Unix 秒。
  Amounts are integers in fen, hashes and ids lowercase hex, times Unix seconds.
* 重复提交是安全的：同一 (ledger, reference, revision)。 Repeating a submission is safe.
* 错误一律为 RFC 9457 problem，`code` 稳定。 Every refusal is an RFC 9457 problem with a stable `code`.
* 列表用不透明游标翻页：`after`、`Link: rel="next"`。 Lists are paged by opaque cursors.
* 每个响应带 `X-Request-Id`；也可由调用方给出。 Every answer carries `X-Request-Id`; a caller may choose it.
"""

TAGS = [
    {"name": "records", "description": "记录 / records"},
    {"name": "evidence", "description": "证据与验证 / evidence and verification"},
    {"name": "standing", "description": "效力 / standing"},
    {"name": "ledgers", "description": "账簿 / ledgers"},
    {"name": "webhooks", "description": "事件通知 / webhooks, see docs/webhooks.md"},
    {"name": "network", "description": "网络与检查点 / network and checkpoints"},
    {"name": "health", "description": "运行 / operation"},
]


def describe(app: FastAPI) -> None:
    """Let the app's ``/openapi.json`` be the whole document, made once."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _build(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign] # FastAPI's own way to extend the document


def _build(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, tags=app.openapi_tags, routes=app.routes
    )
    shapes = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _FRAMEWORK_SHAPES:
        shapes.pop(name, None)
    shapes.update(SHAPES | MESSAGE_SHAPES)
    document["webhooks"] = described_messages()
    for path in document["paths"].values():
        for call in path.values():
            _drop_framework_problem(call["responses"])
    return document


def _drop_framework_problem(responses: dict[str, Any]) -> None:
    """FastAPI promises its own 422 wherever a parameter stands; ours are problems, where a call says so."""
    content = responses.get("422", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if str(schema.get("$ref", "")).endswith(_FRAMEWORK_SHAPES[0]):
        del responses["422"]
