"""What must be known before a report is sealed, read for many requests at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from services.integrity.directory import organisations
from services.integrity.filing.domain import Holder
from services.integrity.holders.repository import registered_holders
from services.integrity.reports import repository
from services.integrity.reports.once import Kept, OnceOnly, kept_of
from services.integrity.sealing.receipt_code import ReceiptCode

_CODES = 5
"""How many codes are drawn, so that one of them is free however many reports there are."""


@dataclass(frozen=True)
class Known:
    """What was answered before to the same request, the bodies there are, who ever registered a key, and a receipt
    code that no report has (None if the lot drew only such as are taken)."""

    kept: Kept
    organisations: frozenset[str]
    holders: Sequence[Holder]
    code: ReceiptCode | None


async def look_up(connection: AsyncConnection, requests: Sequence[OnceOnly]) -> list[Known]:
    """What is known for each of the requests."""
    kept = await kept_of(connection, requests)
    bodies, holders = await organisations(connection), await registered_holders(connection)
    codes = await free_codes(connection, len(requests))
    return [Known(answer, bodies, holders, code) for answer, code in zip(kept, codes, strict=True)]


async def free_codes(connection: AsyncConnection, number: int) -> list[ReceiptCode | None]:
    """New receipt codes whose locators no report has."""
    drawn = [[ReceiptCode.generate() for _ in range(_CODES)] for _ in range(number)]
    taken = await repository.locators_taken(connection, [code.locator for codes in drawn for code in codes])
    return [next((code for code in codes if code.locator not in taken), None) for codes in drawn]
