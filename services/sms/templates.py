"""The texts that citizens get, in Persian and English: one per correspondence step, and the login code.

Codes stand as in the API, in Latin letters and digits, so that they can be typed and searched; dates and numbers in a
Persian text are Jalali and in Persian digits.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from services.sms.keys import SmsKeys
from shared.contracts import intake, letters, routing
from shared.contracts.envelope import DepartmentRef, Event, Language
from shared.persian.calendar import jalali_long
from shared.persian.digits import to_persian

_SIGNATURE = {"fa": "صدا - وزارت تعاون، کار و رفاه اجتماعی", "en": "Seda - Ministry of Labour and Social Welfare"}

_OUTCOMES: dict[str, tuple[str, str]] = {
    "upheld": ("شکایت شما وارد دانسته شد", "your complaint was upheld"),
    "partly_upheld": ("بخشی از شکایت شما وارد دانسته شد", "your complaint was upheld in part"),
    "not_upheld": ("شکایت شما وارد دانسته نشد", "your complaint was not upheld"),
    "answered": ("به درخواست شما پاسخ داده شد", "your request was answered"),
    "accepted": ("پیشنهاد یا درخواست شما پذیرفته شد", "your proposal or request was accepted"),
    "out_of_remit": ("موضوع در صلاحیت این وزارتخانه نیست", "the matter is outside this ministry's remit"),
}


def otp_text(code: str, language: Language) -> str:
    """The login code: one run of six digits, and no other."""
    if language == "en":
        return f"Your Seda login code: {code}\nIt is good for five minutes. Tell it to nobody."
    return f"کد ورود شما به سامانهٔ صدا: {code}\nاین کد تا پنج دقیقه معتبر است. آن را به هیچ‌کس نگویید."


def notice_text(language: Language) -> str:
    """Something new waits in the system; whoever reads over a shoulder learns no more."""
    if language == "en":
        return "There is a new message for you in Seda."
    return "پیام تازه‌ای برای شما در سامانهٔ صدا هست."


def step_text(event: Event, code: str, language: Language, keys: SmsKeys) -> str | None:
    """What a citizen is told of a step; None for events that are not told. ``code`` is the case's tracking code."""
    write = _WRITERS.get(type(event))
    if write is None or event.case_id is None:
        return None
    sentence = write(event, language, _notes(event, event.case_id, keys))
    head = f"کد پیگیری {code}" if language == "fa" else f"Case {code}"
    return f"{head}\n{sentence}\n{_SIGNATURE[language]}"


def reply_text(kind: Literal["which", "none"], language: Language) -> str:
    """The answer to "not solved" from a number with several decided cases (``which``?), or with ``none``."""
    fa, en = {
        "which": (
            "چند پرونده با این شماره پاسخ گرفته است. لطفاً «حل نشد» را همراه با کد پیگیری بفرستید.",
            'Several cases of this number were decided. Please send "not solved" with the tracking code.',
        ),
        "none": (
            "در سی روز گذشته دربارهٔ پرونده‌ای با این شماره تصمیمی گرفته نشده است که بتوان آن را دوباره باز کرد.",
            "No case of this number was decided in the last thirty days that could be opened again.",
        ),
    }[kind]
    return f"{fa if language == 'fa' else en}\n{_SIGNATURE[language]}"


def template_of(event: Event) -> str:
    """The template's name: the event's, without its version."""
    return event.type.rpartition(".")[0]


def _notes(event: Event, case_id: UUID, keys: SmsKeys) -> str | None:
    sealed = getattr(getattr(event, "data", None), "note_sealed", None)
    return keys.note(case_id, sealed) if sealed else None


def _name(department: DepartmentRef | None, language: Language) -> str:
    if department is None:
        return "واحد رسیدگی‌کننده" if language == "fa" else "the department in charge"
    return f"«{department.name_fa}»" if language == "fa" else department.name_en


def _day(day: date | datetime | None, language: Language) -> str:
    if day is None:
        return "—"
    return jalali_long(day) if language == "fa" else f"{day:%d %B %Y}"


_KINDS: dict[str, tuple[str, str]] = {
    "complaint": ("شکایت", "complaint"),
    "request": ("درخواست", "request"),
    "suggestion": ("پیشنهاد", "suggestion"),
}

Writer = Callable[[Any, Language, str | None], str]


def _registered(_event: intake.CaseRegistered, language: Language, _note: str | None) -> str:
    if language == "en":
        return "Your case is registered. We will tell you of every step by SMS."
    return "درخواست شما ثبت شد. هر گام رسیدگی را با پیامک به آگاهی شما می‌رسانیم."


def _supplemented(_event: intake.CaseSupplemented, language: Language, _note: str | None) -> str:
    if language == "en":
        return "Your message reached us and was added to your case."
    return "پیام شما رسید و به پرونده افزوده شد."


def _assigned(event: routing.CaseAssigned, language: Language, _note: str | None) -> str:
    name, day = _name(event.data.department, language), _day(event.data.due_on, language)
    if language == "en":
        return f"Your case was given to {name}. An answer is due by {day}."
    return f"پرونده به {name} سپرده شد. پاسخ تا {day} داده می‌شود."


def _referred(event: routing.CaseReferred, language: Language, _note: str | None) -> str:
    name, day = _name(event.data.department, language), _day(event.data.due_on, language)
    if language == "en":
        return f"Your case was referred to {name}. The date stays {day}."
    return f"پرونده برای رسیدگی به {name} ارجاع شد. مهلت پاسخ همان {day} است."


def _accepted(event: routing.CaseAccepted, language: Language, _note: str | None) -> str:
    name = _name(event.data.department, language)
    return f"{name} took your case in hand." if language == "en" else f"رسیدگی به پرونده در {name} آغاز شد."


def _information_requested(_event: routing.CaseInformationRequested, language: Language, note: str | None) -> str:
    if language == "en":
        return f"We have a question for you: {note}\nPlease answer in the app; the case waits for you."
    return f"از شما پرسشی داریم: {note}\nلطفاً در برنامه پاسخ دهید؛ رسیدگی در انتظار پاسخ شماست."


def _progressed(_event: routing.CaseProgressed, language: Language, note: str | None) -> str:
    return f"News of your case: {note}" if language == "en" else f"از پیشرفت پرونده: {note}"


def _extended(event: routing.CaseExtended, language: Language, note: str | None) -> str:
    day = _day(event.data.due_on, language)
    if language == "en":
        return f"We need more time, until {day}. The reason: {note}"
    return f"پوزش می‌خواهیم؛ مهلت پاسخ تا {day} تمدید شد. دلیل: {note}"


def _overdue(event: routing.CaseOverdue, language: Language, _note: str | None) -> str:
    day = _day(event.data.due_on, language)
    if language == "en":
        return f"We are sorry: we promised an answer by {day} and are late. The manager was told and follows it up."
    return f"پوزش می‌خواهیم؛ قرار بود تا {day} پاسخ دهیم و دیر شده است. به مدیر واحد گزارش شد و پیگیری می‌شود."


def _decided(event: routing.CaseDecided, language: Language, note: str | None) -> str:
    fa, en = _OUTCOMES[event.data.outcome]
    summary = f" {note}" if note else ""
    if language == "en":
        return (
            f"It was decided: {en}.{summary} The written answer is sent to your address."
            ' If it is not solved, answer "not solved" within thirty days.'
        )
    return (
        f"تصمیم گرفته شد: {fa}.{summary} پاسخ کتبی به نشانی شما فرستاده می‌شود."
        " اگر مشکل برطرف نشد، تا سی روز «حل نشد» را به همین شماره بفرستید."
    )


def _moved(_event: routing.CaseMoved, language: Language, _note: str | None) -> str:
    if language == "en":
        return (
            "Your case was handed to another office of the ministry, which follows it up in confidence."
            " Please fetch your new follow-up code in the app and keep it to yourself."
        )
    return (
        "رسیدگی به این پرونده به واحد دیگری از وزارتخانه سپرده شد و محرمانه پیگیری می‌شود."
        " لطفاً رمز پیگیری تازهٔ خود را در برنامه بگیرید و نزد خودتان نگه دارید."
    )


def _closed(_event: routing.CaseClosed, language: Language, _note: str | None) -> str:
    if language == "en":
        return "Your case is closed. Please rate how it was handled in the app."
    return "پرونده بسته شد. لطفاً در برنامه به رسیدگی ما امتیاز دهید."


def _merged(_event: routing.CaseMerged, language: Language, note: str | None) -> str:
    if language == "en":
        return f"It is on the same matter as your case {note} and was joined with it. The answer comes there."
    return f"موضوع آن همان پروندهٔ {note} شماست و با آن یکی شد. پاسخ در همان پرونده داده می‌شود."


def _reopened(event: routing.CaseReopened, language: Language, _note: str | None) -> str:
    day = _day(event.data.due_on, language)
    if language == "en":
        return f"Your case is open again as you asked. An answer is due by {day}."
    return f"پرونده به درخواست شما دوباره باز شد. پاسخ تا {day} داده می‌شود."


_REFUSED: dict[str, tuple[str, str]] = {
    "undecided": ("هنوز در دست رسیدگی است و نیازی به بازگشودن آن نیست", "it is still being dealt with"),
    "once": ("یک بار دوباره باز شده است و بار دیگر ممکن نیست", "it was opened again once already"),
    "late": ("بیش از سی روز از تصمیم گذشته است", "more than thirty days have passed since the decision"),
}


def _reopening_refused(event: routing.CaseReopeningRefused, language: Language, _note: str | None) -> str:
    fa, en = _REFUSED[event.data.reason]
    if language == "en":
        return f"We got your text. The case cannot be opened again: {en}. You may file a new one."
    return f"پیام شما رسید. این پرونده {fa}. در صورت نیاز می‌توانید درخواست تازه‌ای ثبت کنید."


def _withdrawn(_event: routing.CaseWithdrawn, language: Language, _note: str | None) -> str:
    return "Your case was withdrawn as you asked." if language == "en" else "پرونده به درخواست خودتان پس گرفته شد."


def _letter_issued(event: letters.LetterIssued, language: Language, _note: str | None) -> str:
    number = event.data.number
    if language == "en":
        return f"The written answer was issued under number {number}. You can see it in the app."
    return f"پاسخ کتبی با شمارهٔ {to_persian(number)} صادر شد. آن را در برنامه هم می‌توانید ببینید."


def _letter_handed_over(_event: letters.LetterHandedOver, language: Language, _note: str | None) -> str:
    return "The written answer was handed to the post." if language == "en" else "پاسخ کتبی به پست سپرده شد."


def _letter_delivered(_event: letters.LetterDelivered, language: Language, _note: str | None) -> str:
    return "The written answer was delivered to your address." if language == "en" else "پاسخ کتبی به نشانی شما رسید."


def _letter_returned(_event: letters.LetterReturned, language: Language, _note: str | None) -> str:
    if language == "en":
        return "The written answer came back from your address. Please check your address in the app."
    return "پاسخ کتبی از نشانی شما برگشت خورد. لطفاً نشانی خود را در برنامه بررسی کنید."


def _topic_decided(event: routing.TopicDecided, language: Language, _note: str | None) -> str:
    data = event.data
    owner, day = _name(data.owner, language), _day(data.due_on, language)
    kind_fa, kind_en = _KINDS[data.kind]
    if language == "en":
        many = f"Your {kind_en} was one of {data.cases} cases on which the Voice of the Voiceless working group decided"
        alone = f"The Voice of the Voiceless working group decided on your {kind_en}"
        return f"{many if data.cases > 1 else alone}: {data.title}. {owner} answers for it, until {day}."
    count = to_persian(str(data.cases))
    many = f"{kind_fa} شما یکی از {count} پرونده‌ای بود که کارگروه «صدای بی‌صدایان» درباره‌شان تصمیم گرفت"
    alone = f"کارگروه «صدای بی‌صدایان» دربارهٔ {kind_fa} شما تصمیم گرفت"
    return f"{many if data.cases > 1 else alone}: {data.title}. مسئول پیگیری: {owner}، تا {day}."


_WRITERS: dict[type[Event], Writer] = {
    intake.CaseRegistered: _registered,
    intake.CaseSupplemented: _supplemented,
    routing.CaseAssigned: _assigned,
    routing.CaseReferred: _referred,
    routing.CaseAccepted: _accepted,
    routing.CaseInformationRequested: _information_requested,
    routing.CaseProgressed: _progressed,
    routing.CaseExtended: _extended,
    routing.CaseOverdue: _overdue,
    routing.CaseDecided: _decided,
    routing.CaseClosed: _closed,
    routing.CaseMerged: _merged,
    routing.CaseReopened: _reopened,
    routing.CaseReopeningRefused: _reopening_refused,
    routing.CaseWithdrawn: _withdrawn,
    routing.CaseMoved: _moved,
    letters.LetterIssued: _letter_issued,
    letters.LetterHandedOver: _letter_handed_over,
    letters.LetterDelivered: _letter_delivered,
    letters.LetterReturned: _letter_returned,
    routing.TopicDecided: _topic_decided,
}
