"""Whose a file is that somebody uploads: of a corruption report it goes to integrity, and never through intake."""

from typing import Final

from starlette.types import Scope

from gateway.routes import Service
from shared.kit.auth import Principal
from shared.kit.uploads.protocol import metadata_of

REPORT_MARK: Final = "r"
"""Begins the ids of integrity's uploads (``services.integrity.uploads.MARK``); the others' are hexadecimal."""

_INSPECTORS: Final = frozenset({"inspector", "supervisor"})


def service_of(caller: Principal, scope: Scope) -> Service:
    """The service that keeps the upload: integrity's are a reporter's, an inspector's or supervisor's, those whose id
    says so, and a citizen's new one whose ``Upload-Metadata`` says ``purpose`` ``report``.

    Raises a 400 problem for metadata that are none.
    """
    if caller.kind == "reporter" or (caller.kind == "staff" and caller.roles & _INSPECTORS):
        return "integrity"
    if scope["method"] != "POST":
        return "integrity" if scope["path"].rpartition("/")[2].startswith(REPORT_MARK) else "intake"
    given = next((value for name, value in scope["headers"] if name == b"upload-metadata"), b"")
    purpose = metadata_of(given.decode("latin-1")).get("purpose")
    return "integrity" if caller.kind == "citizen" and purpose == b"report" else "intake"
