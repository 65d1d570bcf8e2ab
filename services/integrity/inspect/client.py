"""The API as a dashboard uses it: everything sealed that leaves this device, everything opened that comes to it."""

from collections.abc import Iterator, Sequence
from typing import Any, Self

import httpx

from services.integrity.inspect import device
from services.integrity.inspect.device import OpenedReport
from services.integrity.sealing.age import SecretKey

_NOT_FOUND = 404


class Refused(Exception):
    """The API said no. ``status`` and the problem's own words."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Office:
    """Somebody who is logged in, with the keys of this device, the present one first."""

    def __init__(self, http: httpx.Client, token: str, *keys: SecretKey) -> None:
        self._http = http
        self.headers = {"Authorization": f"Bearer {token}"}
        self.keys: Sequence[SecretKey] = keys

    @classmethod
    def login(cls, http: httpx.Client, username: str, password: str, *keys: SecretKey, totp: str | None = None) -> Self:
        """Logs a member of staff in; Refused for a wrong password or a missing second factor."""
        body = {"username": username, "password": password, **({"totp": totp} if totp else {})}
        return cls(http, _checked(http.post("/v1/auth/staff", json=body)).json()["access_token"], *keys)

    def register(self) -> dict[str, Any]:
        """Makes the present key's public half the one that is sealed to from now on."""
        return self._json("PUT", "/v1/inspect/keys/me", json={"recipient": self.keys[0].recipient})

    def holders(self) -> list[dict[str, Any]]:
        """Who holds a key, and which."""
        items: list[dict[str, Any]] = self._json("GET", "/v1/inspect/keys")["items"]
        return items

    def retire(self, username: str) -> None:
        """Ends somebody's being a holder: nothing new is sealed to them."""
        _checked(self._http.delete(f"/v1/inspect/keys/{username}", headers=self.headers))

    def reports(self, **filters: str) -> Iterator[dict[str, Any]]:
        """The reports within reach, newest first, page by page."""
        cursor: str | None = None
        while True:
            page = self._json(
                "GET", "/v1/inspect/reports", params={**filters, **({"cursor": cursor} if cursor else {})}
            )
            yield from page["items"]
            if (cursor := page["next"]) is None:
                return

    def read(self, report_id: str) -> OpenedReport:
        """A report, opened on this device. It is recorded that it was read."""
        return OpenedReport.of(self._json("GET", f"/v1/inspect/reports/{report_id}"), *self.keys)

    def step(self, report: OpenedReport, **step: Any) -> OpenedReport:
        """Takes a step on the report as it was read, its texts sealed here; Refused with status 412 if it moved on."""
        path = f"/v1/inspect/reports/{report.document['id']}/steps"
        headers = {"If-Match": f'"{report.document["version"]}"'}
        return OpenedReport.of(self._json("POST", path, json=report.sealed(step), headers=headers), *self.keys)

    def file(self, report: OpenedReport, n: int, *, original: bool = False) -> bytes:
        """A file of the report, opened here: the cleaned copy, or the original, which may harm whoever looks at it."""
        file = next((file for file in report.document["attachments"] if file["n"] == n), None)
        if file is None:
            raise Refused(404, "the report has no such file")
        path = f"/v1/inspect/reports/{report.document['id']}/attachments/{n}"
        answer = self._http.get(path, params={"original": str(original).lower()}, headers=self.headers)
        return report.file(file, _checked(answer).content)

    def upload(self, content: bytes) -> str:
        """Sends a file (tus 1.0, in one piece); its id, for ``attachments`` of ``evidence``."""
        headers = {
            **self.headers,
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(len(content)),
            "Content-Type": "application/offset+octet-stream",
        }
        answer = _checked(self._http.post("/v1/uploads", content=content, headers=headers))
        return str(answer.headers["Location"].rpartition("/")[2])

    def assign(self, report: OpenedReport, inspector: str) -> OpenedReport:
        """Gives the report to an inspector, its keys re-wrapped here; InConflict if it names them."""
        return self.step(report, type="assign", inspector=inspector, **report.regranted_to(self._holder(inspector)))

    def grant(self, report: OpenedReport, holder: str) -> OpenedReport:
        """Gives the report's keys to whoever has it, or a supervisor, and has a key that none was granted to;
        InConflict if it names them."""
        return self.step(report, type="grant", holder=holder, **report.regranted_to(self._holder(holder)))

    def summary(self) -> dict[str, Any]:
        """The supervisor's summary."""
        return self._json("GET", "/v1/inspect/summary")

    def waiting(self) -> dict[str, Any]:
        """What waits for this custodian: ``asked`` and ``unread``."""
        return self._json("GET", "/v1/inspect/custody")

    def openings(self, report_id: str, kind: str) -> list[dict[str, Any]]:
        """What was asked of custodians about a report: ``kind`` is ``identity`` or ``recovery``."""
        items: list[dict[str, Any]] = self._json("GET", f"/v1/inspect/reports/{report_id}/{kind}")["items"]
        return items

    def may_open(self, report_id: str, kind: str) -> bool:
        """Whether this custodian holds a share of it."""
        try:
            self.openings(report_id, kind)
        except Refused as refused:
            if refused.status != _NOT_FOUND:
                raise
            return False
        return True

    def ask(self, report_id: str, kind: str, reason: str, holder: str | None = None) -> dict[str, Any]:
        """Asks for an opening; a recovery is for ``holder``."""
        body = {"reason": reason, **({"holder": holder} if holder else {})}
        return self._json("POST", f"/v1/inspect/reports/{report_id}/{kind}", json=body)

    def give(self, opening: dict[str, Any], kind: str) -> dict[str, Any]:
        """Gives this custodian's shares, opened here and sealed to whoever asked."""
        body = {"request": opening["request"], "shares": device.given(opening, *self.keys)}
        return self._json("POST", f"/v1/inspect/reports/{opening['report_id']}/{kind}", json=body)

    def finish(self, opening: dict[str, Any]) -> dict[str, Any]:
        """Puts the shares of a recovery together here and hands the keys to whoever lost theirs."""
        body = {"request": opening["request"], "grants": device.grants_to_holder(opening, *self.keys)}
        return self._json("POST", f"/v1/inspect/reports/{opening['report_id']}/recovery", json=body)

    def _holder(self, username: str) -> dict[str, Any]:
        for holder in self.holders():
            if holder["username"] == username:
                return holder
        raise Refused(404, f"{username} holds no key")

    def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        headers = {**self.headers, **options.pop("headers", {})}
        found: dict[str, Any] = _checked(self._http.request(method, path, headers=headers, **options)).json()
        return found


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    try:
        problem = answer.json()
        detail = str(problem.get("detail", ""))
        errors = "; ".join(f"{error['pointer']}: {error['message']}" for error in problem.get("errors", []))
    except ValueError:
        detail, errors = "", ""
    raise Refused(answer.status_code, f"{answer.status_code} {detail} {errors}".strip())
