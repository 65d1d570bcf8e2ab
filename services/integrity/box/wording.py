"""The states and steps of a report in its reporter's words."""

from shared.kit.web.language import Text

STATES: dict[str, Text] = {
    "received": Text("دریافت شد", "Received"),
    "acknowledged": Text("یک بازرس آن را دید", "Seen by an inspector"),
    "triaged": Text("بررسی نخستین انجام شد", "Assessed"),
    "out_of_scope": Text("در صلاحیت این سامانه نیست", "Outside this system's remit"),
    "transferred": Text("به نهاد صلاحیت‌دار فرستاده شد", "Transferred to the body in charge"),
    "merged": Text("با گزارش دیگری دربارهٔ همین موضوع یکی شد", "Joined with another report of the same matter"),
    "assigned": Text("به بازرس سپرده شد", "Assigned to an inspector"),
    "investigating": Text("در دست بررسی", "Under investigation"),
    "awaiting_reporter": Text("در انتظار پاسخ شما", "Awaiting your answer"),
    "findings": Text("یافته‌ها آماده شد", "Findings are made"),
    "decision": Text("تصمیم گرفته شد", "Decided"),
    "outcome_told": Text("نتیجه به شما گفته شد", "You were told the outcome"),
    "closed": Text("بسته شد", "Closed"),
    "reopened": Text("دوباره باز شد", "Reopened"),
}

STEPS: dict[str, Text] = {
    "filed": Text("گزارش شما ثبت شد", "Your report was registered"),
    "acknowledged_by_machine": Text("سامانه دریافت آن را تأیید کرد", "The system confirmed that it arrived"),
    "receipt_fetched": Text("رمز رسید دریافت شد", "The receipt code was fetched"),
    "reporter_message": Text("پیام شما رسید", "Your message arrived"),
    "acknowledge": Text("یک بازرس دریافت آن را تأیید کرد", "An inspector confirmed that it arrived"),
    "triage": Text("بررسی نخستین انجام شد", "It was assessed"),
    "assign": Text("به بازرس سپرده شد", "It was assigned to an inspector"),
    "investigate": Text("بررسی پیش می‌رود", "The investigation goes on"),
    "message": Text("بازرس پیامی برای شما نوشت", "The inspector wrote to you"),
    "finding": Text("یافته‌های بررسی آماده شد", "The findings are made"),
    "decide": Text("تصمیم گرفته شد", "It was decided"),
    "outcome_told": Text("نتیجهٔ رسیدگی", "The outcome"),
    "close": Text("رسیدگی پایان یافت", "It was closed"),
    "reopen": Text("رسیدگی دوباره آغاز شد", "It was opened again"),
}

_OTHER_STEP = Text("گامی در رسیدگی به گزارش شما", "A step on your report")


def step_title(type: str) -> Text:
    """What a step is called to its reporter."""
    return STEPS.get(type, _OTHER_STEP)
