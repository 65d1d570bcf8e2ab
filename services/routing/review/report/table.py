"""The review as CSV: a line for each department × category × province × kind, for spreadsheets that read Persian."""

import csv
import io

from services.routing.review.report.words import KINDS, TRIAGE
from services.routing.review.schemas import ReviewOut
from services.routing.review.service import Names
from shared.persian.places import PROVINCES

_BOM = b"\xef\xbb\xbf"
_HEADER = (
    "ماه",
    "واحد",
    "موضوع",
    "استان",
    "نوع",
    "ثبت‌شده",
    "تصمیم‌گرفته",
    "در مهلت",
    "شمار امتیازها",
    "میانگین امتیاز",
    "بازگشایی",
)


def csv_of(review: ReviewOut, names: Names) -> bytes:
    """UTF-8 with a byte order mark, so that Excel reads it as such; Persian headers, numbers with Latin digits."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_HEADER)
    for line in review.counts:
        department = names.departments.get(line.department_id or "")
        category = names.categories.get(line.category_id or "")
        writer.writerow(
            (
                review.month,
                department.name_fa if department else TRIAGE,
                category.name_fa if category else TRIAGE,
                PROVINCES[line.province].name_fa,
                KINDS[line.kind],
                line.filed,
                line.decided,
                line.decided_in_time,
                line.rated,
                "" if line.mean_rating is None else line.mean_rating,
                line.reopened,
            )
        )
    return _BOM + out.getvalue().encode()
