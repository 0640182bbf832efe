"""Evidence and its verification."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from chainsvc.api import auth
from chainsvc.api.answering import json_answer, lines_answer, tagged_answer
from chainsvc.api.given import Ledger, RecordId, Service, body_up_to
from chainsvc.api.openapi.calls import EVIDENCE_ANSWER, EVIDENCE_BODY, EVIDENCES_ANSWER, answer, problems
from chainsvc.api.ports import EvidenceWanted
from chainsvc.client.answers import SKELETON
from chainsvc.errors import MalformedInput
from chainsvc.evidence import MAX_BYTES_WITH_PROOF
from chainsvc.jcs import MAX_INTEGER
from chainsvc.metrics import VERIFICATIONS
from chainsvc.record import LedgerName

router = APIRouter(tags=["evidence"])
_CACHE = "private, no-cache"  # standing may change, so it is asked again; the tag makes that cheap
_ALL = "all"
_LEDGER = "/v1/ledgers/{kind}/{uscc}/{book}"

Disclose = Annotated[
    str,
    Query(
        description="JSON 指针，逗号分隔，或 all / JSON Pointers separated by commas, or `all`",
        examples=["/body/amount,/body/date"],
    ),
]
Proof = Annotated[bool, Query(description="附状态证明 / with state proofs for offline use")]
EvidenceBody = Annotated[bytes, Depends(body_up_to(lambda _: MAX_BYTES_WITH_PROOF))]


@router.get(
    "/v1/records/{record_id}/evidence",
    summary="证据文件 / A record's evidence file",
    description=(
        "缺省只显示必须公开的字段；`disclose` 需要 disclose 权限。私有模式的记录返回骨架（pairs 为空），由持有人补全。"
        "\n\nBy default only what every evidence shows; `disclose` needs the scope of that name. For a record the "
        "service never saw, a skeleton with empty `pairs` comes back, which its holder completes."
    ),
    responses={
        200: EVIDENCE_ANSWER,
        304: {"description": "未变 / as you have it"},
        **problems(400, 401, 403, 404, 410, 422, 425, 503),
    },
)
def get_evidence(
    request: Request,
    record_id: RecordId,
    caller: auth.Reader,
    service: Service,
    disclose: Disclose = "",
    proof: Proof = False,  # noqa: FBT002 - a query parameter
) -> Response:
    """Return the evidence file's bytes."""
    if disclose:
        auth.disclosing(caller)
    auth.readable(caller, LedgerName.parse(service.record(record_id, disclose=False).ledger))
    file = service.evidence(record_id, _paths(disclose), proof=proof)
    return tagged_answer(request, file.data, SKELETON if file.skeleton else "application/json", _CACHE)


@router.get(
    f"{_LEDGER}/evidence",
    summary="整本账簿的证据 / Evidence of a whole ledger",
    description=(
        "按顺序每行一个证据文件，随读随发，条数不限；中断后用 `after` 续取。已删除的记录没有行；私有模式的记录为 "
        '`{"commitment", "skeleton"}`，由持有人补全。带证明时到检查点所在区块为止。'
        "\n\nOne evidence file a line in the order of seq, sent as it is made, as many as there are; `after` goes on "
        "where an answer was cut. An erased record has no line; a private one's is "
        '`{"commitment", "skeleton"}`, which its holder completes. With proofs it ends at the checkpoint\'s block.'
    ),
    responses={200: EVIDENCES_ANSWER, **problems(400, 401, 403, 404, 422, 425, 503)},
)
def get_evidences(
    ledger: Ledger,
    caller: auth.Reader,
    service: Service,
    disclose: Disclose = "",
    proof: Proof = False,  # noqa: FBT002 - a query parameter
    block: Annotated[
        int | None, Query(ge=0, le=MAX_INTEGER, description="检查点的区块 / block of the checkpoint to prove for")
    ] = None,
    after: Annotated[
        int | None, Query(ge=0, le=MAX_INTEGER, description="从此 seq 之后 / begin after this seq")
    ] = None,
    limit: Annotated[int | None, Query(ge=1, description="最多行数，缺省不限 / most lines, by default all")] = None,
) -> Response:
    """Stream the evidence of a ledger's final entries."""
    auth.readable(caller, ledger)
    if disclose:
        auth.disclosing(caller)
    wanted = EvidenceWanted(_paths(disclose), proof=proof, block=block, after=after, limit=limit)
    file = f"{ledger.kind}-{ledger.uscc}-{ledger.book}-evidence.ndjson"
    return lines_answer(service.evidences(str(ledger), wanted), file)


@router.post(
    "/v1/verify",
    summary="验证证据 / Verify an evidence file",
    description=(
        "请求体即证据文件的原始字节。判定依据本服务的节点；要不信任本服务，请自行运行验证器。"
        "\n\nThe body is the evidence file, byte for byte. The verdict relies on this service's node; run the "
        "verifier yourself to trust nobody."
    ),
    responses={200: answer("Verdict", "判定 / the verdict, also on hostile bytes"), **problems(413, 503)},
    openapi_extra=EVIDENCE_BODY,
)
def verify_evidence(body: EvidenceBody, service: Service) -> Response:
    """Return the verdict on evidence bytes, step by step."""
    verdict = service.verify(body)
    VERIFICATIONS.labels(verdict.verdict).inc()
    return json_answer(verdict.to_json())


def _paths(disclose: str) -> tuple[str, ...] | None:
    if disclose == _ALL:
        return None
    paths = tuple(disclose.split(",")) if disclose else ()
    for path in paths:
        if not path.startswith("/"):
            raise MalformedInput(
                "not a JSON Pointer", expected="/body/amount, several separated by commas, or all", where="disclose"
            )
    return paths
