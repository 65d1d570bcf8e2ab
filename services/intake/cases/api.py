"""The citizen's side of a case over REST."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from services.intake.cases import repository, service
from services.intake.cases.schemas import (
    CasePage,
    CaseWithTimelineOut,
    MessageIn,
    MessageOut,
    RatingIn,
    RatingOut,
    TimelineOut,
    TrackOut,
)
from services.intake.keys import IntakeKeys
from shared.kit.auth import Principal, allow
from shared.kit.db import Reading, Transaction
from shared.kit.web.idempotency import Idempotency
from shared.kit.web.language import RequestLanguage
from shared.kit.web.paging import PageQuery, link_next
from shared.kit.web.problems import NOT_FOUND, Problem
from shared.persian.identifiers import IdentifierError, tracking_code
