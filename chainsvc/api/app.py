"""The app: routes, problems, request context and docs around one service."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import Any

import anyio
from fastapi import FastAPI

from chainsvc.api.context import RequestContext
from chainsvc.api.docs import add_docs
from chainsvc.api.lean import SingleRecords
from chainsvc.api.limits import Limits
from chainsvc.api.openapi.document import DESCRIPTION, TAGS, describe
from chainsvc.api.ports import ServicePort
from chainsvc.api.problems import add_handlers
from chainsvc.api.routes import bulk, evidence, health, ledgers, network, records, standings, webhooks

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Any]]
"""What runs around serving: FastAPI's own notion."""


def create_health_app(service: ServicePort) -> FastAPI:
    """Return the app of a process that serves no API: is it up, can it work, and its metrics."""
    app = FastAPI(title="chainsvc", version=version("chainsvc"), docs_url=None, redoc_url=None, openapi_url=None)
    app.state.service = service
    app.state.limits = Limits()
    app.include_router(health.router)
    add_handlers(app)
    return app


def create_app(service: ServicePort, limits: Limits | None = None, *, lifespan: Lifespan | None = None) -> FastAPI:
    """Return the app.

    Args:
        service: What the routes call.
        limits: Of one request.
        lifespan: Starts and stops what belongs to the process, e.g. the worker.
    """
    app = FastAPI(
        title="chainsvc",
        version=version("chainsvc"),
        description=DESCRIPTION,
        openapi_tags=TAGS,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        license_info={"name": "Apache-2.0"},
    )
    app.state.service = service
    app.state.limits = limits or Limits()
    app.state.bulk = anyio.CapacityLimiter(app.state.limits.bulk_streams)
    for noun in (records, bulk, evidence, standings, ledgers, webhooks, network, health):
        app.include_router(noun.router)
    add_docs(app)
    add_handlers(app)
    app.add_middleware(SingleRecords)
    app.add_middleware(RequestContext)
    describe(app)
    return app
