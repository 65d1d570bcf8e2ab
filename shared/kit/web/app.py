"""The FastAPI application that every service starts from."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.datastructures import Default
from fastapi.exceptions import RequestValidationError
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Lifespan

from shared.kit.telemetry import log
from shared.kit.web.entrance import BodyLimit, Entrance
from shared.kit.web.jsonbody import JsonGate, unsupported_media_type
from shared.kit.web.openapi import openapi_document
from shared.kit.web.problems import METHOD_NOT_ALLOWED, Problem, of_status, render
from shared.kit.web.responses import JsonResponse
from shared.kit.web.routes import RouteTable
from shared.kit.web.validation import validation_problem

Check = Callable[[], Awaitable[None]]
"""Raises if what it looks at is not ready."""

BODY_LIMIT: Final = 256 * 1024
"""Bytes; the longest complaint (10,000 characters, each escaped in six bytes) needs a quarter of it."""

_CHECK_SECONDS: Final = 2.0


def create_api(
    service: str,
    *,
    routers: Sequence[APIRouter] = (),
    checks: Mapping[str, Check] | None = None,
    lifespan: Lifespan[FastAPI] | None = None,
    body_limit: int = BODY_LIMIT,
    body_limits: Mapping[str, int] | None = None,
    quiet: tuple[str, ...] = (),
) -> FastAPI:
    """An API with problems, request ids, traces, metrics, strict JSON and ``/healthz /readyz /metrics``.

    ``body_limits`` are bytes for paths under a prefix (uploads); paths under the prefixes of ``quiet`` are neither
    logged nor traced (corruption reports). ``/readyz`` answers 200 once every one of ``checks`` returns.
    """
    api = FastAPI(
        title=f"Seda: {service}",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        # a placeholder: FastAPI then still writes models straight from Pydantic, and orjson does the rest
        default_response_class=Default(JsonResponse),
        # FastAPI's own telemetry records paths, queries and exceptions' texts
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    routes = RouteTable(api)
    api.state.openapi_by_hand = []
    api.openapi = lambda: openapi_document(api)  # type: ignore[method-assign]
    _install_problems(api, routes)
    # the last one added is the outermost
    api.add_middleware(JsonGate)
    api.add_middleware(BodyLimit, limit=body_limit, limits=body_limits or {})
    api.add_middleware(Entrance, service=service, routes=routes, quiet=quiet)
    for router in routers:
        api.include_router(router)
    api.include_router(_machines(dict(checks or {})))
    return api


def _install_problems(api: FastAPI, routes: RouteTable) -> None:
    async def http_exception(request: Request, error: HTTPException) -> Response:
        if isinstance(error, Problem):
            return render(error, request)
        if error.status_code == METHOD_NOT_ALLOWED.status:
            # the framework names the methods of the first route at the path only
            allow = {"Allow": ", ".join(routes.methods(request.scope["path"]))}
            return render(Problem(METHOD_NOT_ALLOWED, headers=allow), request)
        return render(of_status(error), request)

    async def invalid(request: Request, error: RequestValidationError) -> Response:
        # FastAPI hands a body over as bytes when it was not sent as JSON
        if isinstance(error.body, bytes) and any(detail["loc"][:1] == ("body",) for detail in error.errors()):
            return render(unsupported_media_type(), request)
        return render(validation_problem(error.errors(), error.body), request)

    api.exception_handlers[HTTPException] = http_exception
    api.exception_handlers[RequestValidationError] = invalid


def _machines(checks: dict[str, Check]) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz")
    async def readyz() -> Response:
        results = dict(zip(checks, await asyncio.gather(*map(_passes, checks, checks.values())), strict=True))
        ready = all(results.values())
        shown = {name: "ok" if passed else "failed" for name, passed in results.items()}
        return JsonResponse({"status": "ready" if ready else "not_ready", "checks": shown}, 200 if ready else 503)

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(REGISTRY), headers={"Content-Type": content_type})

    return router


async def _passes(name: str, check: Check) -> bool:
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            await check()
    except Exception as error:  # whatever a check raises means "not ready"
        log.warning("not_ready", check=name, error=type(error).__name__)
        return False
    return True
