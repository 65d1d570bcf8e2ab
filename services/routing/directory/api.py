"""Reference data: what can be chosen, public and cacheable."""

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from services.routing.directory import repository
from shared.kit.auth import Anybody
from shared.kit.db import Reading
from shared.kit.web.etags import CachedDocument
from shared.persian.places import PROVINCES

router = APIRouter(prefix="/v1/reference", tags=["reference"])

_PROVINCES = CachedDocument(
    orjson.dumps(
        {
            "items": [
                {
                    "code": province.code,
                    "name_fa": province.name_fa,
                    "name_en": province.name_en,
                    "counties": [{"code": code, "name_fa": name} for code, name in province.counties.items()],
                }
                for province in PROVINCES.values()
            ]
        }
    )
)


def _document(items: list[dict[str, Any]]) -> CachedDocument:
    return CachedDocument(orjson.dumps({"items": items}))


@router.get("/provinces")
async def provinces(request: Request, _caller: Anybody) -> Response:
    """Iran's provinces and counties."""
    return _PROVINCES.respond(request)


@router.get("/departments")
async def departments(request: Request, _caller: Anybody, connection: Reading) -> Response:
    """The departments that answer complaints."""
    rows = await repository.all_of(connection, "departments")
    items = [
        {"id": row.id, "name_fa": row.name_fa, "name_en": row.name_en, "organisation_id": row.organisation_id}
        for row in rows
        if row.pipeline == "zrm" and row.active
    ]
    return _document(items).respond(request)


@router.get("/categories")
async def categories(request: Request, _caller: Anybody, connection: Reading) -> Response:
    """What a case may be about; those of the pipeline ``irm`` are filed as corruption reports."""
    pipelines = {row.id: row.pipeline for row in await repository.all_of(connection, "departments")}
    items = [
        {
            "id": row.id,
            "name_fa": row.name_fa,
            "name_en": row.name_en,
            "department_id": row.department_id,
            "sla_days": row.sla_days,
            "pipeline": pipelines[row.department_id],
        }
        for row in await repository.all_of(connection, "categories")
        if row.active
    ]
    return _document(items).respond(request)


@router.get("/organisations")
async def organisations(request: Request, _caller: Anybody, connection: Reading) -> Response:
    """The bodies under the ministry."""
    rows = await repository.all_of(connection, "organisations")
    items = [{"id": row.id, "name_fa": row.name_fa, "name_en": row.name_en} for row in rows if row.active]
    return _document(items).respond(request)
