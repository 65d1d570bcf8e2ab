"""The review as a document: a PDF to be printed and a CSV to be calculated with, both in Persian."""

import asyncio
from pathlib import Path

from services.routing.review.report.content import page
from services.routing.review.report.pdf import render
from services.routing.review.report.table import csv_of
from services.routing.review.schemas import ReviewOut
from services.routing.review.service import Names

_one_at_a_time = asyncio.Semaphore(1)


async def report_as(media_type: str, review: ReviewOut, names: Names, fonts: Path) -> bytes:
    """The review as ``application/pdf`` or ``text/csv``. Typesetting runs in a thread, one report at a time."""
    if media_type == "text/csv":
        return csv_of(review, names)
    async with _one_at_a_time:
        return await asyncio.to_thread(render, page(review, names), fonts)
