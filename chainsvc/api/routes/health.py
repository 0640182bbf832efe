"""Is it up, can it work, and how is it doing."""

import os
from importlib.metadata import version

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from chainsvc.api.answering import json_answer
from chainsvc.api.given import LimitsGiven, Service
from chainsvc.api.openapi.calls import answer

router = APIRouter(tags=["health"])
_VERSION = version("chainsvc")

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable by which prometheus_client keeps the metrics of several processes in one folder."""


@router.get(
    "/healthz",
    summary="存活 / Is the process up",
    responses={200: answer("Health", "存活 / up")},
)
async def healthz() -> Response:
    """Answer while the process serves at all; asks nothing of the database or the node."""
    return json_answer({"status": "ok", "version": _VERSION})


@router.get(
    "/readyz",
    summary="就绪 / Can it take records",
    responses={200: answer("Readiness", "就绪 / ready"), 503: answer("Readiness", "未就绪 / not ready")},
)
def readyz(service: Service, limits: LimitsGiven) -> Response:
    """Tell each part's state; 503 while records can't be taken."""
    state = service.ready()
    body = {"ready": state.ready, "parts": dict(state.parts)}
    if state.ready:
        return json_answer(body)
    return json_answer(body, 503, {"Retry-After": str(limits.retry_after_s)})


@router.get(
    "/metrics",
    summary="指标 / Metrics for Prometheus",
    responses={200: {"description": "Prometheus text", "content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics() -> Response:
    """Return all metrics of this process, or of all that share its socket."""
    if METRICS_FOLDER not in os.environ:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call] # prometheus-client gives no types for it
    return Response(generate_latest(together), media_type=CONTENT_TYPE_LATEST)
