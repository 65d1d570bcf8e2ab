"""The gateway's requests a second and p99, against the same service called directly and through nginx.

The service is a stand-in for speed (nginx answering a fixed JSON): a real one would be the bottleneck. The gateway is
one process with everything on: token check, route table, limits, internal token, request id, trace context, log line.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx

from deploy.local.client import System
from deploy.local.packages import ROOT
from deploy.local.ports import free_port
from gateway.identity.tokens import AccessTokens, Login
from shared.kit.auth import Principal

CONNECTIONS = 64
SECONDS = 8
PATH = "/v1/cases"

_NGINX = """
worker_processes 1; daemon off; pid {base}/nginx.pid; error_log {base}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {base}/b; proxy_temp_path {base}/p; fastcgi_temp_path {base}/f;
  uwsgi_temp_path {base}/u; scgi_temp_path {base}/s; keepalive_requests 1000000;
  upstream service {{ server 127.0.0.1:{service}; keepalive 256; }}
  server {{ listen 127.0.0.1:{service}; default_type application/json; location / {{ return 200 '{body}'; }} }}
  server {{ listen 127.0.0.1:{proxy}; location / {{
    proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}
}}
"""
_BODY = (
    '{"items":['
    + ",".join('{"id":"018f2b3c","tracking_code":"7K3M9XQ2TBD","status":"assigned"}' for _ in range(8))
    + "]}"
)


@dataclass(frozen=True)
class Speed:
    """Requests a second, and the 50th and 99th percentile of the latency in milliseconds."""

    per_second: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Figures:
    """At full load, and the added p99 at half of the gateway's highest."""

    direct: Speed
    nginx: Speed
    gateway: Speed
    half_direct: Speed
    half_gateway: Speed

    @property
    def added_p99_ms(self) -> float:
        """What the gateway adds to the p99 at half of its highest load."""
        return self.half_gateway.p99_ms - self.half_direct.p99_ms


def run(base: Path, system: System, system_base: Path) -> Figures:
    """Measures with the keys and the database of a running system, on a gateway process of its own."""
    base.mkdir(parents=True, exist_ok=True)
    service, proxy, port = free_port(), free_port(), free_port()
    key = system_base / "keys" / "gateway-access.jwk"
    login = Login(Principal("citizen", str(uuid4()), mob="k1.x"), uuid4())
    token = AccessTokens.load(key, issuer="seda", seconds=3600).issue(login)
    with _nginx(base, service, proxy), _gateway(base, system, system_base, service, port):
        direct = _wrk(base, service, token)
        nginx = _wrk(base, proxy, token)
        gateway = _wrk(base, port, token)
        rate = gateway.per_second / 2
        return Figures(direct, nginx, gateway, _paced(base, service, token, rate), _paced(base, port, token, rate))


@contextmanager
def _nginx(base: Path, service: int, proxy: int) -> Iterator[None]:
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise RuntimeError("nginx is missing: 'make bench' installs it")
    (base / "nginx.conf").write_text(_NGINX.format(base=base, service=service, proxy=proxy, body=_BODY))
    process = subprocess.Popen([program, "-c", str(base / "nginx.conf"), "-e", str(base / "error.log")])
    try:
        _wait(f"http://127.0.0.1:{proxy}/")
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _gateway(base: Path, system: System, system_base: Path, service: int, port: int) -> Iterator[None]:
    passwords = httpx.URL(system.run["postgres"])
    environment = {
        "PATH": os.environ["PATH"],
        "SEDA_ENVIRONMENT": "development",
        "SEDA_POSTGRES_URL": f"postgresql://127.0.0.1:{passwords.port}",
        "SEDA_POSTGRES_PASSWORD": _password(system_base),
        "SEDA_KEYS_DIR": str(system_base / "keys"),
        "SEDA_PORT": str(port),
        "SEDA_INTAKE_URL": f"http://127.0.0.1:{service}",
        "SEDA_REQUESTS_PER_MINUTE": "100000000",
    }
    with (base / "gateway.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "--role", "api"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        _wait(f"http://127.0.0.1:{port}/healthz")
        yield
    finally:
        process.terminate()
        process.wait()


def _password(system_base: Path) -> str:
    passwords: dict[str, str] = json.loads((system_base / "passwords.json").read_text())
    return passwords["gateway"]


def _wait(url: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError(url.split("/")[2])


_LUA = """
function init(args) token = io.open(args[1]):read("*a"); wrk.headers["Authorization"] = "Bearer " .. token end
function delay() return {delay} end
function done(summary, latency, requests)
  io.write(string.format("RESULT %d %d %d %d\\n", summary.requests, summary.errors.status + summary.errors.read,
    latency:percentile(50), latency:percentile(99)))
end
"""


def _wrk(base: Path, port: int, token: str, *, connections: int = CONNECTIONS, delay: str = "") -> Speed:
    (base / "token").write_text(token)
    script = _LUA.replace("{delay}", delay) if delay else re.sub(r"function delay.*\n", "", _LUA)
    (base / "get.lua").write_text(script)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", str(base / "get.lua")]
    out = subprocess.run(
        [*command, f"http://127.0.0.1:{port}{PATH}", "--", str(base / "token")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    requests, errors, p50, p99 = map(int, re.findall(r"RESULT (\d+) (\d+) (\d+) (\d+)", out)[0])
    if errors or not requests:
        raise RuntimeError(f"{errors} of {requests} requests were not answered by 200")
    return Speed(requests / SECONDS, p50 / 1000, p99 / 1000)


def _paced(base: Path, port: int, token: str, per_second: float) -> Speed:
    """At about that rate: each connection waits a random while (0 to 2·mean) between its requests."""
    mean = CONNECTIONS / per_second * 1000
    return _wrk(base, port, token, delay=f"math.random(0, {max(1, round(2 * mean))})")
