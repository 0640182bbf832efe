"""The network's descriptor and its checkpoints: what a verifier pins."""

from fastapi import APIRouter, Request, Response

from chainsvc.api import auth
from chainsvc.api.answering import tagged_answer
from chainsvc.api.given import Service
from chainsvc.api.openapi.calls import CHECKPOINT_ANSWER, NETWORK_ANSWER, problems

router = APIRouter(tags=["network"])
_CACHE = "public, max-age=300"


@router.get(
    "/v1/network",
    summary="网络描述 / The network descriptor",
    description=(
        "仅为方便；验证者应自行留存并核对其 SHA-256。"
        "\n\nFor convenience only: a verifier pins its own copy or its SHA-256 and takes it from nobody it checks."
    ),
    responses={200: NETWORK_ANSWER, 304: {"description": "未变 / as you have it"}, **problems(503)},
)
def get_network(request: Request, service: Service) -> Response:
    """Return the descriptor's canonical bytes."""
    return tagged_answer(request, service.network_bytes(), "application/json", _CACHE)


@router.post(
    "/v1/checkpoints",
    summary="签发检查点 / Make a checkpoint",
    status_code=201,
    responses={201: CHECKPOINT_ANSWER, **problems(401, 403, 503)},
)
def post_checkpoint(_caller: auth.Reader, service: Service) -> Response:
    """Sign a checkpoint of the newest final block."""
    return Response(service.checkpoint(), 201, media_type="text/plain")


@router.get(
    "/v1/checkpoints/latest",
    summary="最新检查点 / The newest checkpoint",
    responses={200: CHECKPOINT_ANSWER, **problems(404, 503)},
)
def latest_checkpoint(service: Service) -> Response:
    """Return the newest checkpoint, a C2SP signed note."""
    return Response(service.latest_checkpoint(), 200, media_type="text/plain")
