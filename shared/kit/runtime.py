"""One process image, roles by flag: ``python -m services.intake --role api|worker|all``.

The API is stateless; the worker runs consumers, the outbox relay and clocks. Any number of either may run. Every role
serves ``/healthz``, ``/readyz`` and ``/metrics``.
"""

import argparse
import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import uvicorn
import uvloop
from fastapi import APIRouter, FastAPI

from shared.contracts.registry import QUEUES
from shared.kit.auth import Verifier
from shared.kit.bus.broker import Broker
from shared.kit.bus.consumer import Consumer
from shared.kit.bus.parking import DeadLetters
from shared.kit.clock import Clock, housekeeping
from shared.kit.db import Database
from shared.kit.outbox.relay import Relay
from shared.kit.settings import ServiceSettings
from shared.kit.telemetry import log, setup_telemetry
from shared.kit.web.app import create_api

S = TypeVar("S", bound=ServiceSettings)
R = TypeVar("R")

Check = Callable[[], Awaitable[None]]


class Job(Protocol):
    """Something a worker runs until it is cancelled; it looks after its own failures."""

    name: str

    async def run(self) -> None:
        """Runs until cancelled."""
        ...


@dataclass
class Chassis(Generic[S, R]):
    """What a service stands on while it runs; ``resources`` is the service's own (keys, writers, stores)."""

    settings: S
    database: Database
    broker: Broker
    resources: R
    role: str


@dataclass(frozen=True)
class Service(Generic[S, R]):
    """A service: its settings, its own resources, its routes, and what its worker does besides relaying.

    ``body_limits`` and ``quiet`` as ``create_api`` takes them: bytes by prefix, and prefixes that are never logged."""

    name: str
    settings: type[S]
    resources: Callable[[S, Database], AbstractAsyncContextManager[R]]
    routers: Callable[[Chassis[S, R]], Sequence[APIRouter]]
    jobs: Callable[[Chassis[S, R]], Sequence[Job]]
    checks: Callable[[Chassis[S, R]], Mapping[str, Check]] = field(default=lambda _: {})
    finish_api: Callable[[FastAPI, Chassis[S, R]], None] = field(default=lambda _api, _chassis: None)
    body_limits: Mapping[str, int] = field(default_factory=dict)
    quiet: tuple[str, ...] = ()


def run(service: Service[S, R]) -> None:
    """The command line of a service; returns after SIGTERM or SIGINT, when everything is put away."""
    parser = argparse.ArgumentParser(prog=f"python -m services.{service.name}")
    parser.add_argument("--role", choices=("api", "worker", "all"), default="all")
    role = parser.parse_args().role
    setup_telemetry(service.name)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(service, service.settings(), role=role))


async def serve(service: Service[S, R], settings: S, *, role: str) -> None:
    """Runs the service in ``role`` until the server is told to stop; the jobs stop after the last answer is sent."""
    database = Database.connect(settings.postgres_dsn(service.name), pool_size=settings.postgres_pool)
    broker = Broker(settings.rabbitmq_url.get_secret_value(), name=f"seda.{service.name}")
    try:
        async with service.resources(settings, database) as resources:
            chassis = Chassis(settings, database, broker, resources, role)
            jobs = [] if role == "api" else _all_jobs(service, chassis)
            api = _api(service, chassis, jobs, with_routes=role != "worker")
            server = _Server(
                uvicorn.Config(
                    api,
                    host=settings.host,
                    port=settings.port,
                    log_config=None,
                    access_log=False,
                    server_header=False,
                    date_header=False,
                    # nobody's word on the caller's address is taken but that of the proxies named
                    proxy_headers=bool(settings.trusted_proxies),
                    forwarded_allow_ips=settings.trusted_proxies,
                    timeout_graceful_shutdown=10,
                )
            )
            # what was imported stays; young garbage is collected less often (a third of filing)
            gc.freeze()
            gc.set_threshold(50_000, 20, 50)
            tasks = [asyncio.create_task(job.run(), name=job.name) for job in jobs]
            for task in tasks:
                task.add_done_callback(lambda done: _stop_if_failed(done, server))
            await server.serve()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if failed := [task.get_name() for task in tasks if not task.cancelled() and task.exception()]:
                raise SystemExit(f"{service.name}: {', '.join(failed)} failed")
    finally:
        await broker.close()
        await database.close()


class _Server(uvicorn.Server):
    """uvicorn's server, which after SIGTERM raises that signal once more: the process would end then and there, with
    its jobs in the middle of their work and its resources' own processes left behind. This one just returns."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stops serving on SIGTERM or SIGINT; afterwards they are what they were, so that a second one ends us."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


def _all_jobs(service: Service[S, R], chassis: Chassis[S, R]) -> list[Job]:
    jobs = [
        *service.jobs(chassis),
        Relay(chassis.database, chassis.broker),
        Clock("housekeeping", 3600, lambda: housekeeping(chassis.database)),
    ]
    if any(queue.service == service.name for queue in QUEUES):
        jobs.append(DeadLetters(service.name, database=chassis.database, broker=chassis.broker))
    return jobs


def _api(service: Service[S, R], chassis: Chassis[S, R], jobs: Sequence[Job], *, with_routes: bool) -> FastAPI:
    async def consuming() -> None:
        idle = [job.name for job in jobs if isinstance(job, Consumer) and not job.ready]
        if idle:
            raise RuntimeError(f"not consuming: {', '.join(idle)}")

    checks: dict[str, Check] = {
        "database": chassis.database.ping,
        "consumers": consuming,
        **service.checks(chassis),
    }
    api = create_api(
        service.name,
        routers=service.routers(chassis) if with_routes else [],
        checks=checks,
        body_limits=service.body_limits,
        quiet=service.quiet,
    )
    api.state.database = chassis.database
    api.state.settings = chassis.settings
    api.state.verifier = Verifier.load(chassis.settings.keys_dir / "gateway-internal.pub.jwk", service.name)
    api.state.resources = chassis.resources
    if with_routes:
        service.finish_api(api, chassis)
    return api


def _stop_if_failed(task: asyncio.Task[None], server: uvicorn.Server) -> None:
    """A job that ends by an exception is a defect: the process ends, and whoever watches it starts a new one."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("job_failed", job=task.get_name(), error=type(error).__name__)
        server.should_exit = True
