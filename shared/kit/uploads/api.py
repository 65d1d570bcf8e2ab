"""tus over REST: the same routes for every service that takes files."""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from shared.kit.auth import Principal
from shared.kit.uploads.protocol import (
    ALGORITHMS,
    CONTENT_TYPE,
    EXTENSIONS_OFFERED,
    VERSION,
    bad_header,
    check_content_type,
    check_version,
    checksum_of,
    metadata_of,
    number_of,
)
from shared.kit.uploads.repository import Upload
from shared.kit.uploads.service import Uploads, owner_of
from shared.kit.web.openapi import problem_responses
from shared.kit.web.problems import Problem

PATH: Final = "/v1/uploads"
_SPOKEN: Final = {"Tus-Resumable": VERSION}
_IMF: Final = "%a, %d %b %Y %H:%M:%S GMT"


class _TusRoute(APIRoute):
    """Says the version on every answer, problems included."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with the version said."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                response = await handle(request)
            except Problem as problem:
                problem.headers = {**(problem.headers or {}), **_SPOKEN}
                raise
            response.headers["Tus-Resumable"] = VERSION
            return response

        return handled


def _parameters(*required: str, optional: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "header", "required": name not in optional, "schema": {"type": "string"}}
        for name in ("Tus-Resumable", *required, *optional)
    ]


_BODY: Final = {"content": {CONTENT_TYPE: {"schema": {"type": "string", "format": "binary"}}}}


def uploads_router(caller: Callable[[HTTPConnection], Principal]) -> APIRouter:
    """The routes for whoever ``caller`` (an ``allow``) lets in; the application's state holds ``uploads``."""
    router = APIRouter(prefix=PATH, tags=["uploads"], route_class=_TusRoute)

    @router.options("", status_code=204, response_class=Response)
    async def offer(request: Request) -> Response:
        """What of tus is spoken here."""
        return Response(status_code=204, headers=_offered(request, "POST"))

    @router.options("/{upload_id}", status_code=204, response_class=Response)
    async def offer_one(upload_id: str, request: Request) -> Response:
        """What of tus is spoken here, of whatever upload."""
        return Response(status_code=204, headers=_offered(request, "HEAD, PATCH, DELETE"))

    @router.post(
        "",
        status_code=201,
        response_class=Response,
        responses=problem_responses(403, 409, 412, 413, 415, 460),
        openapi_extra={
            "parameters": _parameters("Upload-Length", optional=("Upload-Metadata", "Upload-Checksum")),
            "requestBody": {**_BODY, "required": False},
        },
    )
    async def create(request: Request, principal: Annotated[Principal, Depends(caller)]) -> Response:
        """Begins an upload of ``Upload-Length`` bytes; what comes with it is its beginning."""
        check_version(request.headers)
        if "upload-defer-length" in request.headers:
            raise bad_header("Upload-Defer-Length")
        length = number_of(request.headers, "Upload-Length")
        metadata = request.headers.get("upload-metadata")
        metadata_of(metadata)
        checksum = checksum_of(request.headers)
        brings = request.headers.get("content-type") is not None
        if brings:
            check_content_type(request.headers)
        uploads, owner = _uploads(request), owner_of(principal)
        upload = await uploads.create(owner, length=length, metadata=metadata)
        headers = {"Location": f"{PATH}/{uploads.name(upload)}"}
        if brings:
            upload = await uploads.append(owner, uploads.name(upload), 0, _pieces(request), checksum)
        return Response(status_code=201, headers=headers | _standing(upload))

    @router.head(
        "/{upload_id}",
        response_class=Response,
        responses=problem_responses(403, 404, 410, 412),
        openapi_extra={"parameters": _parameters()},
    )
    async def ask(upload_id: str, request: Request, principal: Annotated[Principal, Depends(caller)]) -> Response:
        """How far an upload has come."""
        check_version(request.headers)
        uploads = _uploads(request)
        upload = await uploads.find(owner_of(principal), upload_id)
        headers = _standing(upload) | {"Upload-Length": str(upload.length), "Cache-Control": "no-store"}
        if (metadata := uploads.metadata(upload)) is not None:
            headers["Upload-Metadata"] = metadata
        return Response(headers=headers)

    @router.patch(
        "/{upload_id}",
        status_code=204,
        response_class=Response,
        responses=problem_responses(403, 404, 409, 410, 412, 413, 415, 460),
        openapi_extra={
            "parameters": _parameters("Upload-Offset", optional=("Upload-Checksum",)),
            "requestBody": {**_BODY, "required": True},
        },
    )
    async def go_on(upload_id: str, request: Request, principal: Annotated[Principal, Depends(caller)]) -> Response:
        """The next piece of a file, at ``Upload-Offset``; what came before the line broke is kept."""
        check_version(request.headers)
        check_content_type(request.headers)
        offset = number_of(request.headers, "Upload-Offset")
        checksum = checksum_of(request.headers)
        upload = await _uploads(request).append(owner_of(principal), upload_id, offset, _pieces(request), checksum)
        return Response(status_code=204, headers=_standing(upload))

    @router.delete(
        "/{upload_id}",
        status_code=204,
        response_class=Response,
        responses=problem_responses(403, 404, 410, 412),
        openapi_extra={"parameters": _parameters()},
    )
    async def end(upload_id: str, request: Request, principal: Annotated[Principal, Depends(caller)]) -> Response:
        """Removes an upload, complete or not."""
        check_version(request.headers)
        await _uploads(request).terminate(owner_of(principal), upload_id)
        return Response(status_code=204)

    return router


def install_uploads(api: FastAPI, uploads: Uploads) -> None:
    """Gives the routes what they work on."""
    api.state.uploads = uploads


def _uploads(request: Request) -> Uploads:
    uploads: Uploads = request.app.state.uploads
    return uploads


def _offered(request: Request, methods: str) -> dict[str, str]:
    return {
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS_OFFERED,
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
        "Tus-Max-Size": str(_uploads(request).limits.file_bytes),
        "Allow": f"OPTIONS, {methods}",
    }


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    async for piece in request.stream():
        if piece:
            yield piece


def _standing(upload: Upload) -> dict[str, str]:
    return {"Upload-Offset": str(upload.received), "Upload-Expires": upload.expires_at.strftime(_IMF)}
