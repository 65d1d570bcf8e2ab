"""The merged document against the running system: requests made from it, good and bad, by citizen and staff."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.client import Caller, System
from tests.e2e.journeys import a_mobile

pytestmark = pytest.mark.e2e

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.fixture(params=["citizen", "officer.sso-insurance", "centre"])
def caller(system: System, request: pytest.FixtureRequest) -> Caller:
    """Somebody who is logged in."""
    return system.citizen(a_mobile()) if request.param == "citizen" else system.staff(request.param)


def test_answers_are_as_the_document_says_and_never_a_server_error(
    system: System, caller: Caller, tmp_path: Path
) -> None:
    url = system.run["gateway"]
    command = [
        *(Path(sys.executable).with_name("schemathesis"), "run", f"{url}/openapi.json"),
        *("--url", url, "--checks", CHECKS, "--phases", "coverage,fuzzing"),
        # logging out would end the caller, and a password's hash is slow on purpose; everything else is fair
        *("--exclude-path", "/v1/auth/logout", "--exclude-path", "/v1/auth/staff"),
        *("--exclude-path", "/v1/desk/stream"),  # it lasts
        *("--max-examples", "5", "--seed", "1", "--no-color"),
        *("-H", f"Authorization: {caller.authorization}"),
    ]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": str(Path(__file__).with_name("document_hooks.py"))}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stdout[-4000:]
