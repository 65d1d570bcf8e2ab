"""Reports, openings and summaries in Persian for a terminal."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from services.integrity.box.wording import STATES, STEPS
from services.integrity.inspect.device import OpenedReport
from shared.persian.digits import to_persian
from shared.persian.places import PROVINCES

_STEPS = {
    "assign": "سپردن به بازرس",
    "grant": "دادن کلیدها",
    "recuse": "کناره‌گیری بازرس",
    "evidence": "افزودن به پرونده",
    "finding": "یافته",
    "decide": "تصمیم",
    "access_ended": "پایان دسترسی کسی که از کار رفت",
    "key_renewed": "کلید تازه برای ادامهٔ گزارش",
    "clock_missed": "مهلتی گذشت",
    "identity_asked": "درخواست گشودن هویت",
    "identity_given": "دادن سهم هویت",
    "recovery_asked": "درخواست بازیابی کلید",
    "recovery_given": "دادن سهم کلید",
    "recovery_finished": "کلید بازیابی شد",
    "forgotten": "هویت و صندوق گزارشگر پاک شد",
    "reporter_message": "پیام گزارشگر",
    "message": "پیام به گزارشگر",
}
_MODES = {"anonymous": "ناشناس", "confidential": "محرمانه", "named": "با نام"}
_CLOCKS = {
    "acknowledge": "تأیید دریافت",
    "triage": "بررسی نخستین",
    "assign": "سپردن به بازرس",
    "begin": "آغاز بررسی",
    "investigate": "بررسی",
    "answer": "پاسخ گزارشگر",
    "decide": "تصمیم",
    "feedback": "گفتن نتیجه به گزارشگر",
}
_FIELDS = {
    "subject": "موضوع",
    "narrative": "شرح",
    "occurred": "زمان و مکان",
    "people": "افراد",
    "amount_rial": "مبلغ (ریال)",
    "note": "یادداشت",
    "body": "متن",
    "text": "متن",
    "reason": "دلیل",
    "reference": "شماره",
    "prevention": "پیشنهاد پیشگیری",
}
_NO_KEY = "(برای این بخش کلیدی در این دستگاه نیست)"
_LEVELS = {1: "بازرس", 2: "سرپرست", 3: "مرکز"}


def date(text: str) -> str:
    """A Jalali date (``1405-09-03``) as it is written: «۱۴۰۵/۰۹/۰۳»."""
    return to_persian(text.replace("-", "/"))


def listed(reports: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each report."""
    for report in reports:
        late = [clock for clock in report["clocks"] if clock["level"]]
        mark = f"  ⚠ {'، '.join(_CLOCKS[clock['clock']] for clock in late)}" if late else ""
        who = report["inspector"] or "بی‌بازرس"
        yield (
            f"{report['report_no']}  {date(report['filed_on'])}  {STATES[report['state']].fa}"
            f"  {report['organisation_id']}  {report['province'] or '-'}  {who}  {report['id']}{mark}"
        )


def report(opened: OpenedReport) -> Iterator[str]:
    """All of a report, with its content."""
    document = opened.document
    yield f"گزارش {document['report_no']} · {STATES[document['state']].fa} · {_MODES[document['mode']]}"
    province = PROVINCES[document["province"]].name_fa if document["province"] else "-"
    yield f"دربارهٔ {document['organisation_id']} · استان {province} · ثبت {date(document['filed_on'])}"
    yield f"بازرس: {document['inspector'] or 'هیچ‌کس'} · دورهٔ کلید {to_persian(str(document['epoch']))}"
    for clock in document["clocks"]:
        told = f" ⚠ به {_LEVELS[clock['level']]} گفته شد" if clock["level"] else ""
        yield f"  مهلت {_CLOCKS[clock['clock']]}: {date(clock['due_on'])}{told}"
    for step in document["steps"]:
        title = _STEPS.get(step["type"]) or (STEPS[step["type"]].fa if step["type"] in STEPS else step["type"])
        yield f"\n{to_persian(str(step['seq']))}. {date(step['on'])}  {title}  ({step['actor']})"
        for name, value in step["data"].items():
            if value is not None and name not in ("request", "key_id", "sealed_by_client"):
                yield f"   {name}: {value}"
        if step["sealed"]:
            yield from _content(opened.contents[step["seq"]])
    for file in document["attachments"]:
        clean = "" if file["cleaned_sha256"] else "، بی رونوشت پاک"
        yield f"پیوست {to_persian(str(file['n']))}: {file['media_type']} (گام {to_persian(str(file['seq']))}{clean})"
    yield f"\nخواندن‌ها: {to_persian(str(len(document['readings'])))}"


def _content(fields: Mapping[str, Any] | None) -> Iterator[str]:
    if fields is None:
        yield f"   {_NO_KEY}"
        return
    for name, value in fields.items():
        first, *rest = str(value).splitlines() or [""]
        yield f"   {_FIELDS.get(name, name)}: {first}"
        yield from (f"      {line}" for line in rest)


def opening(document: Mapping[str, Any], reason: str) -> Iterator[str]:
    """What was asked of custodians, and how far it is."""
    state = "پایان یافته" if document["finished"] else "کامل" if document["complete"] else "در انتظار سهم‌ها"
    yield f"درخواست {document['request']} · {state}"
    yield f"   از {document['asked_by']}؛ دلیل: {reason}"
    if document["holder"]:
        yield f"   برای {document['holder']}، کلید {document['holder_recipient']}"
    yield f"   سهم‌ها برای این کلید رمز می‌شود: {document['recipient']}"
    yield f"   داده‌اند: {'، '.join(document['given_by']) or 'هیچ‌کس'}"


def identity(who: Mapping[str, Any]) -> Iterator[str]:
    """Who filed a report; the address is known where it came with a case."""
    yield f"نام: {who['name']}"
    yield f"همراه: {who['mobile'] or '-'}"
    if address := who.get("postal_address"):
        province = PROVINCES[address["province"]].name_fa
        postal_code = to_persian(address["postal_code"])
        yield f"نشانی: استان {province}، {address['city']}، {address['line']}، کد پستی {postal_code}"


def waiting(document: Mapping[str, Any]) -> Iterator[str]:
    """What waits for a custodian."""
    kinds = {"identity": "هویت", "recovery": "کلید"}
    for asked in document["asked"]:
        yield f"{kinds[asked['kind']]} · گزارش {asked['report_no']} ({asked['report_id']}) · از {asked['asked_by']}"
    for unread in document["unread"]:
        yield f"بی‌خواننده · گزارش {unread['report_no']} ({unread['report_id']}) · {date(unread['filed_on'])}"


def summary(document: Mapping[str, Any]) -> Iterator[str]:
    """The supervisor's summary."""
    yield to_persian(
        f"همه {document['total']} · باز {document['open']} · بی‌بازرس {document['unassigned']}"
        f" · با مهلت گذشته {document['missed']}"
    )
    ages = document["ages"]
    if ages["median_days"] is not None:
        yield to_persian(f"سن گزارش‌های باز: میانه {ages['median_days']} روز، کهن‌ترین {ages['oldest_days']} روز")
    for title, key in (("وضعیت", "by_state"), ("دستگاه", "by_organisation"), ("استان", "by_province")):
        yield f"\nبه تفکیک {title}:"
        for row in document[key]:
            name = STATES[row["id"]].fa if key == "by_state" else row["id"] or "-"
            yield f"   {name}: {to_persian(str(row['total']))} (باز {to_persian(str(row['open']))})"
    yield "\nزمان از ثبت (روز، میانه / صدک ۹۰):"
    names = {"acknowledge": "تأیید دریافت", "first_action": "نخستین اقدام", "finding": "یافته", "outcome": "نتیجه"}
    for key, title in names.items():
        took = document["times"][key]
        if took["count"]:
            yield to_persian(f"   {title}: {took['median_days']} / {took['p90_days']} ({took['count']} گزارش)")
    yield "\nمهلت‌ها:"
    for clock in document["clocks"]:
        yield to_persian(
            f"   {_CLOCKS[clock['clock']]}: {clock['running']} در جریان، {clock['missed']} گذشته،"
            f" {clock['missed_ever']} تاکنون"
        )
