"""A client of the running system, for the demo and for tests: does over the gateway what an app or a desk does."""

import base64
import json
import re
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

from deploy.local.packages import LOCAL

T = TypeVar("T")

WAIT_SECONDS = 30.0
PIECE_BYTES = 1024 * 1024
_CODE = re.compile(r"(?<![0-9])[0-9]{6}(?![0-9])")


def wait_for(look: Callable[[], T | None], what: str, seconds: float = WAIT_SECONDS) -> T:
    """What ``look`` finds, asked again and again; TimeoutError, naming ``what``, if it finds nothing in time."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(0.05)


class Caller:
    """Somebody with a token. Answers that are no success raise ``httpx.HTTPStatusError``, unless asked for raw."""

    def __init__(self, http: httpx.Client, token: str) -> None:
        self.http = http
        self.authorization = f"Bearer {token}"

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer, whatever it is."""
        headers = {"Authorization": self.authorization, **options.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **options)

    def get(self, path: str, **options: Any) -> Any:
        """The JSON at a path."""
        return self.request("GET", path, **options).raise_for_status().json()

    def post(self, path: str, body: object | None = None, *, key: str | None = None, **options: Any) -> Any:
        """Posts JSON, under an Idempotency-Key (a new one by default)."""
        headers = {"Idempotency-Key": key or str(uuid.uuid4()), **options.pop("headers", {})}
        return self.request("POST", path, json=body, headers=headers, **options).raise_for_status().json()

    def upload(self, content: bytes, name: str, **metadata: str) -> str:
        """Uploads a file in pieces (tus 1.0); its id, for ``attachments``."""
        words = {"filename": name, **metadata}
        told = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in words.items())
        tus = {"Tus-Resumable": "1.0.0"}
        headers = {**tus, "Upload-Length": str(len(content)), "Upload-Metadata": told}
        path = self.request("POST", "/v1/uploads", headers=headers).raise_for_status().headers["Location"]
        for at in range(0, len(content), PIECE_BYTES):
            headers = {**tus, "Upload-Offset": str(at), "Content-Type": "application/offset+octet-stream"}
            piece = content[at : at + PIECE_BYTES]
            self.request("PATCH", path, content=piece, headers=headers).raise_for_status()
        return path.rpartition("/")[2]

    def step(self, case_id: str, **step: Any) -> Any:
        """Takes a correspondence step on the newest version of a case; the case after it."""
        path = f"/v1/desk/cases/{case_id}"
        tag = self.request("GET", path).raise_for_status().headers["ETag"]
        return self.request("POST", f"{path}/steps", json=step, headers={"If-Match": tag}).raise_for_status().json()


class System:
    """The running system, found by its ``run.json``."""

    def __init__(self, base: Path = LOCAL) -> None:
        self.base = base
        self.run: dict[str, Any] = json.loads((base / "run.json").read_text())
        self.logins = {
            entry["username"]: entry["password"] for entry in json.loads((base / "demo-logins.json").read_text())
        }
        self.http = httpx.Client(base_url=self.run["gateway"], timeout=30, trust_env=False)
        self._phones = httpx.Client(base_url=self.run["phones"], timeout=10, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self._phones.close()

    def phone(self, mobile: str) -> list[dict[str, Any]]:
        """The texts at a phone (E.164), the newest last."""
        items: list[dict[str, Any]] = self._phones.get(f"/phones/{mobile}/messages").raise_for_status().json()["items"]
        return items

    def text_from(self, mobile: str, text: str) -> None:
        """Sends an SMS from a phone to the ministry."""
        self._phones.post(f"/phones/{mobile}/messages", json={"text": text}).raise_for_status()

    def citizen(self, mobile: str) -> Caller:
        """Logs a citizen in, by the code that comes to their phone."""
        before = len(self.phone(mobile))
        answer = self.http.post("/v1/auth/otp", json={"mobile": mobile}).raise_for_status().json()

        def code() -> str | None:
            for message in self.phone(mobile)[before:]:
                if found := _CODE.search(message["text"]):
                    return found[0]
            return None

        entered = {"code": wait_for(code, "the login code")}
        tokens = self.http.post(f"/v1/auth/otp/{answer['challenge_id']}", json=entered).raise_for_status().json()
        return Caller(self.http, tokens["access_token"])

    def staff(self, username: str) -> Caller:
        """Logs a member of the demo's staff in."""
        login = {"username": username, "password": self.logins[username]}
        tokens = self.http.post("/v1/auth/staff", json=login).raise_for_status().json()
        return Caller(self.http, tokens["access_token"])

    def texts_about(self, mobile: str, code: str) -> list[dict[str, Any]]:
        """The texts at a phone that are about a case, by its tracking code."""
        return [message for message in self.phone(mobile) if code in message["text"]]


def complaint(**changes: Any) -> dict[str, Any]:
    """A complaint as an app sends it, with whatever is to be different."""
    return {
        "kind": "complaint",
        "subject": "کسری سابقهٔ بیمه",
        "body": "هشت ماه از سابقهٔ بیمهٔ من در سال ۱۳۹۸ در سامانه ثبت نشده است و شعبه پاسخ نمی‌دهد. لطفاً رسیدگی کنید.",
        "category_id": "sso-insurance.missing-record",
        "province": "IR-23",
        "citizen": {
            "full_name": "زهرا محمدی",
            "national_id": "0499370899",
            "postal_address": {
                "province": "IR-23",
                "city": "تهران",
                "line": "خیابان ولیعصر، کوچهٔ بهار، پلاک ۱۲، واحد ۳",
                "postal_code": "۱۹۶۸۹۴۳۱۱۷",
            },
        },
        "language": "fa",
        "channel": "app",
        **changes,
    }
