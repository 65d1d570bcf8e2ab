"""What the report says, as its template reads it: texts with Persian digits, and shares of 1 for what is drawn."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from services.routing.review.months import month_title, shifted
from services.routing.review.report.words import CHANNELS, COUNTRY, KINDS, METHODS, TRIAGE
from services.routing.review.schemas import ExcessOut, MeasuresOut, ReviewOut
from services.routing.review.service import Names
from shared.persian.calendar import MONTHS, jalali_long
from shared.persian.digits import group, to_persian
from shared.persian.places import PROVINCES

_MOST_CATEGORIES = 18
_MOST_EXCESS = 12
_NONE = "–"


def page(review: ReviewOut, names: Names) -> dict[str, Any]:
    """The whole report."""
    department = names.departments.get(review.department_id or "")
    return {
        "month": review.title,
        "scope": department.name_fa if department else "همهٔ واحدهای وزارتخانه",
        "state": _state(review),
        "figures": _figures(review),
        "trend": _trend(review),
        "excess": _excess(review),
        "kinds": _parts((KINDS[line.kind], line.filed) for line in review.kinds),
        "channels": _parts((CHANNELS[line.channel], line.filed) for line in review.channels.items),
        "visits": _visits(review),
        "departments": _lines([(d.department.name_fa if d.department else TRIAGE, d) for d in review.departments]),
        "categories": _lines(
            [(c.category.name_fa if c.category else TRIAGE, c) for c in review.categories[:_MOST_CATEGORIES]]
        ),
        "more_categories": to_persian(str(max(0, len(review.categories) - _MOST_CATEGORIES))),
        "provinces": _lines([(p.name_fa, p) for p in review.provinces]),
        "notes": [
            {
                "department": names.departments[note.department_id].name_fa,
                "by": note.author_title or "",
                "on": jalali_long(note.at),
                "paragraphs": [line for line in note.note.splitlines() if line.strip()],
            }
            for note in review.notes
        ],
    }


def _state(review: ReviewOut) -> str:
    if review.published_at is not None:
        return f"بسته‌شده در {jalali_long(review.published_at)}"
    return f"تا {jalali_long(datetime.now(UTC))}؛ ماه هنوز بسته نشده است"


def _figures(review: ReviewOut) -> list[dict[str, str]]:
    totals = review.totals
    before = next((line for line in review.trend if line.month == shifted(review.month, -1)), None)
    return [
        _figure("ثبت‌شده", group(totals.filed), _change(totals.filed, before.filed if before else 0)),
        _figure("تصمیم‌گرفته", group(totals.decided), _change(totals.decided, before.decided if before else 0)),
        _figure("پاسخ در مهلت", percent(totals.share_in_time), "از تصمیم‌های ماه"),
        _figure("میانهٔ زمان پاسخ", decimal(totals.median_days), "روز"),
        _figure("خشنودی", decimal(totals.mean_rating), f"از ۵؛ {group(totals.rated)} رأی"),
        _figure("بازگشایی", percent(totals.share_reopened), f"{group(totals.reopened)} پرونده"),
    ]


def _figure(label: str, value: str, note: str) -> dict[str, str]:
    return {"label": label, "value": value, "note": note}


def _change(now: int, before: int) -> str:
    if not before:
        return ""
    share = now / before - 1
    if abs(share) < 0.005:
        return "برابر ماه پیش"
    return f"{percent(abs(share))} {'بیشتر' if share > 0 else 'کمتر'} از ماه پیش"


def _trend(review: ReviewOut) -> list[dict[str, Any]]:
    highest = max((max(line.filed, line.decided) for line in review.trend), default=0) or 1
    return [
        {
            "name": MONTHS[int(line.month[5:]) - 1],
            "year": to_persian(line.month[:4]) if n == 0 or line.month.endswith("-01") else "",
            "filed": group(line.filed),
            "filed_share": line.filed / highest,
            "decided_share": line.decided / highest,
            "current": line.month == review.month,
        }
        for n, line in enumerate(review.trend)
    ]


def _excess(review: ReviewOut) -> dict[str, Any]:
    method = review.detector.method
    shown = review.excess[:_MOST_EXCESS]
    return {
        "method": METHODS[method] if method else "",
        "history": to_persian(str(review.detector.history_months)),
        "items": [_excess_line(line) for line in shown],
        "more": to_persian(str(len(review.excess) - len(shown))) if len(review.excess) > len(shown) else "",
    }


def _excess_line(line: ExcessOut) -> dict[str, Any]:
    longest = max(line.observed, line.upper)
    return {
        "category": line.category_name_fa,
        "place": PROVINCES[line.province].name_fa if line.province else COUNTRY,
        "observed": group(line.observed),
        "expected": group(round(line.expected)),
        "upper": group(line.upper),
        "score": decimal(line.score),
        "observed_share": line.observed / longest,
        "expected_share": line.expected / longest,
        "upper_share": line.upper / longest,
    }


def _parts(lines: Any) -> list[dict[str, Any]]:
    counted = list(lines)
    whole = sum(count for _, count in counted) or 1
    return [
        {"name": name, "count": group(count), "share": count / whole, "percent": percent(count / whole)}
        for name, count in counted
    ]


def _visits(review: ReviewOut) -> str:
    visits = review.channels.in_person
    if visits.fall is None or visits.base_month == review.month:
        return f"مراجعهٔ حضوری در این ماه: {group(visits.filed)} مورد."
    way = "کاهش" if visits.fall >= 0 else "افزایش"
    return (
        f"مراجعهٔ حضوری از {group(visits.base_filed)} مورد در {month_title(visits.base_month)} به"
        f" {group(visits.filed)} مورد رسید: {percent(abs(visits.fall))} {way}."
    )


def _lines(lines: Sequence[tuple[str, MeasuresOut]]) -> list[dict[str, Any]]:
    highest = max((line.filed for _, line in lines), default=0) or 1
    return [
        {
            "name": name,
            "filed": group(line.filed),
            "share": line.filed / highest,
            "decided": group(line.decided),
            "in_time": percent(line.share_in_time),
            "in_time_share": line.share_in_time,
            "median": decimal(line.median_days),
            "rating": decimal(line.mean_rating),
            "reopened": percent(line.share_reopened),
        }
        for name, line in lines
    ]


def percent(share: float | None) -> str:
    """«۸۷٪»; a dash for none."""
    return _NONE if share is None else f"{group(round(share * 100))}٪"


def decimal(value: float | None) -> str:
    """«۴٫۲», whole numbers without the fraction; a dash for none."""
    if value is None:
        return _NONE
    return to_persian(f"{value:.1f}".removesuffix(".0")).replace(".", "٫")
