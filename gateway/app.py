"""gateway: the only door. Routes, identity, limits; everything else is the services'."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from fastapi import FastAPI
from pyreqwest.client import Client
from starlette.middleware import Middleware

from gateway.documents import router as documents_router
from gateway.identity.api import router as identity_router
from gateway.identity.reporters import router as reporters_router
from gateway.identity.repository import forget
from gateway.identity.service import GatewayKeys, Identity
from gateway.identity.tokens import AccessTokens
from gateway.limits import Limiter
from gateway.proxy.forward import Door, Patience, make_client
from gateway.routes import QUIET, ROUTES, RouteTree
from gateway.settings import GatewaySettings
from shared.kit.auth import Mint
from shared.kit.clock import Clock, exclusive
from shared.kit.db import Database
from shared.kit.runtime import Chassis, Check, Job, Service
from shared.kit.sealing import BlindIndex
from shared.kit.tlog.endpoint import WitnessServer, load_witness
from shared.kit.tlog.keeping import KeptCheckpoints


@dataclass(frozen=True)
class Resources:
    """What lives as long as the process."""

    identity: Identity
    mint: Mint
    client: Client


@asynccontextmanager
async def _resources(settings: GatewaySettings, database: Database) -> AsyncIterator[Resources]:
    keys = GatewayKeys(
        otp=settings.ring("otp"), identity=settings.ring("identity"), blind=BlindIndex(settings.ring("blind"))
    )
    tokens = AccessTokens.load(
        settings.keys_dir / "gateway-access.jwk", issuer=settings.issuer, seconds=settings.access_seconds
    )
    identity = Identity(settings, database, keys, tokens)
    revocations = Clock("revocations", 3, identity.refresh_revoked)
    async with make_client(settings.upstream_connections) as client, asyncio.TaskGroup() as group:
        task = group.create_task(revocations.run())
        yield Resources(identity, Mint.load(settings.keys_dir / "gateway-internal.jwk"), client)
        task.cancel()


def _jobs(chassis: Chassis[GatewaySettings, Resources]) -> Sequence[Job]:
    async def tidy() -> None:
        async with chassis.database.transaction() as connection:
            if await exclusive(connection, "tidy"):
                await forget(connection)

    settings = chassis.settings
    witness = load_witness(settings.keys_dir, "gateway", KeptCheckpoints(chassis.database))
    return [
        Clock("tidy", 3600, tidy),
        WitnessServer("gateway", witness, host=settings.witness_host, port=settings.witness_port),
    ]


def _checks(chassis: Chassis[GatewaySettings, Resources]) -> Mapping[str, Check]:
    """The gateway is ready when every service is: an application behind it may then be used as a whole."""

    def ready(url: str) -> Check:
        async def check() -> None:
            async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
                (await client.get(f"{url}/readyz")).raise_for_status()

        return check

    checks = {name: ready(url) for name, url in chassis.settings.upstreams().items()}
    run_file = chassis.settings.run_file
    if run_file is not None:

        async def written() -> None:
            if not run_file.exists():
                raise RuntimeError("the run file is not written yet")

        checks["run_file"] = written
    return checks


def _finish(api: FastAPI, chassis: Chassis[GatewaySettings, Resources]) -> None:
    """Puts the door right behind the entrance (request id, trace, problems), before the body limits of the gateway's
    own routes; and the merged document in the place of FastAPI's, which is the gateway's own operations alone."""
    api.router.routes[:] = [route for route in api.router.routes if getattr(route, "name", None) != "openapi"]
    own = chassis.resources
    door = Middleware(
        Door,
        routes=RouteTree(ROUTES),
        upstreams=chassis.settings.upstreams(),
        authority=own.identity.tokens,
        mint=own.mint,
        limiter=Limiter(chassis.settings.requests_per_minute),
        client=own.client,
        patience=Patience(
            service=chassis.settings.upstream_seconds,
            client=chassis.settings.client_seconds,
            requests=chassis.settings.requests_at_once,
            streams=chassis.settings.streams_at_once,
        ),
    )
    api.user_middleware.insert(1, door)


SERVICE: Service[GatewaySettings, Resources] = Service(
    name="gateway",
    settings=GatewaySettings,
    resources=_resources,
    routers=lambda _: [identity_router, reporters_router, documents_router],
    jobs=_jobs,
    checks=_checks,
    finish_api=_finish,
    quiet=QUIET,
)
