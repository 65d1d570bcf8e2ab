"""The desk over REST."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from services.routing.desk import repository, schemas, service
from services.routing.desk.repository import Filters
from services.routing.keys import RoutingKeys
from shared.contracts.envelope import CaseKind, CaseStatus
from shared.kit.auth import Principal, allow
from shared.kit.db import Reading, Transaction
from shared.kit.web.etags import etag
from shared.kit.web.paging import Paging, page_of

router = APIRouter(prefix="/v1/desk", tags=["desk"])

Staff = Annotated[Principal, Depends(allow("staff", roles=("officer", "manager", "centre")))]
Centre = Annotated[Principal, Depends(allow("staff", roles=("centre",)))]
