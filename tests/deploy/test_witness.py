"""The witness outside by its protocol (https://c2sp.org/tlog-witness, "add-checkpoint"), over HTTP to its process."""

import base64
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared.kit.tlog.notes import base64_of
from shared.kit.tlog.witness import Submission
from tests.outside import NAME, Outside
from tests.shared.kit.tlog.logs import LEAVES, ORIGIN, OTHER, Log

LOG = Log()


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    witness = Outside(tmp_path, {"origin": ORIGIN, "logs": [str(LOG.signer.verifier.key)], "witnesses": []})
    witness.start()
    yield witness
    witness.kill()


def _post(outside: Outside, body: str) -> httpx.Response:
    return httpx.post(f"{outside.url}/add-checkpoint", content=body.encode(), trust_env=False)


def _sized(answer: httpx.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.headers["content-type"], answer.text


def test_a_countersignature_is_what_the_format_says(outside: Outside) -> None:
    began = int(time.time())
    answer = _post(outside, LOG.submission(0, 13))
    assert answer.status_code == 200
    # read by hand, after https://c2sp.org/tlog-cosignature
    dash, name, encoded = answer.text.removesuffix("\n").split(" ")
    assert (dash, name) == ("—", NAME)
    blob = base64.b64decode(encoded, validate=True)
    public = base64.b64decode(outside.policy["witnesses"][0].split("+", 2)[2])[1:]
    assert blob[:4] == hashlib.sha256(f"{NAME}\n\x04".encode() + public).digest()[:4]
    timestamp = int.from_bytes(blob[4:12])
    assert began <= timestamp <= time.time()
    message = f"cosignature/v1\ntime {timestamp}\n{ORIGIN}\n13\n{LOG.note(13).text.splitlines()[2]}\n"
    Ed25519PublicKey.from_public_bytes(public).verify(blob[12:], message.encode())


def test_each_refusal_has_its_status(outside: Outside) -> None:
    assert _post(outside, LOG.submission(0, 13)).status_code == 200
    size = (409, "text/x.tlog.size", "13\n")
    assert _sized(_post(outside, LOG.submission(0, 20))) == size
    assert _sized(_post(outside, LOG.submission(14, 20))) == size
    forked = Log([*LEAVES[:5], *OTHER], LOG.signer)
    assert _post(outside, forked.submission(13, 20)).status_code == 422
    assert _post(outside, forked.submission(13, 13)).status_code == 409
    proof = LOG.submission(13, 20)
    assert _post(outside, proof.replace(base64_of(LEAVES[12]), base64_of(LEAVES[11]))).status_code == 422
    assert _post(outside, str(Submission(14, (), LOG.note(13)))).status_code == 400
    assert _post(outside, "old 13\n").status_code == 400
    assert _post(outside, str(Submission(0, (), LOG.note(3, origin="other.test/log")))).status_code == 404
    assert _post(outside, Log().submission(13, 20)).status_code == 403
    assert _post(outside, proof).status_code == 200
    assert httpx.get(f"{outside.url}/add-checkpoint", trust_env=False).status_code == 405


def test_killed_after_its_answer_it_still_knows_what_it_saw(outside: Outside) -> None:
    assert _post(outside, LOG.submission(0, 13)).status_code == 200
    outside.kill()
    outside.start()
    assert _sized(_post(outside, LOG.submission(0, 20))) == (409, "text/x.tlog.size", "13\n")
    assert _post(outside, LOG.submission(13, 20)).status_code == 200
