"""The desk over REST."""

from typing import Annotated

from fastapi import APIRouter, Depends

from shared.kit.auth import Principal, allow

router = APIRouter(prefix="/v1/desk", tags=["desk"])

Staff = Annotated[Principal, Depends(allow("staff", roles=("officer", "manager", "centre")))]
Centre = Annotated[Principal, Depends(allow("staff", roles=("centre",)))]
