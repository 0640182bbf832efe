"""Parts of a call's description: its body, its answers, its problems."""

from typing import Any

from chainsvc.api.openapi.examples import EXAMPLES, problem_example
from chainsvc.api.openapi.fields import ref
from chainsvc.client.answers import SKELETON
from chainsvc.client.problems import MEDIA_TYPE

_JSON = "application/json"

_MEANINGS = {
    400: "格式不对 / malformed: not strict JSON, wrong members, over a limit",
    401: "缺少密钥或密钥无效 / no key, or not a known one",
    403: "密钥无此权限，或属于其他机构 / the key lacks the scope, or is another organization's",
    404: "不存在 / no such ledger or record",
    409: "当前状态下不可 / a conflict: other content, policy, closed ledger, standing",
    410: "内容已删除 / the record was erased",
    413: "请求体过大 / the body is too large",
    422: "内容不合规定 / well-formed, but refused: schema, signature, parameter",
    425: "尚未上链确认，稍后再取 / not final yet, see Retry-After",
    503: "暂不可用，可重试 / a part is down, see Retry-After",
}


def answer(name: str, description: str) -> dict[str, Any]:
    """Return a JSON answer of that shape, with its example."""
    return {"description": description, "content": {_JSON: {"schema": ref(name), "example": EXAMPLES[name]}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the problems that a call may answer with."""
    return {status: _problem(status) for status in statuses}


def _problem(status: int) -> dict[str, Any]:
    example = problem_example(status)
    content = {"schema": ref("Problem"), **({} if example is None else {"example": example})}
    return {"description": _MEANINGS[status], "content": {MEDIA_TYPE: content}}


def _body(*names: str) -> dict[str, Any]:
    """Return a request body of one of those shapes."""
    schema = ref(names[0]) if len(names) == 1 else {"anyOf": [ref(name) for name in names]}
    examples = {name: {"value": EXAMPLES[name]} for name in names}
    return {"requestBody": {"required": True, "content": {_JSON: {"schema": schema, "examples": examples}}}}


RECORDS_BODY = _body("Record", "RecordChunk")
COMMITMENT_BODY = _body("CommitmentChunk")
LEDGER_BODY = _body("LedgerOpening")
STANDING_BODY = _body("StandingRequest")
ERASE_BODY = _body("ErasureRequest")
ENDPOINT_BODY = _body("EndpointOrder")
REPLAY_BODY = _body("ReplayRequest")
EVIDENCE_BODY = {
    "requestBody": {
        "required": True,
        "description": "证据文件原始字节 / the evidence file's bytes",
        "content": {_JSON: {"schema": {}}},
    }
}

_EVIDENCE = {"type": "object", "description": "chainsvc-evidence/1, see docs/evidence-format.md"}
EVIDENCE_ANSWER: dict[str, Any] = {
    "description": "证据文件，逐字节保存 / the evidence file; keep it byte for byte",
    "headers": {"ETag": {"schema": {"type": "string"}}},
    "content": {_JSON: {"schema": _EVIDENCE}, SKELETON: {"schema": _EVIDENCE}},
}
NETWORK_ANSWER: dict[str, Any] = {
    "description": "chainsvc-network/1",
    "headers": {"ETag": {"schema": {"type": "string"}}},
    "content": {_JSON: {"schema": {"type": "object"}}},
}
CHECKPOINT_ANSWER: dict[str, Any] = {
    "description": "C2SP signed note",
    "content": {"text/plain": {"schema": {"type": "string"}}},
}
EVIDENCES_ANSWER: dict[str, Any] = {
    "description": "每行一个证据文件 / one evidence file a line",
    "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
}
EXPORT_ANSWER: dict[str, Any] = {
    "description": "chainsvc-export/1，每行一个 JSON / one JSON object a line",
    "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
}

_NDJSON = "application/x-ndjson"


def _lines(*names: str) -> dict[str, Any]:
    """Return a request body of any number of such lines."""
    schema = {"anyOf": [ref(name) for name in names]}
    words = "每行一个 JSON 对象，行数不限 / one JSON object a line, any number of lines"
    return {"requestBody": {"required": True, "description": words, "content": {_NDJSON: {"schema": schema}}}}


BULK_RECORDS_BODY = _lines("Record", "RecordChunk")
BULK_COMMITMENTS_BODY = _lines("Commitment", "CommitmentChunk")


def bulk_answer() -> dict[str, Any]:
    """Return the answer of a bulk call: lines of these shapes."""
    schema = {"anyOf": [ref("BulkStored"), ref("BulkLine"), ref("BulkEnd")]}
    return {"description": "逐批应答 / answers, chunk by chunk", "content": {_NDJSON: {"schema": schema}}}
